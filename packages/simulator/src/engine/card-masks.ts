/**
 * Which rows have so many cards free: in a full cluster most nodes have none, and a pod that wants eight need not be judged
 * against them. Only for whole cards; the scheduler core decides all the same.
 */
import { wholeCard, wholeCardResource } from '@coracle/machinery';
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
    const { alive } = this.#snapshot;
    if (row >= this.#free.length) this.#grow(alive.length);
    const left = alive[row] === 0 ? 0 : this.#left(row);
    const free = Math.max(0, Math.min(most, Math.floor(left)));
    const before = this.#free[row]!;
    if (free === before) return;
    for (let i = before + 1; i <= free; i++) this.#masks[i]![row] = 1;
    for (let i = free + 1; i <= before; i++) this.#masks[i]![row] = 0;
    this.#free[row] = free;
  }

  /** Whole cards that are free, by the account that says most. */
  #left(row: number): number {
    const { allocatable, requested, cards } = this.#snapshot;
    const d = this.#dimension;
    const counted = allocatable[d]![row]! - requested[d]![row]!;
    return cards.count[row]! > 0 ? Math.max(counted, cards.wholeFree(row)) : counted;
  }

  /** Rows worth a look for such pods; undefined: all. */
  for({ cards }: SimPod): Uint8Array | undefined {
    return cards && cards.milli >= wholeCard ? this.#masks[Math.min(most, cards.count)] : undefined;
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
