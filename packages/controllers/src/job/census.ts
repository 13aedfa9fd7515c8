/** The pods of a Job sorted and counted, once for each decision. */
import type { Job, Pod } from '@coracle/machinery/api';
import { isActive, isTerminating } from '../lib/pods.ts';
import { finishedAt, rememberEnds } from './backoff.ts';
import type { BackoffLimits, PodEnd, PodEnds } from './backoff.ts';
import { judgeFailure } from './failure-policy.ts';
import { IndexSet } from './indexes.ts';
import {
  completionIndex,
  failuresBefore,
  hasTrackingFinalizer,
  isFailed,
  isIndexed,
  limitsPerIndex,
  validIndex,
} from './pods.ts';

export interface JobView {
  job: Job;
  /** The pods the Job controls, as far as is known. */
  pods: readonly Pod[];
  /** ms since 1970. */
  now: number;
  /** What the last decision returned; empty at first. */
  ends: PodEnds;
  backoff: BackoffLimits;
}

export interface JobCensus extends JobView {
  active: Pod[];
  terminating: Pod[];
  /** Successes, counted or not: pods, or indexes of an Indexed Job. */
  succeeded: number;
  /** Failures that count, in the status or not. */
  failed: number;
  /** Indexes in status.completedIndexes, and with those that succeeded since. */
  countedIndexes: IndexSet;
  succeededIndexes: IndexSet;
  /** With backoffLimitPerIndex: the indexes that will not be tried again. */
  failedIndexes: IndexSet;
  /** With backoffLimitPerIndex: by index, the failed pod that keeps its finalizer until its replacement carries its count. */
  toReplace: ReadonlyMap<number, Pod>;
}

export function takeCensus(view: JobView): JobCensus {
  const { job, pods } = view;
  const status = job.status ?? {};
  const uncounted = status.uncountedTerminatedPods ?? {};
  const uncountedSucceeded = new Set(uncounted.succeeded);
  const uncountedFailed = new Set(uncounted.failed);
  const indexed = isIndexed(job);

  const active: Pod[] = [];
  const terminating: Pod[] = [];
  const newIndexes: number[] = [];
  const ended: Pod[] = [];
  let failures = false;
  let succeeded = (status.succeeded ?? 0) + uncountedSucceeded.size;
  let failed = (status.failed ?? 0) + uncountedFailed.size;
  for (const pod of pods) {
    const { uid } = pod.metadata;
    if (isActive(pod)) active.push(pod);
    else if (isTerminating(pod)) terminating.push(pod);
    // A terminating pod that was noted as failed may still succeed before its finalizer goes: it stays what it was noted as.
    const success = pod.status?.phase === 'Succeeded' && !uncountedFailed.has(uid);
    const failure = isFailed(job, pod);
    const tracked = hasTrackingFinalizer(pod);
    // Pods that the controller itself removed (suspend, scale down) lost their finalizer first: they did not fail.
    if ((success || failure) && (tracked || pod.metadata.deletionTimestamp === undefined)) {
      ended.push(pod);
      failures ||= failure;
    }
    const index = indexed ? validIndex(job, pod) : undefined;
    if (!tracked || (indexed && index === undefined)) continue;
    if (success && index !== undefined) newIndexes.push(index);
    if (success && !uncountedSucceeded.has(uid)) succeeded += 1;
    if (failure && !uncountedFailed.has(uid) && judgeFailure(job.spec?.podFailurePolicy, pod).counts) {
      failed += 1;
    }
  }

  const completions = job.spec?.completions ?? 0;
  const countedIndexes = indexed ? IndexSet.parse(status.completedIndexes, completions) : IndexSet.empty;
  const succeededIndexes = countedIndexes.union(IndexSet.of(newIndexes));
  const census: JobCensus = {
    ...view,
    // Without failures there is no back-off, and when the others ended does not matter.
    ends: failures || view.ends.size > 0 ? rememberEnds(view.ends, endsOf(ended)) : view.ends,
    active,
    terminating,
    succeeded: indexed ? succeededIndexes.size : succeeded,
    failed,
    countedIndexes,
    succeededIndexes,
    failedIndexes: IndexSet.empty,
    toReplace: new Map(),
  };
  if (limitsPerIndex(job)) {
    census.failedIndexes = findFailedIndexes(job, pods);
    census.toReplace = findPodsToReplace(census);
  }
  return census;
}

function endsOf(pods: readonly Pod[]): [string, PodEnd][] {
  return pods.map((pod) => [
    pod.metadata.uid,
    { at: finishedAt(pod), succeeded: pod.status?.phase === 'Succeeded' },
  ]);
}

function findFailedIndexes(job: Job, pods: readonly Pod[]): IndexSet {
  const before = IndexSet.parse(job.status?.failedIndexes, job.spec?.completions);
  const limit = job.spec?.backoffLimitPerIndex ?? 0;
  const found: number[] = [];
  for (const pod of pods) {
    const index = validIndex(job, pod);
    if (index === undefined || before.has(index) || !isFailed(job, pod)) continue;
    const verdict = judgeFailure(job.spec?.podFailurePolicy, pod);
    if (verdict.action === 'FailIndex' || (verdict.counts && failuresBefore(pod).counted >= limit)) {
      found.push(index);
    }
  }
  return before.union(IndexSet.of(found));
}

function totalBefore(pod: Pod): number {
  const { counted, ignored } = failuresBefore(pod);
  return counted + ignored;
}

function findPodsToReplace(census: JobCensus): Map<number, Pod> {
  const { job, pods, succeededIndexes, failedIndexes } = census;
  const occupied = new Set(census.active.map(completionIndex));
  const found = new Map<number, Pod>();
  for (const pod of pods) {
    const index = validIndex(job, pod);
    if (index === undefined || !hasTrackingFinalizer(pod) || !isFailed(job, pod)) continue;
    if (succeededIndexes.has(index) || failedIndexes.has(index) || occupied.has(index)) continue;
    const other = found.get(index);
    if (!other || totalBefore(other) <= totalBefore(pod)) found.set(index, pod);
  }
  return found;
}
