import type { SimJob } from '../sim-job.ts';
import { JobLine } from './job-line.ts';
import { before, type WaitingQueue } from './waiting-queue.ts';

/** Who does not fit is passed over, and with him all of his kind: a line for each kind. */
export class SkippingQueue implements WaitingQueue {
  size = 0;
  readonly #lines: (JobLine | undefined)[] = [];
  /** Those that are not empty, in no particular order. */
  readonly #filled: JobLine[] = [];

  add(job: SimJob): void {
    const line = (this.#lines[job.kind.id] ??= new JobLine());
    if (line.size === 0) this.#filled.push(line);
    line.push(job);
    this.size++;
  }

  pass(open: (job: SimJob) => boolean, start: (job: SimJob) => boolean): void {
    for (;;) {
      let best: SimJob | undefined;
      let place = -1;
      for (let i = 0; i < this.#filled.length; i++) {
        const job = this.#filled[i]!.peek()!;
        if ((best === undefined || before(job, best)) && open(job)) {
          best = job;
          place = i;
        }
      }
      if (!best) return;
      const line = this.#filled[place]!;
      line.pop();
      this.size--;
      if (line.size === 0) {
        this.#filled[place] = this.#filled.at(-1)!;
        this.#filled.pop();
      }
      if (!start(best)) this.add(best);
    }
  }

  *jobs(): Iterable<SimJob> {
    for (const line of this.#filled) yield* line.jobs();
  }
}
