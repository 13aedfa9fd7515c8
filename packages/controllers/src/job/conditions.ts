/** Conditions of a Job (batch/v1 JobConditionType) and their reasons. */
import { formatTime } from '@coracle/machinery';
import type { Job, batch_v1 } from '@coracle/machinery/api';

export type JobCondition = batch_v1.JobCondition;

export function condition(type: string, reason: string, message: string, now: number): JobCondition {
  const time = formatTime(now);
  return { type, status: 'True', lastProbeTime: time, lastTransitionTime: time, reason, message };
}

export function findCondition(
  conditions: readonly JobCondition[] | undefined,
  type: string,
): JobCondition | undefined {
  return conditions?.find((c) => c.type === type && c.status === 'True');
}

/** Complete or Failed is True: the Job will not change any more. */
export function isFinished(job: Job): boolean {
  const conditions = job.status?.conditions;
  return (
    findCondition(conditions, 'Complete') !== undefined || findCondition(conditions, 'Failed') !== undefined
  );
}

/**
 * The conditions with `wanted` in them. The same array when nothing changes: a condition that was never there is as good as
 * False.
 */
export function withCondition(
  conditions: readonly JobCondition[],
  wanted: JobCondition,
): readonly JobCondition[] {
  const at = conditions.findIndex((c) => c.type === wanted.type);
  if (at === -1) return wanted.status === 'False' ? conditions : [...conditions, wanted];
  const found = conditions[at] as JobCondition;
  if (found.status === wanted.status && found.reason === wanted.reason && found.message === wanted.message) {
    return conditions;
  }
  return conditions.with(at, {
    ...wanted,
    lastTransitionTime: found.status === wanted.status ? found.lastTransitionTime : wanted.lastTransitionTime,
  });
}
