/** The CronJob controller as a function. */
import { formatTime } from '@coracle/machinery';
import type { Draft } from '@coracle/machinery';
import { CronJob, Job } from '@coracle/machinery/api';
import type { batch_v1, core_v1 } from '@coracle/machinery/api';
import { findCondition, isFinished } from '../job/conditions.ts';
import { controllerReference } from '../lib/claim.ts';
import { milliseconds } from '../lib/time.ts';
import { parseSchedule } from './schedule.ts';
import type { Schedule } from './schedule.ts';

export interface CronView {
  cronJob: CronJob;
  /** Those it controls. */
  jobs: readonly Job[];
  now: number;
}
interface CronEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}
export interface CronPlan {
  /** Finished Jobs beyond the history kept, and running ones that are replaced. */
  remove: Job[];
  create?: Draft<Job>;
  status: batch_v1.CronJobStatus;
  events: CronEvent[];
  /** The next time to look, in ms since 1970. */
  again?: number;
}

/** Scheduled times that were missed are caught up with the last one only; more than this many are worth a warning. */
const manyMissed = 100;

export function planCronJob({ cronJob, jobs, now }: CronView): CronPlan {
  const { spec, status = {}, metadata } = cronJob;
  const plan: CronPlan = { remove: beyondHistory(cronJob, jobs), status: { ...status }, events: [] };
  noteJobs(cronJob, jobs, plan);
  if (metadata.deletionTimestamp !== undefined || spec.suspend) return plan;
  let schedule: Schedule;
  try {
    schedule = parseSchedule(spec.schedule, spec.timeZone);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const zone = message.includes('time zone');
    plan.events.push({
      type: 'Warning',
      reason: zone ? 'UnknownTimeZone' : 'UnparseableSchedule',
      message: zone
        ? `invalid timeZone: ${JSON.stringify(spec.timeZone)}: ${message}`
        : `unparseable schedule: ${JSON.stringify(spec.schedule)} : ${message}`,
    });
    return plan;
  }

  const { due, next, missed } = dueTime(cronJob, schedule, now);
  if (next !== undefined) plan.again = next;
  if (missed > manyMissed) {
    plan.events.push({
      type: 'Warning',
      reason: 'TooManyMissedTimes',
      message:
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    });
  }
  if (due === undefined) return plan;
  const deadline = spec.startingDeadlineSeconds;
  if (deadline !== undefined && due + deadline * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${new Date(due).toUTCString()}`;
    plan.events.push({ type: 'Warning', reason: 'MissSchedule', message });
    return plan;
  }
  const running = jobs.filter((job) => !isFinished(job) && !plan.remove.includes(job));
  if (spec.concurrencyPolicy === 'Forbid' && running.length > 0) {
    plan.events.push({
      type: 'Normal',
      reason: 'JobAlreadyActive',
      message: 'Not starting job because prior execution is running and concurrency policy is Forbid',
    });
    return plan;
  }
  if (spec.concurrencyPolicy === 'Replace') {
    plan.remove.push(...running);
    plan.status.active = [];
  }
  plan.create = jobOf(cronJob, due);
  plan.status.lastScheduleTime = formatTime(due);
  return plan;
}

/** The last scheduled time that is due and was not acted on, and the one after now. */
function dueTime(
  { spec, status, metadata }: CronJob,
  schedule: Schedule,
  now: number,
): { due: number | undefined; next: number | undefined; missed: number } {
  let since = milliseconds(status?.lastScheduleTime) ?? milliseconds(metadata.creationTimestamp) ?? now;
  if (spec.startingDeadlineSeconds !== undefined) {
    since = Math.max(since, now - spec.startingDeadlineSeconds * 1000);
  }
  let due: number | undefined;
  let missed = 0;
  let time = schedule.next(since);
  while (time !== undefined && time <= now) {
    due = time;
    missed += 1;
    // After a long time out of work only the recent past is walked through.
    if (missed === manyMissed + 1) time = schedule.next(Math.max(time, now - 3_600_000));
    else time = schedule.next(time);
    if (missed > 100_000) break;
  }
  return { due, next: time, missed };
}

/** Keeps status.active to the Jobs that run, and notes the last success. */
function noteJobs({ status }: CronJob, jobs: readonly Job[], plan: CronPlan): void {
  const active: core_v1.ObjectReference[] = [];
  const known = new Set((status?.active ?? []).map(({ uid }) => uid));
  const there = new Set(jobs.map(({ metadata: { uid } }) => uid));
  for (const { uid, name } of status?.active ?? []) {
    if (there.has(uid ?? '')) continue;
    const message = `Active job went missing: ${name}`;
    plan.events.push({ type: 'Normal', reason: 'MissingJob', message });
  }
  for (const job of jobs) {
    const { uid, name } = job.metadata;
    if (!isFinished(job)) {
      active.push(referenceTo(job));
      continue;
    }
    const complete = findCondition(job.status?.conditions, 'Complete');
    if (known.has(uid)) {
      const message = `Saw completed job: ${name}, condition: ${complete ? 'Complete' : 'Failed'}`;
      plan.events.push({ type: 'Normal', reason: 'SawCompletedJob', message });
    }
    const at = complete && job.status?.completionTime;
    if (at && (milliseconds(plan.status.lastSuccessfulTime) ?? 0) < (milliseconds(at) ?? 0)) {
      plan.status.lastSuccessfulTime = at;
    }
  }
  if (active.length > 0) plan.status.active = active;
  else delete plan.status.active;
}

export function referenceTo({ metadata }: Job): core_v1.ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion: 'batch/v1', kind: Job.kind, namespace, name, uid, resourceVersion };
}

function jobOf(cronJob: CronJob, due: number): Draft<Job> {
  const { metadata, spec } = structuredClone(cronJob.spec.jobTemplate);
  return {
    metadata: {
      ...metadata,
      // The same time always makes the same name: a Job cannot be started twice.
      name: `${cronJob.metadata.name}-${Math.floor(due / 60_000)}`,
      namespace: cronJob.metadata.namespace,
      annotations: {
        ...metadata?.annotations,
        'batch.kubernetes.io/cronjob-scheduled-timestamp': formatTime(due),
      },
      ownerReferences: [controllerReference(CronJob, cronJob)],
    },
    ...(spec ? { spec } : {}),
  };
}

function started(job: Job): number {
  return milliseconds(job.status?.startTime ?? job.metadata.creationTimestamp) ?? 0;
}

function beyondHistory({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const oldest = (type: string, limit: number): Job[] => {
    const finished = jobs
      .filter(
        (job) => job.metadata.deletionTimestamp === undefined && findCondition(job.status?.conditions, type),
      )
      .toSorted((a, b) => started(a) - started(b));
    return finished.slice(0, Math.max(0, finished.length - limit));
  };
  return [
    ...oldest('Complete', spec.successfulJobsHistoryLimit ?? 3),
    ...oldest('Failed', spec.failedJobsHistoryLimit ?? 1),
  ];
}
