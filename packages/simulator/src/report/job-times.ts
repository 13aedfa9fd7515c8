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

/**
 * How long each job waited altogether. Jobs that still wait when the run ends count with their wait so far: without them, a policy
 * that lets jobs starve would look the better for it. NaN: dropped on arrival.
 */
export function waits({ jobs, endMs }: RunResult): Float64Array {
  return Float64Array.from(jobs.ids, (_, index) => {
    const outcome = outcomeOf(jobs, index);
    if (outcome === 'dropped') return Number.NaN;
    const wait = jobs.waitMs[index]!;
    if (!Number.isNaN(wait) && (outcome !== 'waiting' || wait > 0)) return wait;
    const until = outcome === 'waiting' ? endMs : jobs.startMs[index]!;
    return Math.max(0, until - jobs.submitMs[index]!);
  });
}

/** From submission to the end (job completion time). NaN: it did not end, or never started. */
export function completions({ jobs }: RunResult): Float64Array {
  return Float64Array.from(jobs.ids, (_, index) =>
    ended(jobs, index) ? jobs.endMs[index]! - jobs.submitMs[index]! : Number.NaN,
  );
}

/**
 * Bounded slowdown: the time to completion against the time it would have taken alone, of which at least `slowdownBoundMs`
 * are reckoned, and never below 1 (Feitelson and Rudolph, JSSPP 1998). NaN: it did not end.
 */
export function slowdowns(result: RunResult): Float64Array {
  const { jobs } = result;
  const took = completions(result);
  return took.map((time, index) =>
    Number.isNaN(time) ? time : Math.max(1, time / Math.max(jobs.idealMs[index]!, slowdownBoundMs)),
  );
}
