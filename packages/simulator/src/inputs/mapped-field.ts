/** One field of a mapping: a column, its unit, a factor; or a constant. */
import type { CsvTable } from './csv.ts';
import type { Row } from './row.ts';
import type { Settings } from './settings.ts';

/** As users write it: the column's name, a constant, or both with more. */
export type FieldMapping =
  | string
  | number
  | {
      readonly column?: string;
      readonly value?: number;
      readonly unit?: string;
      readonly factor?: number;
      /** Where the column is empty. Without it an empty field is an error. */
      readonly empty?: number;
    };

/** To milliseconds. */
export const timeUnits = { s: 1000, ms: 1, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** To thousandths of a core. */
export const coreUnits = { cores: 1000, milli: 1, percent: 10 } as const;
/** To cards. */
export const cardUnits = { cards: 1, milli: 0.001, percent: 0.01 } as const;
/** To mebibytes. */
export const memoryUnits = {
  GiB: 1024,
  B: 2 ** -20,
  KiB: 2 ** -10,
  MiB: 1,
  TiB: 2 ** 20,
  KB: 1e3 / 2 ** 20,
  MB: 1e6 / 2 ** 20,
  GB: 1e9 / 2 ** 20,
  TB: 1e12 / 2 ** 20,
} as const;
const plain = { '': 1 } as const;

export interface MappedField {
  /** In the base unit. Throws InputError. */
  read(row: Row): number;
}

/**
 * The field `name` of a mapping; undefined if the mapping has none. `units`: by name, the first is the default. `dates`: the unit
 * `date` is known besides (times such as 2020-06-09 18:41:01). Throws InputError where the mapping or the table does not fit.
 */
export function mappedField(
  mapping: Settings,
  table: CsvTable,
  name: string,
  units: Readonly<Record<string, number>> = plain,
  dates = false,
): MappedField | undefined {
  const given = mapping.raw(name);
  if (given === undefined) return undefined;
  if (typeof given === 'number') return constant(given * Object.values(units)[0]!);
  if (typeof given === 'string') {
    needColumn(mapping, table, name, given);
    return ofColumn(given, Object.values(units)[0]!, undefined);
  }
  const field = mapping.object(name, ['column', 'value', 'unit', 'factor', 'empty'])!;
  const names = [...Object.keys(units).filter((unit) => unit !== ''), ...(dates ? ['date'] : [])];
  const unit = field.text('unit', undefined);
  if (unit !== undefined && !names.includes(unit)) {
    throw field.error('unit', `"${unit}" is none of ${names.join(', ') || '(it has no unit)'}`);
  }
  const factor = field.number('factor', 1);
  const value = field.number('value', undefined);
  const column = field.text('column', undefined);
  if ((value === undefined) === (column === undefined)) {
    throw field.error('column', 'or value must be there, and not both');
  }
  if (unit === 'date') {
    if (column === undefined) throw field.error('column', 'is missing: a date is read from one');
    needColumn(mapping, table, name, column);
    return { read: (row) => row.date(column) ?? NaN };
  }
  const scale = factor * (unit === undefined ? Object.values(units)[0]! : units[unit]!);
  if (value !== undefined) return constant(value * scale);
  needColumn(mapping, table, name, column!);
  return ofColumn(column!, scale, field.number('empty', undefined));
}

/** A column of texts. Undefined if the mapping has none. */
export function mappedText(mapping: Settings, table: CsvTable, name: string): string | undefined {
  const column = mapping.text(name, undefined);
  if (column !== undefined) needColumn(mapping, table, name, column);
  return column;
}

export function needColumn(mapping: Settings, table: CsvTable, name: string, column: string): void {
  if (table.has(column)) return;
  throw mapping.error(
    name,
    `there is no column "${column}" in ${table.name}; its columns are ${table.columns.join(', ')}`,
  );
}

function constant(value: number): MappedField {
  return { read: () => value };
}

function ofColumn(column: string, scale: number, empty: number | undefined): MappedField {
  const options = empty === undefined ? {} : { empty };
  return { read: (row) => row.number(column, options) * scale };
}
