/**
 * The order in which searches visit rows, each search from where the last ended: some neighbours at a time, so that what is kept of
 * them is read together, then a step, so that racks and zones, whose nodes mostly came together, part.
 */

import type { RowSet } from './row-set.ts';

/** Neighbours that stay together: as many numbers as a line of the processor's cache holds, and a byte of RowSet bits. */
export const blockRows = 8;

export interface VisitOrder {
  readonly rows: number;
  /** Visits of all blocks. The last block may be less than full: some visits come by no row. */
  readonly places: number;
  readonly blocks: number;
  /** A step, below `blocks`, that visits every block before any twice: about the golden section. */
  readonly step: number;
  /** `step * inverse` is 1 modulo `blocks`: with it the number of the visit follows from the row. */
  readonly inverse: number;
}

/** `straight`: one row after the other. */
export function visitOrder(rows: number, straight = false): VisitOrder {
  const blocks = Math.ceil(rows / blockRows);
  let step = straight ? 1 : Math.max(1, Math.floor(blocks * 0.618));
  while (gcd(step, blocks) > 1) step++;
  return { rows, places: blocks * blockRows, blocks, step, inverse: inverseOf(step, blocks) };
}

/** When the row is visited. */
export function placeOf({ blocks, inverse }: VisitOrder, row: number): number {
  return ((Math.floor(row / blockRows) * inverse) % blocks) * blockRows + (row % blockRows);
}

/** Which row is visited then; beyond all rows: none. */
export function rowAt({ blocks, step }: VisitOrder, place: number): number {
  return ((Math.floor(place / blockRows) * step) % blocks) * blockRows + (place % blockRows);
}

/** The row, or none, that is visited after this one. */
export function rowAfter(order: VisitOrder, row: number): number {
  return rowAt(order, (placeOf(order, row) + 1) % order.places);
}

/** A walk in that order. */
export class RowWalk {
  /** Visits to come. */
  left = 0;
  #order = visitOrder(0);
  #block = 0;
  /** Row of the block. */
  #inBlock = 0;

  begin(order: VisitOrder, row: number): void {
    this.#order = order;
    this.#block = Math.floor(row / blockRows);
    this.#inBlock = row % blockRows;
    this.left = order.places;
  }

  /** Puts the next rows that are in use, and in `within`, into `batch`. Returns how many there are, at most `limit`. */
  take(batch: Int32Array, limit: number, alive: Uint8Array, within: RowSet | undefined): number {
    const { step, blocks } = this.#order;
    const bits = within?.bits;
    let { left } = this;
    let block = this.#block;
    let from = this.#inBlock;
    let count = 0;
    while (left > 0 && count < limit) {
      const base = block * blockRows;
      const end = Math.min(blockRows, from + left);
      let at = from;
      const here = bits ? (bits[block] ?? 0) : 255;
      // Most blocks have nothing of a small set.
      if (here >> at === 0) at = end;
      for (; at < end && count < limit; at++) {
        batch[count] = base + at;
        count += (here >> at) & alive[base + at]!;
      }
      left -= at - from;
      from = at;
      if (at < blockRows) continue;
      from = 0;
      block += step;
      if (block >= blocks) block -= blocks;
    }
    this.#block = block;
    this.#inBlock = from;
    this.left = left;
    return count;
  }
}

/** Of numbers without a common factor. */
function inverseOf(value: number, modulus: number): number {
  let [a, b] = [value, modulus];
  let [x, y] = [1, 0];
  while (b > 0) {
    const quotient = Math.floor(a / b);
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return modulus === 0 ? 0 : ((x % modulus) + modulus) % modulus;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
