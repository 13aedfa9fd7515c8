import type { SimJob } from '../sim-job.ts';
import { before, type WaitingQueue } from './waiting-queue.ts';

/** Ranks change while jobs wait, and with each start: they are asked again and again. */
export class RankingQueue implements WaitingQueue {
  readonly #jobs = new Set<SimJob>();
  readonly #skip: boolean;
  readonly #rank: (jobs: Iterable<SimJob>) => void;

  /** `rank` sets the rank of all jobs. */
  constructor(skip: boolean, rank: (jobs: Iterable<SimJob>) => void) {
    this.#skip = skip;
    this.#rank = rank;
  }

  get size(): number {
    return this.#jobs.size;
  }
  add(job: SimJob): void {
    this.#jobs.add(job);
  }

  pass(open: (job: SimJob) => boolean, start: (job: SimJob) => boolean): void {
    let known = false;
    for (;;) {
      if (this.#skip && !this.#any(open)) return;
      if (!known) this.#rank(this.#jobs);
      known = true;
      let best: SimJob | undefined;
      for (const job of this.#jobs) {
        if ((best === undefined || before(job, best)) && (!this.#skip || open(job))) best = job;
      }
      if (!best || !open(best)) return;
      this.#jobs.delete(best);
      if (start(best)) known = false;
      else {
        this.#jobs.add(best);
        if (!this.#skip) return;
      }
    }
  }

  #any(open: (job: SimJob) => boolean): boolean {
    for (const job of this.#jobs) if (open(job)) return true;
    return false;
  }

  jobs(): Iterable<SimJob> {
    return this.#jobs;
  }
}
