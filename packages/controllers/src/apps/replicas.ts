/** ReplicaSets and ReplicationControllers as functions: which pods to make or remove, and the status. */
import { formatTime, selectorFromSet } from '@coracle/machinery';
import type { Pod, apps_v1 } from '@coracle/machinery/api';
import { byCheapestToDelete, isActive, isReady, isTerminating, podCondition } from '../lib/pods.ts';
import { milliseconds } from '../lib/time.ts';

type Status = apps_v1.ReplicaSetStatus;

/** What ReplicaSet and ReplicationController have in common. */
export interface Replicated {
  metadata: { generation?: number | undefined };
  spec?:
    | {
        replicas?: number | undefined;
        minReadySeconds?: number | undefined;
        template?: apps_v1.ReplicaSetSpec['template'];
      }
    | undefined;
  status?: Status | undefined;
}

const maxWritesPerRound = 500;

export function planReplicas(set: Replicated, pods: readonly Pod[]): { create: number; remove: Pod[] } {
  const active = pods.filter(isActive);
  const missing = (set.spec?.replicas ?? 1) - active.length;
  if (missing >= 0) return { create: Math.min(missing, maxWritesPerRound), remove: [] };
  const remove = active.toSorted(byCheapestToDelete).slice(0, Math.min(-missing, maxWritesPerRound));
  return { create: 0, remove };
}

/** When the pod will have been ready for `seconds`, in ms since 1970; undefined: it is not ready. */
export function availableAt(pod: Pod, seconds: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (seconds === 0) return 0;
  const since = milliseconds(podCondition(pod, 'Ready')?.lastTransitionTime);
  return since === undefined ? undefined : since + seconds * 1000;
}

/** `failure`: of creating or deleting pods in this round. `again`: when a pod becomes available by time alone. */
export function replicasStatus(
  set: Replicated,
  pods: readonly Pod[],
  now: number,
  failure?: { reason: 'FailedCreate' | 'FailedDelete'; message: string },
): { status: Status; again: number | undefined } {
  const labels = selectorFromSet(set.spec?.template?.metadata?.labels ?? {});
  const counts = { replicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0 };
  let again: number | undefined;
  for (const pod of pods.filter(isActive)) {
    counts.replicas += 1;
    if (labels.matches(pod.metadata.labels)) counts.fullyLabeledReplicas += 1;
    if (isReady(pod)) counts.readyReplicas += 1;
    const at = availableAt(pod, set.spec?.minReadySeconds ?? 0);
    if (at === undefined) continue;
    if (at <= now) counts.availableReplicas += 1;
    else again = Math.min(again ?? at, at);
  }
  const status: Status = {
    ...counts,
    terminatingReplicas: pods.filter(isTerminating).length,
    observedGeneration: set.metadata.generation,
  };
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  const found = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  if (failure) {
    others.push(
      found ?? { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(now), ...failure },
    );
  }
  if (others.length > 0) status.conditions = others;
  return { status, again };
}
