/** What is free in all, over time: stretches from one change to the next, each with the total of every dimension. */

/** Amounts are sums of decimals: so much of rounding is forgiven, relative to the amount. */
export const slack = 1e-9;

export class Stretches {
  readonly #dimensions: number;
  /** When each begins, in order; several may begin at once, and those but the last of them take no time. */
  readonly fromMs: number[] = [];
  /** A number of each, in order: unlike the times no two are equal. That of the first is -Infinity. */
  readonly labels: number[] = [];
  #totals: Float64Array;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#totals = new Float64Array(64 * dimensions);
  }

  get length(): number {
    return this.fromMs.length;
  }

  /** After all others. */
  push(fromMs: number, totals: ArrayLike<number>): void {
    const at = this.length;
    this.labels.push(at === 0 ? -Infinity : at * 2 ** 32);
    this.fromMs.push(fromMs);
    this.#reserve();
    this.#totals.set(totals, at * this.#dimensions);
  }

  set(stretch: number, totals: ArrayLike<number>): void {
    this.#totals.set(totals, stretch * this.#dimensions);
  }

  /** Cuts the stretch before `at` in two, of which the second begins at `fromMs`. False: there is no label left between. */
  insert(at: number, fromMs: number): boolean {
    const before = at === 1 ? 0 : this.labels[at - 1]!;
    const after = this.labels[at] ?? before + 2 ** 33;
    const label = before + (after - before) / 2;
    if (!(label > before && label < after)) return false;
    this.fromMs.splice(at, 0, fromMs);
    this.labels.splice(at, 0, label);
    this.#reserve();
    const from = (at - 1) * this.#dimensions;
    this.#totals.copyWithin(from + this.#dimensions, from, (this.length - 1) * this.#dimensions);
    return true;
  }

  /** Spreads the labels; answers by the old label what is the new one. */
  relabel(): Map<number, number> {
    const known = new Map<number, number>();
    for (let i = 1; i < this.length; i++) {
      known.set(this.labels[i]!, i * 2 ** 32);
      this.labels[i] = i * 2 ** 32;
    }
    return known;
  }

  /** Of that label, or behind the last. */
  indexOf(label: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.labels[middle]! < label) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first behind `first` that begins at `untilMs` or later. */
  end(first: number, untilMs: number): number {
    let low = first + 1;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.fromMs[middle]! < untilMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The last from `first` on and before `end` in which there is less than `needs`; -1: none. */
  lacking(first: number, end: number, needs: Float64Array): number {
    const dimensions = this.#dimensions;
    for (let i = end - 1; i >= first; i--) {
      const at = i * dimensions;
      for (let d = 0; d < dimensions; d++) if (needs[d]! > this.#totals[at + d]! * (1 + slack)) return i;
    }
    return -1;
  }

  take(first: number, end: number, amounts: Float64Array): void {
    const dimensions = this.#dimensions;
    for (let i = first; i < end; i++)
      for (let d = 0; d < dimensions; d++) this.#totals[i * dimensions + d]! -= amounts[d]!;
  }

  total(stretch: number, d: number): number {
    return this.#totals[stretch * this.#dimensions + d]!;
  }

  #reserve(): void {
    if (this.length * this.#dimensions <= this.#totals.length) return;
    const more = new Float64Array(2 * this.#totals.length);
    more.set(this.#totals);
    this.#totals = more;
  }
}
