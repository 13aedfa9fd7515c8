/**
 * Which rows have so many cards free: in a full cluster most nodes have none, and a pod that wants eight need not be judged
 * against them. Only for whole cards; the scheduler core decides all the same.
 */
import { wholeCard, wholeCardResource } from '@coracle/machinery';
import { RowSet, type Snapshot } from '@coracle/scheduler/core';
import type { SimPod } from './job-kind.ts';

/** Requests for more than this are looked at like this many. */
const most = 16;

export class CardMasks {
  readonly #snapshot: Snapshot;
  readonly #dimension: number;
  /** By number of cards: the rows where so many are free. */
  readonly #masks: RowSet[] = [];
  /** By number of cards: how many rows those are. */
  readonly #counts = new Int32Array(most + 1);
  #free: Uint8Array = new Uint8Array(0);

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#dimension = snapshot.dimensionOf(wholeCardResource);
    for (let i = 0; i <= most; i++) this.#masks.push(new RowSet(0));
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
      this.#masks[i]!.add(row);
      this.#counts[i]!++;
    }
    for (let i = free + 1; i <= before; i++) {
      this.#masks[i]!.delete(row);
      this.#counts[i]!--;
    }
    this.#free[row] = free;
  }

  /** Whole cards that are free, never too few: as the resource where the node offers it, else as cards. */
  #left(row: number): number {
    const { allocatable, free, cards } = this.#snapshot;
    const d = this.#dimension;
    return allocatable[d]![row]! > 0 ? free[d]![row]! : cards.wholeFree(row) - cards.floating[row]!;
  }

  /** The rows worth a look for such pods: others have too few free cards. Undefined: all are. */
  for({ cards }: SimPod): RowSet | undefined {
    return cards && cards.milli >= wholeCard ? this.#masks[Math.min(most, cards.count)] : undefined;
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
    const free = new Uint8Array(rows);
    free.set(this.#free);
    this.#free = free;
    for (const mask of this.#masks) mask.grow(rows);
  }
}
