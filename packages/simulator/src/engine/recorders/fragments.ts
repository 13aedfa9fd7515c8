/** How much of the free cards no popular request can use (the FGD measure), kept up to date row by row. */
import {
  Fragmentation,
  popularShapes,
  type RequestShape,
  type Snapshot,
  type WeightedShape,
} from '@coracle/scheduler/core';
import type { Workload } from '../../model/job.ts';
import type { JobKinds } from '../job-kind.ts';

/** Jobs from the start of a workload that say which requests are popular: more do not change much. */
const jobsLookedAt = 100_000;

/** The popular requests among the pods of a workload. */
export function popularOf(workload: Workload, kinds: JobKinds): WeightedShape[] {
  const counts = new Map<string, [RequestShape, number]>();
  let seen = 0;
  for (const job of workload.jobs()) {
    if (seen++ === jobsLookedAt) break;
    for (const { count, template } of job.podSets) {
      const { cards, cpuMilli } = kinds.describe(template, '', 0);
      const key = `${cpuMilli} ${cards?.count} ${cards?.milli} ${cards?.models.join('|')}`;
      const known = counts.get(key);
      if (known) known[1] += count;
      else {
        const shape = {
          cpu: cpuMilli,
          count: cards?.count ?? 0,
          milli: cards?.milli ?? 0,
          models: cards?.models ?? [],
        };
        counts.set(key, [shape, count]);
      }
    }
  }
  return popularShapes(counts.values());
}

export class Fragments {
  /** Thousandths of cards, all rows together. */
  total = 0;
  readonly #snapshot: Snapshot;
  readonly #measure: Fragmentation;
  #rows = new Float64Array(16);
  #dirty = new Uint8Array(16);
  readonly #changed: number[] = [];

  constructor(snapshot: Snapshot, popular: readonly WeightedShape[]) {
    this.#snapshot = snapshot;
    this.#measure = new Fragmentation(popular);
  }

  /** Something on the row is different. */
  touch(row: number): void {
    if (row >= this.#dirty.length) this.#grow(row + 1);
    if (this.#dirty[row] !== 0) return;
    this.#dirty[row] = 1;
    this.#changed.push(row);
  }

  /** Makes `total` hold. */
  refresh(): number {
    for (const row of this.#changed) {
      this.#dirty[row] = 0;
      this.total -= this.#rows[row]!;
      this.#rows[row] = this.#of(row);
      this.total += this.#rows[row]!;
    }
    this.#changed.length = 0;
    return this.total;
  }

  #of(row: number): number {
    const { cards, alive, free } = this.#snapshot;
    if (alive[row] === 0) return 0;
    const cpu = free[0]![row]!;
    const floating = cards.floating[row]!;
    // Whole cards of which nobody says which: any untouched ones.
    return floating > 0
      ? this.#measure.ofRowLessCards(cards, row, cpu, floating, 1000)
      : this.#measure.ofRow(cards, row, cpu);
  }

  #grow(rows: number): void {
    const capacity = Math.max(rows, this.#dirty.length * 2);
    const values = new Float64Array(capacity);
    values.set(this.#rows);
    this.#rows = values;
    const dirty = new Uint8Array(capacity);
    dirty.set(this.#dirty);
    this.#dirty = dirty;
  }

  save(): unknown {
    return { total: this.total, rows: this.#rows.slice(), changed: this.#changed.slice() };
  }
  restore(saved: unknown): void {
    const { total, rows, changed } = saved as { total: number; rows: Float64Array; changed: number[] };
    this.#grow(rows.length);
    this.#rows.set(rows);
    this.total = total;
    this.#dirty.fill(0);
    this.#changed.length = 0;
    for (const row of changed) this.touch(row);
  }
}
