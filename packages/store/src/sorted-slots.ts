/**
 * Slots in key order, in chunks of a few hundred: finding a place is two binary searches, inserting moves one chunk's tail.
 * Each chunk knows how many of its slots are live, so that counting a prefix adds up chunks instead of walking keys
 * (a B-tree from a library has no such counts; paging through 150,000 keys needs one count a page).
 */
import type { Entry, StoreEvent } from './store.ts';
import { compareKeys, isPlain } from './order.ts';

/** All that is known in memory about one key. */
export interface Slot {
  readonly key: string;
  /** Newest durable value; undefined when the key is deleted (then the slot stays until compaction has passed). */
  entry: Entry | undefined;
  /**
   * Kept revisions of this key, ascending; a deletion is negative. Undefined when the newest value is all there is, which
   * saves an array for most keys.
   */
  versions: number[] | undefined;
  /** Newest accepted event that is not durable yet. */
  pending: StoreEvent | undefined;
  /** It is in the list: some durable event made it, and compaction has not passed its deletion. */
  listed: boolean;
  /** The piece of the list it is in: `SortedSlots` sets it. */
  chunk: Chunk | undefined;
}

export interface Position {
  readonly chunk: number;
  readonly index: number;
}

export interface Chunk {
  slots: Slot[];
  live: number;
}

const chunkSize = 512;

export class SortedSlots {
  readonly #chunks: Chunk[] = [];
  #live = 0;
  /** No key here has a character that JavaScript orders otherwise than UTF-8 does. */
  #plain = true;

  get live(): number {
    return this.#live;
  }

  /** Takes in many slots at once while it is empty: sorting them is several times faster than inserting each. */
  takeAll(slots: Slot[]): void {
    slots.sort((a, b) => compareKeys(a.key, b.key));
    this.#plain &&= slots.every(({ key }) => isPlain(key));
    // Half full, as splitting leaves them: the next insertions move little.
    for (let i = 0; i < slots.length; i += chunkSize / 2) {
      const some = slots.slice(i, i + chunkSize / 2);
      const live = countLive(some);
      const chunk = { slots: some, live };
      for (const slot of some) slot.chunk = chunk;
      this.#chunks.push(chunk);
      this.#live += live;
    }
  }

  /** Adds a slot whose key is not here yet. */
  insert(slot: Slot): void {
    const live = slot.entry === undefined ? 0 : 1;
    this.#live += live;
    this.#plain &&= isPlain(slot.key);
    const found = this.atLeast(slot.key);
    if (this.#chunks.length === 0) this.#chunks.push({ slots: [], live: 0 });
    // A key after all others goes to the end of the last chunk.
    const at = Math.min(found.chunk, this.#chunks.length - 1);
    const chunk = this.#chunks[at]!;
    chunk.slots.splice(at === found.chunk ? found.index : chunk.slots.length, 0, slot);
    chunk.live += live;
    slot.chunk = chunk;
    if (chunk.slots.length > chunkSize) this.#split(at);
  }

  /** Removes a slot; it must be here. */
  remove(slot: Slot): void {
    const { chunk: at, index } = this.atLeast(slot.key);
    const chunk = this.#chunks[at]!;
    chunk.slots.splice(index, 1);
    slot.chunk = undefined;
    if (slot.entry !== undefined) {
      chunk.live--;
      this.#live--;
    }
    if (chunk.slots.length === 0) this.#chunks.splice(at, 1);
  }

  /** Sets a slot's newest value, keeping the counts right. */
  setEntry(slot: Slot, entry: Entry | undefined): void {
    const change = (entry === undefined ? 0 : 1) - (slot.entry === undefined ? 0 : 1);
    slot.entry = entry;
    if (change === 0) return;
    slot.chunk!.live += change;
    this.#live += change;
  }

  /** The first slot whose key is `key` or after it. */
  atLeast(key: string): Position {
    if (this.#plain && isPlain(key)) return this.#firstNot((k) => k < key);
    return this.#firstNot((k) => compareKeys(k, key) < 0);
  }

  /** The first slot whose key is after `key`. */
  after(key: string): Position {
    if (this.#plain && isPlain(key)) return this.#firstNot((k) => k <= key);
    return this.#firstNot((k) => compareKeys(k, key) <= 0);
  }

  /** The first slot after all that begin with `prefix`. */
  afterPrefix(prefix: string): Position {
    if (this.#plain && isPlain(prefix)) return this.#firstNot((k) => k < prefix || k.startsWith(prefix));
    return this.#firstNot((k) => k.startsWith(prefix) || compareKeys(k, prefix) < 0);
  }

  /** Live slots before a position. */
  liveBefore(position: Position): number {
    let count = 0;
    for (let i = 0; i < position.chunk; i++) count += this.#chunks[i]!.live;
    const slots = this.#chunks[position.chunk]?.slots;
    for (let i = 0; i < position.index; i++) if (slots![i]!.entry !== undefined) count++;
    return count;
  }

  /** Calls `visit` for the slots from `start` up to, not including, `end`, until it returns false. */
  forEach(start: Position, end: Position, visit: (slot: Slot) => boolean): void {
    for (let c = start.chunk; c <= end.chunk && c < this.#chunks.length; c++) {
      const { slots } = this.#chunks[c]!;
      const stop = c === end.chunk ? end.index : slots.length;
      for (let i = c === start.chunk ? start.index : 0; i < stop; i++) {
        if (!visit(slots[i]!)) return;
      }
    }
  }

  /** The first slot for which `before` is false; `before` must be true for a leading part of the keys. */
  #firstNot(before: (key: string) => boolean): Position {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.#chunks[middle]!.slots.at(-1)!.key)) low = middle + 1;
      else high = middle;
    }
    const slots = this.#chunks[low]?.slots ?? [];
    let from = 0;
    let to = slots.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (before(slots[middle]!.key)) from = middle + 1;
      else to = middle;
    }
    return { chunk: low, index: from };
  }

  #split(at: number): void {
    const chunk = this.#chunks[at]!;
    const tail = chunk.slots.splice(chunk.slots.length >>> 1);
    const live = countLive(tail);
    chunk.live -= live;
    const next = { slots: tail, live };
    for (const slot of tail) slot.chunk = next;
    this.#chunks.splice(at + 1, 0, next);
  }
}

const countLive = (slots: readonly Slot[]): number =>
  slots.reduce((n, slot) => n + (slot.entry === undefined ? 0 : 1), 0);
