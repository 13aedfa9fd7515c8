/** The live wiring of ReplicaSets and ReplicationControllers: as many pods as asked for, no more and no less. */
import { keyOf, selectorFrom } from '@coracle/machinery';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { ReplicaSet, ReplicationController } from '@coracle/machinery/api';
import type { LabelSelector, Pod } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { controllerReference } from '../lib/claim.ts';
import { namespaceIsTerminating, OwnedPods } from '../lib/owned-pods.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { podOfTemplate } from '../lib/template.ts';
import { planReplicas, replicasStatus } from './replicas.ts';
import type { Replicated } from './replicas.ts';

export function replicaSetController(deps: ComponentDeps): Component {
  return replicasController(deps, 'replicaset-controller', ReplicaSet, (set) => set.spec?.selector);
}

export function replicationController(deps: ComponentDeps): Component {
  return replicasController(
    deps,
    'replication-controller',
    // Its status has the same fields, terminatingReplicas excepted.
    ReplicationController as ResourceType<KubeObject & Replicated>,
    (controller) => {
      const { selector } = (controller as unknown as ReplicationController).spec ?? {};
      return selector && { matchLabels: selector };
    },
  );
}

const maxRounds = 5;

function replicasController<T extends KubeObject & Replicated>(
  deps: ComponentDeps,
  name: string,
  type: ResourceType<T>,
  selectorOf: (set: T) => LabelSelector | undefined,
): Component {
  const { client, clock } = deps;
  const sets = deps.informers.informer(type);
  const store = new OwnedPods(deps, { owner: type });
  const ownSets = new OwnWrites(sets, clock);

  const controller = createController(deps, {
    name,
    workers: 8,
    waitFor: [sets, store.informer],
    async reconcile(key) {
      let failure: { reason: 'FailedCreate' | 'FailedDelete'; message: string; error: unknown } | undefined;
      for (let round = 0; round < maxRounds; round += 1) {
        const cached = sets.byKey(key);
        const set = cached && ownSets.newest(cached);
        if (!set) return undefined;
        const pods = await store.podsOf(set, selectorOf(set));
        const plan =
          failure || set.metadata.deletionTimestamp !== undefined
            ? { create: 0, remove: [] }
            : planReplicas(set, pods);
        if (plan.create + plan.remove.length > 0) {
          const reason = plan.create > 0 ? 'FailedCreate' : 'FailedDelete';
          const reference = controllerReference(type, set);
          try {
            await store.remove(
              set,
              plan.remove.map((pod) => ({ pod, counted: false })),
            );
            await store.create(
              set,
              Array.from({ length: plan.create }, () => podOfTemplate(set, reference, set.spec?.template)),
            );
          } catch (error) {
            failure = { reason, message: error instanceof Error ? error.message : String(error), error };
          }
          continue;
        }
        const told = failure && { reason: failure.reason, message: failure.message };
        const { status, again } = replicasStatus(set, pods, clock.now(), told);
        if (type.kind === ReplicationController.kind) delete status.terminatingReplicas;
        ownSets.wrote(await patchStatus(client, type, set, status as T['status']));
        if (failure && !namespaceIsTerminating(failure.error)) throw failure.error;
        return again === undefined ? undefined : { requeueAfterMs: Math.max(0, again - clock.now()) };
      }
      return { requeueAfterMs: 0 };
    },
  });

  const see = (set: T): void => controller.queue.add(keyOf(set));
  const seePod = (pod: Pod): void => {
    const owner = store.ownerOf(pod);
    if (owner) controller.queue.add(`${pod.metadata.namespace}/${owner.name}`);
    else if (!pod.metadata.ownerReferences?.some((ref) => ref.controller)) {
      for (const set of sets.list(pod.metadata.namespace)) {
        if (selectorFrom(selectorOf(set)).matches(pod.metadata.labels)) see(set);
      }
    }
  };
  sets.on({ add: see, update: (_, set) => see(set), delete: see });
  store.informer.on({
    add: seePod,
    update(before, after) {
      const owner = store.ownerOf(before);
      if (owner && owner.uid !== store.ownerOf(after)?.uid) {
        controller.queue.add(`${before.metadata.namespace}/${owner.name}`);
      }
      seePod(after);
    },
    delete: seePod,
  });
  return controller;
}
