/**
 * The Job controller as a function: what is known about one Job in, the next steps out. It is level-triggered and may be
 * asked any number of times; each answer holds steps of one phase only, and when they are done it is asked again:
 *
 *     view ──> census ──> pods to create or delete? ──yes──> do that, ask again
 *                                  │no
 *                         status ─────> store it ──> remove finalizers of `release`, ask again
 *
 * The order makes a crash between any two steps harmless (see track.ts for the counting).
 */
import { deepEqual, formatTime, jsonClone } from '@coracle/machinery';
import type { Draft } from '@coracle/machinery';
import type { Pod, batch_v1 } from '@coracle/machinery/api';
import { isReady } from '../lib/pods.ts';
import { milliseconds } from '../lib/time.ts';
import type { PodEnds } from './backoff.ts';
import { takeCensus } from './census.ts';
import type { JobCensus, JobView } from './census.ts';
import { condition, withCondition } from './conditions.ts';
import type { JobCondition } from './conditions.ts';
import { planPods } from './manage.ts';
import { completed, deadlineOf, outcome } from './outcome.ts';
import { isSuspended } from './pods.ts';
import { track } from './track.ts';

type JobStatus = batch_v1.JobStatus;

interface JobEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

export interface JobDecision {
  create: Draft<Pod>[];
  /** Pods to delete; `counted`: they keep the finalizer and count as failed. Otherwise it is removed before. */
  remove: { pod: Pod; counted: boolean }[];
  /** To be stored before `release`; undefined: as it is. */
  status?: JobStatus | undefined;
  /** Pods whose tracking finalizer is to be removed. */
  release: Pod[];
  /** To be told once `status` is stored. */
  events: JobEvent[];
  /** Ask again at this time (ms since 1970) even when nothing has happened. */
  again?: number | undefined;
  /** To be passed to the next call. */
  ends: PodEnds;
}

/**
 * `podWrites: false`: creating or deleting pods has failed in this round; answer with the status as things are.
 */
export function decide(view: JobView, podWrites = true): JobDecision {
  const census = takeCensus(view);
  const { job, now } = view;
  const decision: JobDecision = { create: [], remove: [], release: [], events: [], ends: census.ends };
  const status = jsonClone(job.status ?? {}) as JobStatus;
  const suspended = isSuspended(job);
  if (status.startTime === undefined && !suspended) status.startTime = formatTime(now);

  let ending = outcome(census);
  let managed = false;
  if (ending) {
    if (census.active.length > 0) {
      // It cannot be declared finished while pods run.
      ending = undefined;
      decision.remove = census.active.map((pod) => ({ pod, counted: true }));
    }
  } else if (job.metadata.deletionTimestamp === undefined) {
    managed = true;
    const plan = planPods(census);
    decision.create = plan.create;
    decision.remove = plan.remove.map((pod) => ({ pod, counted: false }));
    decision.again = earliest(plan.again, deadlineOf({ ...job, status }));
  }
  if (decision.create.length + decision.remove.length > 0) {
    if (podWrites) return decision;
    decision.create = [];
    decision.remove = [];
  } else if (!ending) {
    ending = completed(census);
  }

  if (!ending && managed) noteSuspension(census, status, decision);
  status.active = census.active.length;
  status.ready = census.active.filter(isReady).length;
  status.terminating = census.terminating.length;
  const { release, all } = track(census, status, ending);
  decision.release = release;
  if (ending) {
    status.conditions = [...withCondition(status.conditions ?? [], ending)];
    if (all && release.length === 0) finish(census, status, ending, decision);
  }
  if (!deepEqual(status, job.status ?? {})) decision.status = status;
  return decision;
}

function noteSuspension(census: JobCensus, status: JobStatus, decision: JobDecision): void {
  const suspended = isSuspended(census.job);
  const before = status.conditions ?? [];
  const after = withCondition(before, {
    ...condition(
      'Suspended',
      suspended ? 'JobSuspended' : 'JobResumed',
      suspended ? 'Job suspended' : 'Job resumed',
      census.now,
    ),
    status: suspended ? 'True' : 'False',
  });
  if (after === before) return;
  status.conditions = [...after];
  decision.events.push({
    type: 'Normal',
    reason: suspended ? 'Suspended' : 'Resumed',
    message: suspended ? 'Job suspended' : 'Job resumed',
  });
  // activeDeadlineSeconds counts from the last time the Job was started.
  if (!suspended) status.startTime = formatTime(census.now);
}

/** The last condition, when every pod is counted and none is terminating. */
function finish(census: JobCensus, status: JobStatus, ending: JobCondition, decision: JobDecision): void {
  const uncounted = status.uncountedTerminatedPods ?? {};
  if ((uncounted.succeeded?.length ?? 0) + (uncounted.failed?.length ?? 0) > 0) return;
  if (census.terminating.length > 0) return;
  const success = ending.type === 'SuccessCriteriaMet';
  const { reason = '', message = '' } = ending;
  const last = condition(success ? 'Complete' : 'Failed', reason, message, census.now);
  status.conditions = [...withCondition(status.conditions ?? [], last)];
  if (!success) {
    decision.events.push({ type: 'Warning', reason, message });
    return;
  }
  status.completionTime = formatTime(Math.max(census.now, milliseconds(status.startTime) ?? 0));
  const completions = census.job.spec?.completions;
  if (completions !== undefined && (status.succeeded ?? 0) > completions) {
    decision.events.push({
      type: 'Warning',
      reason: 'TooManySucceededPods',
      message: 'Too many succeeded pods running after completion count reached',
    });
  }
  decision.events.push({ type: 'Normal', reason: 'Completed', message: 'Job completed' });
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
