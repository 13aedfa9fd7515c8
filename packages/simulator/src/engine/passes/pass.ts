import type { SimJob } from '../sim-job.ts';

/** Gives jobs their places after something has happened. */
export interface Pass {
  /** The job waits from now on. */
  add(job: SimJob): void;
  run(): void;
  /** The job is about to end by itself. */
  ending?(job: SimJob): void;
  /** When somebody is to be tried though nothing happens; undefined: never. */
  nextDue?(): number | undefined;
  /** In no particular order. */
  waiting(): Iterable<SimJob>;
  /** The job waits, and has its rank already: a run is taken up again. */
  put(job: SimJob): void;
  /** What it remembers besides who waits, as plain data; and taking that up. */
  save(): unknown;
  restore(saved: unknown): void;
}
