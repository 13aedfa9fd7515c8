/**
 * Sets of completion indexes as the Job status writes them: `0-2,4,7-9`. Kept as sorted, disjoint, non-adjacent intervals,
 * so that a Job of 100,000 indexes costs a few of them.
 */

/** Both ends belong to the interval. */
interface Interval {
  first: number;
  last: number;
}

export class IndexSet {
  readonly #intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals;
  }

  static readonly empty = new IndexSet([]);

  /** Any order, duplicates allowed. */
  static of(indexes: Iterable<number>): IndexSet {
    return new IndexSet(normalize([...indexes].map((index) => ({ first: index, last: index }))));
  }

  /**
   * Reads the status or spec form. Indexes of `limit` and above are left out (the Job was scaled down), as are parts that
   * are not indexes (the status may have been written by somebody else).
   */
  static parse(text: string | undefined, limit = Number.POSITIVE_INFINITY): IndexSet {
    if (!text) return IndexSet.empty;
    const intervals: Interval[] = [];
    for (const part of text.split(',')) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part);
      if (!match) continue;
      const first = Number(match[1]);
      const last = Math.min(match[2] === undefined ? first : Number(match[2]), limit - 1);
      if (first <= last) intervals.push({ first, last });
    }
    return new IndexSet(normalize(intervals));
  }

  /** How many indexes. */
  get size(): number {
    let size = 0;
    for (const { first, last } of this.#intervals) size += last - first + 1;
    return size;
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.#intervals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { first, last } = this.#intervals[middle] as Interval;
      if (index < first) high = middle - 1;
      else if (index > last) low = middle + 1;
      else return true;
    }
    return false;
  }

  union(other: IndexSet): IndexSet {
    if (other.#intervals.length === 0) return this;
    if (this.#intervals.length === 0) return other;
    return new IndexSet(normalize([...this.#intervals, ...other.#intervals]));
  }

  /** How many indexes are in both. */
  overlap(other: IndexSet): number {
    let count = 0;
    let i = 0;
    let j = 0;
    while (i < this.#intervals.length && j < other.#intervals.length) {
      const a = this.#intervals[i] as Interval;
      const b = other.#intervals[j] as Interval;
      count += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1);
      if (a.last < b.last) i += 1;
      else j += 1;
    }
    return count;
  }

  /** The first `count` indexes below `limit` that are not in the set. */
  firstMissing(count: number, limit: number): number[] {
    const found: number[] = [];
    let next = 0;
    for (const { first, last } of [...this.#intervals, { first: limit, last: limit }]) {
      for (; next < Math.min(first, limit) && found.length < count; next += 1) found.push(next);
      next = Math.max(next, last + 1);
    }
    return found;
  }

  toString(): string {
    return this.#intervals
      .map(({ first, last }) => {
        if (first === last) return `${first}`;
        // Two neighbours are written as a pair, as the Job API documents: "1,3-5,7" with "1,2" for two.
        return last === first + 1 ? `${first},${last}` : `${first}-${last}`;
      })
      .join(',');
  }
}

function normalize(intervals: Interval[]): Interval[] {
  const sorted = intervals.toSorted((a, b) => a.first - b.first);
  const result: Interval[] = [];
  for (const { first, last } of sorted) {
    const previous = result.at(-1);
    if (previous && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else result.push({ first, last });
  }
  return result;
}
