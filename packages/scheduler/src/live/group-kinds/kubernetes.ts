/** `scheduling.k8s.io/v1alpha2` PodGroup: Kubernetes' own. */
import type { KubeObject } from '@coracle/machinery';
import { PodGroup, type Condition } from '@coracle/machinery/api';
import { topologyFrom, wishesOf, withCondition, type GroupKind } from './kind.ts';

export const kubernetesGroups: GroupKind = {
  type: PodGroup as GroupKind['type'],
  counts: false,
  schedulerName: 'default-scheduler',

  groupOf: (pod) => pod.spec?.schedulingGroup?.podGroupName,

  read(object) {
    const { spec } = object as PodGroup;
    const { preferred, fewestNodes } = wishesOf(object);
    const required = (spec.schedulingConstraints?.topology ?? []).map(({ key }) => key);
    return {
      minCount: spec.schedulingPolicy?.gang?.minCount ?? 1,
      // A priority without a class is the default's, which nobody chose: then each member has its own.
      priority: spec.priorityClassName ? spec.priority : undefined,
      priorityClassName: spec.priorityClassName,
      topology: topologyFrom(required, preferred),
      fewestNodes,
      disruptWhole: spec.disruptionMode === 'PodGroup',
    };
  },

  // `PodGroupScheduled` tells of the first time: a group once placed is not called unplaced for what comes later.
  status(object, { verdict, now }) {
    const group = object as PodGroup;
    if (!verdict) return undefined;
    const before = group.status?.conditions?.find((c) => c.type === 'PodGroupScheduled');
    const status = verdict.scheduled ? 'True' : 'False';
    if (before?.status === 'True' && !verdict.scheduled) return undefined;
    if (before?.status === status && before.reason === verdict.reason && before.message === verdict.message) {
      return undefined;
    }
    const condition: Condition = {
      type: 'PodGroupScheduled',
      status,
      reason: verdict.reason,
      message: verdict.message,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
      ...observed(group),
    };
    return { ...group.status, conditions: withCondition(group.status?.conditions, condition) };
  },
};

/** The status of a group that is evicted as a whole; undefined: it says so already. */
export function disruptedStatus(object: KubeObject, message: string, now: string): object | undefined {
  const group = object as PodGroup;
  const before = group.status?.conditions?.find((c) => c.type === 'DisruptionTarget');
  if (before?.status === 'True' && before.message === message) return undefined;
  const condition: Condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message,
    lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : now,
    ...observed(group),
  };
  return { ...group.status, conditions: withCondition(group.status?.conditions, condition) };
}

function observed({ metadata }: KubeObject): { observedGeneration?: number } {
  return metadata.generation === undefined ? {} : { observedGeneration: metadata.generation };
}
