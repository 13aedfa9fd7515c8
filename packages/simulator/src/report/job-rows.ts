/** One row a job, a few thousand at a time. */
import type { RunResult } from '../model/result.ts';
import { jobTimes, outcomeOf } from './job-times.ts';

/** Times in milliseconds of virtual time; NaN: it never came to that. */
export interface JobRow {
  readonly job: string;
  readonly tenant: string;
  readonly outcome: string;
  readonly submitMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly idealMs: number;
  readonly waitMs: number;
  readonly completionMs: number;
  /** Bounded. */
  readonly slowdown: number;
  readonly lostMs: number;
  readonly restarts: number;
  readonly pods: number;
  readonly gpus: number;
  readonly cpus: number;
}

const rowsAtOnce = 1000;

/** In the order of submission. */
export function* jobRows(result: RunResult): Generator<JobRow[]> {
  const { jobs } = result;
  const { waits, completions, slowdowns } = jobTimes(result);
  for (let from = 0; from < jobs.ids.length; from += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, jobs.ids.length - from);
    yield Array.from({ length: count }, (_, offset) => {
      const index = from + offset;
      return {
        job: jobs.ids[index]!,
        tenant: jobs.tenants[jobs.tenant[index]!] ?? '',
        outcome: outcomeOf(jobs, index),
        submitMs: jobs.submitMs[index]!,
        startMs: jobs.startMs[index]!,
        endMs: jobs.endMs[index]!,
        idealMs: jobs.idealMs[index]!,
        waitMs: waits[index]!,
        completionMs: completions[index]!,
        slowdown: slowdowns[index]!,
        lostMs: jobs.lostMs[index]!,
        restarts: jobs.restarts[index]!,
        pods: jobs.pods[index]!,
        gpus: jobs.gpuMilli[index]! / 1000,
        cpus: jobs.cpuMilli[index]! / 1000,
      };
    });
  }
}
