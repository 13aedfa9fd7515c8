import type { Clock, WorkQueue } from './contracts.ts';

/** The side of a work queue that its workers use. */
export interface WorkerQueue<K = string> extends WorkQueue<K> {
  /** The next key, when there is one. Undefined: the queue was shut down. Call `done` with the key when its work is over. */
  next(): Promise<K | undefined>;
  /** A key that was added again during its work goes back into the queue here. */
  done(key: K): void;
  /** Keys handed out and not done. */
  readonly working: number;
}

export interface WorkQueueOptions {
  clock: Clock;
  /** First back-off of a key in ms, doubled on each failure (client-go's 5 ms). */
  baseDelayMs?: number;
  /** Longest back-off in ms (client-go's 1000 s). */
  maxDelayMs?: number;
}

/**
 * client-go's work queue. A key is in at most one of: waiting (in order of arrival, each once), and working (handed out).
 * Added while working, it is marked again and waits when its work is done; so no two workers ever have the same key, and no
 * change is missed. A delayed key keeps its earliest time.
 */
export function createWorkQueue<K = string>(options: WorkQueueOptions): WorkerQueue<K> {
  return new Queue<K>(options);
}

class Queue<K> implements WorkerQueue<K> {
  readonly #clock: Clock;
  readonly #base: number;
  readonly #max: number;
  /** Keys to hand out; the same keys in order of arrival are those of #order from #head on. */
  readonly #waiting = new Set<K>();
  /** A list and an index, as taking the first of a long Set again and again costs its whole length each time. */
  #order: K[] = [];
  #head = 0;
  readonly #working = new Set<K>();
  /** Keys in #working that were added again. */
  readonly #again = new Set<K>();
  readonly #failures = new Map<K, number>();
  readonly #delayed = new Map<K, { at: number; cancel: () => void }>();
  #takers: ((key: K | undefined) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#base = options.baseDelayMs ?? 5;
    this.#max = options.maxDelayMs ?? 1_000_000;
  }

  get length(): number {
    return this.#waiting.size;
  }
  get working(): number {
    return this.#working.size;
  }

  add(key: K): void {
    if (this.#closed) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#waiting.has(key)) return;
    const taker = this.#takers.shift();
    if (taker) {
      this.#working.add(key);
      taker(key);
    } else {
      this.#waiting.add(key);
      this.#order.push(key);
    }
  }

  addAfter(key: K, milliseconds: number): void {
    if (this.#closed) return;
    if (milliseconds <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.now() + milliseconds;
    const before = this.#delayed.get(key);
    if (before && before.at <= at) return;
    before?.cancel();
    const cancel = this.#clock.after(milliseconds, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, cancel });
  }

  addRateLimited(key: K): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    // 2^50 keeps the product finite and exact; the cap applies long before.
    this.addAfter(key, Math.min(this.#base * 2 ** Math.min(failures, 50), this.#max));
  }

  forget(key: K): void {
    this.#failures.delete(key);
  }

  retries(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  async next(): Promise<K | undefined> {
    if (this.#closed) return undefined;
    if (this.#waiting.size > 0) {
      const key = this.#order[this.#head] as K;
      this.#head += 1;
      if (this.#head > 1024 && this.#head * 2 > this.#order.length) {
        this.#order = this.#order.slice(this.#head);
        this.#head = 0;
      }
      this.#waiting.delete(key);
      this.#working.add(key);
      return key;
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: K): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  shutDown(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#order = [];
    this.#again.clear();
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
