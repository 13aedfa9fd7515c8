import type { PodInfo } from './pod-info.ts';
import { CannotReserve, noReservations, releaseAll, type Reservation, type Taker } from './reservation.ts';
import type { PlacedPod, Snapshot } from './snapshot.ts';

/**
 * Changes to a snapshot that can be taken back: how gangs and preemption look ahead without a copy of the cluster. Taking
 * back restores every amount exactly (snapshot.ts says why), and with them the generations: what was known before the trial
 * is known again. Nothing else may change the snapshot while a trial is open, except trials inside it.
 */
export class Trial {
  readonly #snapshot: Snapshot;
  readonly #taker: Taker | undefined;
  readonly #generation: number;
  /** Row -> its generation before the trial. */
  readonly #rows = new Map<number, number>();
  readonly #undo: (() => void)[] = [];
  #plain = true;

  /** `taker`: what the pods take and leave besides room; a Framework. */
  constructor(snapshot: Snapshot, taker?: Taker) {
    this.#snapshot = snapshot;
    this.#taker = taker;
    this.#generation = snapshot.generation;
  }

  /** True while nothing that was placed takes more than room on its node. */
  get plain(): boolean {
    return this.#plain;
  }

  /** Places the pod with all it takes, which is answered. Throws CannotReserve, changing nothing. */
  place(info: PodInfo, nodeName: string): readonly Reservation[] {
    const row = this.#snapshot.rowOf(nodeName);
    const reservations =
      row === undefined ? noReservations : (this.#taker?.reserve(info, row) ?? noReservations);
    if (reservations.length > 0) {
      this.#plain = false;
      this.#undo.push(() => releaseAll(reservations));
    }
    this.#remember(row);
    this.#snapshot.addPod(info, nodeName);
    this.#undo.push(() => this.#snapshot.removePod(info.uid));
    return reservations;
  }

  /** Places the pod, if need be without what else it takes: that others must leave room for it is known all the same. */
  imagine(info: PodInfo, nodeName: string): void {
    try {
      this.place(info, nodeName);
    } catch (error) {
      if (!(error instanceof CannotReserve)) throw error;
      this.#plain = false;
      this.#remember(this.#snapshot.rowOf(nodeName));
      this.#snapshot.addPod(info, nodeName);
      this.#undo.push(() => this.#snapshot.removePod(info.uid));
    }
  }

  remove(pod: PlacedPod): void {
    const { info, nodeName } = pod;
    this.#remember(this.#snapshot.rowOf(nodeName));
    const was = this.#snapshot.removePod(info.uid);
    if (!was) return;
    this.#undo.push(() => this.#snapshot.addPod(info, nodeName));
    if (was.row >= 0 && this.#taker) this.#undo.push(...this.#taker.leave(info, was.row));
  }

  /** Takes back everything. */
  rollback(): void {
    if (this.#undo.length === 0) return;
    while (this.#undo.length > 0) this.#undo.pop()!();
    for (const [row, generation] of this.#rows) this.#snapshot.restoreRow(row, generation);
    this.#rows.clear();
    this.#snapshot.restore(this.#generation);
  }

  /** Keeps everything, reservations too: from here on there is nothing to take back. */
  keep(): void {
    this.#undo.length = 0;
    this.#rows.clear();
  }

  #remember(row: number | undefined): void {
    if (row !== undefined && !this.#rows.has(row)) this.#rows.set(row, this.#snapshot.rowGeneration[row]!);
  }
}
