/** The status of a Deployment and its conditions. */
import { formatTime } from '@coracle/machinery';
import type { Deployment, ReplicaSet, apps_v1 } from '@coracle/machinery/api';
import { milliseconds } from '../../lib/time.ts';
import { rolloutLimits, wantedReplicas } from './limits.ts';
import { availableOf, findNewSet, replicasOf, sum } from './replica-sets.ts';

type Status = apps_v1.DeploymentStatus;
type Condition = apps_v1.DeploymentCondition;

/** `again`: when the progress deadline passes, in ms since 1970. */
export function deploymentStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  now: number,
): { status: Status; again: number | undefined } {
  const fresh = findNewSet(deployment, sets);
  const availableReplicas = sum(sets, availableOf);
  const status: Status = {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(sets, (set) => set.status?.replicas ?? 0),
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(sets, replicasOf) - availableReplicas),
    terminatingReplicas: sum(sets, (set) => set.status?.terminatingReplicas ?? 0),
  };
  if (deployment.status?.collisionCount) status.collisionCount = deployment.status.collisionCount;

  const enough = availableReplicas >= wantedReplicas(deployment) - rolloutLimits(deployment).unavailable;
  const conditions = new Map((deployment.status?.conditions ?? []).map((c) => [c.type, c]));
  const set = (wanted: Omit<Condition, 'lastTransitionTime' | 'lastUpdateTime'>, touch = false): void => {
    const found = conditions.get(wanted.type);
    const same = found?.status === wanted.status;
    if (same && found.reason === wanted.reason && !touch) return;
    const time = formatTime(now);
    conditions.set(wanted.type, {
      ...wanted,
      lastTransitionTime: same ? found.lastTransitionTime : time,
      lastUpdateTime: time,
    });
  };
  set({
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough
      ? 'Deployment has minimum availability.'
      : 'Deployment does not have minimum availability.',
  });
  const again = noteProgress(deployment, fresh, status, conditions.get('Progressing'), now, set);
  const failure = sets
    .flatMap(({ status: { conditions: list } = { replicas: 0 } }) => list ?? [])
    .find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True');
  if (failure) {
    const { reason, message } = failure;
    set({ type: 'ReplicaFailure', status: 'True', reason, message });
  } else conditions.delete('ReplicaFailure');
  status.conditions = [...conditions.values()];
  return { status, again };
}

/** Is every pod of the new template and available? */
function isDone(deployment: Deployment, status: Status): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    status.updatedReplicas === wanted && status.replicas === wanted && status.availableReplicas === wanted
  );
}

function noteProgress(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  status: Status,
  current: Condition | undefined,
  now: number,
  set: (condition: Omit<Condition, 'lastTransitionTime'>, touch?: boolean) => void,
): number | undefined {
  const deadline = deployment.spec?.progressDeadlineSeconds;
  if (deadline === undefined || deadline === 2 ** 31 - 1) return undefined;
  const subject = fresh ? `ReplicaSet "${fresh.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const type = 'Progressing';
  if (deployment.spec?.paused) {
    if (current?.reason !== 'DeploymentPaused') {
      set({ type, status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' });
    }
    return undefined;
  }
  if (current?.reason === 'DeploymentPaused') {
    set({ type, status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' });
    return undefined;
  }
  if (isDone(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    set({ type, status: 'True', reason: 'NewReplicaSetAvailable', message });
    return undefined;
  }
  const before = deployment.status ?? {};
  const grew = (field: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'): boolean =>
    (status[field] ?? 0) > (before[field] ?? 0);
  const oldBefore = (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  const oldNow = (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  const progressed =
    grew('updatedReplicas') || grew('readyReplicas') || grew('availableReplicas') || oldNow < oldBefore;
  // A Deployment that was complete and merely lost a pod is not rolling out anything.
  const rested = current?.reason === 'NewReplicaSetAvailable' && status.updatedReplicas === status.replicas;
  if (rested) return undefined;
  if (progressed || !current || current.reason === 'NewReplicaSetAvailable') {
    set({ type, status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` }, true);
    return now + deadline * 1000;
  }
  const since = milliseconds(current.lastUpdateTime) ?? now;
  if (since + deadline * 1000 <= now) {
    const message = `${subject} has timed out progressing.`;
    set({ type, status: 'False', reason: 'ProgressDeadlineExceeded', message });
    return undefined;
  }
  return since + deadline * 1000;
}
