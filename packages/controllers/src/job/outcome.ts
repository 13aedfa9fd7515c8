/** Whether a Job is to end, and why. */
import type { Job, Pod } from '@coracle/machinery/api';
import { milliseconds } from '../lib/time.ts';
import type { JobCensus } from './census.ts';
import { condition, findCondition } from './conditions.ts';
import type { JobCondition } from './conditions.ts';
import { judgeFailure } from './failure-policy.ts';
import { isFailed, isIndexed, isSuspended, limitsPerIndex } from './pods.ts';
import { matchSuccessPolicy } from './success-policy.ts';

/**
 * A condition of type FailureTarget or SuccessCriteriaMet: the Job is to end so, and its pods are to go. The final Failed or
 * Complete follows when they have. Undefined: it goes on. (A Job that just ran to completion is not told here: see
 * `completed`.)
 */
export function outcome(census: JobCensus): JobCondition | undefined {
  const { job, now } = census;
  const conditions = job.status?.conditions;
  const decided =
    findCondition(conditions, 'SuccessCriteriaMet') ?? findCondition(conditions, 'FailureTarget');
  if (decided) return decided;
  const fail = (reason: string, message: string): JobCondition =>
    condition('FailureTarget', reason, message, now);

  const failJob = failedByPolicy(census);
  if (failJob !== undefined) return fail('PodFailurePolicy', failJob);
  if (census.failed > (job.spec?.backoffLimit ?? 6) || restartsExceedLimit(job, census.pods)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const deadline = deadlineOf(job);
  if (deadline !== undefined && now >= deadline) {
    return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  if (!isIndexed(job)) return undefined;

  const completions = job.spec?.completions ?? 0;
  if (limitsPerIndex(job)) {
    const failed = census.failedIndexes.size;
    const most = job.spec?.maxFailedIndexes;
    if (most !== undefined && failed > most) {
      return fail(
        'MaxFailedIndexesExceeded',
        'Job has exceeded the specified maximal number of failed indexes',
      );
    }
    if (failed > 0 && failed + census.succeededIndexes.size >= completions) {
      return fail('FailedIndexes', 'Job has failed indexes');
    }
  }
  const met = matchSuccessPolicy(job.spec?.successPolicy, completions, census.succeededIndexes);
  return met === undefined ? undefined : condition('SuccessCriteriaMet', 'SuccessPolicy', met, now);
}

/** The condition of a Job that has all its successes and no pod left that runs. */
export function completed(census: JobCensus): JobCondition | undefined {
  const completions = census.job.spec?.completions;
  const enough = completions === undefined ? census.succeeded > 0 : census.succeeded >= completions;
  if (!enough || census.active.length > 0) return undefined;
  return condition(
    'SuccessCriteriaMet',
    'CompletionsReached',
    'Reached expected number of succeeded pods',
    census.now,
  );
}

/** When activeDeadlineSeconds will have passed, in ms since 1970; undefined: never, or not counting now. */
export function deadlineOf(job: Job): number | undefined {
  const started = milliseconds(job.status?.startTime);
  const seconds = job.spec?.activeDeadlineSeconds;
  if (started === undefined || seconds === undefined || isSuspended(job)) return undefined;
  return started + seconds * 1000;
}

function failedByPolicy({ job, pods }: JobCensus): string | undefined {
  if (!job.spec?.podFailurePolicy) return undefined;
  for (const pod of pods) {
    if (!isFailed(job, pod)) continue;
    const verdict = judgeFailure(job.spec.podFailurePolicy, pod);
    if (verdict.action === 'FailJob') return verdict.message;
  }
  return undefined;
}

/** With restartPolicy OnFailure the node restarts containers in place: those restarts count against backoffLimit. */
function restartsExceedLimit(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += container.restartCount;
    }
  }
  const limit = job.spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
