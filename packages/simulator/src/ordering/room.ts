/** What is free on nodes at some time, for backfill plans. */
import type { Ask, AskedPods, BackfillInput, HeldPlace, Holding } from './backfill.ts';

/** Amounts are sums of decimals: so much of rounding is forgiven, relative to the amount. */
const slack = 1e-9;

export class Room {
  readonly nodes: number;
  readonly dimensions: number;
  readonly free: Float64Array;
  readonly width: number;
  readonly milli: Int32Array | undefined;
  /** Over all nodes, of what is above 0. */
  readonly totals: Float64Array;

  constructor(from: Pick<BackfillInput, 'nodes' | 'dimensions' | 'free' | 'cards'>) {
    this.nodes = from.nodes;
    this.dimensions = from.dimensions;
    this.free = from.free;
    this.width = from.cards?.width ?? 0;
    this.milli = from.cards?.milli;
    this.totals = new Float64Array(from.dimensions);
    for (let i = 0; i < this.nodes * this.dimensions; i++)
      this.totals[i % this.dimensions]! += Math.max(0, this.free[i]!);
  }

  copy(): Room {
    const { nodes, dimensions, width, milli } = this;
    const cards = milli && { width, milli: milli.slice() };
    return new Room({ nodes, dimensions, free: this.free.slice(), cards });
  }

  /** `sign` 1: gives it back; -1: takes it. */
  change(holding: Holding, sign: 1 | -1): void {
    for (const place of holding.places) this.#changePlace(place, sign);
  }

  #changePlace({ node, amounts, cards }: HeldPlace, sign: 1 | -1): void {
    for (let d = 0; d < this.dimensions; d++) {
      const at = node * this.dimensions + d;
      const before = this.free[at]!;
      const after = before + sign * (amounts[d] ?? 0);
      this.free[at] = after;
      this.totals[d]! += Math.max(0, after) - Math.max(0, before);
    }
    if (!cards || !this.milli) return;
    for (const card of cards.cards) this.milli[node * this.width + card]! += sign * cards.milli;
  }

  /** Whether these very places are free. Places on one node count together. */
  holds(holding: Holding): boolean {
    this.change(holding, -1);
    const fits = holding.places.every(({ node, cards }) => {
      for (let d = 0; d < this.dimensions; d++) {
        const left = this.free[node * this.dimensions + d]!;
        if (left < 0 && left < -slack * Math.max(1, this.totals[d]!)) return false;
      }
      return (
        !this.milli || !cards || cards.cards.every((card) => this.milli![node * this.width + card]! >= 0)
      );
    });
    this.change(holding, 1);
    return fits;
  }

  /** Less than that is free in all: there is no need to look at nodes. */
  lacks(ask: Ask): boolean {
    for (let d = 0; d < this.dimensions; d++) {
      let sum = 0;
      for (const { count, amounts } of ask.pods) sum += count * (amounts[d] ?? 0);
      if (sum > this.totals[d]! * (1 + slack)) return true;
    }
    return false;
  }

  /** How many such pods the node has room for, at most `limit`. */
  roomFor(node: number, pods: AskedPods, limit: number): number {
    if (pods.allows && !pods.allows(node)) return 0;
    let most = limit;
    for (let d = 0; d < this.dimensions && most > 0; d++) {
      const amount = pods.amounts[d] ?? 0;
      if (amount > 0) {
        const left = this.free[node * this.dimensions + d]! * (1 + slack);
        most = Math.min(most, Math.max(0, Math.floor(left / amount)));
      }
    }
    return pods.cards && this.milli ? Math.min(most, this.#cardRoom(node, pods.cards)) : most;
  }

  #cardRoom(node: number, { count, milli }: { count: number; milli: number }): number {
    if (count === 0) return Infinity;
    let parts = 0;
    for (let i = node * this.width; i < (node + 1) * this.width; i++) {
      const free = Math.max(0, this.milli![i]!);
      // A pod's cards differ: of several cards each counts once.
      if (count === 1) parts += milli === 0 ? Infinity : Math.floor(free / milli);
      else if (free >= milli) parts++;
    }
    return Math.floor(parts / count);
  }

  /** Puts the pods where they fit, node by node; undefined, with nothing taken, if they do not all. */
  place(ask: Ask, untilMs: number): Holding | undefined {
    if (this.lacks(ask)) return undefined;
    const places: HeldPlace[] = [];
    const one = ask.pods.length === 1;
    let fits = true;
    for (const pods of ask.pods) {
      let left = pods.count;
      for (let node = 0; node < this.nodes && left > 0; node++) {
        const here = this.roomFor(node, pods, left);
        if (here === 0) continue;
        left -= here;
        for (const place of this.#places(node, pods, here)) {
          places.push(place);
          if (!one || this.milli) this.#changePlace(place, -1);
        }
      }
      if (left > 0) {
        fits = false;
        break;
      }
    }
    const holding = { untilMs, places };
    if (!one || this.milli) this.change(holding, 1);
    return fits ? holding : undefined;
  }

  *#places(node: number, pods: AskedPods, count: number): Generator<HeldPlace> {
    if (!pods.cards || !this.milli) {
      yield {
        node,
        amounts: Array.from({ length: this.dimensions }, (_, d) => count * (pods.amounts[d] ?? 0)),
      };
      return;
    }
    for (let i = 0; i < count; i++) {
      // The fullest cards that do: whole ones stay whole.
      const base = node * this.width;
      const { milli } = pods.cards;
      const cards = Array.from({ length: this.width }, (_, card) => card)
        .filter((card) => this.milli![base + card]! >= milli)
        .sort((a, b) => this.milli![base + a]! - this.milli![base + b]! || a - b)
        .slice(0, pods.cards.count);
      yield { node, amounts: pods.amounts, cards: { cards, milli } };
    }
  }
}
