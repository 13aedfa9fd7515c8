/** Rows on which evictions could help a pod, as they were when they were judged. */
export class HelpfulRows {
  readonly #kept: Uint8Array;
  readonly #rowCount: number;
  /** Rows for which `#kept` does not speak, in order: pods nominated to them have a say. */
  readonly others: readonly number[];
  readonly #otherHelps: readonly boolean[];
  #list: readonly number[] | undefined;

  /** `kept[row]` is 1 where evictions could help, as far as equal pods are concerned; it must not change any more. */
  constructor(kept: Uint8Array, rowCount: number, others: readonly number[], otherHelps: readonly boolean[]) {
    this.#kept = kept;
    this.#rowCount = rowCount;
    this.others = others;
    this.#otherHelps = otherHelps;
  }

  has(row: number): boolean {
    const i = this.others.length === 0 ? -1 : this.others.indexOf(row);
    return i < 0 ? this.#kept[row] === 1 : this.#otherHelps[i]!;
  }

  /** In rising order. Made when it is first asked for, which is seldom. */
  list(): readonly number[] {
    return (this.#list ??= this.#rows());
  }

  #rows(): number[] {
    const rows: number[] = [];
    let other = 0;
    for (let row = 0; row < this.#rowCount; row++) {
      const helps = this.others[other] === row ? this.#otherHelps[other++]! : this.#kept[row] === 1;
      if (helps) rows.push(row);
    }
    return rows;
  }
}
