/** What the Job controller asks about a pod of a Job. */
import type { Job, Pod } from '@coracle/machinery/api';
import { isTerminal } from '../lib/pods.ts';
import {
  completionIndexKey,
  indexFailureCountKey,
  indexIgnoredFailureCountKey,
  trackingFinalizer,
} from './constants.ts';
import { judgeFailure } from './failure-policy.ts';

export function isIndexed(job: Job): boolean {
  return job.spec?.completionMode === 'Indexed';
}
export function isSuspended(job: Job): boolean {
  return job.spec?.suspend === true;
}
export function limitsPerIndex(job: Job): boolean {
  return isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined;
}

/** A pod being deleted is replaced (and counts as failed) only when it has ended. */
export function replacesOnlyFailed(job: Job): boolean {
  return job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined;
}

export function hasTrackingFinalizer(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(trackingFinalizer) === true;
}

/** The pod's completion index; undefined when it has none or no number. */
export function completionIndex(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[completionIndexKey];
  // Number() takes more than decimal digits; what it does take and this does not want is empty, signed or not whole.
  const index = text ? Number(text) : -1;
  return Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}

/** The pod's index if it is one the Job has now. */
export function validIndex(job: Job, pod: Pod): number | undefined {
  const index = completionIndex(pod);
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined;
}

/**
 * Failed, or deleted before it ended: a deleted pod may never reach the Failed phase (its node may be gone), so it counts
 * unless the Job asks to wait.
 */
export function isFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesOnlyFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod);
}

export interface IndexFailures {
  counted: number;
  ignored: number;
}
/** Failures of the pod's index before this pod. */
export function failuresBefore(pod: Pod): IndexFailures {
  const read = (key: string): number => {
    const value = Number(pod.metadata.annotations?.[key] ?? 0);
    return Number.isInteger(value) && value > 0 ? value : 0;
  };
  return { counted: read(indexFailureCountKey), ignored: read(indexIgnoredFailureCountKey) };
}

/** Failures of the index including `failed`: what its replacement carries. */
export function failuresAfter(job: Job, failed: Pod): IndexFailures {
  const before = failuresBefore(failed);
  const counts = judgeFailure(job.spec?.podFailurePolicy, failed).counts;
  return counts ? { ...before, counted: before.counted + 1 } : { ...before, ignored: before.ignored + 1 };
}
