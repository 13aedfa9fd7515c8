/** The live wiring of DaemonSets. Left out: maxSurge (updates remove the old pod first). */
import { deepEqual, keyOf } from '@coracle/machinery';
import { ControllerRevision, DaemonSet, Node } from '@coracle/machinery/api';
import type { Pod } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../../deps.ts';
import { controllerUid } from '../../lib/claim.ts';
import { OwnedPods } from '../../lib/owned-pods.ts';
import { OwnWrites } from '../../lib/own-writes.ts';
import { revisionFor } from '../revisions.ts';
import { daemonStatus, planDaemonSet, podForNode } from './plan.ts';

const revisionIndex = 'daemonset-controller/owner';
const maxRounds = 5;

export function daemonSetController(deps: ComponentDeps): Component {
  const { client, clock, recorder } = deps;
  const sets = deps.informers.informer(DaemonSet);
  const nodes = deps.informers.informer(Node);
  const revisions = deps.informers.informer(ControllerRevision);
  revisions.addIndex(revisionIndex, (revision) => controllerUid(revision, DaemonSet));
  const store = new OwnedPods(deps, { owner: DaemonSet });
  const ownSets = new OwnWrites(sets, clock);
  const ownRevisions = new OwnWrites(revisions, clock);

  const controller = createController(deps, {
    name: 'daemonset-controller',
    workers: 2,
    waitFor: [sets, nodes, revisions, store.informer],
    async reconcile(key) {
      for (let round = 0; round < maxRounds; round += 1) {
        const cached = sets.byKey(key);
        const set = cached && ownSets.newest(cached);
        if (!set?.spec) return undefined;
        const { uid } = set.metadata;
        const { template } = set.spec;
        const pods = await store.podsOf(set, set.spec.selector);
        const known = ownRevisions.list(revisions.byIndex(revisionIndex, uid), uid);
        const revision = await ownRevisions.create(uid, () =>
          revisionFor(client, DaemonSet, set, template, known),
        );
        const hash = revision.metadata.labels?.['controller.kubernetes.io/hash'] ?? revision.metadata.name;
        const view = { set, nodes: nodes.list(), pods, hash, now: clock.now() };
        const { create, remove, failed } = planDaemonSet(view);
        if (create.length + remove.length > 0) {
          for (const pod of failed) {
            const where = `${pod.metadata.namespace}/${pod.metadata.name}`;
            const message = `Found failed daemon pod ${where} on node ${pod.spec?.nodeName ?? ''}, will try to kill it`;
            recorder.event(set, 'Warning', 'FailedDaemonPod', message);
          }
          await store.remove(
            set,
            remove.map((pod) => ({ pod, counted: false })),
          );
          await store.create(
            set,
            create.map((node) => podForNode(set, node, hash)),
          );
          continue;
        }
        ownSets.wrote(await patchStatus(client, DaemonSet, set, daemonStatus(view)));
        const seconds = set.spec.minReadySeconds ?? 0;
        return seconds > 0 ? { requeueAfterMs: seconds * 1000 } : undefined;
      }
      return { requeueAfterMs: 0 };
    },
  });
  const see = (set: DaemonSet): void => controller.queue.add(keyOf(set));
  const seeAll = (): void => {
    for (const set of sets.list()) see(set);
  };
  const seePod = (pod: Pod): void => {
    const owner = store.ownerOf(pod);
    if (owner) controller.queue.add(`${pod.metadata.namespace}/${owner.name}`);
  };
  sets.on({ add: see, update: (_, set) => see(set) });
  store.informer.on({ add: seePod, update: (_, pod) => seePod(pod), delete: seePod });
  nodes.on({
    add: seeAll,
    update(before, after) {
      // Heartbeats change nothing here.
      if (!deepEqual(before.spec, after.spec) || !deepEqual(before.metadata.labels, after.metadata.labels)) {
        seeAll();
      }
    },
    delete: seeAll,
  });
  return controller;
}
