/**
 * Which rows have so many cards free: in a full cluster most nodes have none, and a pod that wants eight need not be judged
 * against them. Only for cards that are an extended resource; the scheduler core decides all the same.
 */
import { wholeCardResource } from '@coracle/machinery';
import type { Snapshot } from '@coracle/scheduler/core';
import type { SimPod } from './job-kind.ts';

/** Requests for more than this are looked at like this many. */
const most = 16;

export class CardMasks {
  readonly #snapshot: Snapshot;
  readonly #dimension: number;
  /** By number of cards, then row: 1 where so many are free. */
  readonly #masks: Uint8Array[] = [];
  #free = new Int32Array(0);

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#dimension = snapshot.dimensionOf(wholeCardResource);
    for (let i = 0; i <= most; i++) this.#masks.push(new Uint8Array(0));
  }

  /** Something on the row is different. */
  update(row: number): void {
    const { alive, allocatable, requested } = this.#snapshot;
    if (row >= this.#free.length) this.#grow(alive.length);
    const d = this.#dimension;
    const left = alive[row] === 0 ? 0 : allocatable[d]![row]! - requested[d]![row]!;
    const free = Math.max(0, Math.min(most, Math.floor(left)));
    const before = this.#free[row]!;
    if (free === before) return;
    for (let i = before + 1; i <= free; i++) this.#masks[i]![row] = 1;
    for (let i = free + 1; i <= before; i++) this.#masks[i]![row] = 0;
    this.#free[row] = free;
  }

  /** Rows worth a look for such pods; undefined: all. */
  for({ cards }: SimPod): Uint8Array | undefined {
    return cards?.extended ? this.#masks[Math.min(most, cards.count)] : undefined;
  }

  #grow(rows: number): void {
    const free = new Int32Array(rows);
    free.set(this.#free);
    this.#free = free;
    for (let i = 1; i <= most; i++) {
      const mask = new Uint8Array(rows);
      mask.set(this.#masks[i]!);
      this.#masks[i] = mask;
    }
  }
}
