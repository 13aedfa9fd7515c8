/**
 * What row-local filters say of all rows, counted: how many rows each verdict holds for, which rows none rejects, where evictions
 * could help. Kept up to date by the snapshot's log, so that the next of equal pods that fit nowhere costs the rows that
 * changed since the last, not all of them.
 *
 * Invariant while it `holds`: what is counted for a row is the verdict it had at log entry `#at`; 0 for rows not in use.
 */
import { batchSize } from './batch-size.ts';
import type { Evaluation } from './evaluation.ts';
import type { Snapshot } from './snapshot.ts';

/** Rows that have one verdict. */
export interface Tally {
  readonly code: number;
  /** One that had it. */
  row: number;
  count: number;
}

/** Counted for a row that nothing rejects; one that filter `f` rejects counts as `f + 2`. */
const free = 1;
const never = -1;

export class VerdictTally {
  /** By index of the filter, then code. */
  readonly tallies: Map<number, Tally>[] = [];
  /** Rows that no filter rejects: the first `freeCount`, in no order. */
  freeRows = new Int32Array(0);
  freeCount = 0;
  #at = never;
  #by = new Uint8Array(0);
  #code = new Int32Array(0);
  /** Place in `freeRows`. */
  #place = new Int32Array(0);
  /** 1 where evictions could help. Given away: copied before the next change. */
  #resolvable = new Uint8Array(0);
  #given = false;
  #batch = new Int32Array(0);

  /** False: nothing is known of rows that nobody asks for. */
  get holds(): boolean {
    return this.#at !== never;
  }

  /** Rows where evictions could help, by the verdicts counted: 1 there. It does not change any more. */
  resolvable(): Uint8Array {
    this.#given = true;
    return this.#resolvable;
  }

  forget(): void {
    this.#at = never;
  }

  /** Counts what changed since the last time; everything if need be and `all`. Answers whether it holds now. */
  catchUp(snapshot: Snapshot, local: Evaluation, all: boolean): boolean {
    const { log } = snapshot;
    if (this.#at !== never && log.readToEnd() - this.#at > Math.min(snapshot.rowCount, 4096)) this.forget();
    if (this.#at === never) {
      if (all) this.#countAll(snapshot, local);
      return all;
    }
    const end = log.readToEnd();
    if (this.#by.length < snapshot.alive.length) this.#grow(snapshot.alive.length);
    for (let n = this.#at; n < end;) {
      let count = 0;
      for (; n < end && count < batchSize; n++) this.#batch[count++] = log.at(n);
      this.#countRows(snapshot, local, count);
    }
    this.#at = end;
    return true;
  }

  #countAll(snapshot: Snapshot, local: Evaluation): void {
    const end = snapshot.log.readToEnd();
    // Most kinds of pods never come here.
    if (this.#batch.length === 0) this.#batch = new Int32Array(batchSize);
    for (let f = 0; f < local.filters.length; f++) this.tallies[f] = new Map();
    this.#by.fill(0);
    this.#resolvable = new Uint8Array(this.#resolvable.length);
    this.#given = false;
    this.freeCount = 0;
    if (this.#by.length < snapshot.alive.length) this.#grow(snapshot.alive.length);
    for (let row = 0; row < snapshot.rowCount;) {
      let count = 0;
      for (; row < snapshot.rowCount && count < batchSize; row++) this.#batch[count++] = row;
      this.#countRows(snapshot, local, count);
    }
    this.#at = end;
  }

  /** Counts the rows of `#batch`, some of them perhaps twice. */
  #countRows(snapshot: Snapshot, local: Evaluation, count: number): void {
    const { alive } = snapshot;
    const batch = this.#batch;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const row = batch[i]!;
      if (alive[row] !== 0) batch[used++] = row;
      else this.#count(row, 0, 0, local);
    }
    local.refresh(snapshot, batch, used);
    const { rejectedBy, code } = local;
    for (let i = 0; i < used; i++) {
      const row = batch[i]!;
      const by = rejectedBy[row]!;
      this.#count(row, by + 1, by === 0 ? 0 : code[row]!, local);
    }
  }

  #count(row: number, by: number, code: number, local: Evaluation): void {
    const was = this.#by[row]!;
    if (was === by && this.#code[row] === code) return;
    if (was === free) {
      const last = this.freeRows[--this.freeCount]!;
      this.freeRows[this.#place[row]!] = last;
      this.#place[last] = this.#place[row]!;
    } else if (was > free) {
      const codes = this.tallies[was - 2]!;
      const tally = codes.get(this.#code[row]!)!;
      if (--tally.count === 0) codes.delete(tally.code);
    }
    this.#by[row] = by;
    this.#code[row] = code;
    if (by === free) {
      this.#place[row] = this.freeCount;
      this.freeRows[this.freeCount++] = row;
    } else if (by > free) {
      const codes = this.tallies[by - 2]!;
      const tally = codes.get(code);
      if (tally) {
        tally.count++;
        tally.row = row;
      } else codes.set(code, { code, row, count: 1 });
    }
    const help = by > free && local.filters[by - 2]!.filter.resolvable(code) ? 1 : 0;
    if (this.#resolvable[row] === help) return;
    if (this.#given) {
      this.#resolvable = this.#resolvable.slice();
      this.#given = false;
    }
    this.#resolvable[row] = help;
  }

  #grow(capacity: number): void {
    const by = new Uint8Array(capacity);
    by.set(this.#by);
    this.#by = by;
    const resolvable = new Uint8Array(capacity);
    resolvable.set(this.#resolvable);
    this.#resolvable = resolvable;
    this.#given = false;
    const wider = (column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const next = new Int32Array(capacity);
      next.set(column);
      return next;
    };
    this.#code = wider(this.#code);
    this.#place = wider(this.#place);
    this.freeRows = wider(this.freeRows);
  }
}
