import type { SimJob } from '../sim-job.ts';
import { JobHeap, type WaitingQueue } from './waiting-queue.ts';

/** The first that does not fit holds up those behind it. */
export class StrictQueue implements WaitingQueue {
  readonly #heap = new JobHeap();

  get size(): number {
    return this.#heap.items.length;
  }
  add(job: SimJob): void {
    this.#heap.add(job);
  }
  pass(open: (job: SimJob) => boolean, start: (job: SimJob) => boolean): void {
    for (let job = this.#heap.first; job && open(job); job = this.#heap.first) {
      // Before the try: a job that makes room by interrupting others puts those in here.
      this.#heap.removeFirst();
      if (start(job)) continue;
      this.#heap.add(job);
      return;
    }
  }
  jobs(): Iterable<SimJob> {
    return this.#heap.items;
  }
}
