/**
 * What is free on each node over time, for plans with many reservations. Times are labels: numbers in the order of the plan's
 * stretches. A node's time is cut only where something that it holds begins or ends, so that what is free on it throughout a
 * stay is found in a few steps however many reservations there are elsewhere. A node is looked at when it is first asked for.
 */
import type { Amounts, BackfillInput, HeldPlace } from './backfill.ts';
import { slack } from './stretches.ts';

/** A node: from `labels[i]` on until the next, `values[i * stride + ...]` is free: dimensions, then cards. */
interface NodeTime {
  readonly labels: number[];
  readonly values: number[];
  /** What is free when all that runs has ended. */
  readonly ended: readonly number[];
}

/** So much of a dimension, more than 0. */
export interface Needed {
  readonly d: number;
  readonly amount: number;
}

export class Timeline {
  readonly dimensions: number;
  readonly width: number;
  readonly stride: number;
  /** Of the last answer of `room`. */
  until = -Infinity;
  readonly #free: Float64Array;
  readonly #milli: Int32Array | undefined;
  readonly #nodes: (NodeTime | undefined)[];
  /** What will be given back on a node that has not been looked at yet: the first of its entries, and the last. */
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  readonly #next: number[] = [];
  readonly #ends: { readonly label: number; readonly place: HeldPlace }[] = [];

  constructor(input: Pick<BackfillInput, 'nodes' | 'dimensions' | 'free' | 'cards'>) {
    this.dimensions = input.dimensions;
    this.width = input.cards?.width ?? 0;
    this.stride = this.dimensions + this.width;
    this.#free = input.free;
    this.#milli = input.cards?.milli;
    this.#nodes = Array.from({ length: input.nodes });
    this.#first = new Int32Array(input.nodes).fill(-1);
    this.#last = new Int32Array(input.nodes).fill(-1);
  }

  /** From `label` on the place is free: in the order of labels, before anything is asked. */
  ends(label: number, place: HeldPlace): void {
    const { node } = place;
    const entry = this.#ends.push({ label, place }) - 1;
    this.#next.push(-1);
    if (this.#last[node]! < 0) this.#first[node] = entry;
    else this.#next[this.#last[node]!] = entry;
    this.#last[node] = entry;
  }

  /** What is free on the node all the time from `from` on until `to`, into `result`, which has `stride` numbers. */
  least(node: number, from: number, to: number, result: Float64Array): void {
    const { stride } = this;
    const { labels, values } = this.#at(node);
    let piece = pieceAt(labels, from);
    let at = piece * stride;
    for (let i = 0; i < stride; i++) result[i] = values[at + i]!;
    for (piece++; piece < labels.length && labels[piece]! < to; piece++) {
      at += stride;
      for (let i = 0; i < stride; i++) if (values[at + i]! < result[i]!) result[i] = values[at + i]!;
    }
  }

  /**
   * How many pods of such amounts there is room for all the time, at most `limit`; cards aside. `until` then says how long it
   * is no more for later stays that are as long or longer: none that begins before that label has more.
   */
  room(node: number, from: number, to: number, needed: readonly Needed[], limit: number): number {
    const { stride } = this;
    const { labels, values } = this.#at(node);
    const first = pieceAt(labels, from);
    let last = to === Infinity ? labels.length - 1 : pieceAt(labels, to);
    if (last > first && labels[last] === to) last--;
    let most = limit;
    this.until = -Infinity;
    // From the end: so that of the pieces with least room the last is found.
    for (let piece = last; piece >= first; piece--) {
      const at = piece * stride;
      for (let i = 0; i < needed.length; i++) {
        const { d, amount } = needed[i]!;
        const free = values[at + d]! * (1 + slack);
        if (free >= most * amount) continue;
        const here = Math.max(0, Math.floor(free / amount));
        if (here >= most) continue;
        most = here;
        this.until = labels[piece + 1] ?? Infinity;
      }
      if (most === 0) return 0;
    }
    return most;
  }

  /** How many such pods there is room for when nobody else is there: an upper bound. */
  most(node: number, amounts: Amounts, limit: number): number {
    const { ended } = this.#at(node);
    let most = limit;
    for (let d = 0; d < this.dimensions; d++) {
      const amount = amounts[d] ?? 0;
      if (amount > 0) most = Math.min(most, Math.max(0, Math.floor((ended[d]! * (1 + slack)) / amount)));
    }
    return most;
  }

  /** Takes the place from `from` on until `to`. */
  take(place: HeldPlace, from: number, to: number): void {
    const { stride, dimensions, width } = this;
    const { node, amounts, cards } = place;
    const time = this.#at(node);
    const first = this.#cut(time, from);
    const end = to === Infinity ? time.labels.length : this.#cut(time, to);
    for (let piece = first; piece < end; piece++) {
      const at = piece * stride;
      for (let d = 0; d < dimensions; d++) time.values[at + d]! -= amounts[d] ?? 0;
      if (cards && width > 0)
        for (const card of cards.cards) time.values[at + dimensions + card]! -= cards.milli;
    }
  }

  /** Labels get other numbers in the same order. */
  relabel(labelOf: (label: number) => number): void {
    for (const end of this.#ends.keys()) {
      const { label, place } = this.#ends[end]!;
      this.#ends[end] = { label: labelOf(label), place };
    }
    for (const time of this.#nodes) {
      if (time) for (let i = 1; i < time.labels.length; i++) time.labels[i] = labelOf(time.labels[i]!);
    }
  }

  #cut({ labels, values }: NodeTime, label: number): number {
    const piece = pieceAt(labels, label);
    if (labels[piece] === label) return piece;
    const { stride } = this;
    labels.splice(piece + 1, 0, label);
    const from = piece * stride;
    for (let i = 0; i < stride; i++) values.push(0);
    for (let i = values.length - 1; i >= from + stride; i--) values[i] = values[i - stride]!;
    return piece + 1;
  }

  #at(node: number): NodeTime {
    let time = this.#nodes[node];
    if (!time) this.#nodes[node] = time = this.#look(node);
    return time;
  }

  #look(node: number): NodeTime {
    const { stride, dimensions, width } = this;
    const labels = [-Infinity];
    const values: number[] = [];
    for (let d = 0; d < dimensions; d++) values.push(this.#free[node * dimensions + d]!);
    for (let card = 0; card < width; card++) values.push(this.#milli![node * width + card]!);
    for (let entry = this.#first[node]!; entry >= 0; entry = this.#next[entry]!) {
      const { label, place } = this.#ends[entry]!;
      let at = (labels.length - 1) * stride;
      if (label !== labels.at(-1)) {
        labels.push(label);
        for (let i = 0; i < stride; i++) values.push(values[at + i]!);
        at += stride;
      }
      for (let d = 0; d < dimensions; d++) values[at + d]! += place.amounts[d] ?? 0;
      if (place.cards && width > 0)
        for (const card of place.cards.cards) values[at + dimensions + card]! += place.cards.milli;
    }
    return { labels, values, ended: values.slice(-stride) };
  }
}

/** The last that does not begin later. */
function pieceAt(labels: readonly number[], label: number): number {
  let low = 0;
  let high = labels.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (labels[middle]! <= label) low = middle;
    else high = middle - 1;
  }
  return low;
}
