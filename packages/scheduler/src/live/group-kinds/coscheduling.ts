/**
 * `scheduling.x-k8s.io/v1alpha1` PodGroup: the coscheduling plugin of kubernetes-sigs/scheduler-plugins. Pods name their group
 * in a label. The status goes through the phases of that project's controller. `scheduleTimeoutSeconds` says how long
 * members may hold nodes while they wait for others; here nothing is held, so there is nothing to time out.
 */
import { deepEqual, resourceType, type KubeObject } from '@coracle/machinery';
import { topologyFrom, wishesOf, type GroupKind } from './kind.ts';

export interface CoschedulingGroup extends KubeObject {
  readonly spec?: {
    readonly minMember?: number;
    readonly minResources?: Readonly<Record<string, string>>;
    readonly scheduleTimeoutSeconds?: number;
  };
  readonly status?: CoschedulingStatus;
}
export interface CoschedulingStatus {
  readonly phase?: string;
  /** Owners of the members: one group serves one workload. */
  readonly occupiedBy?: string;
  readonly running?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly scheduleStartTime?: string;
}

const label = 'scheduling.x-k8s.io/pod-group';

export const coschedulingGroups: GroupKind = {
  type: resourceType<KubeObject>('scheduling.x-k8s.io', 'v1alpha1', 'podgroups', 'PodGroup', true),
  counts: true,
  schedulerName: 'scheduler-plugins-scheduler',

  groupOf: (pod) => pod.metadata.labels?.[label] || undefined,

  read(object) {
    const { spec } = object as CoschedulingGroup;
    const { preferred, fewestNodes } = wishesOf(object);
    return {
      minCount: Math.max(1, spec?.minMember ?? 1),
      topology: topologyFrom([], preferred),
      fewestNodes,
      disruptWhole: false,
      minResources: spec?.minResources,
    };
  },

  status(object, { spec, members, running, succeeded, failed, owners, now }) {
    const { status: before = {} } = object as CoschedulingGroup;
    // Over: pods that go now are cleaned up.
    if (before.phase === 'Finished' || before.phase === 'Failed') return undefined;
    let phase = 'Pending';
    if (members >= spec.minCount) {
      phase = succeeded + running >= spec.minCount ? 'Running' : 'Scheduling';
      if (failed > 0 && failed + running + succeeded >= spec.minCount) phase = 'Failed';
      if (succeeded >= spec.minCount) phase = 'Finished';
    }
    const status: CoschedulingStatus = {
      ...before,
      phase,
      running,
      succeeded,
      failed,
      ...(owners.length > 0 ? { occupiedBy: owners.join(',') } : {}),
      ...(phase === 'Scheduling' && !before.scheduleStartTime ? { scheduleStartTime: now } : {}),
    };
    return deepEqual(status, { running: 0, succeeded: 0, failed: 0, ...before }) ? undefined : status;
  },
};
