/** Times of jobs, from the columns of a result. Milliseconds. */
import { outcomes, type JobColumns, type Outcome, type RunResult } from '../model/result.ts';

/** A job shorter than this counts as this long, so that a job of a second that waits a minute does not outweigh all others. */
export const slowdownBoundMs = 10_000;

export function outcomeOf(jobs: JobColumns, index: number): Outcome {
  return outcomes[jobs.outcome[index]!] ?? 'waiting';
}

/** It came to its end in the run, after it had started. */
export function ended(jobs: JobColumns, index: number): boolean {
  const outcome = outcomeOf(jobs, index);
  return (
    (outcome === 'succeeded' || outcome === 'failed' || outcome === 'cancelled') &&
    !Number.isNaN(jobs.startMs[index]!) &&
    !Number.isNaN(jobs.endMs[index]!)
  );
}

/** Times of all jobs, in the order of submission; NaN: it never came to that. */
export interface JobTimes {
  /**
   * How long each waited altogether. Jobs that still wait when the run ends count with their wait so far: without them, a policy
   * that lets jobs starve would look the better for it. NaN: dropped on arrival.
   */
  readonly waits: Float64Array;
  /** From submission to the end (job completion time). NaN: it did not end, or never started. */
  readonly completions: Float64Array;
  /**
   * Bounded slowdown: the time to completion against the time it would have taken alone, of which at least `slowdownBoundMs`
   * are reckoned, and never below 1 (Feitelson and Rudolph, JSSPP 1998). NaN: it did not end.
   */
  readonly slowdowns: Float64Array;
}

export function jobTimes({ jobs, endMs }: RunResult): JobTimes {
  const count = jobs.ids.length;
  // Loops over columns: a million jobs through callbacks and iterators take ten times as long.
  const waits = new Float64Array(count);
  const completions = new Float64Array(count).fill(Number.NaN);
  const slowdowns = new Float64Array(count).fill(Number.NaN);
  for (let index = 0; index < count; index++) {
    waits[index] = waitOf(jobs, index, endMs);
    if (!ended(jobs, index)) continue;
    const time = jobs.endMs[index]! - jobs.submitMs[index]!;
    completions[index] = time;
    slowdowns[index] = Math.max(1, time / Math.max(jobs.idealMs[index]!, slowdownBoundMs));
  }
  return { waits, completions, slowdowns };
}

function waitOf(jobs: JobColumns, index: number, endMs: number): number {
  const outcome = outcomeOf(jobs, index);
  if (outcome === 'dropped') return Number.NaN;
  const wait = jobs.waitMs[index]!;
  if (!Number.isNaN(wait) && (outcome !== 'waiting' || wait > 0)) return wait;
  const until = outcome === 'waiting' ? endMs : jobs.startMs[index]!;
  return Math.max(0, until - jobs.submitMs[index]!);
}
