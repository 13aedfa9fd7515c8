import {
  apiVersionOf,
  type ApiResponse,
  deepFreeze,
  type KubeList,
  type ResourceType,
  type Status,
} from '@coracle/machinery';
import {
  type Client,
  type DeleteOptions,
  type ExecCallOptions,
  type ListOptions,
  type PatchType,
  type RawCall,
  type Transport,
  type WatchOptions,
  type WriteOptions,
} from './client.ts';
import { resourcePath, toQuery } from './paths.ts';
import { readWatchBatches } from './read-watch.ts';
import { responseBytes, responseError, responseValue } from './response.ts';

/** Content type of each patch form. Apply's JSON is YAML too. */
export const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** The Client over any transport. Keeps no state: make as many as is handy. */
export function createClient(transport: Transport): Client {
  const request = async (call: RawCall): Promise<ApiResponse> => {
    const response = await transport.call(call);
    const error = await responseError(response);
    if (error) throw error;
    return response;
  };
  const send = async <T>(call: RawCall): Promise<T> => {
    const response = await transport.call(call);
    // Nearly every answer of an engine in this process: the ways below take several promises each.
    if (response.kind === 'object' && response.code < 400 && response.value !== undefined)
      return response.value as T;
    const error = await responseError(response);
    if (error) throw error;
    return (await responseValue(response)) as T;
  };

  const client: Client = {
    transport,
    request,
    getPath: (path, options) => send({ method: 'GET', path, signal: options?.signal }),
    async get(type, name, options = {}) {
      return send({
        method: 'GET',
        path: resourcePath(type, options.namespace, name, options.subresource),
        query: toQuery({ resourceVersion: options.resourceVersion }),
        signal: options.signal,
      });
    },
    async list<T>(type: ResourceType<T>, options: ListOptions = {}) {
      const list = await send<KubeList<T>>({
        method: 'GET',
        path: resourcePath(type, options.namespace),
        query: listQuery(options),
        signal: options.signal,
      });
      return withItemKinds(type, list);
    },
    async *watch<T>(type: ResourceType<T>, options: WatchOptions = {}) {
      for await (const events of client.watchBatches(type, options)) {
        for (const event of events) {
          if (options.signal?.aborted) return;
          yield event;
        }
      }
    },
    async *watchBatches<T>(type: ResourceType<T>, options: WatchOptions = {}) {
      if (options.signal?.aborted) return;
      const query = listQuery(options);
      query.set('watch', 'true');
      if (options.allowWatchBookmarks) query.set('allowWatchBookmarks', 'true');
      if (options.sendInitialEvents !== undefined) {
        query.set('sendInitialEvents', String(options.sendInitialEvents));
        query.set('resourceVersionMatch', 'NotOlderThan');
      }
      if (options.timeoutSeconds !== undefined) query.set('timeoutSeconds', String(options.timeoutSeconds));
      let response: ApiResponse;
      try {
        response = await request({
          method: 'GET',
          path: resourcePath(type, options.namespace),
          query,
          signal: options.signal,
        });
      } catch (error) {
        if (options.signal?.aborted) return;
        throw error;
      }
      yield* readWatchBatches<T>(response, options.signal);
    },
    async create(type, object, options = {}) {
      return send({
        method: 'POST',
        path: collectionFor(type, options.namespace ?? object.metadata.namespace, object.metadata),
        query: writeQuery(options),
        body: { ...object, apiVersion: apiVersionOf(type), kind: type.kind },
        signal: options.signal,
      });
    },
    async createSubresource(type, name, subresource, body, options = {}) {
      return send({
        method: 'POST',
        path: resourcePath(type, options.namespace, name, subresource),
        query: writeQuery(options),
        body,
        signal: options.signal,
      });
    },
    async update<T>(type: ResourceType<T>, object: T, options: WriteOptions = {}) {
      const { metadata } = object as { metadata: { name?: string; namespace?: string } };
      return send<T>({
        method: 'PUT',
        path: resourcePath(
          type,
          options.namespace ?? metadata.namespace,
          metadata.name ?? '',
          options.subresource,
        ),
        query: writeQuery(options),
        body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
        signal: options.signal,
      });
    },
    async patch(type, name, patchType, patch, options = {}) {
      const query = writeQuery(options);
      if (options.force !== undefined) query.set('force', String(options.force));
      return send({
        method: 'PATCH',
        path: resourcePath(type, options.namespace, name, options.subresource),
        query,
        headers: { 'content-type': patchContentTypes[patchType] },
        body: patch,
        signal: options.signal,
      });
    },
    async delete<T>(type: ResourceType<T>, name: string, options: DeleteOptions = {}) {
      const answer = await send<T | Status>({
        method: 'DELETE',
        path: resourcePath(type, options.namespace, name),
        query: writeQuery({ dryRun: options.dryRun }),
        body: deleteBody(options),
        signal: options.signal,
      });
      // Some kinds answer with their last state once they are gone: it is not on its way out.
      const { deletionTimestamp } = (answer as { metadata?: { deletionTimestamp?: string } }).metadata ?? {};
      return isStatus(answer) || deletionTimestamp === undefined ? undefined : answer;
    },
    async deleteCollection(type, options = {}) {
      const query = listQuery(options);
      if (options.dryRun) query.set('dryRun', 'All');
      await send({
        method: 'DELETE',
        path: resourcePath(type, options.namespace),
        query,
        body: deleteBody(options),
        signal: options.signal,
      });
    },
    async *logs(name, options) {
      const query = toQuery({
        container: options.container,
        follow: options.follow,
        previous: options.previous,
        timestamps: options.timestamps,
        tailLines: options.tailLines,
        sinceSeconds: options.sinceSeconds,
        limitBytes: options.limitBytes,
      });
      const path = podPath(options.namespace, name, 'log');
      yield* responseBytes(await request({ method: 'GET', path, query, signal: options.signal }));
    },
    exec(name, options: ExecCallOptions) {
      const query = streamsQuery(options);
      for (const word of options.command) query.append('command', word);
      return transport.upgrade(podPath(options.namespace, name, 'exec'), query, options);
    },
    attach(name, options) {
      return transport.upgrade(podPath(options.namespace, name, 'attach'), streamsQuery(options), options);
    },
    portForward(name, { namespace, port, signal }) {
      const query = new URLSearchParams({ ports: String(port) });
      return transport.forward(podPath(namespace, name, 'portforward'), query, port, signal);
    },
  };
  return client;
}

function streamsQuery(options: Omit<ExecCallOptions, 'command'>): URLSearchParams {
  return toQuery({
    container: options.container,
    stdin: options.stdin !== undefined,
    stdout: options.stdout !== undefined,
    stderr: options.stderr !== undefined && !options.tty,
    tty: options.tty,
  });
}

function podPath(namespace: string, name: string, subresource: string): string {
  const pods = { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true };
  return resourcePath(pods, namespace, name, subresource);
}

/** Collection to create in. A namespaced type needs a namespace here, unlike in a list. */
function collectionFor(
  type: ResourceType,
  namespace: string | undefined,
  metadata: { name?: string | undefined; generateName?: string | undefined },
): string {
  if (type.namespaced && !namespace) {
    // Naming the object makes resourcePath refuse it with the name in the message.
    resourcePath(type, undefined, metadata.name ?? metadata.generateName ?? '(no name)');
  }
  return resourcePath(type, namespace);
}

function listQuery(options: ListOptions): URLSearchParams {
  return toQuery({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    limit: options.limit,
    continue: options.continue,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
  });
}

function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteOptions): URLSearchParams {
  const query = new URLSearchParams();
  // Each by name, not through `toQuery`: most writes say none of them.
  if (dryRun) query.set('dryRun', 'All');
  if (fieldManager) query.set('fieldManager', fieldManager);
  if (fieldValidation) query.set('fieldValidation', fieldValidation);
  return query;
}

function deleteBody({ gracePeriodSeconds, propagationPolicy, preconditions, dryRun }: DeleteOptions): object {
  const body: Record<string, unknown> = { kind: 'DeleteOptions', apiVersion: 'v1' };
  if (gracePeriodSeconds !== undefined) body['gracePeriodSeconds'] = gracePeriodSeconds;
  if (propagationPolicy !== undefined) body['propagationPolicy'] = propagationPolicy;
  if (preconditions !== undefined) body['preconditions'] = preconditions;
  if (dryRun) body['dryRun'] = ['All'];
  return body;
}

function isStatus(value: unknown): value is Status {
  const object = value as Partial<Status> | undefined;
  return object?.kind === 'Status' && object.apiVersion === 'v1';
}

/** Servers may leave apiVersion and kind out of a list's items; readers rely on them. */
function withItemKinds<T>(type: ResourceType<T>, list: KubeList<T>): KubeList<T> {
  const items = (list.items ?? []) as (T & { kind?: string; apiVersion?: string })[];
  const first = items[0];
  if (list.items && (first === undefined || (first.kind !== undefined && first.apiVersion !== undefined))) {
    return list;
  }
  const apiVersion = apiVersionOf(type);
  return deepFreeze({
    ...list,
    items: items.map((item) => ({ ...item, apiVersion, kind: type.kind })),
  });
}
