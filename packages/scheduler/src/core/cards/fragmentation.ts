/**
 * Fragmentation of a node for a workload, after "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation
 * Gradient Descent" (USENIX ATC'23).
 *
 * A workload is the popular shapes of requests with their shares. What a node has left is a fragment to a shape if a pod of
 * that shape cannot use it: all that is left if the pod asks for no card, for another model, or does not fit; else what is
 * left on cards with less room than it needs of one card. The node's fragmentation is the mean over the shapes, in
 * thousandths of a card. FGD places a pod where it makes the sum over the nodes grow least.
 */
import { wholeCard } from '@coracle/machinery';
import type { CardColumns } from './card-columns.ts';

/** What pods of one kind ask for. */
export interface RequestShape {
  /** Milli-cores. */
  readonly cpu: number;
  /** Cards; 0: none. */
  readonly count: number;
  /** Thousandths of each card. */
  readonly milli: number;
  readonly models: readonly string[];
}

export interface WeightedShape extends RequestShape {
  /** Its part of the workload: all together are 1. */
  readonly share: number;
}

/** The most popular shapes that cover at least `percent` of the pods, renormalised. `counts`: shape -> pods. */
export function popularShapes(
  counts: Iterable<readonly [RequestShape, number]>,
  percent = 95,
): WeightedShape[] {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || -compareShapes(a, b));
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  let covered = 0;
  let end = 0;
  while (end < sorted.length && covered < (percent * total) / 100) covered += sorted[end++]![1];
  return sorted.slice(0, end).map(([shape, count]) => ({ ...shape, share: count / covered }));
}

function compareShapes(a: RequestShape, b: RequestShape): number {
  const [x, y] = [a.models.join('|'), b.models.join('|')];
  return a.cpu - b.cpu || a.milli - b.milli || a.count - b.count || (x < y ? -1 : x > y ? 1 : 0);
}

/** Shapes that a node of one model can serve, those that need most of a card first. */
interface Reachable {
  readonly cpu: Float64Array;
  readonly count: Int32Array;
  readonly milli: Int32Array;
  readonly share: Float64Array;
}

/** Fragmentation for one workload. Holds scratch space: use it from one place at a time. */
export class Fragmentation {
  readonly #shapes: readonly WeightedShape[];
  /** By model id. */
  readonly #reachable: (Reachable | undefined)[] = [];
  /** Cards by what they have left, most first. */
  #sorted = new Int32Array(16);

  constructor(workload: readonly WeightedShape[]) {
    this.#shapes = workload.filter((shape) => shape.count > 0);
  }

  /** Of a row as it is, with `cpu` milli-cores left. */
  ofRow(cards: CardColumns, row: number, cpu: number): number {
    return this.#of(cards, row, cpu, -1, 0, 0);
  }

  /** Of a row from whose card `card` another `milli` is gone. */
  ofRowLess(cards: CardColumns, row: number, cpu: number, card: number, milli: number): number {
    return this.#of(cards, row, cpu, card, milli, 0);
  }

  /** Of a row of which `count` more of the tightest cards with room for `milli` have lost that much. */
  ofRowLessCards(cards: CardColumns, row: number, cpu: number, count: number, milli: number): number {
    return this.#of(cards, row, cpu, -1, milli, count);
  }

  #of(cards: CardColumns, row: number, cpu: number, without: number, milli: number, count: number): number {
    const n = cards.count[row]!;
    if (n === 0) return 0;
    if (this.#sorted.length < n) this.#sorted = new Int32Array(n * 2);
    const sorted = this.#sorted;
    const { free, width } = cards;
    const base = row * width;
    let total = 0;
    for (let i = 0; i < n; i++) {
      let left = free[base + i]!;
      if (i === without) left -= milli;
      total += left;
      insert(sorted, i, left);
    }
    if (count > 0) total -= this.#takeTightest(n, count, milli);
    if (total === 0) return 0;
    const model = cards.model[row]!;
    const reachable = (this.#reachable[model] ??= this.#reach(cards.models.text(model)));
    // Walking down the thresholds, `high` is the sum over the cards with at least that much left, `have` their number.
    const { milli: need, count: cardsNeeded, cpu: cpuNeeded, share } = reachable;
    let high = 0;
    let have = 0;
    let usable = 0;
    for (let s = 0; s < share.length; s++) {
      while (have < n && sorted[have]! >= need[s]!) high += sorted[have++]!;
      if (have >= cardsNeeded[s]! && cpu >= cpuNeeded[s]!) usable += share[s]! * high;
    }
    return total - usable;
  }

  /** Takes `milli` from the `count` cards of `#sorted` with the least that suffices. Answers how much that is. */
  #takeTightest(n: number, count: number, milli: number): number {
    const sorted = this.#sorted;
    let last = n - 1;
    while (last >= 0 && sorted[last]! < milli) last--;
    let taken = 0;
    for (let i = last; i >= 0 && taken < count; i--) {
      sorted[i]! -= milli;
      taken++;
    }
    for (let i = 1; i < n; i++) insert(sorted, i, sorted[i]!);
    return taken * milli;
  }

  #reach(model: string): Reachable {
    const shapes = this.#shapes
      .filter(({ models }) => models.length === 0 || models.includes(model))
      .toSorted((a, b) => b.milli - a.milli);
    return {
      cpu: Float64Array.from(shapes, (shape) => shape.cpu),
      count: Int32Array.from(shapes, (shape) => shape.count),
      milli: Int32Array.from(shapes, (shape) => shape.milli),
      share: Float64Array.from(shapes, (shape) => shape.share),
    };
  }
}

/** Puts a value among the first `length`, which are in falling order. */
function insert(sorted: Int32Array, length: number, value: number): void {
  let at = length;
  while (at > 0 && sorted[at - 1]! < value) {
    sorted[at] = sorted[at - 1]!;
    at--;
  }
  sorted[at] = value;
}

/** FGD's score of a change of fragmentation: a whole number 0..100, 50 for none. The truncation is part of the method. */
export function descentScore(before: number, after: number): number {
  return Math.trunc(100 / (1 + Math.exp((after - before) / wholeCard)));
}
