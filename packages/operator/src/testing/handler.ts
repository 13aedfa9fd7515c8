import {
  ApiError,
  type ApiHandler,
  type ApiRequest,
  type ApiResponse,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  apiVersionOf,
  createRegistry,
  deepFreeze,
  errors,
  keyOf,
  parseFieldSelector,
  parseSelector,
  type ResourceType,
  type Unstructured,
} from '@coracle/machinery';
import type { FakeAction } from '../testing.ts';
import { discoveryDocument } from './discovery.ts';
import { deleteObject, updateObject } from './rules.ts';
import type { FakeStorage } from './storage.ts';

const registry = createRegistry();

interface Target {
  type: ResourceType;
  namespace: string;
  name: string;
  subresource: string;
}

/** The fake API server as a function. `before` sees each action first and may throw to refuse it. */
export function createFakeHandler(storage: FakeStorage, before: (action: FakeAction) => void): ApiHandler {
  return async (request) => {
    try {
      if (request.path === '/api' || request.path === '/apis') {
        return reply(200, discoveryDocument(storage.types(), registry, request.path === '/api'));
      }
      const target = route(storage, request.path);
      if (!target) {
        throw new ApiError('NotFound', 'the server could not find the requested resource', {});
      }
      const watch = request.query.get('watch') === 'true' || request.query.get('watch') === '1';
      const verb = verbOf(request.method, target.name, watch);
      const { type, namespace, name, subresource } = target;
      const resource = type.group ? `${type.resource}.${type.group}` : type.resource;
      const body = request.body && 'value' in request.body ? request.body.value : undefined;
      before({ verb, resource, subresource, namespace, name, body });
      // Copied, so that a caller who goes on changing its object does not change the store.
      const copy = body === undefined ? {} : (JSON.parse(JSON.stringify(body)) as Record<string, unknown>);
      if (verb === 'list') return reply(200, list(storage, target, request.query));
      if (verb === 'watch') return watchResponse(storage, target, request);
      if (verb === 'create') return create(storage, target, copy, request);
      if (verb === 'deletecollection') {
        const { items } = list(storage, target, request.query);
        for (const object of items) deleteObject(storage, type, object, copy);
        return reply(200, list(storage, target, request.query));
      }
      const current = storage.find(type, namespace, name);
      if (!current) throw errors.notFound(type, name);
      if (verb === 'get' && subresource !== '' && subresource !== 'status') {
        throw new ApiError('NotFound', 'the server could not find the requested resource', {});
      }
      if (verb === 'get') return reply(200, current);
      if (verb === 'delete') return reply(200, deleteObject(storage, type, current, copy));
      const wanted =
        verb === 'update' ? copy : applyPatch(type, request.headers['content-type'], current, copy);
      const dryRun = request.query.get('dryRun') === 'All';
      return reply(200, updateObject(storage, type, current, wanted as Unstructured, subresource, dryRun));
    } catch (error) {
      const status = error instanceof ApiError ? error : errors.internal(error);
      return reply(status.code, status.status);
    }
  };
}

function reply(code: number, value: unknown): ApiResponse {
  return { kind: 'object', code, headers: { 'content-type': 'application/json' }, value: deepFreeze(value) };
}

function route(storage: FakeStorage, path: string): Target | undefined {
  const parts = path.split('/').slice(1);
  const group = parts[0] === 'api' ? '' : (parts[1] ?? '');
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const version = (parts[0] === 'api' ? parts[1] : parts[2]) ?? '';
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize') {
    namespace = rest[1] ?? '';
    rest.splice(0, 2);
  }
  const [resource = '', name = '', ...sub] = rest;
  const type = storage.type(group, version, resource);
  return type && { type, namespace, name, subresource: sub.join('/') };
}

function verbOf(method: string, name: string, watch: boolean): FakeAction['verb'] {
  if (method === 'GET') return watch ? 'watch' : name ? 'get' : 'list';
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (method === 'PATCH') return 'patch';
  if (method === 'DELETE') return name ? 'delete' : 'deletecollection';
  throw errors.badRequest(`method ${method} is not known`);
}

function selection({ namespace }: Target, query: URLSearchParams): (object: Unstructured) => boolean {
  const labels = parseSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  return (object) =>
    (!namespace || object.metadata.namespace === namespace) &&
    labels.matches(object.metadata.labels) &&
    fields.matches((path) => fieldOf(object, path));
}

/** Any path of the object may be selected by, not only those the real server has. */
function fieldOf(object: Unstructured, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[step];
  return value === undefined || value === null ? '' : String(value);
}

function list(storage: FakeStorage, target: Target, query: URLSearchParams): { items: Unstructured[] } {
  const test = selection(target, query);
  let items = storage.all(target.type).filter(test);
  const metadata: Record<string, unknown> = { resourceVersion: String(storage.revision) };
  const token = query.get('continue');
  if (token) {
    const { after, revision } = JSON.parse(token) as { after: string; revision: number };
    storage.checkRevision(revision);
    items = items.filter((object) => keyOf(object) > after);
    metadata['resourceVersion'] = String(revision);
  }
  const limit = Number(query.get('limit') ?? 0);
  if (limit > 0 && items.length > limit) {
    metadata['remainingItemCount'] = items.length - limit;
    items = items.slice(0, limit);
    const last = items.at(-1);
    const after = last ? keyOf(last) : '';
    metadata['continue'] = JSON.stringify({ after, revision: Number(metadata['resourceVersion']) });
  }
  const value = { apiVersion: apiVersionOf(target.type), kind: `${target.type.kind}List`, metadata, items };
  return value;
}

function watchResponse(storage: FakeStorage, target: Target, request: ApiRequest): ApiResponse {
  const { query } = request;
  const asked = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents') === 'true' || asked === '' || asked === '0';
  if (!initial) storage.checkRevision(Number(asked));
  const test = selection(target, query);
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  return {
    kind: 'watch',
    code: 200,
    headers: { 'content-type': 'application/json' },
    start: (sink) => storage.watch(target.type, Number(asked), test, { bookmarks, initial }, sink),
  };
}

function create(
  storage: FakeStorage,
  { type, namespace, name, subresource }: Target,
  body: Record<string, unknown>,
  request: ApiRequest,
): ApiResponse {
  if (!subresource) {
    if (request.query.get('dryRun') === 'All') return reply(201, body);
    return reply(201, storage.create(type, namespace, body));
  }
  const current = storage.find(type, namespace, name);
  if (!current) throw errors.notFound(type, name);
  if (type.resource === 'pods' && subresource === 'binding') {
    const spec = current['spec'] as { nodeName?: string };
    if (spec.nodeName) {
      throw errors.conflict(
        { group: '', resource: 'pods/binding' },
        name,
        `pod ${name} is already assigned to node "${spec.nodeName}"`,
      );
    }
    const status = (current['status'] ?? {}) as { conditions?: { type: string }[] };
    const conditions = (status.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
    storage.commit(type, current, {
      ...current,
      spec: { ...spec, nodeName: (body['target'] as { name: string }).name },
      status: {
        ...status,
        conditions: [
          ...conditions,
          { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: storage.time() },
        ],
      },
    });
  } else if (type.resource === 'pods' && subresource === 'eviction') {
    deleteObject(storage, type, current, (body['deleteOptions'] ?? {}) as Record<string, unknown>);
  } else throw new ApiError('NotFound', 'the server could not find the requested resource', {});
  return reply(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}

function applyPatch(
  type: ResourceType,
  contentType: string | undefined,
  current: Unstructured,
  patch: unknown,
): unknown {
  if (contentType === 'application/json-patch+json') return applyJsonPatch(current, patch);
  if (contentType === 'application/merge-patch+json') return applyMergePatch(current, patch);
  const kind = registry.byResource(type.group, type.version, type.resource);
  if (contentType === 'application/strategic-merge-patch+json' && kind) {
    return applyStrategicMergePatch(kind.schema, current, patch);
  }
  throw new ApiError(
    'UnsupportedMediaType',
    `patches of type ${contentType} are not known for ${type.resource}`,
  );
}
