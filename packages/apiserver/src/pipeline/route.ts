/** route: the kind a path names, and the function that does what the verb says. */
import { ApiError, type ApiRequest, type ApiResponse, errors, type UserInfo } from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { subresourceRoute } from '../subresources/index.ts';
import { create } from '../verbs/create.ts';
import { remove, removeCollection } from '../verbs/delete.ts';
import { get, list } from '../verbs/list.ts';
import { patch } from '../verbs/patch.ts';
import { update } from '../verbs/update.ts';
import { watch } from '../verbs/watch.ts';
import type { Call } from './call.ts';
import { negotiate } from './negotiate.ts';
import type { ParsedPath } from './path.ts';

/** 404 for a path that names nothing this server serves. */
export function unknownPath(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource', {});
}

/** Throws NotFound for an unknown resource, NotAcceptable for an Accept header nothing here satisfies. */
export function route(ctx: ServerContext, request: ApiRequest, user: UserInfo, parsed: ParsedPath): Call {
  const { attributes, rest } = parsed;
  const { group, version, resource, namespace, name, subresource } = attributes;
  const kind = ctx.registry.byResource(group, version, resource);
  if (!kind) throw unknownPath();
  const info = subresource === '' ? undefined : kind.subresources[subresource];
  if (subresource !== '' && !info) throw unknownPath();
  if (subresource !== '' && name === '') throw unknownPath();
  // A namespace before a cluster-scoped resource is no path of ours; the namespaces resource itself is written that way.
  const inNamespace = request.path.includes('/namespaces/');
  if (!kind.namespaced && inNamespace && resource !== 'namespaces') throw unknownPath();
  // A namespaced object has no address without its namespace; only lists and watches span all of them.
  if (
    kind.namespaced &&
    namespace === '' &&
    attributes.verb !== 'list' &&
    attributes.verb !== 'watch' &&
    attributes.verb !== 'deletecollection' &&
    name !== ''
  )
    throw unknownPath();
  const strategy = ctx.strategyFor(kind);
  return {
    ctx,
    request,
    user,
    attributes,
    kind,
    strategy,
    subresource: info,
    rest,
    // Questions are answered as they are: they have no tables.
    output: negotiate(request.headers['accept'], request.query, strategy.answer === undefined),
    warnings: [],
  };
}

/** Throws MethodNotAllowed for a verb the resource does not have. */
export function dispatch(call: Call): ApiResponse | Promise<ApiResponse> {
  const { attributes, kind } = call;
  const { verb } = attributes;
  if (call.subresource) return subresourceRoute(call);
  if (!kind.verbs.includes(verb)) throw errors.methodNotAllowed(kind, verb);
  if (attributes.name === '' && (verb === 'update' || verb === 'patch'))
    throw errors.methodNotAllowed(kind, verb);
  switch (verb) {
    case 'get':
      return get(call);
    case 'list':
      return list(call);
    case 'watch':
      return watch(call);
    case 'create':
      if (attributes.name !== '') throw errors.methodNotAllowed(kind, verb);
      return create(call);
    case 'update':
      return update(call, 'main');
    case 'patch':
      return patch(call, 'main');
    case 'delete':
      return remove(call);
    case 'deletecollection':
      return removeCollection(call);
    default:
      throw errors.methodNotAllowed(kind, verb);
  }
}
