/** Times as traces write them. */
import { parseTime } from '@coracle/machinery';

const form =
  /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d)(\.\d+)?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/;

/**
 * `2020-06-09 18:41:01`, `2020-06-09T18:41:01.5+08:00`: in milliseconds since 1970. Without a zone it is taken as UTC.
 * Undefined: it is no such time.
 */
export function readDate(text: string): number | undefined {
  // What nearly all traces have, without the expression.
  const plain = text.length === 19 ? parseTime(`${text.slice(0, 10)}T${text.slice(11)}Z`) : undefined;
  return plain !== undefined && text.charCodeAt(10) === blank ? plain : readAny(text);
}
const blank = 0x20;

function readAny(text: string): number | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [, year, month = '', day = '', hour = '0', minute = '0', second = '0', part = '', zone = 'Z'] = found;
  const midnight = parseTime(
    `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T00:00:00${zone === 'UTC' ? 'Z' : zone.replace(/(\d\d):?(\d\d)$/, '$1:$2')}`,
  );
  const [h, mi, s] = [Number(hour), Number(minute), Number(second)];
  // Logs have 24:00, and leap seconds.
  if (midnight === undefined || h > 24 || mi > 59 || s > 60) return undefined;
  return midnight + ((h * 60 + mi) * 60 + s) * 1000 + Math.round(Number(`0${part}`) * 1000);
}
