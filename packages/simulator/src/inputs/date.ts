/** Times as traces write them. */

const form =
  /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d)(\.\d+)?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/;

/**
 * `2020-06-09 18:41:01`, `2020-06-09T18:41:01.5+08:00`: in milliseconds since 1970. Without a zone it is taken as UTC.
 * Undefined: it is no such time.
 */
export function readDate(text: string): number | undefined {
  return readPlain(text) ?? readAny(text);
}

/** `2020-06-09 18:41:01` and nothing else: what nearly all traces have, without the expression. */
function readPlain(text: string): number | undefined {
  if (text.length !== 19) return undefined;
  for (let i = 0; i < 19; i += 1) {
    const code = text.charCodeAt(i);
    const digit = code >= 0x30 && code <= 0x39;
    if (digit ? separators[i] !== undefined : code !== separators[i]) return undefined;
  }
  const part = (at: number): number => (text.charCodeAt(at) - 0x30) * 10 + text.charCodeAt(at + 1) - 0x30;
  const [month, day, hour, minute, second] = [part(5), part(8), part(11), part(14), part(17)];
  // Days that not every month has are looked at the long way.
  if (month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59)
    return undefined;
  return Date.UTC(part(0) * 100 + part(2), month - 1, day, hour, minute, second);
}
/** Character codes by their place in `2020-06-09 18:41:01`. */
const separators: Readonly<Record<number, number>> = { 4: 0x2d, 7: 0x2d, 10: 0x20, 13: 0x3a, 16: 0x3a };

function readAny(text: string): number | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', part = '', zone] = found;
  const numbers = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [y, mo, d, h, mi, s] = numbers;
  if (h > 24 || mi > 59 || s > 60) return undefined;
  const midnight = Date.UTC(y, mo - 1, d);
  const date = new Date(midnight);
  // The 31st of February is no day.
  if (date.getUTCMonth() !== mo - 1 || date.getUTCDate() !== d) return undefined;
  const local =
    midnight + ((h * 60 + mi) * 60 + s) * 1000 + Math.round(Number(part === '' ? 0 : `0${part}`) * 1000);
  return local - zoneMs(zone);
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'UTC') return 0;
  const digits = zone.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (digits.startsWith('-') ? -minutes : minutes) * 60_000;
}
