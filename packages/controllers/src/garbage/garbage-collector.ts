/**
 * The garbage collector: deletes objects all of whose owners are gone, takes part in foreground deletion (an owner waits
 * for the dependents that block it) and orphaning (dependents are let go before their owner is).
 *
 *     informers of all kinds ──> OwnerGraph ──uid──> check queue  ──> judge ──> delete, release, finish
 *                                           └─uid──> orphan queue ──> release the dependents, then the owner
 *
 * An owner that the graph knows is believed to exist: its deletion would be told, and looked at then. One that it does not
 * know is asked for live before anything is deleted. Deletes carry uid and resourceVersion, so that they hit only the state
 * that was judged.
 */
import { isReason } from '@coracle/machinery';
import type { KubeObject, OwnerReference, ResourceType } from '@coracle/machinery';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { inBatches } from '../lib/batches.ts';
import type { Discovery } from '../lib/discovery.ts';
import { patchMetadata, removeFinalizer } from '../lib/finalizers.ts';
import {
  foregroundFinalizer,
  hasFinalizer,
  isDeleting,
  isWaiting,
  orphanFinalizer,
  OwnerGraph,
} from './graph.ts';
import type { OwnerNode } from './graph.ts';
import { judge } from './judge.ts';
import type { DependentState, OwnerState } from './judge.ts';
import { Monitors } from './monitors.ts';

export interface GarbageCollectorOptions {
  /** Objects in work at a time; default 20. */
  workers?: number;
  /** What the server serves; asked for by discovery unless given. */
  discover?: () => Promise<Discovery>;
}

/** Uids of owners found absent that are remembered, so that each dependent need not ask. */
const rememberedAbsent = 2000;

export function garbageCollector(deps: ComponentDeps, options: GarbageCollectorOptions = {}): Component {
  const { client, logger, recorder } = deps;
  const workers = options.workers ?? 20;
  const graph = new OwnerGraph({
    check: (uid) => checks.queue.add(uid),
    orphan: (uid) => orphans.queue.add(uid),
  });
  const monitors = new Monitors(
    deps,
    {
      observe: (type, object) => graph.observe(type, object),
      forget: (_, object) => gone(object.metadata.uid),
    },
    options,
  );
  /** Uids never come back, so this can be too short but never wrong. */
  const absent = new Set<string>();
  const gone = (uid: string): void => {
    absent.add(uid);
    if (absent.size > rememberedAbsent) absent.delete(absent.values().next().value as string);
    graph.forget(uid);
  };

  /** Asks the server for an owner, as named by an object of `namespace`. */
  const lookUp = async (
    reference: { apiVersion: string; kind: string; name: string; uid: string },
    namespace: string | undefined,
  ): Promise<OwnerState> => {
    if (absent.has(reference.uid)) return 'absent';
    const type = await monitors.typeOf(reference.apiVersion, reference.kind);
    if (!type) throw new Error(`no resource of kind ${reference.kind} in ${reference.apiVersion}`);
    if (type.namespaced && namespace === undefined) return 'invalid';
    try {
      const owner = await client.get(type as ResourceType<KubeObject>, reference.name, {
        namespace: type.namespaced ? namespace : undefined,
      });
      if (owner.metadata.uid !== reference.uid) return 'absent';
      return isWaiting(owner) ? 'waiting' : 'solid';
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'absent';
      throw error;
    }
  };

  const ownerState = async (reference: OwnerReference, object: KubeObject): Promise<OwnerState> => {
    const { namespace } = object.metadata;
    const owner = graph.get(reference.uid)?.object;
    if (owner) {
      if (owner.metadata.namespace === undefined || owner.metadata.namespace === namespace) {
        return isWaiting(owner) ? 'waiting' : 'solid';
      }
      const named = `[${reference.apiVersion}/${reference.kind}, namespace: ${namespace ?? ''}, name: ${reference.name}, uid: ${reference.uid}]`;
      recorder.event(
        object,
        'Warning',
        'OwnerRefInvalidNamespace',
        namespace === undefined
          ? `ownerRef ${named} is namespaced and cannot own an object of the cluster`
          : `ownerRef ${named} does not exist in namespace "${namespace}"`,
      );
      // The reference names an owner of another namespace: in the object's own there is none of that uid.
      return namespace === undefined ? 'invalid' : 'absent';
    }
    return lookUp(reference, namespace);
  };

  /** An owner that was named and never seen: is it there? */
  const checkVirtual = async (node: OwnerNode): Promise<{ requeueAfterMs: number } | undefined> => {
    const { uid, reference } = node;
    const state = await lookUp({ ...reference, uid }, reference.namespace);
    if (graph.get(uid)?.object) return undefined;
    if (state === 'absent') {
      // Only its dependents' namespace was asked: each dependent asks in its own.
      const elsewhere = [...(node.dependents ?? [])].filter(
        ({ object }) => object?.metadata.namespace !== reference.namespace,
      );
      if (elsewhere.length === 0) gone(uid);
      else for (const { uid: dependent } of node.dependents ?? []) checks.queue.add(dependent);
      return undefined;
    }
    if (state === 'invalid') {
      for (const { uid: dependent } of node.dependents ?? []) checks.queue.add(dependent);
      return undefined;
    }
    // It is there, and its informer has not told yet.
    return { requeueAfterMs: 500 };
  };

  const check = async (uid: string): Promise<{ requeueAfterMs: number } | undefined> => {
    await monitors.synced();
    const node = graph.get(uid);
    if (!node) return undefined;
    const { object, type } = node as { object: KubeObject | undefined; type: ResourceType<KubeObject> };
    if (!object) return checkVirtual(node);
    const references = object.metadata.ownerReferences ?? [];
    const needOwners = !isDeleting(object);
    const owners: { uid: string; state: OwnerState }[] = [];
    for (const reference of needOwners ? references : []) {
      owners.push({ uid: reference.uid, state: await ownerState(reference, object) });
    }
    const verdict = judge(object, owners, dependentStates(node));
    const { name, namespace, resourceVersion } = object.metadata;
    try {
      if (verdict.do === 'check') {
        for (const dependent of verdict.dependents) checks.queue.add(dependent);
      } else if (verdict.do === 'finish') {
        await removeFinalizer(client, type, object, foregroundFinalizer);
      } else if (verdict.do === 'release') {
        await patchMetadata(client, type, object, (now) => without(now, verdict.owners));
      } else if (verdict.do === 'delete') {
        let version: string | undefined = resourceVersion;
        if (verdict.unblock) {
          version = (await patchMetadata(client, type, object, unblocked))?.metadata.resourceVersion;
          if (version === undefined) return undefined;
        }
        await client.delete(type, name, {
          namespace,
          propagationPolicy: verdict.propagation,
          preconditions: { uid, resourceVersion: version },
        });
        logger.debug({ kind: object.kind, name, namespace }, 'garbage deleted');
      }
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      // Gone without our knowing: a watch event is on its way, or its kind is.
    }
    return undefined;
  };

  const letGo = async (uid: string): Promise<void> => {
    await monitors.synced();
    const node = graph.get(uid);
    const { object, type } = (node ?? {}) as { object?: KubeObject; type: ResourceType<KubeObject> };
    if (!node || !object || !isDeleting(object) || !hasFinalizer(object, orphanFinalizer)) return;
    await inBatches([...(node.dependents ?? [])], 32, async (dependent) => {
      if (!dependent.object || !dependent.type) return;
      const dependentType = dependent.type as ResourceType<KubeObject>;
      await patchMetadata(client, dependentType, dependent.object, (now) => without(now, [uid]));
    });
    await removeFinalizer(client, type, object, orphanFinalizer);
  };

  const checks = createController(deps, { name: 'garbage-collector', workers, reconcile: check });
  const orphans = createController(deps, {
    name: 'garbage-collector-orphans',
    workers: Math.min(workers, 4),
    reconcile: letGo,
  });
  return {
    name: 'generic-garbage-collector',
    async start() {
      await monitors.start();
      await Promise.all([checks.start(), orphans.start()]);
    },
    async stop() {
      monitors.stop();
      await Promise.all([checks.stop(), orphans.stop()]);
    },
  };
}

function dependentStates(node: OwnerNode): DependentState[] {
  const states: DependentState[] = [];
  for (const { uid, object } of node.dependents ?? []) {
    if (!object) continue;
    const reference = object.metadata.ownerReferences?.find((ref) => ref.uid === node.uid);
    states.push({ uid, blocks: reference?.blockOwnerDeletion === true, waiting: isWaiting(object) });
  }
  return states;
}

/** Metadata changes; undefined: none of them is there. */
function without(object: KubeObject, owners: readonly string[]): Record<string, unknown> | undefined {
  const references = object.metadata.ownerReferences ?? [];
  const left = references.filter(({ uid }) => !owners.includes(uid));
  return left.length === references.length ? undefined : { ownerReferences: left };
}

function unblocked(object: KubeObject): Record<string, unknown> | undefined {
  const references = object.metadata.ownerReferences ?? [];
  if (!references.some((ref) => ref.blockOwnerDeletion)) return undefined;
  return {
    ownerReferences: references.map((ref) =>
      ref.blockOwnerDeletion ? { ...ref, blockOwnerDeletion: false } : ref,
    ),
  };
}
