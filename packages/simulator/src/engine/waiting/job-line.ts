/**
 * Jobs in the order in which they are to be tried, whose ranks do not change while they wait. Most come in that order: they stand in a
 * line, at whose ends jobs come and go for nothing; the others are in a heap.
 */
import { Heap } from '@coracle/machinery';
import type { SimJob } from '../sim-job.ts';
import { before } from './waiting-queue.ts';

export class JobLine {
  #line: (SimJob | undefined)[] = [];
  /** Index of the first in `#line`. */
  #first = 0;
  readonly #others = new Heap(before);

  get size(): number {
    return this.#line.length - this.#first + this.#others.size;
  }

  peek(): SimJob | undefined {
    return this.#lineIsNext() ? this.#line[this.#first] : this.#others.peek();
  }

  pop(): SimJob | undefined {
    if (!this.#lineIsNext()) return this.#others.pop();
    const job = this.#line[this.#first];
    this.#line[this.#first++] = undefined;
    if (this.#first >= 1024 && 2 * this.#first >= this.#line.length) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
    return job;
  }

  push(job: SimJob): void {
    const line = this.#line;
    const last = line.length > this.#first ? line.at(-1)! : undefined;
    if (!last || before(last, job)) line.push(job);
    // One that was tried in vain.
    else if (this.#first > 0 && before(job, line[this.#first]!)) line[--this.#first] = job;
    else this.#others.push(job);
  }

  /** All, in no particular order. */
  *jobs(): Iterable<SimJob> {
    for (let i = this.#first; i < this.#line.length; i++) yield this.#line[i]!;
    yield* this.#others.items();
  }

  #lineIsNext(): boolean {
    const first = this.#line[this.#first];
    if (!first) return false;
    const other = this.#others.peek();
    return !other || before(first, other);
  }
}
