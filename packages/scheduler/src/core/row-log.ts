/**
 * Which rows changed, in order, the last of them: whoever keeps something for every row brings it up to date by these and
 * looks at no other row. A row may stand there more often than it changed, never less often.
 */
export class RowLog {
  /** Change `n` is at `n` modulo its length. */
  readonly #rows = new Int32Array(8192);
  #end = 0;
  /** Somebody has read to the end: the next entry may not be left out as one that is there already. */
  #read = true;

  note(row: number): void {
    const at = this.#end & (this.#rows.length - 1);
    // Trials touch one row again and again.
    if (!this.#read && this.#rows[(this.#end - 1) & (this.#rows.length - 1)] === row) return;
    this.#rows[at] = row;
    this.#end++;
    this.#read = false;
  }

  /** Entries so far. Who has looked at all before asks for those from here on the next time. */
  readToEnd(): number {
    this.#read = true;
    return this.#end;
  }

  /** False if entries after `from` are forgotten by now. */
  has(from: number): boolean {
    return this.#end - from <= this.#rows.length;
  }

  at(n: number): number {
    return this.#rows[n & (this.#rows.length - 1)]!;
  }
}
