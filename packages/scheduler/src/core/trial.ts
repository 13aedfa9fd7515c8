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
  /** The first row that was changed, and its generation before the trial: most trials change no other. */
  #firstRow = -1;
  #firstGeneration = 0;
  /** Further rows -> generation before the trial. */
  #rows: Map<number, number> | undefined;
  /** Pods imagined gone: they come back when all else is taken back. */
  readonly #lifted: PlacedPod[] = [];
  /** Where they were. */
  readonly #liftedFrom: number[] = [];
  /** The cards they hold there, whatever is tried with those meanwhile. */
  readonly #liftedCards: (readonly number[] | undefined)[] = [];
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
    const reservations = row === undefined ? noReservations : this.#reserve(info, row);
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

  remove({ info, nodeName }: PlacedPod): void {
    const pod = this.#snapshot.pod(info.uid);
    if (!pod) return;
    const { row } = pod;
    if (row < 0) {
      this.#snapshot.removePod(info.uid);
      this.#undo.push(() => this.#snapshot.addPod(info, nodeName));
      return;
    }
    this.#remember(row);
    this.#liftedCards.push(this.#snapshot.cards.heldBy(info.uid));
    this.#snapshot.lift(pod);
    this.#lifted.push(pod);
    this.#liftedFrom.push(row);
    if (this.#taker) this.#undo.push(...this.#taker.leave(info, row));
  }

  /** Brings back pod number `n` that `other`, an open trial, has removed; for the rest as `imagine`. */
  bringBack(other: Trial, n: number): void {
    const pod = other.#lifted[n]!;
    const row = other.#liftedFrom[n]!;
    this.#remember(row);
    try {
      this.#reserve(pod.info, row);
    } catch (error) {
      if (!(error instanceof CannotReserve)) throw error;
      this.#plain = false;
    }
    other.#putBack(n);
    this.#undo.push(() => this.#snapshot.lift(pod));
  }

  /** It runs on its cards and on no others. */
  #putBack(n: number): void {
    const { cards } = this.#snapshot;
    const pod = this.#lifted[n]!;
    const held = this.#liftedCards[n];
    if (held) cards.assign(pod.info.uid, held);
    this.#snapshot.putBack(pod, this.#liftedFrom[n]!);
    if (held) cards.assign(pod.info.uid, undefined);
  }

  /** Takes back everything. */
  rollback(): void {
    const undo = this.#undo;
    const lifted = this.#lifted;
    if (undo.length + lifted.length === 0) return;
    while (undo.length > 0) undo.pop()!();
    for (let i = lifted.length - 1; i >= 0; i--) this.#putBack(i);
    if (this.#firstRow >= 0) this.#snapshot.restoreRow(this.#firstRow, this.#firstGeneration);
    if (this.#rows) for (const [row, generation] of this.#rows) this.#snapshot.restoreRow(row, generation);
    this.#forget();
    this.#snapshot.restore(this.#generation);
  }

  /** Keeps everything, reservations too: from here on there is nothing to take back. */
  keep(): void {
    for (const { info } of this.#lifted) {
      if (!this.#snapshot.pod(info.uid)) this.#snapshot.removePod(info.uid);
    }
    this.#undo.length = 0;
    this.#forget();
  }

  #forget(): void {
    this.#lifted.length = 0;
    this.#liftedFrom.length = 0;
    this.#liftedCards.length = 0;
    this.#firstRow = -1;
    this.#rows = undefined;
  }

  #reserve(info: PodInfo, row: number): readonly Reservation[] {
    const reservations = this.#taker?.reserve(info, row) ?? noReservations;
    if (reservations.length > 0) {
      this.#plain = false;
      this.#undo.push(() => releaseAll(reservations));
    }
    return reservations;
  }

  #remember(row: number | undefined): void {
    if (row === undefined || row === this.#firstRow || this.#rows?.has(row)) return;
    const generation = this.#snapshot.rowGeneration[row]!;
    if (this.#firstRow < 0) {
      this.#firstRow = row;
      this.#firstGeneration = generation;
    } else (this.#rows ??= new Map()).set(row, generation);
  }
}
