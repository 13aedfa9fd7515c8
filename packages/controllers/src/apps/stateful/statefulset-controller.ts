/**
 * The live wiring of StatefulSets. Left out: persistentVolumeClaimRetentionPolicy Delete (claims are always kept) and
 * maxUnavailable above one.
 */
import { isReason, keyOf } from '@coracle/machinery';
import { ControllerRevision, PersistentVolumeClaim, StatefulSet } from '@coracle/machinery/api';
import type { Pod } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../../deps.ts';
import { controllerUid } from '../../lib/claim.ts';
import { OwnedPods } from '../../lib/owned-pods.ts';
import { OwnWrites } from '../../lib/own-writes.ts';
import { revisionFor, templateOf } from '../revisions.ts';
import { claimsOf, podOf } from './identity.ts';
import { planStatefulSet, statefulStatus } from './plan.ts';

const revisionIndex = 'statefulset-controller/owner';
const maxRounds = 10;

export function statefulSetController(deps: ComponentDeps): Component {
  const { client, clock } = deps;
  const sets = deps.informers.informer(StatefulSet);
  const revisions = deps.informers.informer(ControllerRevision);
  const claims = deps.informers.informer(PersistentVolumeClaim);
  revisions.addIndex(revisionIndex, (revision) => controllerUid(revision, StatefulSet));
  const store = new OwnedPods(deps, { owner: StatefulSet });
  const ownSets = new OwnWrites(sets, clock);
  const ownRevisions = new OwnWrites(revisions, clock);

  const makeClaims = async (set: StatefulSet, ordinal: number): Promise<void> => {
    const { namespace } = set.metadata;
    for (const draft of claimsOf(set, ordinal)) {
      if (claims.get(draft.metadata.name ?? '', namespace)) continue;
      try {
        await client.create(PersistentVolumeClaim, draft, { namespace });
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
      }
    }
  };

  const controller = createController(deps, {
    name: 'statefulset-controller',
    workers: 5,
    waitFor: [sets, revisions, claims, store.informer],
    async reconcile(key) {
      for (let round = 0; round < maxRounds; round += 1) {
        const cached = sets.byKey(key);
        const set = cached && ownSets.newest(cached);
        if (!set?.spec) return undefined;
        const { uid } = set.metadata;
        const pods = await store.podsOf(set, set.spec.selector);
        const known = ownRevisions.list(revisions.byIndex(revisionIndex, uid), uid);
        const { template } = set.spec;
        const update = await ownRevisions.create(uid, () =>
          revisionFor(client, StatefulSet, set, template, known),
        );
        const name = set.status?.currentRevision;
        const current = known.find(({ metadata }) => metadata.name === name) ?? update;
        const view = {
          set,
          pods,
          currentRevision: current.metadata.name,
          updateRevision: update.metadata.name,
          now: clock.now(),
        };
        const plan = planStatefulSet(view);
        if (plan.create.length + plan.remove.length > 0) {
          await store.remove(
            set,
            plan.remove.map((pod) => ({ pod, counted: false })),
          );
          for (const { ordinal } of plan.create) await makeClaims(set, ordinal);
          await store.create(
            set,
            plan.create.map(({ ordinal, revision }) =>
              podOf(set, ordinal, revision, templateOf(revision === update.metadata.name ? update : current)),
            ),
          );
          continue;
        }
        ownSets.wrote(await patchStatus(client, StatefulSet, set, statefulStatus(view)));
        await forget(set, known, [current, update], pods);
        return plan.again === undefined
          ? undefined
          : { requeueAfterMs: Math.max(0, plan.again - clock.now()) };
      }
      return { requeueAfterMs: 0 };
    },
  });

  /** Deletes revisions beyond spec.revisionHistoryLimit that nobody uses. */
  const forget = async (
    set: StatefulSet,
    known: readonly ControllerRevision[],
    used: readonly ControllerRevision[],
    pods: readonly Pod[],
  ): Promise<void> => {
    const inUse = new Set([
      ...used.map(({ metadata }) => metadata.name),
      ...pods.map(({ metadata }) => metadata.labels?.['controller-revision-hash']),
    ]);
    const free = known
      .filter(({ metadata }) => !inUse.has(metadata.name))
      .toSorted((a, b) => a.revision - b.revision);
    for (const revision of free.slice(0, Math.max(0, free.length - (set.spec?.revisionHistoryLimit ?? 10)))) {
      const { name, namespace } = revision.metadata;
      await client.delete(ControllerRevision, name, { namespace });
      ownRevisions.gone(revision);
    }
  };

  const see = (set: StatefulSet): void => controller.queue.add(keyOf(set));
  const seePod = (pod: Pod): void => {
    const owner = store.ownerOf(pod);
    if (owner) controller.queue.add(`${pod.metadata.namespace}/${owner.name}`);
  };
  sets.on({ add: see, update: (_, set) => see(set) });
  store.informer.on({ add: seePod, update: (_, pod) => seePod(pod), delete: seePod });
  return controller;
}
