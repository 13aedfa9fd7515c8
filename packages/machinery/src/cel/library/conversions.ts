/** Conversions between types, and `type`, `dyn`. */
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { floorSeconds, formatSeconds, formatTimestamp, readDuration, readTimestamp } from '../moment.ts';
import {
  type CelValue,
  checkedInt,
  checkedUint,
  Double,
  type Duration,
  type Int,
  Timestamp,
  toInt,
  TypeValue,
  typeName,
  type Uint,
} from '../values.ts';

const same = <T extends CelValue>(value: T): T => value;
const integer = /^[+-]?\d+$/;
/** What Go's ParseFloat reads, but for hexadecimal numbers and underscores. */
const decimal = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/i;

function intOfText(text: string): Int {
  if (!integer.test(text)) throw new CelError(`type conversion error from 'string' to 'int': ${text}`);
  return checkedInt(BigInt(text.replace('+', '')), `value out of range: ${text}`);
}
function uintOfText(text: string): Uint {
  if (!/^\d+$/.test(text)) throw new CelError(`type conversion error from 'string' to 'uint': ${text}`);
  return checkedUint(BigInt(text), `value out of range: ${text}`);
}
function intOfDouble({ value }: Double): Int {
  // 2^63 itself is the first double past the range; at its other end cel-go leaves out -2^63.
  if (!(value > -9223372036854775808 && value < 9223372036854775808)) throw new CelError('integer overflow');
  return toInt(BigInt(Math.trunc(value)));
}
function uintOfDouble({ value }: Double): Uint {
  if (!(value >= 0 && value < 18446744073709551616)) throw new CelError('unsigned integer overflow');
  return checkedUint(BigInt(Math.trunc(value)));
}
function doubleOfText(text: string): Double {
  if (!decimal.test(text)) throw new CelError(`type conversion error from 'string' to 'double': ${text}`);
  const word = /^([+-]?)(inf|nan)/i.exec(text);
  if (!word) return new Double(Number(text));
  return new Double(word[2]?.toLowerCase() === 'nan' ? NaN : word[1] === '-' ? -Infinity : Infinity);
}
/** A double as Go prints it with %g. */
export function showDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  const digits = mantissa.replace(/[-.]/g, '').length;
  // Go shows an exponent from 21 digits on where digits end before the point, else from 6 on... but only past the digits there are.
  if (exponent < -4 || exponent >= Math.max(digits, 21)) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  return exponent < 21 && exponent > -7 ? String(value) : value.toFixed(20).replace(/0+$/, '');
}
const truths = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const untruths = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);
function boolOfText(text: string): boolean {
  if (truths.has(text)) return true;
  if (untruths.has(text)) return false;
  throw new CelError(`type conversion error from 'string' to 'bool': ${text}`);
}
function textOfBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

export const conversions = [
  declare('type(A): type<A>', (value: CelValue) => new TypeValue(typeName(value))),
  declare('dyn(A): dyn', (value: CelValue) => value),
  declare('bool(bool): bool', same<boolean>),
  declare('bool(string): bool', boolOfText),
  declare('int(int): int', same<Int>),
  declare('int(uint): int', ({ value }: Uint) => checkedInt(BigInt(value))),
  declare('int(double): int', intOfDouble),
  declare('int(string): int', intOfText),
  declare('int(timestamp): int', floorSeconds),
  declare('int(duration): int', ({ nanos }: Duration) => toInt(nanos)),
  declare('uint(uint): uint', same<Uint>),
  declare('uint(int): uint', (value: Int) => checkedUint(BigInt(value))),
  declare('uint(double): uint', uintOfDouble),
  declare('uint(string): uint', uintOfText),
  declare('double(double): double', same<Double>),
  declare('double(int): double', (value: Int) => new Double(Number(value))),
  declare('double(uint): double', ({ value }: Uint) => new Double(Number(value))),
  declare('double(string): double', doubleOfText),
  declare('string(string): string', same<string>),
  declare('string(bool): string', String as (value: boolean) => string),
  declare('string(int): string', String as (value: Int) => string),
  declare('string(uint): string', ({ value }: Uint) => String(value)),
  declare('string(double): string', ({ value }: Double) => showDouble(value)),
  declare('string(bytes): string', textOfBytes),
  declare('string(timestamp): string', formatTimestamp),
  declare('string(duration): string', formatSeconds),
  declare('bytes(bytes): bytes', same<Uint8Array>),
  declare('bytes(string): bytes', (text: string) => new TextEncoder().encode(text)),
  declare('timestamp(timestamp): timestamp', same<Timestamp>),
  declare('timestamp(string): timestamp', readTimestamp),
  declare('timestamp(int): timestamp', (value: Int) => new Timestamp(BigInt(value) * 1_000_000_000n)),
  declare('duration(duration): duration', same<Duration>),
  declare('duration(string): duration', readDuration),
];
