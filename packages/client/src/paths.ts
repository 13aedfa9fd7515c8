import { errors, type ResourceType } from '@coracle/machinery';

/** A segment that is its own encoding, as nearly all are. */
const plainSegment = /^[\w.:-]*$/;

/** Percent-encodes one path segment, leaving readable what URLs allow in a segment (`system:node`, `a@b`). */
function encodeSegment(segment: string): string {
  if (plainSegment.test(segment)) return segment;
  return encodeURIComponent(segment).replaceAll('%3A', ':').replaceAll('%40', '@').replaceAll('%2C', ',');
}

/** `/api/v1` or `/apis/GROUP/VERSION`. */
export function groupVersionPath(type: { group: string; version: string }): string {
  return type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
}

/**
 * Path of a resource's collection, or of the object `name`. Without a namespace, a namespaced type's collection is that
 * of all namespaces. Throws ApiError BadRequest when an object of a namespaced type is named without a namespace.
 */
export function resourcePath(
  type: ResourceType,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  let path = groupVersionPath(type);
  if (type.namespaced && namespace) path += `/namespaces/${encodeSegment(namespace)}`;
  path += `/${type.resource}`;
  if (name === undefined) return path;
  if (type.namespaced && !namespace) {
    throw errors.badRequest(`${type.resource} "${name}": a namespace is required for this kind`);
  }
  if (name === '') throw errors.badRequest(`${type.resource}: a name is required`);
  path += `/${encodeSegment(name)}`;
  if (subresource) path += `/${subresource}`;
  return path;
}

/** Query parameters from an options object: undefined and false are left out, true is `true`. */
export function toQuery(values: Record<string, string | number | boolean | undefined>): URLSearchParams {
  const query = new URLSearchParams();
  for (const name in values) {
    const value = values[name];
    if (value !== undefined && value !== false && value !== '') query.set(name, String(value));
  }
  return query;
}

/** Splits a RawCall's path and query: a query may also stand in the path after `?`. */
export function splitCall(call: {
  path: string;
  query?: URLSearchParams | Record<string, string> | undefined;
}): { path: string; query: URLSearchParams } {
  const mark = call.path.indexOf('?');
  if (mark < 0 && call.query instanceof URLSearchParams) return { path: call.path, query: call.query };
  const query = call.query === undefined ? new URLSearchParams() : new URLSearchParams(call.query);
  if (mark < 0) return { path: call.path, query };
  for (const [name, value] of new URLSearchParams(call.path.slice(mark + 1))) query.append(name, value);
  return { path: call.path.slice(0, mark), query };
}
