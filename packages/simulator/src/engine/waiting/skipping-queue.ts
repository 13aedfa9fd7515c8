import type { Heap } from '@coracle/machinery';
import type { SimJob } from '../sim-job.ts';
import { before, jobHeap, type WaitingQueue } from './waiting-queue.ts';

/** Who does not fit is passed over, and with him all of his kind: a heap for each kind. */
export class SkippingQueue implements WaitingQueue {
  size = 0;
  readonly #heaps: (Heap<SimJob> | undefined)[] = [];
  /** Those that are not empty, in no particular order. */
  readonly #filled: Heap<SimJob>[] = [];

  add(job: SimJob): void {
    const heap = (this.#heaps[job.kind.id] ??= jobHeap());
    if (heap.size === 0) this.#filled.push(heap);
    heap.push(job);
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
      const heap = this.#filled[place]!;
      heap.pop();
      this.size--;
      if (heap.size === 0) {
        this.#filled[place] = this.#filled.at(-1)!;
        this.#filled.pop();
      }
      if (!start(best)) this.add(best);
    }
  }

  *jobs(): Iterable<SimJob> {
    for (const heap of this.#filled) yield* heap.items();
  }
}
