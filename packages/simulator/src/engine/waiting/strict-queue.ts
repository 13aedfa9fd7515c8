import type { SimJob } from '../sim-job.ts';
import { JobLine } from './job-line.ts';
import type { WaitingQueue } from './waiting-queue.ts';

/** The first that does not fit holds up those behind it. */
export class StrictQueue implements WaitingQueue {
  readonly #line = new JobLine();

  get size(): number {
    return this.#line.size;
  }
  add(job: SimJob): void {
    this.#line.push(job);
  }
  pass(open: (job: SimJob) => boolean, start: (job: SimJob) => boolean): void {
    for (let job = this.#line.peek(); job && open(job); job = this.#line.peek()) {
      // Before the try: a job that makes room by interrupting others puts those in here.
      this.#line.pop();
      if (start(job)) continue;
      this.#line.push(job);
      return;
    }
  }
  jobs(): Iterable<SimJob> {
    return this.#line.jobs();
  }
}
