/** What form the answer takes: JSON or YAML, the object itself or a Table or only its metadata (Accept's parameters). */
import { ApiError, errors } from '@coracle/machinery';

export interface OutputForm {
  media: 'json' | 'yaml';
  as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Version of the meta.k8s.io kind, when `as` is one. */
  version: 'v1' | 'v1beta1';
  pretty: boolean;
}

interface MediaRange {
  type: string;
  params: Record<string, string>;
  q: number;
}

const plain: OutputForm = { media: 'json', as: 'object', version: 'v1', pretty: false };

/** Media ranges of an Accept header, best first. */
export function parseAccept(accept: string): MediaRange[] {
  const ranges = accept.split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((s) => s.trim());
    const params: Record<string, string> = {};
    for (const p of rest) {
      const eq = p.indexOf('=');
      if (eq > 0) params[p.slice(0, eq).trim().toLowerCase()] = p.slice(eq + 1).trim();
    }
    const q = params['q'] === undefined ? 1 : Number(params['q']);
    delete params['q'];
    return { type: type.toLowerCase(), params, q: Number.isFinite(q) ? q : 0 };
  });
  return ranges.filter((r) => r.type !== '' && r.q > 0).toSorted((a, b) => b.q - a.q);
}

function formOf(range: MediaRange, tables: boolean): Omit<OutputForm, 'pretty'> | undefined {
  const { type, params } = range;
  let media: 'json' | 'yaml';
  if (type === '*/*' || type === 'application/*' || type === 'application/json') media = 'json';
  else if (type === 'application/yaml' || type === 'application/x-yaml') media = 'yaml';
  else return undefined;
  const as = params['as'];
  if (as === undefined) return { media, as: 'object', version: 'v1' };
  if (!tables || params['g'] !== 'meta.k8s.io') return undefined;
  if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList')
    return undefined;
  const version = params['v'];
  if (version !== 'v1' && version !== 'v1beta1') return undefined;
  return { media, as, version };
}

/**
 * The best form that is both accepted and made here. Protobuf is accepted from nobody but passed over for the next media
 * type in the header. Throws NotAcceptable when nothing fits.
 */
export function negotiate(accept: string | undefined, query: URLSearchParams, tables = true): OutputForm {
  const prettyText = query.size === 0 ? null : query.get('pretty');
  const pretty = prettyText !== null && prettyText !== '0' && prettyText !== 'false';
  if (accept === undefined || accept === '' || accept === 'application/json')
    return pretty ? { ...plain, pretty } : plain;
  for (const range of parseAccept(accept)) {
    const form = formOf(range, tables);
    if (form) return { ...form, pretty };
  }
  throw new ApiError(
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml',
  );
}

/** Media type of a Content-Type header: lower case, without parameters; JSON when absent. */
export function contentType(header: string | undefined): string {
  if (header === undefined || header === 'application/json') return 'application/json';
  // As in-process clients send it.
  if (header === 'application/merge-patch+json') return header;
  const type = header.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? 'application/json' : type;
}

/** Reads a boolean query parameter the way the API does: present and not `0` or `false`. Throws BadRequest on other text. */
export function booleanQuery(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (value === '' || value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw errors.badRequest(
    `invalid value ${JSON.stringify(value)} for query parameter ${name}: not a boolean`,
  );
}

/** Reads a whole-number query parameter. Throws BadRequest when it is not one. */
export function integerQuery(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value))
    throw errors.badRequest(
      `invalid value ${JSON.stringify(value)} for query parameter ${name}: not an integer`,
    );
  return Number(value);
}
