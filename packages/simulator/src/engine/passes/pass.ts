import type { SimJob } from '../sim-job.ts';

/** Gives jobs their places after something has happened. */
export interface Pass {
  /** The job waits from now on. */
  add(job: SimJob): void;
  run(): void;
  /** In no particular order. */
  waiting(): Iterable<SimJob>;
}
