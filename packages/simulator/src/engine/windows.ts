/** Maintenance windows that drain nodes, known beforehand: a plan does not put there who would have to leave. */
import { RowSet } from '@coracle/scheduler/core';

interface Drain {
  readonly fromMs: number;
  readonly nodes: readonly number[];
}

export class Windows {
  /** In the order in which they begin; those that have begun are gone. */
  readonly #drains: Drain[] = [];
  #mask = new RowSet(0);

  add(drain: Drain): void {
    this.#drains.push(drain);
    this.#drains.sort((a, b) => a.fromMs - b.fromMs);
  }

  /** Those that begin by now are no longer to come. */
  passed(nowMs: number): void {
    while (this.#drains.length > 0 && this.#drains[0]!.fromMs <= nowMs) this.#drains.shift();
  }

  save(): unknown {
    return this.#drains.slice();
  }
  restore(saved: unknown): void {
    this.#drains.length = 0;
    this.#drains.push(...(saved as Drain[]));
  }

  /** The rows below `rows`, a multiple of 8, on which no drain begins before then. Undefined: all. Good until the next call. */
  within(untilMs: number, rows: number, rowOf: (node: number) => number): RowSet | undefined {
    if (this.#drains.length === 0 || this.#drains[0]!.fromMs >= untilMs) return undefined;
    this.#mask.fill(rows);
    for (const { fromMs, nodes } of this.#drains) {
      if (fromMs >= untilMs) break;
      for (const node of nodes) {
        const row = rowOf(node);
        if (row >= 0) this.#mask.delete(row);
      }
    }
    return this.#mask;
  }
}
