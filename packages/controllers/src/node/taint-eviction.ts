/** Deletes pods from nodes with NoExecute taints, each when its tolerations have run out. */
import { deepEqual, formatTime, isReason, keyOf } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { byNode, ensurePodIndexes } from '../lib/pod-indexes.ts';
import { markDisrupted } from '../lib/disruption.ts';
import { milliseconds } from '../lib/time.ts';
import { toleratedMs } from './taints.ts';

/** When the pod is to be deleted, in ms since 1970; Infinity: never. */
function evictionTime(pod: Pod, node: Node | undefined, now: number): number {
  const taints = (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  if (taints.length === 0 || pod.metadata.deletionTimestamp !== undefined) return Number.POSITIVE_INFINITY;
  // Counted from the latest taint's time, so that a restart of ours does not give all pods more.
  const since = Math.max(...taints.map(({ timeAdded }) => milliseconds(timeAdded) ?? now));
  const scheduled = milliseconds(pod.status?.startTime ?? pod.metadata.creationTimestamp) ?? since;
  return Math.max(since, scheduled) + toleratedMs(taints, pod.spec?.tolerations);
}

export function taintEvictionController(deps: ComponentDeps): Component {
  const { client, clock, recorder } = deps;
  const nodes = deps.informers.informer(Node);
  const pods = deps.informers.informer(Pod);
  ensurePodIndexes(pods);
  const controller = createController(deps, {
    name: 'taint-eviction-controller',
    workers: 8,
    waitFor: [nodes, pods],
    async reconcile(key) {
      const pod = pods.byKey(key);
      const nodeName = pod?.spec?.nodeName;
      if (!pod || !nodeName) return undefined;
      const at = evictionTime(pod, nodes.get(nodeName), clock.now());
      if (at === Number.POSITIVE_INFINITY) return undefined;
      if (at > clock.now()) return { requeueAfterMs: at - clock.now() };
      const { name, namespace, uid } = pod.metadata;
      recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`);
      try {
        await markDisrupted(
          client,
          pod,
          'DeletionByTaintManager',
          'Taint manager: deleting due to NoExecute taint',
          formatTime(clock.now()),
        );
        await client.delete(Pod, name, { namespace, preconditions: { uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      return undefined;
    },
  });
  const seePod = (pod: Pod): void => {
    const node = pod.spec?.nodeName ? nodes.get(pod.spec.nodeName) : undefined;
    if (node && hasNoExecute(node)) controller.queue.add(keyOf(pod));
  };
  const seeNode = (node: Node): void => {
    if (!hasNoExecute(node)) return;
    for (const pod of pods.byIndex(byNode, node.metadata.name)) controller.queue.add(keyOf(pod));
  };
  pods.on({
    add: seePod,
    update(before, after) {
      // Bound, or given other tolerations.
      if (before.spec?.nodeName !== after.spec?.nodeName || generationOf(before) !== generationOf(after)) {
        seePod(after);
      }
    },
  });
  nodes.on({
    add: seeNode,
    update(before, after) {
      if (!deepEqual(before.spec?.taints, after.spec?.taints)) seeNode(after);
    },
  });
  return controller;
}

function generationOf(pod: Pod): number | undefined {
  return pod.metadata.generation;
}

function hasNoExecute(node: Node): boolean {
  return node.spec?.taints?.some(({ effect }) => effect === 'NoExecute') === true;
}
