/** Some of a snapshot's rows, a bit each: a search passes eight that are not among them in one step. */
export class RowSet {
  /** Bit `row % 8` of byte `row / 8`. */
  bits: Uint8Array;

  /** Empty; `rows`: numbers below this may be added. */
  constructor(rows: number) {
    this.bits = new Uint8Array(Math.ceil(rows / 8));
  }

  static of(rows: number, members: Iterable<number>): RowSet {
    const set = new RowSet(rows);
    for (const row of members) set.add(row);
    return set;
  }

  has(row: number): boolean {
    return ((this.bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }
  add(row: number): void {
    this.bits[row >> 3]! |= 1 << (row & 7);
  }
  delete(row: number): void {
    this.bits[row >> 3]! &= ~(1 << (row & 7));
  }

  /** All numbers below `rows`, a multiple of 8, and no others. */
  fill(rows: number): void {
    this.bits = new Uint8Array(rows / 8).fill(255);
  }

  copy(): RowSet {
    const set = new RowSet(0);
    set.bits = this.bits.slice();
    return set;
  }

  /** Numbers below `rows` may be added from now on. */
  grow(rows: number): void {
    const bits = new Uint8Array(Math.ceil(rows / 8));
    bits.set(this.bits);
    this.bits = bits;
  }
}
