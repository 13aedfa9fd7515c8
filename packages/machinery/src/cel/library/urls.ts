/** URLs: `url("https://example.com:8080/a?b=c").getHost()`. */
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { Opaque, TextMap } from '../values.ts';
import { textCost } from './operators.ts';

export class CelUrl extends Opaque {
  override readonly typeName = 'kubernetes.URL';
  readonly text: string;
  readonly scheme: string;
  /** With the port; IPv6 addresses in brackets. */
  readonly host: string;
  readonly path: string;
  readonly query: string;
  constructor(text: string, scheme: string, host: string, path: string, query: string) {
    super();
    this.text = text;
    this.scheme = scheme;
    this.host = host;
    this.path = path;
    this.query = query;
  }
  override equals(other: Opaque): boolean {
    return other instanceof CelUrl && other.text === this.text;
  }
}

const absolute = /^([a-zA-Z][a-zA-Z0-9+.-]*):(?:\/\/(?:[^@/?#]*@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/;
const validHost = /^(?:\[[0-9a-fA-F:.%]+\]|(?:[^\s[\]<>"\\^`{|}:%]|%[0-9a-fA-F]{2})*)(?::\d*)?$/;
const badEscape = /%(?![0-9a-fA-F]{2})/;

/** Absolute URLs and absolute paths, as Go's ParseRequestURI reads them; undefined for other texts. */
function readUrl(text: string): CelUrl | undefined {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f]/.test(text)) return undefined;
  if (text.startsWith('/')) {
    const [path = '', ...query] = text.split('?');
    return badEscape.test(path) ? undefined : new CelUrl(text, '', '', path, query.join('?'));
  }
  const match = absolute.exec(text);
  if (!match) return undefined;
  const [, scheme = '', host, path = '', query = ''] = match;
  if (badEscape.test(path)) return undefined;
  // Without an authority (`mailto:x`) it is opaque: no host, no path. A relative path after the scheme is refused.
  if (host === undefined)
    return new CelUrl(text, scheme.toLowerCase(), '', path.startsWith('/') ? path : '', query);
  return validHost.test(host) ? new CelUrl(text, scheme.toLowerCase(), host, path, query) : undefined;
}
function parseUrl(text: string): CelUrl {
  const url = readUrl(text);
  if (!url)
    throw new CelError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    );
  return url;
}
const hostname = ({ host }: CelUrl): string => host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
const port = ({ host }: CelUrl): string => /:(\d*)$/.exec(host)?.[1] ?? '';
function unescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
function queryMap({ query }: CelUrl): TextMap {
  const values = new Map<string, string[]>();
  for (const part of query.split('&')) {
    if (part === '' || part.includes(';')) continue;
    const equals = part.indexOf('=');
    const key = unescape(equals < 0 ? part : part.slice(0, equals));
    const value = unescape(equals < 0 ? '' : part.slice(equals + 1));
    if (key === undefined || value === undefined) continue;
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  return new TextMap(values);
}
const escapedPath = ({ path }: CelUrl): string =>
  // oxlint-disable-next-line no-control-regex
  path.replace(/[^\u0021-\u007e]|["<>\\^`{|}]/gu, (point) => encodeURIComponent(point));

export const urls = [
  declare('url(string): URL', parseUrl, textCost),
  declare('isURL(string): bool', (text: string) => readUrl(text) !== undefined, textCost),
  declare('URL.getScheme(): string', ({ scheme }: CelUrl) => scheme),
  declare('URL.getHost(): string', ({ host }: CelUrl) => host),
  declare('URL.getHostname(): string', hostname),
  declare('URL.getPort(): string', port),
  declare('URL.getEscapedPath(): string', escapedPath),
  declare('URL.getQuery(): map<string, list<string>>', queryMap),
];
