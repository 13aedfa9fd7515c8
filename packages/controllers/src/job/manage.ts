/** Which pods a Job that goes on should have: the ones to create or to delete now. */
import type { Draft } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { byCheapestToDelete } from '../lib/pods.ts';
import { backoffDelay, finishedAt, remainingBackoff } from './backoff.ts';
import { maxPodWritesPerRound } from './constants.ts';
import { IndexSet } from './indexes.ts';
import type { JobCensus } from './census.ts';
import {
  completionIndex,
  failuresAfter,
  failuresBefore,
  isIndexed,
  isSuspended,
  limitsPerIndex,
  replacesOnlyFailed,
} from './pods.ts';
import { podFromTemplate } from './template.ts';

export interface PodPlan {
  create: Draft<Pod>[];
  /** To be deleted without being counted as failed. */
  remove: Pod[];
  /** When to look again for pods that must wait, in ms since 1970. */
  again?: number | undefined;
}

/** Deletions and creations are never in one plan; deletions come first. */
export function planPods(census: JobCensus): PodPlan {
  const { job, active, succeeded } = census;
  if (isSuspended(job)) return { create: [], remove: active.slice(0, maxPodWritesPerRound) };

  const completions = job.spec?.completions;
  const parallelism = job.spec?.parallelism ?? 1;
  let wanted: number;
  if (completions === undefined) {
    // A work queue: once one pod has succeeded the others finish what they have, and none is added.
    wanted = succeeded > 0 ? active.length : parallelism;
  } else {
    wanted = Math.max(0, Math.min(completions - succeeded, parallelism));
  }

  const remove = podsToRemove(census, Math.max(0, active.length - wanted));
  if (remove.length > 0) return { create: [], remove: remove.slice(0, maxPodWritesPerRound) };

  const held = replacesOnlyFailed(job) ? census.terminating.length : 0;
  const missing = Math.min(wanted - held - active.length, maxPodWritesPerRound);
  if (missing <= 0) return { create: [], remove: [] };
  if (limitsPerIndex(job)) return planPerIndex(census, missing);
  const wait = remainingBackoff(census.ends, census.now, census.backoff);
  if (wait > 0) return { create: [], remove: [], again: census.now + wait };
  if (!isIndexed(job)) {
    return { create: Array.from({ length: missing }, () => podFromTemplate(job)), remove: [] };
  }
  const indexes = pendingIndexes(census, missing);
  return { create: indexes.map((index) => podFromTemplate(job, index)), remove: [] };
}

/** With backoffLimitPerIndex every index waits for its own back-off, and failures are handed on to the replacement. */
function planPerIndex(census: JobCensus, missing: number): PodPlan {
  const plan: PodPlan = { create: [], remove: [] };
  for (const index of pendingIndexes(census, missing)) {
    const failed = census.toReplace.get(index);
    if (!failed) {
      plan.create.push(podFromTemplate(census.job, index, { counted: 0, ignored: 0 }));
      continue;
    }
    const before = failuresBefore(failed);
    const due = finishedAt(failed) + backoffDelay(before.counted + before.ignored + 1, census.backoff);
    if (due <= census.now) {
      plan.create.push(podFromTemplate(census.job, index, failuresAfter(census.job, failed)));
    } else {
      plan.again = Math.min(plan.again ?? due, due);
    }
  }
  return plan;
}

/** The lowest indexes that have no pod and have not ended. */
function pendingIndexes(census: JobCensus, count: number): number[] {
  const occupied = [...census.active, ...(replacesOnlyFailed(census.job) ? census.terminating : [])]
    .map(completionIndex)
    .filter((index) => index !== undefined);
  return IndexSet.of(occupied)
    .union(census.succeededIndexes)
    .union(census.failedIndexes)
    .firstMissing(count, census.job.spec?.completions ?? 0);
}

function podsToRemove(census: JobCensus, atLeast: number): Pod[] {
  const { job, active } = census;
  if (!isIndexed(job)) {
    return atLeast === 0 ? [] : active.toSorted(byCheapestToDelete).slice(0, atLeast);
  }
  const remove: Pod[] = [];
  const byIndex = new Map<number, Pod[]>();
  for (const pod of active) {
    const index = completionIndex(pod);
    if (index === undefined || index >= (job.spec?.completions ?? 0)) remove.push(pod);
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod]);
  }
  const left: Pod[] = [];
  for (const same of byIndex.values()) {
    if (same.length > 1) same.sort(byCheapestToDelete);
    remove.push(...same.slice(0, -1));
    left.push(...same.slice(-1));
  }
  if (remove.length < atLeast) {
    remove.push(...left.toSorted(byCheapestToDelete).slice(0, atLeast - remove.length));
  }
  return remove;
}
