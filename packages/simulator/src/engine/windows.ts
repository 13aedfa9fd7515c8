/** Maintenance windows that drain nodes, known beforehand: a plan does not put there who would have to leave. */

interface Drain {
  readonly fromMs: number;
  readonly nodes: readonly number[];
}

export class Windows {
  /** In the order in which they begin; those that have begun are gone. */
  readonly #drains: Drain[] = [];
  #mask = new Uint8Array(0);

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

  /** By row: 0 where a drain begins before then. Undefined: nowhere. Good until the next call. */
  within(untilMs: number, rows: number, rowOf: (node: number) => number): Uint8Array | undefined {
    if (this.#drains.length === 0 || this.#drains[0]!.fromMs >= untilMs) return undefined;
    if (this.#mask.length < rows) this.#mask = new Uint8Array(rows * 2);
    this.#mask.fill(1);
    for (const { fromMs, nodes } of this.#drains) {
      if (fromMs >= untilMs) break;
      for (const node of nodes) {
        const row = rowOf(node);
        if (row >= 0) this.#mask[row] = 0;
      }
    }
    return this.#mask;
  }
}
