/**
 * What preemption found on each row, as a tree over the rows: a search that begins anywhere and ends at the n-th candidate has
 * its best one after a few steps down the tree instead of a walk over the rows between. Nothing is looked at before a search
 * comes past it.
 *
 * Invariant: an inner place holds the sums over the rows below it and the best of their candidates, the first among equals.
 */
import type { Victims } from './preemption.ts';

/** Looks at one row for the search. */
export interface Looker {
  look(row: number): Victims | string;
  /** Of the last answer: false if it holds for this search only. */
  readonly lasting: boolean;
}

export class VictimTree {
  /** Leaves: a power of two. Row `r` is at `#leaves + r`, the root at 1. */
  #leaves = 0;
  /** Rows in question. */
  #present = new Int32Array(0);
  /** 1: some of them have not been looked at. */
  #open = new Uint8Array(0);
  #candidates = new Int32Array(0);
  /** Candidates that break no budget. */
  #gentle = new Int32Array(0);
  /** Row of the best candidate, -1: there is none. */
  #best = new Int32Array(0);
  readonly #results: (Victims | string | undefined)[] = [];
  /** Failures on rows in question that have been looked at. */
  readonly #failures = new Map<string, number>();
  readonly #better: (a: Victims, b: Victims) => boolean;

  // The search under way.
  #looker: Looker | undefined;
  #wanted = 0;
  #found = 0;
  #foundGentle = 0;
  #choice: Victims | undefined;
  #stopped = false;
  #failedNow: string[] = [];

  constructor(better: (a: Victims, b: Victims) => boolean) {
    this.#better = better;
  }

  /** Rows it has places for. */
  get capacity(): number {
    return this.#leaves;
  }

  /** Rows in question. */
  get size(): number {
    return this.#present[1] ?? 0;
  }

  /** Forgets everything: no row is in question. */
  clear(capacity: number): void {
    let leaves = 16;
    while (leaves < capacity) leaves *= 2;
    this.#leaves = leaves;
    this.#present = new Int32Array(2 * leaves);
    this.#open = new Uint8Array(2 * leaves);
    this.#candidates = new Int32Array(2 * leaves);
    this.#gentle = new Int32Array(2 * leaves);
    this.#best = new Int32Array(2 * leaves).fill(-1);
    this.#results.length = 0;
    this.#failures.clear();
  }

  /** Puts rows in question, none of them looked at, after `clear`. */
  fill(inQuestion: (row: number) => boolean, rowCount: number): void {
    for (let row = 0; row < rowCount; row++) {
      if (!inQuestion(row)) continue;
      this.#present[this.#leaves + row] = 1;
      this.#open[this.#leaves + row] = 1;
    }
    for (let at = this.#leaves - 1; at > 0; at--) this.#sum(at);
  }

  isPresent(row: number): boolean {
    return this.#present[this.#leaves + row] === 1;
  }

  /** The row must be looked at anew, if it is in question at all. */
  set(row: number, inQuestion: boolean): void {
    const at = this.#leaves + row;
    const present = inQuestion ? 1 : 0;
    if (this.#present[at] === present && this.#results[row] === undefined) return;
    this.#drop(row);
    this.#present[at] = present;
    this.#open[at] = present;
    for (let up = at >> 1; up > 0; up >>= 1) this.#sum(up);
  }

  /**
   * Goes round the rows in question, beginning with number `first` of them (from 0), until `wanted` candidates are found and one of
   * them breaks no budget. Answers the best, the first among equals, or why it failed on how many rows.
   */
  choose(first: number, wanted: number, looker: Looker): Victims | ReadonlyMap<string, number> {
    this.#looker = looker;
    this.#wanted = wanted;
    this.#found = 0;
    this.#foundGentle = 0;
    this.#choice = undefined;
    this.#stopped = false;
    this.#failedNow = [];
    const start = this.#rowAt(first);
    this.#visit(1, 0, this.#leaves, start, this.#leaves);
    if (!this.#stopped) this.#visit(1, 0, this.#leaves, 0, start);
    this.#looker = undefined;
    const choice = this.#choice;
    this.#choice = undefined;
    if (choice) return choice;
    if (this.#failedNow.length === 0) return this.#failures;
    const failures = new Map(this.#failures);
    for (const reason of this.#failedNow) failures.set(reason, (failures.get(reason) ?? 0) + 1);
    return failures;
  }

  /** Row number `n` of those in question. */
  #rowAt(n: number): number {
    let at = 1;
    let left = n;
    while (at < this.#leaves) {
      at *= 2;
      const before = this.#present[at]!;
      if (left >= before) {
        left -= before;
        at++;
      }
    }
    return at - this.#leaves;
  }

  /** Takes in what is below `at` (rows from `low` to `high`), as far as it is in `[from, to)`. */
  #visit(at: number, low: number, high: number, from: number, to: number): void {
    if (high <= from || to <= low || this.#present[at] === 0) return;
    const open = this.#open[at] === 1;
    if (high - low === 1) {
      if (open) this.#look(at, low);
      else this.#take(this.#candidates[at]!, this.#gentle[at]!, this.#results[low]);
      return;
    }
    const whole = from <= low && high <= to && !open;
    if (whole) {
      const candidates = this.#candidates[at]!;
      if (candidates === 0) return;
      const gentle = this.#gentle[at]!;
      if (this.#found + candidates < this.#wanted || this.#foundGentle + gentle === 0) {
        this.#take(candidates, gentle, this.#results[this.#best[at]!]);
        return;
      }
    }
    const middle = (low + high) >> 1;
    this.#visit(2 * at, low, middle, from, to);
    if (!this.#stopped) this.#visit(2 * at + 1, middle, high, from, to);
    if (open) this.#sum(at);
  }

  #look(at: number, row: number): void {
    const looker = this.#looker!;
    const result = looker.look(row);
    const candidate = typeof result !== 'string';
    const gentle = candidate && result.violations === 0 ? 1 : 0;
    if (looker.lasting) {
      this.#results[row] = result;
      this.#open[at] = 0;
      this.#candidates[at] = candidate ? 1 : 0;
      this.#gentle[at] = gentle;
      this.#best[at] = candidate ? row : -1;
      if (!candidate) this.#failures.set(result, (this.#failures.get(result) ?? 0) + 1);
    } else if (!candidate) this.#failedNow.push(result);
    this.#take(candidate ? 1 : 0, gentle, result);
  }

  #take(candidates: number, gentle: number, best: Victims | string | undefined): void {
    if (candidates === 0) return;
    this.#found += candidates;
    this.#foundGentle += gentle;
    const victims = best as Victims;
    if (this.#choice === undefined || this.#better(victims, this.#choice)) this.#choice = victims;
    this.#stopped = this.#foundGentle > 0 && this.#found >= this.#wanted;
  }

  #drop(row: number): void {
    const at = this.#leaves + row;
    const result = this.#results[row];
    this.#results[row] = undefined;
    this.#candidates[at] = 0;
    this.#gentle[at] = 0;
    this.#best[at] = -1;
    if (typeof result !== 'string') return;
    const count = this.#failures.get(result)! - 1;
    if (count === 0) this.#failures.delete(result);
    else this.#failures.set(result, count);
  }

  #sum(at: number): void {
    const left = 2 * at;
    const right = left + 1;
    this.#present[at] = this.#present[left]! + this.#present[right]!;
    this.#open[at] = this.#open[left]! | this.#open[right]!;
    this.#candidates[at] = this.#candidates[left]! + this.#candidates[right]!;
    this.#gentle[at] = this.#gentle[left]! + this.#gentle[right]!;
    const [a, b] = [this.#best[left]!, this.#best[right]!];
    const rightWins =
      a < 0 || (b >= 0 && this.#better(this.#results[b] as Victims, this.#results[a] as Victims));
    this.#best[at] = rightWins ? b : a;
  }
}
