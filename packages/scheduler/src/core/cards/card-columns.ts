/**
 * The cards of all nodes as columns. A node's row has `width` places, one a card, in each of the flat arrays.
 *
 * Invariants:
 * - `free[row * width + card]` is 1000 less the thousandths that pods on the row and claims hold of the card: below 0 only if
 *   somebody else gave it twice. `freeMemory` likewise in bytes. A whole card is held with all its memory.
 * - a pod that holds cards of which nobody says which (a node agent picks them later) counts in `floating[row]`, and a
 *   placement never leaves fewer untouched cards on a node than are floating there.
 * - what a pod holds is in `#held` and goes back exactly as it was taken: trials are free of drift.
 */
import { type CardTopology, wholeCard } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import { Interner } from '../interner.ts';
import { type CardRequest } from './card-request.ts';
import { nodeCards, noCards } from './node-cards.ts';

/** What claims on devices hold of one card (Dynamic Resource Allocation). */
interface Claimed {
  milli: number;
  memory: number;
  /** Parts of the card that are devices of their own (MIG): while there are any, the card is theirs. */
  partitions: number;
}

/** A pod's cards on a node. */
interface Held {
  readonly row: number;
  readonly request: CardRequest;
  /** Empty: floating, or (a pod somebody else placed) more than the node has. */
  indices: readonly number[];
  floating: number;
}

/** More pods than a trial removes. */
const maxLeft = 8192;

export class CardColumns {
  readonly models = new Interner();
  /** Places a row has; all rows alike. */
  width = 8;
  /** Cards of the node. */
  count = new Int32Array(0);
  /** Model by id of `models`; 0: not said. */
  model = new Int32Array(0);
  /** Bytes of each card of the node; 0: not said. */
  memory = new Float64Array(0);
  free = new Int32Array(0);
  freeMemory = new Float64Array(0);
  /** Cards held by pods of which it is not known which cards they are. */
  floating = new Int32Array(0);
  /** Pods that hold parts of a card, all nodes together. */
  sharers = 0;
  readonly topology: (CardTopology | undefined)[] = [];
  /** `kinds[row]`: kind of request (see `kindOf`) -> pods on the row. */
  readonly kinds: (Map<string, number> | undefined)[] = [];

  /** Told when pods take (1) or give back (-1) cards of a node that has them as devices too: they are counted there as well. */
  taken:
    | ((nodeName: string, cards: readonly number[], milli: number, memory: number, sign: 1 | -1) => void)
    | undefined;

  /** 1 where the node offers whole cards as an extended resource. */
  #offered = new Uint8Array(0);
  readonly #names: (string | undefined)[] = [];
  readonly #rows = new Map<string, number>();
  /** By node, known or not, then card. */
  readonly #claimed = new Map<string, Map<number, Claimed>>();
  readonly #held = new Map<string, Held>();
  /** Decided, and not yet known from the API: uid -> cards. */
  readonly #assigned = new Map<string, readonly number[]>();
  /** What pods held that were removed last: one that comes back to its row (a trial taken back) gets the same cards. */
  #left = new Map<string, Held>();
  /** Those removed before them: forgotten all at once, as to find the oldest of a Map is to pass all that were deleted. */
  #leftBefore = new Map<string, Held>();

  /** Cards the pod holds on the node it is placed on; undefined if it holds none or nobody says which. */
  heldBy(uid: string): readonly number[] | undefined {
    const indices = this.#held.get(uid)?.indices;
    return indices && indices.length > 0 ? indices : undefined;
  }

  /** The pod shall have these cards when it is next added; undefined takes that back. */
  assign(uid: string, indices: readonly number[] | undefined): void {
    if (indices) this.#assigned.set(uid, indices);
    else this.#assigned.delete(uid);
  }

  /** Takes over what a node says; what its pods hold stays held. */
  setNode(row: number, node: Node | undefined): void {
    const cards = node ? nodeCards(node) : noCards;
    if (row >= this.count.length) this.#grow(row + 1, this.width);
    if (cards.count > this.width) {
      let width = this.width;
      while (width < cards.count) width *= 2;
      this.#grow(this.count.length, width);
    }
    this.model[row] = cards.model === '' ? 0 : this.models.id(cards.model);
    const offered = cards.offered ? 1 : 0;
    const name = node?.metadata.name;
    const same =
      this.#names[row] === name &&
      this.count[row] === cards.count &&
      this.memory[row] === cards.memory &&
      this.topology[row] === cards.topology &&
      this.#offered[row] === offered;
    if (same) return;
    const holders: [string, Held][] = [];
    if (this.count[row]! > 0 || this.kinds[row]?.size) {
      for (const entry of this.#held) if (entry[1].row === row) holders.push(entry);
    }
    for (const [uid] of holders) this.remove(uid);
    const before = this.#names[row];
    if (before !== undefined && this.#rows.get(before) === row) this.#rows.delete(before);
    this.#names[row] = name;
    if (name !== undefined) this.#rows.set(name, row);
    this.count[row] = cards.count;
    this.memory[row] = cards.memory;
    this.topology[row] = cards.topology;
    this.#offered[row] = offered;
    const base = row * this.width;
    this.free.fill(0, base, base + this.width).fill(wholeCard, base, base + cards.count);
    this.freeMemory.fill(0, base, base + this.width).fill(cards.memory, base, base + cards.count);
    for (const card of cards.topology?.lost ?? []) if (card < cards.count) this.free[base + card] = 0;
    for (const [card, claimed] of this.#claimed.get(name ?? '') ?? []) this.#charge(row, card, claimed, 1);
    for (const [uid, held] of holders) this.add(uid, held.request, row, held.indices);
  }

  /**
   * A claim has (1) or gives back (-1) a device that is a card of the node or a part of one. Answers the row if that is known.
   * `milli`, `memory`: what of the card; a partition counts as the whole.
   */
  claim(
    nodeName: string,
    card: number,
    part: { milli: number; memory: number; partition: boolean },
    sign: 1 | -1,
  ): number | undefined {
    let cards = this.#claimed.get(nodeName);
    if (!cards) this.#claimed.set(nodeName, (cards = new Map<number, Claimed>()));
    const claimed = cards.get(card) ?? { milli: 0, memory: 0, partitions: 0 };
    const row = this.#rows.get(nodeName);
    if (row !== undefined) this.#charge(row, card, claimed, -1);
    if (part.partition) claimed.partitions += sign;
    else {
      claimed.milli += sign * part.milli;
      claimed.memory += sign * part.memory;
    }
    if (row !== undefined) this.#charge(row, card, claimed, 1);
    if (claimed.milli === 0 && claimed.memory === 0 && claimed.partitions === 0) cards.delete(card);
    else cards.set(card, claimed);
    if (cards.size === 0) this.#claimed.delete(nodeName);
    return row;
  }

  /** Takes what claims hold of a card out of what is free, or puts it back. */
  #charge(row: number, card: number, { milli, memory, partitions }: Claimed, sign: 1 | -1): void {
    if (card >= this.count[row]!) return;
    const at = row * this.width + card;
    this.free[at]! -= sign * (partitions > 0 ? wholeCard : milli);
    this.freeMemory[at]! -= sign * (partitions > 0 || milli === wholeCard ? this.memory[row]! : memory);
  }

  /** True if the row's cards serve such a request; else devices do, or nothing (requests of extended resources only). */
  serves(row: number, request: CardRequest): boolean {
    return !request.extended || this.#offered[row] === 1;
  }

  /** The pod is on the row from now on. `indices`: its cards if known; else those assigned, else those its request names. */
  add(uid: string, request: CardRequest, row: number, indices?: readonly number[]): void {
    const held: Held = { row, request, indices: [], floating: 0 };
    this.#held.set(uid, held);
    if (request.milli < wholeCard) this.sharers++;
    const kinds = (this.kinds[row] ??= new Map<string, number>());
    const kind = kindOf(request);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const left = this.#left.get(uid) ?? this.#leftBefore.get(uid);
    if (left && !this.#left.delete(uid)) this.#leftBefore.delete(uid);
    const known =
      (indices && indices.length > 0 ? indices : undefined) ??
      this.#assigned.get(uid) ??
      request.indices ??
      (left?.row === row && left.request.key === request.key ? left.indices : undefined) ??
      (request.extended ? undefined : this.tightest(row, request));
    if (!this.serves(row, request)) return;
    if (known && this.#roomOn(row, known, request)) {
      held.indices = known;
      this.#take(row, known, request, 1);
    } else {
      held.floating = request.extended || known ? request.count : 0;
      this.floating[row]! += held.floating;
    }
  }

  remove(uid: string): void {
    const held = this.#held.get(uid);
    if (!held) return;
    const { row, request, indices, floating } = held;
    this.#held.delete(uid);
    // Of floating cards there is nothing to remember.
    if (indices.length > 0) this.#remember(uid, held);
    if (request.milli < wholeCard) this.sharers--;
    const kinds = this.kinds[row]!;
    const kind = kindOf(request);
    const left = kinds.get(kind)! - 1;
    if (left > 0) kinds.set(kind, left);
    else kinds.delete(kind);
    this.floating[row]! -= floating;
    this.#take(row, indices, request, -1);
  }

  #remember(uid: string, held: Held): void {
    this.#left.set(uid, held);
    if (this.#left.size < maxLeft) return;
    this.#leftBefore = this.#left;
    this.#left = new Map();
  }

  /** True if nobody holds parts of cards or claims on them: then whole cards are all counted as an extended resource. */
  get onlyWhole(): boolean {
    return this.sharers === 0 && this.#claimed.size === 0;
  }

  /** True if the row has room for such a request: enough cards with enough left, and the floating ones still covered. */
  fits(row: number, request: CardRequest): boolean {
    const { count, milli, memory } = request;
    const cards = this.count[row]!;
    if (cards < count) return false;
    const base = row * this.width;
    const { free, freeMemory } = this;
    let usable = 0;
    let whole = 0;
    let usableWhole = 0;
    for (let at = base; at < base + cards; at++) {
      const left = free[at]!;
      if (left === wholeCard) whole++;
      if (left < milli || freeMemory[at]! < memory) continue;
      usable++;
      if (left === wholeCard) usableWhole++;
    }
    const partial = usable - usableWhole;
    const touched = Math.max(0, count - partial);
    return usable >= count && whole - touched >= this.floating[row]!;
  }

  /** The cards with the least room that will do, in rising order of what they have left; undefined: it does not fit. */
  tightest(row: number, request: CardRequest): readonly number[] | undefined {
    return this.#pick(row, request, (a, b) => this.#leftOn(row, a) - this.#leftOn(row, b) || a - b);
  }

  /** Those with the most room. */
  loosest(row: number, request: CardRequest): readonly number[] | undefined {
    return this.#pick(row, request, (a, b) => this.#leftOn(row, b) - this.#leftOn(row, a) || a - b);
  }

  /** Numbers of the cards that have room for the request. */
  usable(row: number, { milli, memory }: CardRequest): number[] {
    const base = row * this.width;
    const result: number[] = [];
    for (let card = 0; card < this.count[row]!; card++) {
      if (this.free[base + card]! >= milli && this.freeMemory[base + card]! >= memory) result.push(card);
    }
    return result;
  }

  /** Thousandths left on all cards of the row together. */
  totalFree(row: number): number {
    const base = row * this.width;
    let total = 0;
    for (let at = base; at < base + this.count[row]!; at++) total += this.free[at]!;
    return total;
  }

  /** Untouched cards of the row. */
  wholeFree(row: number): number {
    const base = row * this.width;
    let whole = 0;
    for (let at = base; at < base + this.count[row]!; at++) if (this.free[at] === wholeCard) whole++;
    return whole;
  }

  /** True if the node's model is one the request allows. */
  modelFits(row: number, models: readonly string[]): boolean {
    return models.length === 0 || models.includes(this.models.text(this.model[row]!));
  }

  #pick(
    row: number,
    request: CardRequest,
    order: (a: number, b: number) => number,
  ): readonly number[] | undefined {
    if (!this.fits(row, request)) return undefined;
    return this.usable(row, request).sort(order).slice(0, request.count);
  }

  #leftOn(row: number, card: number): number {
    return this.free[row * this.width + card]!;
  }

  #roomOn(row: number, indices: readonly number[], { milli, memory }: CardRequest): boolean {
    const base = row * this.width;
    return indices.every(
      (card) =>
        card < this.count[row]! &&
        this.free[base + card]! >= milli &&
        this.freeMemory[base + card]! >= memory,
    );
  }

  #take(row: number, indices: readonly number[], { milli, memory }: CardRequest, sign: 1 | -1): void {
    const base = row * this.width;
    if (indices.length === 0) return;
    const bytes = milli === wholeCard ? this.memory[row]! : memory;
    if (this.topology[row]) this.taken?.(this.#names[row]!, indices, milli, bytes, sign);
    for (const card of indices) {
      this.free[base + card]! -= sign * milli;
      this.freeMemory[base + card]! -= sign * bytes;
    }
  }

  #grow(rows: number, width: number): void {
    const capacity = Math.max(16, rows > this.count.length ? rows * 2 : this.count.length);
    const wider = (column: Int32Array): Int32Array<ArrayBuffer> => {
      const next = new Int32Array(capacity);
      next.set(column);
      return next;
    };
    const free = new Int32Array(capacity * width);
    const freeMemory = new Float64Array(capacity * width);
    for (let row = 0; row < this.count.length; row++) {
      free.set(this.free.subarray(row * this.width, (row + 1) * this.width), row * width);
      freeMemory.set(this.freeMemory.subarray(row * this.width, (row + 1) * this.width), row * width);
    }
    this.count = wider(this.count);
    this.model = wider(this.model);
    this.floating = wider(this.floating);
    const offered = new Uint8Array(capacity);
    offered.set(this.#offered);
    this.#offered = offered;
    const memory = new Float64Array(capacity);
    memory.set(this.memory);
    this.memory = memory;
    this.free = free;
    this.freeMemory = freeMemory;
    this.width = width;
  }
}

/** What pods are grouped by where like goes to like: parts of a card, or so many whole cards. */
export function kindOf({ count, milli }: CardRequest): string {
  return count === 1 && milli < wholeCard ? 'share' : `${count}`;
}
