/**
 * PodGroups do not go while pods of theirs are not finished: a finalizer, which the API server gives every new one, holds
 * them until then.
 */
import { isReason, jsonClone, keyOf } from '@coracle/machinery';
import { Pod, PodGroup } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';

const finalizer = 'scheduling.k8s.io/podgroup-protection';
const index = 'activePodGroup';

/** `namespace/name` of the group that an unfinished pod is in. */
function activeIn({ metadata, spec, status }: Pod): readonly string[] {
  const name = spec?.schedulingGroup?.podGroupName;
  const finished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return name === undefined || finished ? [] : [`${metadata.namespace ?? ''}/${name}`];
}

/** `podgroup-protection-controller`. */
export function podGroupProtection(deps: ComponentDeps): Component {
  const groups = deps.informers.informer(PodGroup);
  const pods = deps.informers.informer(Pod);
  pods.addIndex(index, activeIn);
  const controller = createController(deps, {
    name: 'podgroup-protection-controller',
    workers: 2,
    waitFor: [groups, pods],
    async reconcile(key) {
      const group = groups.byKey(key);
      if (!group || !isHeld(group) || pods.byIndex(index, key).length > 0) return;
      const copy = jsonClone(group);
      const finalizers = copy.metadata.finalizers?.filter((other) => other !== finalizer) ?? [];
      try {
        await deps.client.update(PodGroup, { ...copy, metadata: { ...copy.metadata, finalizers } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    },
  });
  const see = (group: PodGroup): void => {
    if (isHeld(group)) controller.queue.add(keyOf(group));
  };
  const left = (pod: Pod): void => {
    const name = pod.spec?.schedulingGroup?.podGroupName;
    if (name !== undefined) controller.queue.add(`${pod.metadata.namespace ?? ''}/${name}`);
  };
  groups.on({ add: see, update: (_before, group) => see(group) });
  pods.on({
    update(before, pod) {
      if (activeIn(before).length > 0 && activeIn(pod).length === 0) left(pod);
    },
    delete: left,
  });
  return controller;
}

function isHeld({ metadata }: PodGroup): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(finalizer) ?? false);
}
