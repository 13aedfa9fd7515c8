/** What controllers ask about a pod. */
import type { Pod } from '@coracle/machinery/api';
import { milliseconds } from './time.ts';

/** Phase Succeeded or Failed: no container will run again. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither terminal nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted and not terminal yet. */
export function isTerminating(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

export function podCondition(pod: Pod, type: string) {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Times a container was started again, over all containers; the largest one. */
function maxRestarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

const phaseRank: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };
const stamp = (time: string | undefined): number => milliseconds(time) ?? 0;

const assigned = (pod: Pod): number => (pod.spec?.nodeName ? 1 : 0);
const phase = (pod: Pod): number => phaseRank[pod.status?.phase ?? 'Pending'] ?? 1;
const ready = (pod: Pod): number => (isReady(pod) ? 1 : 0);
const cost = (pod: Pod): number =>
  Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0;

/**
 * Orders pods by how little is lost when one is deleted, the cheapest first: not assigned, not running, not ready, ready for
 * a shorter time, more restarts, younger.
 */
export function byCheapestToDelete(a: Pod, b: Pod): number {
  return (
    assigned(a) - assigned(b) ||
    phase(a) - phase(b) ||
    ready(a) - ready(b) ||
    cost(a) - cost(b) ||
    (ready(a)
      ? stamp(podCondition(b, 'Ready')?.lastTransitionTime) -
        stamp(podCondition(a, 'Ready')?.lastTransitionTime)
      : 0) ||
    maxRestarts(b) - maxRestarts(a) ||
    stamp(b.metadata.creationTimestamp) - stamp(a.metadata.creationTimestamp)
  );
}
