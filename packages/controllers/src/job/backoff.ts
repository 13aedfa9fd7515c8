/**
 * The delay before pods that failed are replaced: base x 2^(failures in a row - 1), at most `max`, counted from the last
 * failure; a success ends the row. What is remembered is the pods' ends, by UID: adding an end twice changes nothing, so it
 * may be recomputed any number of times.
 */
import type { Pod } from '@coracle/machinery/api';
import { milliseconds } from '../lib/time.ts';
import { podCondition } from '../lib/pods.ts';

export interface BackoffLimits {
  /** Delay after the first failure in ms; 10,000 upstream. */
  baseMs: number;
  /** Longest delay in ms; 360,000 upstream. */
  maxMs: number;
}
export const defaultBackoff: BackoffLimits = { baseMs: 10_000, maxMs: 360_000 };

/** When and how a pod ended. */
export interface PodEnd {
  at: number;
  succeeded: boolean;
}
/** Ends by pod UID. */
export type PodEnds = ReadonlyMap<string, PodEnd>;

/** Past this many failures in a row the delay does not grow any more, so older ones need not be remembered. */
const remembered = 64;

/** When a pod that failed, succeeded or was deleted ended, in ms; from the best evidence there is. */
export function finishedAt(pod: Pod): number {
  let latest: number | undefined;
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  for (const { state } of statuses) {
    const at = milliseconds(state?.terminated?.finishedAt);
    if (at !== undefined && (latest === undefined || at > latest)) latest = at;
  }
  if (latest !== undefined) return latest;
  const ready = podCondition(pod, 'Ready');
  const notReadySince = ready?.status === 'False' ? milliseconds(ready.lastTransitionTime) : undefined;
  if (notReadySince !== undefined) return notReadySince;
  const deleted = milliseconds(pod.metadata.deletionTimestamp);
  if (deleted !== undefined) return deleted - (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return milliseconds(pod.metadata.creationTimestamp) ?? 0;
}

/** `known` and `added`, less what can no longer matter: ends before the last success, and all but the latest failures. */
export function rememberEnds(known: PodEnds, added: Iterable<[string, PodEnd]>): PodEnds {
  const failures = new Map<string, PodEnd>();
  let last: [string, PodEnd] | undefined;
  for (const entry of [...known, ...added]) {
    const [uid, end] = entry;
    if (!end.succeeded) {
      // What was known first counts: a pod's deletion is its end even when its containers go on for a while.
      if (!failures.has(uid)) failures.set(uid, end);
    } else if (!last || end.at > last[1].at) last = entry;
  }
  const since = last?.[1].at ?? Number.NEGATIVE_INFINITY;
  let kept = [...failures].filter(([, end]) => end.at >= since);
  if (kept.length > remembered) {
    kept = kept.toSorted(([, a], [, b]) => b.at - a.at).slice(0, remembered);
  }
  return new Map(last ? [...kept, last] : kept);
}

/** Delay in ms after `failures` failures in a row. */
export function backoffDelay(failures: number, limits: BackoffLimits): number {
  if (failures <= 0) return 0;
  // 2^31 and more only to be cut off at max: the exponent is kept small so that it stays a finite number.
  return Math.min(limits.baseMs * 2 ** Math.min(failures - 1, 40), limits.maxMs);
}

/** Milliseconds until the next pod may be created; 0: now. */
export function remainingBackoff(ends: PodEnds, now: number, limits: BackoffLimits): number {
  let lastSuccess = Number.NEGATIVE_INFINITY;
  for (const end of ends.values()) if (end.succeeded) lastSuccess = Math.max(lastSuccess, end.at);
  let failures = 0;
  let lastFailure = 0;
  for (const end of ends.values()) {
    if (end.succeeded || end.at < lastSuccess) continue;
    failures += 1;
    lastFailure = Math.max(lastFailure, end.at);
  }
  if (failures === 0) return 0;
  return Math.max(0, lastFailure + backoffDelay(failures, limits) - now);
}
