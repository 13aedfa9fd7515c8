/** Many things to do at their times with one timer of the clock: a binary heap by time, then by order of adding. */
import type { Clock } from '@coracle/operator';

interface Entry<T> {
  at: number;
  serial: number;
  what: T;
}

export class Agenda<T> {
  readonly #clock: Clock;
  readonly #due: (what: T) => void;
  readonly #heap: Entry<T>[] = [];
  #serial = 0;
  #cancel: (() => void) | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, due: (what: T) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(at: number, what: T): void {
    const heap = this.#heap;
    heap.push({ at, serial: this.#serial++, what });
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
    this.#arm();
  }

  clear(): void {
    this.#heap.length = 0;
    this.#cancel?.();
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.at >= this.#armedFor) return;
    this.#cancel?.();
    this.#armedFor = first.at;
    this.#cancel = this.#clock.after(Math.max(0, first.at - this.#clock.now()), () => {
      this.#armedFor = Number.POSITIVE_INFINITY;
      const now = this.#clock.now();
      for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
        this.#pop();
        this.#due(next.what);
      }
      this.#arm();
    });
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      let least = i;
      if (left < heap.length && this.#before(left, least)) least = left;
      if (left + 1 < heap.length && this.#before(left + 1, least)) least = left + 1;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #before(a: number, b: number): boolean {
    const x = this.#heap[a] as Entry<T>;
    const y = this.#heap[b] as Entry<T>;
    return x.at < y.at || (x.at === y.at && x.serial < y.serial);
  }

  #swap(a: number, b: number): void {
    const entry = this.#heap[a] as Entry<T>;
    this.#heap[a] = this.#heap[b] as Entry<T>;
    this.#heap[b] = entry;
  }
}
