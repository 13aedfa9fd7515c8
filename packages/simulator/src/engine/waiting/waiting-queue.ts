/**
 * Jobs that wait, in the order of their priority (if jobs of higher priority evict others), then their rank, then as they were
 * submitted. Which of them may be tried at all is asked of `open`: a kind of job of which one did not fit is not tried again until
 * room is made for it, so that a pass over a long queue costs what can come of it.
 */
import type { SimJob } from '../sim-job.ts';

export interface WaitingQueue {
  readonly size: number;
  add(job: SimJob): void;
  /** Starts what can be started. `start` answers whether the job runs now; `open` whether it is worth a try. */
  pass(open: (job: SimJob) => boolean, start: (job: SimJob) => boolean): void;
  /** All, in no particular order. */
  jobs(): Iterable<SimJob>;
}

/** Whether `a` goes before `b`. */
export function before(a: SimJob, b: SimJob): boolean {
  if (a.urgency !== b.urgency) return a.urgency > b.urgency;
  return a.rank < b.rank || (a.rank === b.rank && a.index < b.index);
}
