/**
 * Keeps the registry in step with the stored definitions, and cleans up after those that are deleted.
 *
 * `written` runs in the path of every write of a definition, before its writer hears of it: who has created a definition
 * can use it at once. Everything else (names that became free, objects of deleted definitions) is done in the background,
 * level-triggered from what is stored, so that it goes on after a restart.
 */
import {
  ApiError,
  formatTime,
  jsonClone,
  type Kind,
  kindFromCrd,
  type Unstructured,
} from '@coracle/machinery';
import type { Entry } from '@coracle/store';
import type { ServerContext } from '../context.ts';
import type { Call } from '../pipeline/call.ts';
import { keyFor, prefixOf } from '../storage/keys.ts';
import { storedObject } from '../storage/views.ts';
import { putObject, removeObject } from '../storage/writer.ts';
import { deleteOne } from '../verbs/delete.ts';
import { cleanupFinalizer, type Definition, isServed, statusFor, withCondition } from './names.ts';

export const definitionsResource = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };

export interface Definitions {
  written(kind: Kind, entry: Entry | undefined): void;
}

export const isDefinition = (kind: Kind): boolean =>
  kind.group === definitionsResource.group && kind.resource === definitionsResource.resource;

/** Milliseconds between two looks at what is left of a deleted definition's objects. */
const cleanupInterval = 200;

export function startDefinitions(ctx: ServerContext): Definitions {
  const { registry, store, lookup } = ctx;
  /** Resource registered for a definition, by the definition's name. */
  const registered = new Map<string, { group: string; resource: string; entry: Entry }>();
  /** Names of definitions whose clean-up is going on. */
  const cleaning = new Set<string>();
  const all = (): Definition[] =>
    lookup.list(definitionsResource.group, definitionsResource.resource) as unknown as Definition[];

  function register(entry: Entry): void {
    const definition = storedObject(entry) as unknown as Definition;
    const { name } = definition.metadata;
    const { group, names } = definition.spec;
    if (registered.get(name)?.entry === entry) return;
    if (isServed(definition)) {
      registry.replace(group, names.plural, kindFromCrd(definition));
      registered.set(name, { group, resource: names.plural, entry });
    } else unregister(name);
    if (definition.metadata.deletionTimestamp !== undefined) void cleanUp(name);
  }

  function unregister(name: string): void {
    const before = registered.get(name);
    if (!before) return;
    registry.replace(before.group, before.resource, []);
    registered.delete(name);
  }

  /** Gives names that have become free to definitions that wait for them. */
  async function settleNames(): Promise<void> {
    const kind = registry.byResource(definitionsResource.group, 'v1', definitionsResource.resource);
    if (!kind) return;
    for (const definition of all()) {
      if (isServed(definition) || definition.metadata.deletionTimestamp !== undefined) continue;
      const status = statusFor(definition, all(), registry, formatTime(ctx.now()));
      if (!isServed({ ...definition, status })) continue;
      const key = keyFor(definitionsResource, '', definition.metadata.name);
      const next = { ...jsonClone(definition), status } as unknown as Unstructured;
      await putObject(ctx, kind, key, Number(definition.metadata.resourceVersion), next);
    }
  }

  /** Deletes the objects of a definition that is being deleted, waits until they are gone, then lets the definition go. */
  async function cleanUp(name: string): Promise<void> {
    if (cleaning.has(name)) return;
    cleaning.add(name);
    try {
      while (!ctx.closing.aborted && (await cleanUpOnce(name))) await pause();
    } catch (error) {
      if (!ctx.closing.aborted)
        ctx.logger.error('clean-up of a custom resource definition failed', { name, error });
    } finally {
      cleaning.delete(name);
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      ctx.timers.after(cleanupInterval, resolve);
    });
  }

  /** True while there is something left to wait for. */
  async function cleanUpOnce(name: string): Promise<boolean> {
    const kind = registry.byResource(definitionsResource.group, 'v1', definitionsResource.resource);
    const key = keyFor(definitionsResource, '', name);
    const entry = store.peek(key);
    if (!kind || !entry) return false;
    const definition = storedObject(entry) as unknown as Definition;
    const { metadata, spec, status } = definition;
    if (metadata.deletionTimestamp === undefined || !metadata.finalizers?.includes(cleanupFinalizer))
      return false;
    const named = { group: spec.group, resource: spec.names.plural };
    // Objects of versions that are not served any more are cleaned up like the others.
    const versions = spec.versions.map((version) => ({ ...version, served: true }));
    const allServed: Definition = { ...definition, spec: { ...spec, versions } };
    const [kindOfObjects] = kindFromCrd(allServed);
    // A definition that never got its names has no objects of its own.
    if (kindOfObjects && registered.has(name)) await deleteAll(kindOfObjects);
    if (registered.has(name) && store.count(prefixOf(named)) > 0) return true;
    const next = jsonClone(definition);
    const rest = (next.metadata.finalizers ?? []).filter((f) => f !== cleanupFinalizer);
    const now = formatTime(ctx.now());
    if (rest.length > 0) next.metadata.finalizers = rest;
    else delete next.metadata.finalizers;
    next.status = {
      ...status,
      conditions: withCondition(
        (status?.conditions ?? []) as Parameters<typeof withCondition>[0],
        {
          type: 'Terminating',
          status: 'False',
          reason: 'InstanceDeletionCompleted',
          message: 'removed all instances',
        },
        now,
      ),
    } as NonNullable<Definition['status']>;
    const object = next as unknown as Unstructured;
    const result =
      rest.length > 0
        ? await putObject(ctx, kind, key, entry.revision, object)
        : await removeObject(ctx, kind, key, entry.revision, object);
    if (result.ok && rest.length === 0) unregister(name);
    return !result.ok;
  }

  async function deleteAll(kind: Kind): Promise<void> {
    const call = internalCall(ctx, kind);
    for (const entry of store.range(prefixOf(kind)).entries) {
      const { name, namespace = '' } = storedObject(entry).metadata;
      try {
        await deleteOne(call, name, namespace, noOptions);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
  }

  for (const entry of store.range(prefixOf(definitionsResource)).entries) register(entry);
  return {
    written(kind, entry) {
      if (!isDefinition(kind)) return;
      if (entry) {
        register(entry);
        return;
      }
      const stored = new Set(all().map((definition) => definition.metadata.name));
      for (const name of registered.keys()) if (!stored.has(name)) unregister(name);
      settleNames().catch((error: unknown) => ctx.logger.error('settling names failed', { error }));
    },
  };
}

const noOptions = {
  gracePeriodSeconds: undefined,
  propagation: undefined,
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
  raw: {},
};

/** A call by the server itself. */
function internalCall(ctx: ServerContext, kind: Kind): Call {
  const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  return {
    ctx,
    user,
    kind,
    strategy: ctx.strategyFor(kind),
    subresource: undefined,
    rest: '',
    output: { media: 'json', as: 'object', version: 'v1', pretty: false },
    warnings: [],
    request: {
      method: 'DELETE',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      credentials: { kind: 'trusted', user },
      want: 'values',
      signal: ctx.closing,
    },
    attributes: {
      user,
      verb: 'delete',
      isResource: true,
      path: '/',
      group: kind.group,
      version: kind.version,
      resource: kind.resource,
      subresource: '',
      namespace: '',
      name: '',
    },
  };
}
