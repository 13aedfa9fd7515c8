/** What each tenant got, and how even that is. */
import type { JobColumns, RunResult } from '../model/result.ts';
import { outcomeOf, type JobTimes } from './job-times.ts';
import { distribution } from './distribution.ts';

export interface TenantSummary {
  readonly name: string;
  readonly jobs: number;
  /** Of them, those that came to their end. */
  readonly ended: number;
  readonly meanWaitMs: number;
  readonly p95WaitMs: number;
  readonly meanSlowdown: number;
  /** Work of its jobs that ended: cards (cores where the cluster has no cards) times time alone, in hours. */
  readonly hours: number;
  /**
   * Finish-time fairness (Themis, NSDI 2020): time to completion in the shared cluster against that in a 1/N of the cluster of
   * its own, N being the tenants. Below 1: sharing pays. NaN if none of its jobs ended.
   */
  readonly finishTime: number;
}

/** In the order in which tenants first appear. `capacityMilli`: cards (or cores) of the cluster, in thousandths. */
export function tenantSummaries(
  result: RunResult,
  { waits, completions, slowdowns }: JobTimes,
  resource: 'gpu' | 'cpu',
  capacityMilli: number,
): TenantSummary[] {
  const { jobs } = result;
  const size = resource === 'gpu' ? jobs.gpuMilli : jobs.cpuMilli;
  const own = jobs.tenants.map((): number[] => []);
  for (let index = 0; index < jobs.ids.length; index++) own[jobs.tenant[index]!]!.push(index);
  const active = own.filter((indices) => indices.length > 0).length;
  const summaries: TenantSummary[] = [];
  const times = new Float64Array(jobs.ids.length).fill(Number.NaN);
  for (const [tenant, indices] of own.entries()) {
    if (indices.length === 0) continue;
    const done = indices.filter((index) => !Number.isNaN(completions[index]!));
    const waited = distribution(picked(indices, waits));
    const isolated = isolatedTimes(jobs, indices, size, capacityMilli / active, times);
    summaries.push({
      name: jobs.tenants[tenant] ?? '',
      jobs: indices.length,
      ended: done.length,
      meanWaitMs: waited.mean,
      p95WaitMs: waited.p95,
      meanSlowdown: done.length === 0 ? Number.NaN : total(done, slowdowns) / done.length,
      hours: done.reduce(
        (hours, index) => hours + (size[index]! / 1000) * (worked(jobs, index) / 3_600_000),
        0,
      ),
      finishTime: done.length === 0 ? Number.NaN : total(done, completions) / total(done, isolated),
    });
  }
  return summaries;
}

function picked(indices: readonly number[], of: Float64Array): Float64Array {
  const values = new Float64Array(indices.length);
  for (let at = 0; at < indices.length; at++) values[at] = of[indices[at]!]!;
  return values;
}

/** Time that the job's work takes: endless ones worked from their start until they were ended. */
function worked(jobs: JobColumns, index: number): number {
  const idealMs = jobs.idealMs[index]!;
  return Number.isFinite(idealMs) ? idealMs : jobs.endMs[index]! - jobs.startMs[index]!;
}

function total(indices: readonly number[], of: Float64Array): number {
  let value = 0;
  for (const index of indices) value += of[index]!;
  return value;
}

/**
 * How long the tenant's jobs would take to completion alone on `shareMilli`, one after the other, as if work could be divided at
 * will: no policy can do better in the order of submission. Written into `times`, at the indices of the jobs.
 */
function isolatedTimes(
  jobs: JobColumns,
  indices: readonly number[],
  size: Float64Array,
  shareMilli: number,
  times: Float64Array,
): Float64Array {
  let freeMs = Number.NEGATIVE_INFINITY;
  for (const index of indices) {
    if (outcomeOf(jobs, index) === 'dropped') continue;
    const submitMs = jobs.submitMs[index]!;
    const idealMs = jobs.idealMs[index]!;
    if (!Number.isFinite(idealMs)) continue;
    freeMs = Math.max(freeMs, submitMs) + (idealMs * size[index]!) / shareMilli;
    times[index] = Math.max(freeMs - submitMs, idealMs);
  }
  return times;
}
