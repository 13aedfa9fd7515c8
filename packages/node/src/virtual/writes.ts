import { Fifo } from '@coracle/operator';

/** Runs writes in order, so many at a time. */
export class Writes {
  readonly #limit: number;
  readonly #failed: (error: unknown) => void;
  readonly #waiting = new Fifo<() => Promise<void>>();
  readonly #settlers = new Set<() => void>();
  #running = 0;

  constructor(limit: number, failed: (error: unknown) => void) {
    this.#limit = limit;
    this.#failed = failed;
  }

  /** Writes that have not begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(work: () => Promise<void>): void {
    this.#waiting.push(work);
    this.#drain();
  }

  /** Forgets what has not begun. */
  clear(): void {
    this.#waiting.clear();
  }

  /** Resolves when none is waiting or under way. */
  settled(): Promise<void> {
    if (this.#running === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settlers.add(resolve));
  }

  #drain(): void {
    while (this.#running < this.#limit) {
      const work = this.#waiting.shift();
      if (work === undefined) break;
      this.#running += 1;
      void this.#run(work);
    }
    if (this.#running > 0 || this.#waiting.length > 0) return;
    for (const settle of this.#settlers) settle();
    this.#settlers.clear();
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed(error);
    }
    this.#running -= 1;
    this.#drain();
  }
}
