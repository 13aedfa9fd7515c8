/** One row of a table, with errors that say file, line and column. */
import type { CsvTable } from './csv.ts';
import { readDate } from './date.ts';
import { InputError, quote } from './input-error.ts';
import { readNumber } from './number.ts';

export interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
  readonly whole?: boolean;
  /** Taken where the field is empty. Without it an empty field is an error. */
  readonly empty?: number;
}

/** One row. Its methods throw InputError with file, line and column. */
export class Row {
  /** Of its beginning, from 1. */
  readonly line: number;
  readonly #table: CsvTable;
  readonly #fields: readonly string[];

  constructor(table: CsvTable, line: number, fields: readonly string[]) {
    this.#table = table;
    this.line = line;
    this.#fields = fields;
  }

  /** Without the blanks around it; '' where the table has no such column. */
  text(column: string): string {
    const index = this.#table.index(column);
    return index === undefined ? '' : this.#fields[index]!.trim();
  }

  /** Not empty. */
  need(column: string): string {
    const text = this.text(column);
    if (text === '') throw this.error(column, 'is empty');
    return text;
  }

  number(column: string, options: NumberOptions = {}): number {
    const text = this.text(column);
    if (text === '') {
      if (options.empty !== undefined) return options.empty;
      throw this.error(column, `is empty; ${expected(options)} was expected`);
    }
    const value = readNumber(text);
    const { min = -Infinity, max = Infinity, whole = false } = options;
    if (value === undefined || value < min || value > max || (whole && !Number.isInteger(value))) {
      throw this.error(column, `${quote(text)} is not ${expected(options)}`);
    }
    return value;
  }

  /** `2020-06-09 18:41:01` in milliseconds since 1970; undefined where it is empty or says that there is none. */
  date(column: string): number | undefined {
    const text = this.text(column);
    if (none.has(text)) return undefined;
    const value = readDate(text);
    if (value === undefined)
      throw this.error(column, `${quote(text)} is not a time such as 2020-06-09 18:41:01`);
    return value;
  }

  error(column: string, problem: string): InputError {
    return new InputError(this.#table.name, problem, { line: this.line, column });
  }
}

const none: ReadonlySet<string> = new Set([
  '',
  'None',
  'none',
  'null',
  'NULL',
  'NaN',
  'nan',
  'Unknown',
  'NA',
]);

function expected({ min, max, whole = false }: NumberOptions): string {
  const what = whole ? 'a whole number' : 'a number';
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what} of at least ${min}`;
  return max === undefined ? what : `${what} of at most ${max}`;
}
