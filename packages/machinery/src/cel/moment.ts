/** Moments and spans as text, to the nanosecond. */
import { CelError } from './errors.ts';
import { Duration, type Int, Timestamp, toInt } from './values.ts';

const second = 1_000_000_000n;

/** Whole seconds since 1970, rounded down. */
export function floorSeconds({ nanos }: Timestamp): Int {
  const seconds = nanos / second;
  return toInt(nanos < 0n && nanos % second !== 0n ? seconds - 1n : seconds);
}
/** Nanoseconds past the whole second. */
export const nanosOfSecond = ({ nanos }: Timestamp): number => Number(((nanos % second) + second) % second);

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Reads RFC 3339. Throws CelError. */
export function readTimestamp(text: string): Timestamp {
  const match = rfc3339.exec(text);
  const fail = (): CelError => new CelError(`type conversion error from 'string' to 'timestamp': ${text}`);
  if (!match) throw fail();
  const [, year = '', month, day, hour, minute, seconds, fraction = '', sign, offsetHour, offsetMinute] =
    match;
  const date = new Date(0);
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(seconds));
  if (
    date.getUTCMonth() !== Number(month) - 1 ||
    date.getUTCDate() !== Number(day) ||
    Number(hour) > 23 ||
    Number(minute) > 59 ||
    Number(seconds) > 59
  )
    throw fail();
  const offset =
    sign === undefined ? 0 : (Number(offsetHour) * 60 + Number(offsetMinute)) * (sign === '-' ? -1 : 1);
  return new Timestamp(
    BigInt(date.getTime() - offset * 60_000) * 1_000_000n + BigInt(fraction.padEnd(9, '0')),
  );
}
/** RFC 3339 in UTC, with as many fractional digits as there are. */
export function formatTimestamp(moment: Timestamp): string {
  const date = new Date(Number(floorSeconds(moment)) * 1000);
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const rest = date.toISOString().slice(-20, -5);
  return `${year}${rest}${fractionOf(nanosOfSecond(moment))}Z`;
}
const fractionOf = (nanos: number): string =>
  nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
};
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Reads Go's form (`1h30m`, `-1.5s`). Throws CelError. */
export function readDuration(text: string): Duration {
  const fail = (): CelError => new CelError(`type conversion error from 'string' to 'duration': ${text}`);
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return new Duration(0n);
  let nanos = 0n;
  let at = 0;
  while (at < body.length) {
    part.lastIndex = at;
    const match = part.exec(body);
    if (!match) throw fail();
    const [whole, amount = '', unit = ''] = match;
    const [integer = '', fraction = ''] = amount.split('.');
    const scale = unitNanos[unit] ?? 1n;
    nanos +=
      BigInt(integer || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
    at += whole.length;
  }
  if (at === 0) throw fail();
  return new Duration(text.startsWith('-') ? -nanos : nanos);
}
/** Seconds with as many fractional digits as there are: `90s`, `1.5s`. */
export function formatSeconds({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${size / second}${fractionOf(Number(size % second))}s`;
}
