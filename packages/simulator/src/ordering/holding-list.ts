import type { Holding } from './backfill.ts';

/** Holdings of running jobs in the order of their estimated ends; equal ends in the order in which they were added. */
export class HoldingList<T extends Holding> implements Iterable<T> {
  readonly #sorted: T[] = [];

  get size(): number {
    return this.#sorted.length;
  }

  add(holding: T): void {
    this.#sorted.splice(this.#after(holding.untilMs), 0, holding);
  }

  /** Answers whether it was there. */
  remove(holding: T): boolean {
    for (let i = this.#after(holding.untilMs) - 1; i >= 0; i--) {
      const here = this.#sorted[i]!;
      if (here === holding) {
        this.#sorted.splice(i, 1);
        return true;
      }
      if (here.untilMs !== holding.untilMs) break;
    }
    return false;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#sorted[Symbol.iterator]();
  }

  /** Place of the first that ends later. */
  #after(untilMs: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]!.untilMs <= untilMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
