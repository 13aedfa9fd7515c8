/** Where pods fit throughout a stay, on a plan's timeline: node by node, in order. */
import type { Amounts, Ask, AskedPods, HeldPlace, Holding } from './backfill.ts';
import { slack } from './stretches.ts';
import type { Needed, Timeline } from './timeline.ts';

/** What is known of equal pods. */
interface Shape {
  /** By node, how many it may have at most; -1: not known yet. */
  readonly most: Int32Array;
  /** By node: stays of `estimateMs` or longer that begin before that label have room for none. */
  readonly noneUntil: Float64Array;
  estimateMs: number;
  readonly amounts: readonly Needed[];
}

export class Fitting {
  readonly #nodes: number;
  readonly #time: Timeline;
  readonly #left: Float64Array;
  readonly #shapes = new Map<AskedPods, Shape>();
  readonly #later: Float64Array;
  readonly #on: number[] = [];
  readonly #here: number[] = [];
  /** After `place` found none: as long or longer stays that begin before this label have no place either. */
  next = -Infinity;
  /** Whether a node is one for such pods: 1 yes, 2 no, 0 not asked yet. */
  readonly #allowed = new Map<AskedPods, Uint8Array>();

  constructor(nodes: number, time: Timeline) {
    this.#nodes = nodes;
    this.#time = time;
    this.#left = new Float64Array(time.stride);
    this.#later = new Float64Array(nodes);
  }

  /** Places for all of the pods, the first nodes that have room; undefined if they do not all fit. */
  place({ pods, estimateMs }: Ask, from: number, to: number): HeldPlace[] | undefined {
    this.next = -Infinity;
    const [only] = pods;
    if (pods.length === 1 && (!only!.cards || this.#time.stride === this.#time.dimensions))
      return this.#placeEqual(only!, from, to, estimateMs);
    const places: HeldPlace[] = [];
    // What those before have left of the nodes that they take from.
    const taken = pods.length > 1 ? new Map<number, Float64Array>() : undefined;
    for (const asked of pods) {
      const allowed = this.#allowedOf(asked);
      let left = asked.count;
      for (let node = 0; node < this.#nodes && left > 0; node++) {
        if (allowed && !this.#allows(asked, allowed, node)) continue;
        const before = taken?.get(node);
        if (!before) this.#time.least(node, from, to, this.#left);
        const free = before ?? this.#left;
        const here = this.#roomFor(free, asked, left);
        if (here === 0) continue;
        left -= here;
        this.#put(node, free, asked, here, places);
        if (taken && !before) taken.set(node, free.slice());
      }
      if (left > 0) return undefined;
    }
    return places;
  }

  #placeEqual(asked: AskedPods, from: number, to: number, estimateMs: number): HeldPlace[] | undefined {
    const time = this.#time;
    const shape = this.#shapeOf(asked, estimateMs);
    const { most, noneUntil, amounts } = shape;
    const later = this.#later;
    let waiting = 0;
    let gain = 0;
    let left = asked.count;
    this.#on.length = 0;
    this.#here.length = 0;
    for (let node = 0; node < this.#nodes && left > 0; node++) {
      let bound = most[node]!;
      if (bound === 0) continue;
      if (noneUntil[node]! > from) {
        later[waiting++] = noneUntil[node]!;
        if (bound > gain) gain = bound;
        continue;
      }
      if (bound < 0) bound = most[node] = this.#most(asked, node);
      if (bound === 0) continue;
      const here = time.room(node, from, to, amounts, Math.min(left, bound));
      if (here < bound) {
        later[waiting++] = time.until;
        if (bound - here > gain) gain = bound - here;
      }
      if (here === 0) {
        noneUntil[node] = time.until;
        continue;
      }
      left -= here;
      this.#on.push(node);
      this.#here.push(here);
    }
    if (left > 0) {
      this.next = nth(later.subarray(0, waiting), Math.ceil(left / gain));
      return undefined;
    }
    return this.#on.map((node, i) => ({
      node,
      amounts: times(asked.amounts, this.#here[i]!, time.dimensions),
    }));
  }

  /** What is known of the shape for stays of that length: what was found for shorter ones holds, too. */
  #shapeOf(asked: AskedPods, estimateMs: number): Shape {
    let shape = this.#shapes.get(asked);
    if (!shape) {
      const { dimensions } = this.#time;
      const all = Array.from({ length: dimensions }, (_, d) => d);
      const used = all.filter((d) => (asked.amounts[d] ?? 0) > 0);
      shape = {
        most: new Int32Array(this.#nodes).fill(-1),
        noneUntil: new Float64Array(this.#nodes).fill(-Infinity),
        estimateMs,
        amounts: used.map((d) => ({ d, amount: asked.amounts[d]! })),
      };
      this.#shapes.set(asked, shape);
    } else if (estimateMs < shape.estimateMs) shape.noneUntil.fill(-Infinity);
    shape.estimateMs = estimateMs;
    return shape;
  }

  /** Labels have changed. */
  forget(): void {
    for (const { noneUntil } of this.#shapes.values()) noneUntil.fill(-Infinity);
  }

  #most(asked: AskedPods, node: number): number {
    if (asked.allows && !asked.allows(node)) return 0;
    return this.#time.most(node, asked.amounts, asked.count);
  }

  /** Whether these very places are free all the time, but for `least` by dimension. Places on one node count together. */
  holds({ places }: Holding, from: number, to: number, least: (d: number) => number): boolean {
    const { dimensions, stride } = this.#time;
    const left = new Map<number, Float64Array>();
    for (const { node, amounts, cards } of places) {
      let free = left.get(node);
      if (!free) {
        this.#time.least(node, from, to, (free = new Float64Array(stride)));
        left.set(node, free);
      }
      for (let d = 0; d < dimensions; d++) free[d]! -= amounts[d] ?? 0;
      if (cards && stride > dimensions)
        for (const card of cards.cards) free[dimensions + card]! -= cards.milli;
    }
    return places.every(({ node, cards }) => {
      const free = left.get(node)!;
      for (let d = 0; d < dimensions; d++) if (free[d]! < 0 && free[d]! < least(d)) return false;
      return stride === dimensions || !cards || cards.cards.every((card) => free[dimensions + card]! >= 0);
    });
  }

  #allowedOf(asked: AskedPods): Uint8Array | undefined {
    if (!asked.allows) return undefined;
    let allowed = this.#allowed.get(asked);
    if (!allowed) this.#allowed.set(asked, (allowed = new Uint8Array(this.#nodes)));
    return allowed;
  }

  #allows(asked: AskedPods, allowed: Uint8Array, node: number): boolean {
    if (allowed[node] === 0) allowed[node] = asked.allows!(node) ? 1 : 2;
    return allowed[node] === 1;
  }

  /** How many such pods there is room for, at most `limit`. */
  #roomFor(free: Float64Array, { amounts, cards }: AskedPods, limit: number): number {
    const { dimensions, stride } = this.#time;
    let most = limit;
    for (let d = 0; d < dimensions && most > 0; d++) {
      const amount = amounts[d] ?? 0;
      if (amount > 0) {
        const room = Math.floor((free[d]! * (1 + slack)) / amount);
        if (room < most) most = Math.max(0, room);
      }
    }
    return cards && stride > dimensions ? Math.min(most, this.#cardRoom(free, cards)) : most;
  }

  #cardRoom(free: Float64Array, { count, milli }: { count: number; milli: number }): number {
    if (count === 0) return Infinity;
    const { dimensions, stride } = this.#time;
    let parts = 0;
    for (let i = dimensions; i < stride; i++) {
      const left = Math.max(0, free[i]!);
      // A pod's cards differ: of several cards each counts once.
      if (count === 1) parts += milli === 0 ? Infinity : Math.floor(left / milli);
      else if (left >= milli) parts++;
    }
    return Math.floor(parts / count);
  }

  #put(node: number, free: Float64Array, asked: AskedPods, count: number, places: HeldPlace[]): void {
    const { dimensions, stride } = this.#time;
    if (!asked.cards || stride === dimensions) {
      const amounts = new Float64Array(dimensions);
      for (let d = 0; d < dimensions; d++) {
        amounts[d] = count * (asked.amounts[d] ?? 0);
        free[d]! -= amounts[d]!;
      }
      places.push({ node, amounts });
      return;
    }
    const { milli } = asked.cards;
    for (let i = 0; i < count; i++) {
      // The fullest cards that do: whole ones stay whole.
      const cards: number[] = [];
      for (let card = 0; card < stride - dimensions; card++)
        if (free[dimensions + card]! >= milli) cards.push(card);
      cards.sort((a, b) => free[dimensions + a]! - free[dimensions + b]! || a - b);
      cards.length = Math.min(cards.length, asked.cards.count);
      for (let d = 0; d < dimensions; d++) free[d]! -= asked.amounts[d] ?? 0;
      for (const card of cards) free[dimensions + card]! -= milli;
      places.push({ node, amounts: asked.amounts, cards: { cards, milli } });
    }
  }
}

function times(amounts: Amounts, count: number, dimensions: number): Float64Array {
  const result = new Float64Array(dimensions);
  for (let d = 0; d < dimensions; d++) result[d] = count * (amounts[d] ?? 0);
  return result;
}

/** The n-th smallest, from 1; Infinity if there are fewer. Changes their order. */
function nth(numbers: Float64Array, n: number): number {
  if (!(n <= numbers.length)) return Infinity;
  if (n > 1) return numbers.sort()[n - 1]!;
  let least = Infinity;
  for (const each of numbers) if (each < least) least = each;
  return least;
}
