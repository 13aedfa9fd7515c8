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
  #place = 0;

  begin(order: VisitOrder, row: number): void {
    this.#order = order;
    this.#place = order.places === 0 ? 0 : placeOf(order, row);
    this.left = order.places;
  }

  /** Puts the next rows that are in use, and in `within`, into `batch`. Returns how many there are, at most `limit`. */
  fill(batch: Int32Array, limit: number, alive: Uint8Array, within: RowSet | undefined): number {
    const { step, blocks, places } = this.#order;
    const bits = within?.bits;
    let { left } = this;
    let place = this.#place;
    let count = 0;
    while (left > 0 && count < limit) {
      // Up to the end of the block; blocks have numbers below 2^28.
      const block = (((place / blockRows) | 0) * step) % blocks;
      let row = block * blockRows + (place % blockRows);
      const from = row;
      const end = Math.min((block + 1) * blockRows, row + left);
      if (bits) {
        const here = bits[block] ?? 0;
        if (here === 0) row = end;
        for (; row < end && count < limit; row++) {
          batch[count] = row;
          count += (here >> (row % blockRows)) & alive[row]!;
        }
      } else {
        for (; row < end && count < limit; row++) {
          batch[count] = row;
          count += alive[row]!;
        }
      }
      left -= row - from;
      place += row - from;
      if (place === places) place = 0;
    }
    this.#place = place;
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
