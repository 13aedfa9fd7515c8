/** Times and durations in the forms of the Kubernetes API and of kubectl. All internal times are epoch milliseconds. */

const ms = (time: number | Date): number => (typeof time === 'number' ? time : time.getTime());

/** The last second asked for and its text: nearly all times that are written are those of this second. */
let lastSecond = Number.NaN;
let lastText = '';

/** meta/v1 Time: RFC 3339 in UTC, whole seconds (cut, not rounded): `2026-01-02T03:04:05Z`. */
export function formatTime(time: number | Date): string {
  const second = Math.floor(ms(time) / 1000);
  if (second === lastSecond) return lastText;
  const text = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
  lastSecond = second;
  lastText = text;
  return text;
}

/** meta/v1 MicroTime: always six fractional digits. Fractions of a millisecond are kept. */
export function formatMicroTime(time: number | Date): string {
  const at = ms(time);
  const whole = Math.floor(at);
  const micros = Math.min(999, Math.floor((at - whole) * 1000 + 1e-6));
  return `${new Date(whole).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** The number two decimal digits make at `at`; 100, which no part of a time reaches, where one of them is no digit. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : 100;
}

const dash = 45;
const colon = 58;

/** Is it in the form the API writes (`2026-01-02T03:04:05Z`), on a day every month has? No regular expression is asked. */
function isPlainTime(text: string): boolean {
  if (text.length !== 20 || text.charCodeAt(4) !== dash || text.charCodeAt(7) !== dash) return false;
  if (text.charCodeAt(10) !== 84 || text.charCodeAt(19) !== 90) return false;
  if (text.charCodeAt(13) !== colon || text.charCodeAt(16) !== colon) return false;
  const century = twoDigits(text, 0);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  // Date.UTC takes years from 100 on as they are.
  return (
    century >= 1 &&
    century <= 99 &&
    twoDigits(text, 2) <= 99 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 28 &&
    twoDigits(text, 11) <= 23 &&
    twoDigits(text, 14) <= 59 &&
    twoDigits(text, 17) <= 59
  );
}

function parsePlainTime(text: string): number {
  return Date.UTC(
    twoDigits(text, 0) * 100 + twoDigits(text, 2),
    twoDigits(text, 5) - 1,
    twoDigits(text, 8),
    twoDigits(text, 11),
    twoDigits(text, 14),
    twoDigits(text, 17),
  );
}

/** Is it an RFC 3339 time? */
export const isTime = (text: string): boolean => isPlainTime(text) || parseTime(text) !== undefined;

/** Epoch milliseconds (with a fraction where given) of an RFC 3339 time; undefined if it is none. */
export function parseTime(text: string): number | undefined {
  if (isPlainTime(text)) return parsePlainTime(text);
  const m = rfc3339.exec(text);
  if (!m) return undefined;
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second);
  const fraction = m[7] ? Number(`0.${m[7]}`) * 1000 : 0;
  const offset = m[8] ? (m[8] === '-' ? 1 : -1) * (Number(m[9]) * 60 + Number(m[10])) * 60_000 : 0;
  return date.getTime() + fraction + offset;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a Go duration (`1h30m`, `250ms`, `-1.5s`); undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const m = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!m) return undefined;
  let total = 0;
  for (const [, number, unit] of (m[2] ?? '').matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/g)) {
    total += Number(number) * (unitMs[unit ?? ''] ?? 0);
  }
  return m[1] === '-' ? -total : total;
}

/** A Go duration as Go prints it: `1h30m0s`, `1.5s`, `250ms`, `0s`. Nanoseconds are the finest. */
export function formatDuration(milliseconds: number): string {
  const nanos = Math.round(Math.abs(milliseconds) * 1e6);
  if (nanos === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  if (nanos < 1e9) {
    const [unit, size] = nanos < 1e3 ? ['ns', 1] : nanos < 1e6 ? ['µs', 1e3] : ['ms', 1e6];
    return `${sign}${nanos / (size as number)}${unit}`;
  }
  const hours = Math.floor(nanos / 3.6e12);
  const minutes = Math.floor((nanos % 3.6e12) / 6e10);
  const seconds = (nanos % 6e10) / 1e9;
  const tail = `${Number(seconds.toFixed(9))}s`;
  return sign + (hours > 0 ? `${hours}h${minutes}m${tail}` : minutes > 0 ? `${minutes}m${tail}` : tail);
}

/** A span as the AGE column prints it: `42s`, `3m15s`, `5h`, `2d3h`, `400d`, `2y35d` (apimachinery's HumanDuration). */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(hours / 24 / 365);
  if (hours < 24 * 365 * 8) {
    const rest = days % 365;
    return rest === 0 ? `${years}y` : `${years}y${rest}d`;
  }
  return `${years}y`;
}
