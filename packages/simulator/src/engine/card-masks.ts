/**
 * Which rows have so many cards free: in a full cluster most nodes have none, and a pod that wants eight need not be judged
 * against them. Only for whole cards; the scheduler core decides all the same.
 */
import { wholeCard, wholeCardResource } from '@coracle/machinery';
import type { Snapshot } from '@coracle/scheduler/core';
import type { SimPod } from './job-kind.ts';

/** Requests for more than this are looked at like this many. */
const most = 16;

/** As the scheduler core takes it. */
export interface Where {
  readonly within: Uint8Array;
  readonly rows?: Int32Array;
  readonly briefly: true;
  /** False: there are more rows of which the same can be said. */
  readonly all: boolean;
}

export class CardMasks {
  readonly #snapshot: Snapshot;
  readonly #dimension: number;
  /** By number of cards, then row: 1 where so many are free. */
  readonly #masks: Uint8Array[] = [];
  /** By number of cards: those rows, and by row its place among them. Kept in no order, but the same in each run. */
  readonly #rows: Int32Array[] = [];
  readonly #places: Int32Array[] = [];
  readonly #counts = new Int32Array(most + 1);
  /** By number of cards: where the next part of the rows begins. */
  readonly #next = new Int32Array(most + 1);
  #free: Int32Array = new Int32Array(0);

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#dimension = snapshot.dimensionOf(wholeCardResource);
    for (let i = 0; i <= most; i++) {
      this.#masks.push(new Uint8Array(0));
      this.#rows.push(new Int32Array(0));
      this.#places.push(new Int32Array(0));
    }
  }

  /** Something on the row is different. */
  update(row: number): void {
    const { alive } = this.#snapshot;
    if (row >= this.#free.length) this.#grow(alive.length);
    const left = alive[row] === 0 ? 0 : this.#left(row);
    const free = Math.max(0, Math.min(most, Math.floor(left)));
    const before = this.#free[row]!;
    if (free === before) return;
    for (let i = before + 1; i <= free; i++) {
      this.#masks[i]![row] = 1;
      const place = this.#counts[i]!++;
      this.#rows[i]![place] = row;
      this.#places[i]![row] = place;
    }
    for (let i = free + 1; i <= before; i++) {
      this.#masks[i]![row] = 0;
      const last = this.#rows[i]![--this.#counts[i]!]!;
      const place = this.#places[i]![row]!;
      this.#rows[i]![place] = last;
      this.#places[i]![last] = place;
    }
    this.#free[row] = free;
  }

  /** Whole cards that are free, never too few: as the resource where the node offers it, else as cards. */
  #left(row: number): number {
    const { allocatable, requested, cards } = this.#snapshot;
    const d = this.#dimension;
    const offered = allocatable[d]![row]!;
    return offered > 0 ? offered - requested[d]![row]! : cards.wholeFree(row) - cards.floating[row]!;
  }

  /**
   * Rows worth a look for such pods; undefined: all. `wanted`: a search ends when so many fit; where there are more nodes than
   * that, the rows are given as a list, a part of it at a time as searches begin where the last one ended.
   */
  for({ cards }: SimPod, wanted: number): Where | undefined {
    if (!cards || cards.milli < wholeCard) return undefined;
    const number = Math.min(most, cards.count);
    const within = this.#masks[number]!;
    if (wanted >= this.#snapshot.nodeCount) return { within, briefly: true, all: true };
    const count = this.#counts[number]!;
    const rows = this.#rows[number]!;
    if (count <= wanted) return { within, rows: rows.subarray(0, count), briefly: true, all: true };
    const from = this.#next[number]! % count;
    const to = Math.min(count, from + wanted);
    this.#next[number] = to;
    return { within, rows: rows.subarray(from, to), briefly: true, all: false };
  }

  /** How many such pods there are cards for, at most: never fewer than fit. */
  room({ cards }: SimPod): number {
    if (!cards || cards.milli < wholeCard || cards.count > most) return Infinity;
    // Rows with more than can be counted may hold any number.
    if (this.#counts[most]! > 0) return Infinity;
    let room = 0;
    for (let i = cards.count; i <= most; i += cards.count) room += this.#counts[i]!;
    return room;
  }

  #grow(rows: number): void {
    const wider = (column: Int32Array): Int32Array => {
      const next = new Int32Array(rows);
      next.set(column);
      return next;
    };
    this.#free = wider(this.#free);
    for (let i = 1; i <= most; i++) {
      const mask = new Uint8Array(rows);
      mask.set(this.#masks[i]!);
      this.#masks[i] = mask;
      this.#rows[i] = wider(this.#rows[i]!);
      this.#places[i] = wider(this.#places[i]!);
    }
  }

  save(): unknown {
    const lists = this.#rows.map((rows, i) => rows.slice(0, this.#counts[i]));
    return { lists, next: this.#next.slice(), free: this.#free.slice() };
  }
  restore(saved: unknown): void {
    const { lists, next, free } = saved as { lists: Int32Array[]; next: Int32Array; free: Int32Array };
    this.#grow(Math.max(free.length, this.#snapshot.alive.length));
    this.#free.fill(0);
    this.#free.set(free);
    this.#next.set(next);
    for (const [i, rows] of lists.entries()) {
      this.#masks[i]!.fill(0);
      this.#rows[i]!.set(rows);
      this.#counts[i] = rows.length;
      for (const [place, row] of rows.entries()) {
        this.#masks[i]![row] = 1;
        this.#places[i]![row] = place;
      }
    }
  }
}
