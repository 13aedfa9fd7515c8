/**
 * The scores of all rows for one kind of pod as a tree over the rows in the order in which searches come by: the best of the next
 * so many rows that fit is found in a few steps, not by a walk over them. Kept up to date by the snapshot's log.
 *
 * It answers exactly what the walk would: the same rows are compared, and equals are told apart by the same lot.
 *
 * Invariant while it `holds`: a leaf has the verdict and score of its row as of log entry `#at`; an inner place how many rows
 * below it fit, their highest score, and how many have it.
 */
import { batchSize } from './batch-size.ts';
import type { Evaluation } from './evaluation.ts';
import type { Snapshot } from './snapshot.ts';
import { placeOf, rowAt, visitOrder, type VisitOrder } from './visit-order.ts';

/** Searches by walking before a tree is made: it costs about as much as so many. */
const firstSearches = 200;
/** Rows looked at again for a search, in the mean, that are still cheaper than the walk. */
const affordable = 6;
/** How far behind `affordable` it may fall before it is given up. */
const patience = 2_000;

export class BestTree {
  #order = visitOrder(0);
  #leaves = 0;
  #count = new Int32Array(0);
  #best = new Float64Array(0);
  #ties = new Int32Array(0);
  /** Log entries that are known of; -1: it does not hold. */
  #at = -1;
  #searches = 0;
  #credit = 0;
  #batch = new Int32Array(0);

  // Of the choice under way: the highest score, how many have it, and how many of those go before the one that is drawn.
  #most = 0;
  #tied = 0;
  #skip = 0;

  /** Of the last choice: rows that fit among which it was made, and the last of them. */
  found = 0;
  last = 0;

  /** Brings it up to date, or makes it if that is worth while. Answers whether it can be asked. */
  ready(snapshot: Snapshot, local: Evaluation, order: VisitOrder): boolean {
    // Free rows are no nodes: only a walk knows how many there are.
    if (snapshot.nodeCount !== order.rows) return false;
    if (this.#at < 0 || this.#order !== order) {
      this.#at = -1;
      if (local.changes > affordable || ++this.#searches < firstSearches) return false;
      this.#searches = 0;
      this.#make(snapshot, local, order);
      return true;
    }
    const { log } = snapshot;
    const from = this.#at;
    const end = log.readToEnd();
    this.#credit = Math.min(this.#credit + affordable, patience) - (end - from);
    if (!log.has(from) || this.#credit < -patience) {
      this.#at = -1;
      this.#searches = -4 * firstSearches;
      return false;
    }
    this.#at = end;
    const batch = this.#batch;
    for (let n = from; n < end;) {
      let count = 0;
      for (; n < end && count < batchSize; n++) batch[count++] = log.at(n);
      local.refresh(snapshot, batch, count);
      for (let i = 0; i < count; i++) this.#set(batch[i]!, local);
    }
    return true;
  }

  /** True if the row is known to fit. */
  fits(row: number): boolean {
    return this.#count[this.#leaves + placeOf(this.#order, row)] === 1;
  }
  /** For the next choice the row does not fit, whatever its own verdict. */
  leaveOut(row: number): void {
    const at = this.#leaves + placeOf(this.#order, row);
    this.#count[at] = 0;
    this.#ties[at] = 0;
    this.#best[at] = Number.NEGATIVE_INFINITY;
    this.#sumAbove(at);
  }
  /** The row counts by its verdict again, which must hold. */
  putBack(row: number, local: Evaluation): void {
    this.#set(row, local);
  }

  /** The row to take of the first `wanted` that fit from `start` on; -1: none fits. */
  choose(start: number, wanted: number, random: () => number): number {
    const all = this.#count[1]!;
    if (all === 0) return -1;
    const from = placeOf(this.#order, start);
    const before = this.#countBefore(from);
    this.found = Math.min(wanted, all);
    // Number, among all that fit, of the last that is compared.
    const lastNumber = (before + this.found - 1) % all;
    const end = this.#nth(lastNumber);
    this.last = rowAt(this.#order, end);
    const wraps = end < from || (this.found === all && before > 0);
    this.#most = Number.NEGATIVE_INFINITY;
    this.#tied = 0;
    if (wraps) {
      this.#compare(1, 0, this.#leaves, from, this.#leaves);
      this.#compare(1, 0, this.#leaves, 0, end + 1);
    } else this.#compare(1, 0, this.#leaves, from, end + 1);
    this.#skip = this.#tied === 1 ? 0 : Math.min(this.#tied - 1, Math.floor(random() * this.#tied));
    let place: number;
    if (wraps) {
      place = this.#find(1, 0, this.#leaves, from, this.#leaves);
      if (place < 0) place = this.#find(1, 0, this.#leaves, 0, end + 1);
    } else place = this.#find(1, 0, this.#leaves, from, end + 1);
    return rowAt(this.#order, place);
  }

  #make(snapshot: Snapshot, local: Evaluation, order: VisitOrder): void {
    this.#order = order;
    const { rows } = order;
    let leaves = 1;
    while (leaves < order.places) leaves *= 2;
    if (leaves !== this.#leaves) {
      this.#leaves = leaves;
      this.#count = new Int32Array(2 * leaves);
      this.#best = new Float64Array(2 * leaves);
      this.#ties = new Int32Array(2 * leaves);
    }
    if (this.#batch.length === 0) this.#batch = new Int32Array(batchSize);
    this.#count.fill(0);
    this.#best.fill(Number.NEGATIVE_INFINITY);
    this.#ties.fill(0);
    this.#at = snapshot.log.readToEnd();
    this.#credit = 0;
    const batch = this.#batch;
    for (let row = 0; row < rows;) {
      let count = 0;
      for (; row < rows && count < batchSize; row++) batch[count++] = row;
      local.refresh(snapshot, batch, count);
      for (let i = 0; i < count; i++) this.#setLeaf(batch[i]!, local);
    }
    for (let at = leaves - 1; at > 0; at--) this.#sum(at);
  }

  /** Answers the place of the leaf; -1 if it was so before. */
  #setLeaf(row: number, { rejectedBy, base }: Evaluation): number {
    const at = this.#leaves + placeOf(this.#order, row);
    const fits = rejectedBy[row] === 0 ? 1 : 0;
    const score = fits ? base[row]! : Number.NEGATIVE_INFINITY;
    if (this.#count[at] === fits && this.#best[at] === score) return -1;
    this.#count[at] = fits;
    this.#ties[at] = fits;
    this.#best[at] = score;
    return at;
  }

  #set(row: number, local: Evaluation): void {
    const at = this.#setLeaf(row, local);
    if (at > 0) this.#sumAbove(at);
  }
  #sumAbove(leaf: number): void {
    for (let up = leaf >> 1; up > 0; up >>= 1) this.#sum(up);
  }

  #sum(at: number): void {
    const left = 2 * at;
    const right = left + 1;
    this.#count[at] = this.#count[left]! + this.#count[right]!;
    const [a, b] = [this.#best[left]!, this.#best[right]!];
    this.#best[at] = a > b ? a : b;
    this.#ties[at] = (a >= b ? this.#ties[left]! : 0) + (b >= a ? this.#ties[right]! : 0);
  }

  /** How many fit before the place. */
  #countBefore(place: number): number {
    let count = 0;
    for (let at = this.#leaves + place; at > 1; at >>= 1) if (at & 1) count += this.#count[at - 1]!;
    return count;
  }

  /** The place of number `n` of all that fit. */
  #nth(n: number): number {
    let at = 1;
    let left = n;
    while (at < this.#leaves) {
      at *= 2;
      const here = this.#count[at]!;
      if (left >= here) {
        left -= here;
        at++;
      }
    }
    return at - this.#leaves;
  }

  /** Takes what is below `at` (places from `low` to `high`), as far as it is in `[from, to)`, into `#most` and `#tied`. */
  #compare(at: number, low: number, high: number, from: number, to: number): void {
    if (high <= from || to <= low || this.#best[at]! < this.#most || this.#count[at] === 0) return;
    if (from <= low && high <= to) {
      const best = this.#best[at]!;
      if (best === this.#most) this.#tied += this.#ties[at]!;
      else {
        this.#most = best;
        this.#tied = this.#ties[at]!;
      }
      return;
    }
    const middle = (low + high) >> 1;
    this.#compare(2 * at, low, middle, from, to);
    this.#compare(2 * at + 1, middle, high, from, to);
  }

  /** The place of the tied row that has been drawn; -1: it is not there, and `#skip` is less by those that are. */
  #find(at: number, low: number, high: number, from: number, to: number): number {
    if (high <= from || to <= low || this.#best[at]! < this.#most || this.#count[at] === 0) return -1;
    if (from <= low && high <= to) {
      if (this.#best[at] !== this.#most) return -1;
      if (this.#skip >= this.#ties[at]!) {
        this.#skip -= this.#ties[at]!;
        return -1;
      }
      if (high - low === 1) return low;
    }
    const middle = (low + high) >> 1;
    const left = this.#find(2 * at, low, middle, from, to);
    return left >= 0 ? left : this.#find(2 * at + 1, middle, high, from, to);
  }
}
