/**
 * Counting. A pod that ended is counted in two phases, so that a crash at any point neither loses nor doubles it:
 *
 *     pod ended, has finalizer ──(1) status: uid in uncountedTerminatedPods──> (2) finalizer removed ──> (3) status: counter + 1,
 *                                                                                                      uid taken out
 * A uid in the status whose pod has no finalizer any more (or is gone) is one that (3) still has to count. Every status write
 * carries the resourceVersion it was computed from, so a stale copy cannot count. Indexes of an Indexed Job that succeeded
 * are a set and need no uid: (1) adds the index to completedIndexes, (2) follows.
 */
import type { Pod, batch_v1 } from '@coracle/machinery/api';
import type { JobCensus } from './census.ts';
import type { JobCondition } from './conditions.ts';
import { maxUncountedPods } from './constants.ts';
import { judgeFailure } from './failure-policy.ts';
import { IndexSet } from './indexes.ts';
import {
  completionIndex,
  hasTrackingFinalizer,
  isFailed,
  isIndexed,
  limitsPerIndex,
  validIndex,
} from './pods.ts';

type JobStatus = batch_v1.JobStatus;

export interface Tracked {
  /** Pods whose finalizer may go once `status` is stored. */
  release: Pod[];
  /** Every pod that ended is in this round: nothing was put off for the size of the status. */
  all: boolean;
}

/** Fills the counters and uncountedTerminatedPods of `status` in place. `ending`: the Job is to end in this way. */
export function track(census: JobCensus, status: JobStatus, ending: JobCondition | undefined): Tracked {
  const { job } = census;
  const indexed = isIndexed(job);
  const tracked = census.pods.filter(hasTrackingFinalizer);
  const held = new Set(tracked.map((pod) => pod.metadata.uid));

  const before = status.uncountedTerminatedPods ?? {};
  const succeeded = (before.succeeded ?? []).filter((uid) => held.has(uid));
  const failed = (before.failed ?? []).filter((uid) => held.has(uid));
  status.succeeded = (status.succeeded ?? 0) + (before.succeeded?.length ?? 0) - succeeded.length;
  status.failed = (status.failed ?? 0) + (before.failed?.length ?? 0) - failed.length;

  const knownSucceeded = new Set(succeeded);
  const knownFailed = new Set(failed);
  const newIndexes: number[] = [];
  const release: Pod[] = [];
  let all = true;
  // In order of index, so that completedIndexes grows from the front when the round is cut short.
  if (indexed) tracked.sort((a, b) => (completionIndex(a) ?? -1) - (completionIndex(b) ?? -1));
  for (const pod of tracked) {
    const { uid } = pod.metadata;
    const failure = isFailed(job, pod);
    if (!mayRelease(census, pod, failure, ending)) continue;
    release.push(pod);
    const index = indexed ? validIndex(job, pod) : undefined;
    if (pod.status?.phase === 'Succeeded' && !knownFailed.has(uid)) {
      if (!indexed) {
        if (!knownSucceeded.has(uid)) succeeded.push(uid);
      } else if (index !== undefined && !census.countedIndexes.has(index)) {
        newIndexes.push(index);
      }
    } else if (failure || ending?.type === 'FailureTarget') {
      // When the Job has failed, each pod that has not ended is taken for failed.
      const counts = judgeFailure(job.spec?.podFailurePolicy, pod).counts;
      if (counts && !knownFailed.has(uid) && (!indexed || index !== undefined)) failed.push(uid);
    }
    if (newIndexes.length + succeeded.length + failed.length >= maxUncountedPods) {
      all = false;
      break;
    }
  }

  status.uncountedTerminatedPods = {
    ...(succeeded.length > 0 ? { succeeded } : {}),
    ...(failed.length > 0 ? { failed } : {}),
  };
  if (indexed) {
    const done = census.countedIndexes.union(IndexSet.of(newIndexes));
    status.succeeded = done.size;
    setText(status, 'completedIndexes', done.toString() || undefined);
    // Set even when empty: it says that failures are limited per index.
    setText(status, 'failedIndexes', limitsPerIndex(job) ? census.failedIndexes.toString() : undefined);
  }
  return { release, all };
}

function mayRelease(
  census: JobCensus,
  pod: Pod,
  failure: boolean,
  ending: JobCondition | undefined,
): boolean {
  if (census.job.metadata.deletionTimestamp !== undefined || ending) return true;
  if (pod.status?.phase === 'Succeeded') return true;
  if (!failure) return false;
  const index = completionIndex(pod);
  return index === undefined || census.toReplace.get(index)?.metadata.uid !== pod.metadata.uid;
}

function setText(
  status: JobStatus,
  field: 'completedIndexes' | 'failedIndexes',
  value: string | undefined,
): void {
  if (value === undefined) delete status[field];
  else status[field] = value;
}
