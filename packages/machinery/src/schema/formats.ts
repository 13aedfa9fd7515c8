/** The string formats that a schema may ask for. Unknown formats ask for nothing, as upstream. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { dns1123Label, dns1123Subdomain } from '../names.ts';
import { isTime, parseDuration, parseTime } from '../time.ts';

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const uuidOf = (version: number): RegExp =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i');
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isCidr(text: string): boolean {
  const [address = '', length = '', more] = text.split('/');
  if (more !== undefined || !/^\d{1,3}$/.test(length)) return false;
  const family = isIP(address);
  return family !== 0 && Number(length) <= (family === 4 ? 32 : 128);
}

const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && parseTime(`${text}T00:00:00Z`) !== undefined;

/** Base64 with padding; line breaks are skipped, as Go does. */
export const isBase64 = (text: string): boolean =>
  base64.test(text) || base64.test(text.replace(/[\r\n]/g, ''));

const checks: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (t) => /^[0-9a-f]{24}$/i.test(t),
  uri: (t) => URL.canParse(t),
  email: (t) => /^[^\s@<>]+@[^\s@<>]+$/.test(t),
  hostname: (t) => t.length <= 253 && /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,62}\.?)*[a-zA-Z0-9]?$/.test(t),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (t) => /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(t),
  uuid: (t) => uuid.test(t),
  uuid3: (t) => uuidOf(3).test(t),
  uuid4: (t) => uuidOf(4).test(t),
  uuid5: (t) => uuidOf(5).test(t),
  hexcolor: (t) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(t),
  byte: isBase64,
  date: isDate,
  'date-time': isTime,
  datetime: isTime,
  duration: (t) => parseDuration(t) !== undefined,
  'k8s-short-name': (t) => dns1123Label(t) === undefined,
  'k8s-long-name': (t) => dns1123Subdomain(t) === undefined,
};

/** True unless `format` is known and `text` is not of it. */
export function formatAllows(format: string, text: string): boolean {
  return checks[format]?.(text) ?? true;
}
