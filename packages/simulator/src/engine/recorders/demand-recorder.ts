/** How the cards are given out against how much has been asked for: the GPU-sharing experiment's notes. */
import type { DemandCurve } from '../../model/result.ts';

export class DemandRecorder {
  #arrived = 0;
  readonly #allocated = new Means();
  readonly #fragmented = new Means();
  readonly #ofIdle = new Means();

  /** A job has come that asks for so much, and has got it or not: this is how things are then. */
  note(asked: number, capacity: number, used: number, fragmented: number): void {
    this.#arrived += asked;
    if (capacity <= 0) return;
    const demand = roundHalfEven((100 * this.#arrived) / capacity);
    this.#allocated.add(demand, Math.round((10_000 * used) / capacity) / 100);
    this.#fragmented.add(demand, (100 * fragmented) / capacity);
    this.#ofIdle.add(demand, used >= capacity ? 0 : (100 * fragmented) / (capacity - used));
  }

  read(): DemandCurve {
    return {
      allocatedPercent: this.#allocated.read(),
      fragmentedPercent: this.#fragmented.read(),
      fragmentedOfIdlePercent: this.#ofIdle.read(),
    };
  }

  save(): unknown {
    const means = [this.#allocated, this.#fragmented, this.#ofIdle].map((m) => [m.sums, m.counts]);
    return { arrived: this.#arrived, means };
  }
  restore(saved: unknown): void {
    const state = saved as { arrived: number; means: [number[], number[]][] };
    this.#arrived = state.arrived;
    for (const [i, means] of [this.#allocated, this.#fragmented, this.#ofIdle].entries()) {
      [means.sums, means.counts] = state.means[i]!;
    }
  }
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

/** Means by whole percent of demand. */
class Means {
  sums: number[] = [];
  counts: number[] = [];

  add(demand: number, value: number): void {
    while (this.sums.length <= demand) {
      this.sums.push(0);
      this.counts.push(0);
    }
    this.sums[demand]! += value;
    this.counts[demand]!++;
  }

  /** A demand nothing was noted at has the mean of its neighbours, or else what came before. */
  read(): number[] {
    const result: number[] = [];
    for (let demand = 0; demand < this.sums.length; demand++) {
      const near = this.counts[demand]! > 0 ? [demand] : [demand - 1, demand + 1];
      let sum = 0;
      let count = 0;
      for (const d of near) {
        sum += this.sums[d] ?? 0;
        count += this.counts[d] ?? 0;
      }
      result.push(count > 0 ? sum / count : (result.at(-1) ?? 0));
    }
    return result;
  }
}
