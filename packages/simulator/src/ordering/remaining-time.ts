/** Policies that know how long jobs take and interrupt them for shorter ones. */
import type { ActiveJob, OrderingPolicy } from './policy.ts';
import { weightOf } from './weight.ts';

const replan = { mode: 'replan', backfill: 'none', skip: true, fixed: true } as const;

/** Shortest remaining time first. */
export const srtf: OrderingPolicy = { ...replan, name: 'srtf', rank: remainingOf };

/** Shortest remaining service first: remaining time, weighed by cards. */
export const srsf: OrderingPolicy = {
  ...replan,
  name: 'srsf',
  rank: (job, context) => remainingOf(job) * weightOf(job, context),
};

/** The rank of a job that waits stays the same: what it has done does not change. */
function remainingOf({ job, doneMs }: ActiveJob): number {
  return job.runMs - doneMs;
}
