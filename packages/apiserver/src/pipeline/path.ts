/**
 * Reads a request's path and query into attributes, by the API's own grammar and without knowing which resources exist:
 * authorization comes before routing, so that nobody learns from a 404 what they may not see.
 */
import type { ApiRequest, UserInfo } from '@coracle/machinery';
import type { RequestAttributes } from '../contracts.ts';

export interface ParsedPath {
  attributes: RequestAttributes;
  /** What follows the subresource in the path. */
  rest: string;
}

const methodVerbs: Record<string, string> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Does a query ask for a watch? (`watch`, `watch=1`, `watch=true`) */
export function wantsWatch(query: URLSearchParams): boolean {
  const value = query.size === 0 ? null : query.get('watch');
  return value !== null && value !== '0' && value !== 'false';
}

/** Name of a `metadata.name=x` field selector that stands alone: authorization treats such a list as one about x. */
function singleName(query: URLSearchParams): string {
  return /^metadata\.name=([^,=!]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
}

function nonResource(request: ApiRequest, user: UserInfo): ParsedPath {
  return {
    attributes: {
      user,
      verb: request.method.toLowerCase(),
      isResource: false,
      path: request.path,
      group: '',
      version: '',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
    },
    rest: '',
  };
}

/** What stands between the slashes, and not nothing. */
function partsOf(path: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const slash = path.indexOf('/', from);
    const part = slash < 0 ? path.slice(from) : path.slice(from, slash);
    if (part !== '') parts.push(part);
    if (slash < 0) return parts;
    from = slash + 1;
  }
}

/** `/apis/<group>/<version>/namespaces/<ns>/<resource>/<name>/<subresource>/<rest>` and its shorter forms. */
export function parsePath(request: ApiRequest, user: UserInfo): ParsedPath {
  const parts = partsOf(request.path);
  const core = parts[0] === 'api';
  const skip = core ? 2 : 3;
  if ((!core && parts[0] !== 'apis') || parts.length <= skip) return nonResource(request, user);
  const group = core ? '' : (parts[1] ?? '');
  const version = parts[skip - 1] ?? '';
  let verb = methodVerbs[request.method] ?? request.method.toLowerCase();
  /** Where the resource stands. */
  let at = skip;
  let watch = wantsWatch(request.query);
  // The old form of watches, `/api/v1/watch/...`.
  if (parts[at] === 'watch' && parts.length > at + 1) {
    at += 1;
    watch = true;
  }
  let namespace = '';
  if (parts[at] === 'namespaces') {
    namespace = parts[at + 1] ?? '';
    const inside = parts[at + 2];
    if (inside !== undefined && inside !== 'status' && inside !== 'finalize') at += 2;
  }
  const resource = parts[at] ?? '';
  const pathName = parts[at + 1] ?? '';
  const subresource = parts[at + 2] ?? '';
  let name = pathName;
  if (name === '' || (watch && subresource === '')) {
    if (verb === 'get' && (name === '' || parts[skip] === 'watch')) {
      verb = watch ? 'watch' : 'list';
      if (name === '') name = singleName(request.query);
    } else if (verb === 'delete') verb = 'deletecollection';
  }
  return {
    attributes: {
      user,
      verb,
      isResource: true,
      path: request.path,
      group,
      version,
      resource,
      subresource,
      namespace,
      name,
    },
    rest: parts.length > at + 3 ? parts.slice(at + 3).join('/') : '',
  };
}
