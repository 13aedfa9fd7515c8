/** Many things to do at their times with one timer of the clock: by time, then by order of adding. */
import { Heap } from '@coracle/machinery';
import type { Clock } from '@coracle/operator';

interface Entry<T> {
  readonly at: number;
  readonly serial: number;
  readonly what: T;
}

export class Agenda<T> {
  readonly #clock: Clock;
  readonly #due: (what: T) => void;
  #heap = newHeap<T>();
  #serial = 0;
  #cancel: (() => void) | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, due: (what: T) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.size;
  }

  add(at: number, what: T): void {
    this.#heap.push({ at, serial: this.#serial++, what });
    this.#arm();
  }

  clear(): void {
    this.#heap = newHeap();
    this.#cancel?.();
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const first = this.#heap.peek();
    if (first === undefined || first.at >= this.#armedFor) return;
    this.#cancel?.();
    this.#armedFor = first.at;
    this.#cancel = this.#clock.after(Math.max(0, first.at - this.#clock.now()), () => {
      this.#armedFor = Number.POSITIVE_INFINITY;
      const now = this.#clock.now();
      for (let next = this.#heap.peek(); next !== undefined && next.at <= now; next = this.#heap.peek()) {
        this.#heap.pop();
        this.#due(next.what);
      }
      this.#arm();
    });
  }
}

function newHeap<T>(): Heap<Entry<T>> {
  return new Heap((a, b) => a.at < b.at || (a.at === b.at && a.serial < b.serial));
}
