/** Functions of texts: CEL's own and the strings extension. Positions count code points. */
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { type Int, textSize } from '../values.ts';
import { textCost } from './operators.ts';

/** Whether every code point is one unit, so that JavaScript's positions are CEL's. */
const isPlain = (text: string): boolean => textSize(text) === text.length;

function position(at: Int, size: number, what = 'index'): number {
  if (at < 0 || at > size) throw new CelError(`${what} out of range: ${at}`);
  return Number(at);
}
function charAt(text: string, at: Int): string {
  const points = isPlain(text) ? text : [...text];
  return points[position(at, points.length)] ?? '';
}
function indexOf(text: string, part: string, from: Int = 0): number {
  if (isPlain(text)) return text.indexOf(part, position(from, text.length));
  const points = [...text];
  const start = points.slice(0, position(from, points.length)).join('').length;
  const found = text.indexOf(part, start);
  return found < 0 ? -1 : textSize(text.slice(0, found));
}
function lastIndexOf(text: string, part: string, from?: Int): number {
  const size = textSize(text);
  const start = from === undefined ? size : position(from, size);
  const units = isPlain(text) ? start : [...text].slice(0, start).join('').length;
  const found = text.lastIndexOf(part, units);
  return found < 0 ? -1 : textSize(text.slice(0, found));
}
function substring(text: string, from: Int, to?: Int): string {
  const points = isPlain(text) ? text : [...text];
  const end = position(to ?? points.length, points.length);
  const start = position(from, points.length);
  if (start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  const part = points.slice(start, end);
  return typeof part === 'string' ? part : part.join('');
}
/** The first `limit` occurrences; all if it is negative. */
function replace(text: string, old: string, by: string, limit: Int = -1): string {
  if (limit < 0) return old === '' ? replaceEmpty(text, by, Infinity) : text.replaceAll(old, () => by);
  if (old === '') return replaceEmpty(text, by, Number(limit));
  const parts: string[] = [];
  let at = 0;
  for (let count = 0; count < limit; count++) {
    const found = text.indexOf(old, at);
    if (found < 0) break;
    parts.push(text.slice(at, found), by);
    at = found + old.length;
  }
  return parts.join('') + text.slice(at);
}
/** Go's rule for an empty old text: before each code point and at the end. */
function replaceEmpty(text: string, by: string, limit: number): string {
  const points = [...text];
  return (
    points.map((point, index) => (index < limit ? by + point : point)).join('') +
    (points.length < limit ? by : '')
  );
}
/** At most `limit` parts; all if it is negative. */
function split(text: string, separator: string, limit: Int = -1): readonly string[] {
  if (limit === 0) return [];
  const parts = separator === '' ? [...text] : text.split(separator);
  if (limit < 0 || parts.length <= limit) return parts;
  const head = parts.slice(0, Number(limit) - 1);
  return [...head, parts.slice(Number(limit) - 1).join(separator)];
}
const ascii = (text: string, range: RegExp, change: (part: string) => string): string =>
  text.replace(range, change);
/** Unicode's white space, as Go trims it. */
const edges =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;
const quoteEscapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
const quote = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  `"${text.replace(/[\u0007\b\f\n\r\t\v\\"]/g, (unit) => quoteEscapes[unit] ?? unit)}"`;

export const strings = [
  declare('string.contains(string): bool', (text: string, part: string) => text.includes(part), textCost),
  declare('string.startsWith(string): bool', (text: string, part: string) => text.startsWith(part)),
  declare('string.endsWith(string): bool', (text: string, part: string) => text.endsWith(part)),
  declare('string.charAt(int): string', charAt, textCost),
  declare('string.indexOf(string): int', indexOf, textCost),
  declare('string.indexOf(string, int): int', indexOf, textCost),
  declare('string.lastIndexOf(string): int', lastIndexOf, textCost),
  declare('string.lastIndexOf(string, int): int', lastIndexOf, textCost),
  declare('string.substring(int): string', substring, textCost),
  declare('string.substring(int, int): string', substring, textCost),
  declare('string.replace(string, string): string', replace, textCost),
  declare('string.replace(string, string, int): string', replace, textCost),
  declare('string.split(string): list<string>', split, textCost),
  declare('string.split(string, int): list<string>', split, textCost),
  declare(
    'string.lowerAscii(): string',
    (text: string) => ascii(text, /[A-Z]+/g, (part) => part.toLowerCase()),
    textCost,
  ),
  declare(
    'string.upperAscii(): string',
    (text: string) => ascii(text, /[a-z]+/g, (part) => part.toUpperCase()),
    textCost,
  ),
  declare('string.trim(): string', (text: string) => text.replace(edges, ''), textCost),
  declare('string.reverse(): string', (text: string) => [...text].toReversed().join(''), textCost),
  declare('list<string>.join(): string', (list: readonly string[]) => list.join('')),
  declare('list<string>.join(string): string', (list: readonly string[], separator: string) =>
    list.join(separator),
  ),
  declare('#strings.quote(string): string', quote, textCost),
];
