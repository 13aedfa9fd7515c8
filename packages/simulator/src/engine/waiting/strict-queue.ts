import type { SimJob } from '../sim-job.ts';
import { jobHeap, type WaitingQueue } from './waiting-queue.ts';

/** The first that does not fit holds up those behind it. */
export class StrictQueue implements WaitingQueue {
  readonly #heap = jobHeap();

  get size(): number {
    return this.#heap.size;
  }
  add(job: SimJob): void {
    this.#heap.push(job);
  }
  pass(open: (job: SimJob) => boolean, start: (job: SimJob) => boolean): void {
    for (let job = this.#heap.peek(); job && open(job); job = this.#heap.peek()) {
      // Before the try: a job that makes room by interrupting others puts those in here.
      this.#heap.pop();
      if (start(job)) continue;
      this.#heap.push(job);
      return;
    }
  }
  jobs(): Iterable<SimJob> {
    return this.#heap.items();
  }
}
