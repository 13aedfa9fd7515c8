/** `"%s has %d".format([name, count])`, of the strings extension. */
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { formatSeconds, formatTimestamp } from '../moment.ts';
import {
  CelMap,
  type CelValue,
  Double,
  Duration,
  isInt,
  Timestamp,
  TypeValue,
  typeName,
  Uint,
} from '../values.ts';

const clause = /%(%|(?:\.(\d+))?(.))?/gsu;
const maxPrecision = 100;

function special(value: number): string | undefined {
  return Number.isNaN(value)
    ? 'NaN'
    : Number.isFinite(value)
      ? undefined
      : value > 0
        ? 'Infinity'
        : '-Infinity';
}
/** `%s` of a value. */
function show(value: CelValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || isInt(value)) return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Double) return special(value.value) ?? String(value.value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value instanceof CelMap) {
    const entries = Array.from(value.keys(), (key) => [show(key), show(value.get(key) as CelValue)] as const);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${key}: ${item}`).join(', ')}}`;
  }
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatSeconds(value);
  throw cannot(
    'string',
    'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
    value,
  );
}
const cannot = (what: string, allowed: string, value: CelValue): CelError =>
  new CelError(
    `error during formatting: ${what} clause can only be used on ${allowed}, was given ${typeName(value)}`,
  );

function whole(what: string, value: CelValue): bigint {
  if (isInt(value)) return BigInt(value);
  if (value instanceof Uint) return BigInt(value.value);
  throw cannot(what, 'integers', value);
}
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
function hex(value: CelValue): string {
  if (typeof value === 'string') return hexOf(new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return hexOf(value);
  return whole('hexadecimal', value).toString(16);
}
/** A number rounded half to even, as Go rounds the decimal it stands for exactly. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  // JavaScript rounds exact halves away from zero.
  const scaled = Math.abs(value) * 10 ** digits;
  const isHalf = Number.isSafeInteger(Math.floor(scaled)) && scaled - Math.floor(scaled) === 0.5;
  if (!isHalf || Math.floor(scaled) % 2 === 1) return text;
  return ((Math.sign(value) * Math.floor(scaled)) / 10 ** digits).toFixed(digits);
}
function number(what: string, value: CelValue): number {
  if (value instanceof Double) return value.value;
  if (isInt(value) || value instanceof Uint) return Number(whole(what, value));
  throw cannot(what, 'doubles', value);
}
function exponent(value: number, digits: number): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2');
}

function one(verb: string, precision: number, value: CelValue): string {
  switch (verb) {
    case 's':
      return show(value);
    case 'd':
      return value instanceof Double
        ? (special(value.value) ?? String(value.value))
        : whole('decimal', value).toString();
    case 'f':
      return special(number('fixed-point', value)) ?? fixed(number('fixed-point', value), precision);
    case 'e':
      return special(number('scientific', value)) ?? exponent(number('scientific', value), precision);
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : whole('binary', value).toString(2);
    case 'o':
      return whole('octal', value).toString(8);
    case 'x':
      return hex(value);
    case 'X':
      return hex(value).toUpperCase();
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

function format(text: string, values: readonly CelValue[]): string {
  let next = 0;
  const result = text.replace(
    clause,
    (_, rest: string | undefined, digits: string | undefined, verb = '') => {
      if (rest === '%') return '%';
      if (rest === undefined)
        throw new CelError('could not parse formatting clause: unexpected end of string');
      const precision = digits === undefined ? 6 : Number(digits);
      if (precision > maxPrecision)
        throw new CelError(`precision ${precision} exceeds maximum ${maxPrecision}`);
      const value = values[next];
      if (value === undefined) throw new CelError(`index ${next} out of range`);
      next++;
      return one(verb, precision, value);
    },
  );
  if (next < values.length) throw new CelError('too many arguments supplied to string.format');
  return result;
}

export const formatting = [
  declare('string.format(list<dyn>): string', format, (text: string) => text.length / 10),
];
