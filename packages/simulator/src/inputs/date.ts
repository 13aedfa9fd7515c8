/** Times as traces write them. */

const form =
  /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d)(\.\d+)?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/;

/**
 * `2020-06-09 18:41:01`, `2020-06-09T18:41:01.5+08:00`: in milliseconds since 1970. Without a zone it is taken as UTC.
 * Undefined: it is no such time.
 */
export function readDate(text: string): number | undefined {
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
