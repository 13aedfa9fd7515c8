/** The shape of a description, and how it is written: labels with values, lists, tables and nested parts. */
import { alignColumns } from '../print/columns.ts';

/** Text, lines one below the other, nested parts, or a table (its first row is underlined). Undefined parts are left out. */
export type Part = [label: string, value: Value];
export type Value =
  | string
  | number
  | boolean
  | undefined
  | { lines: string[] }
  | { parts: Part[] }
  | { table: string[][] };

export const lines = (texts: readonly string[]): Value => ({
  lines: texts.length > 0 ? [...texts] : ['<none>'],
});
export const parts = (list: readonly (Part | undefined)[]): Value => ({
  parts: list.filter((part) => part !== undefined),
});
/** `a=1` lines of a map, in order of names. */
export function map(values: Readonly<Record<string, unknown>> | undefined, between = '='): Value {
  const entries = Object.entries(values ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return lines(entries.map(([name, value]) => `${name}${between}${textOf(value)}`));
}
export function table(headers: string[], rows: readonly string[][]): Value {
  return rows.length === 0
    ? '<none>'
    : { table: [headers, headers.map((header) => '-'.repeat(header.length)), ...rows] };
}

/** The description as text. Values of one level begin in one column. */
export function render(list: readonly Part[], indent = ''): string {
  const shown = list.filter(([, value]) => value !== undefined);
  const inline = shown.filter(([, value]) => typeof value !== 'object' || 'lines' in value);
  const width = Math.max(0, ...inline.map(([label]) => label.length)) + 1;
  let text = '';
  for (const [label, value] of shown) {
    const start = `${indent}${`${label}:`.padEnd(width + 2)}`;
    if (typeof value !== 'object') text += `${start}${String(value)}\n`.replace(/ +\n$/, '\n');
    else if ('lines' in value) {
      const [first = '', ...rest] = value.lines.flatMap((line) => line.split('\n'));
      text += `${start}${first}\n`;
      for (const line of rest) text += `${' '.repeat(start.length)}${line}\n`;
    } else if ('table' in value) {
      text += `${indent}${label}:\n`;
      for (const line of alignColumns(value.table).split('\n').slice(0, -1)) text += `${indent}  ${line}\n`;
    } else text += `${indent}${label}:\n${render(value.parts, `${indent}  `)}`;
  }
  return text;
}

export function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
