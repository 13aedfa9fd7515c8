/**
 * What a pod takes besides room on its node: devices, volumes. It is taken in memory together with the decision, so that
 * the next decision sees it gone; taken back if the decision is (a trial rolled back, a binding that failed); and written to
 * the API before the binding, so that the node finds it there.
 *
 *     reserve --> (kept with the decision) --> write --> POST binding --> settle
 *        |                                       |            |
 *        |                                       +-- failed --+
 *        |                                              v
 *        +--- trial rolled back --> release <--------- undo
 *
 * This is kube-scheduler's Reserve, PreBind and Unreserve in one object.
 */
import type { Client } from '@coracle/client';
import type { Clock, EventRecorder, Logger } from '@coracle/operator';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export interface ReservePlugin {
  readonly name: string;
  /**
   * Takes what the pod needs on the row. Undefined: it needs nothing of this kind. Throws CannotReserve, and has taken
   * nothing, if it is not there (the filter lets no such row through, unless the pod is imagined somewhere). A pod that was
   * imagined gone (`leave`) gets back what it had.
   */
  reserve(pod: PodInfo, row: number, snapshot: Snapshot): Reservation | undefined;
  /**
   * Imagine that the placed pod leaves: what only it holds is free. The answer takes that back; undefined: it holds
   * nothing of this kind. Used by preemption's look ahead. Absent: what pods hold is not freed by imagining them gone.
   */
  leave?(pod: PodInfo, row: number, snapshot: Snapshot): (() => void) | undefined;
  /**
   * True if something on the row is still held for pods that are gone, and will be free soon: a pod that made room there
   * waits for it before it evicts more.
   */
  freeing?(row: number, snapshot: Snapshot): boolean;
}

/** Exactly one of `release` and `settle` ends a reservation, each called once; unless the scheduler stops before. */
export interface Reservation {
  /** Put on the pod by the binding itself: what the node must know from the first moment. */
  readonly bindingAnnotations?: Readonly<Record<string, string>>;
  /** Takes it back in memory. Throws nothing. */
  release(): void;
  /** The pod is bound: from here on the API server's objects tell what it holds. */
  settle?(): void;
  /**
   * Writes it to the API (PreBind). May wait, for a volume or for binding conditions, and minds `io.signal`. A rejection
   * means that the pod cannot be bound now: `undo` is called, then `release`, and the pod is decided anew. The messages of
   * errors are shown to users.
   */
  write?(io: ReservationIo): Promise<void>;
  /**
   * After a failed write (this reservation's or another's of the pod) or a failed binding, before `release`: takes back in
   * the API what was written and must not stay. Best effort.
   */
  undo?(io: ReservationIo): Promise<void>;
}

/** What the writing of a reservation may use. */
export interface ReservationIo {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  /** Aborted when the scheduler stops or the pod is deleted. */
  readonly signal: AbortSignal;
  readonly pod: PodInfo;
  readonly nodeName: string;
  /** Makes a call to the API server when it is this pod's turn: calls under way are limited, waiting is not. */
  call<T>(send: () => Promise<T>): Promise<T>;
}

/** Thrown by `reserve`: what the pod needs is not there. */
export class CannotReserve extends Error {
  override name = 'CannotReserve';
}

/** Says what pods take. A Framework is one. */
export interface Taker {
  /** Of all plugins. Throws CannotReserve, and has taken nothing, if one does. */
  reserve(pod: PodInfo, row: number): readonly Reservation[];
  /** The pod is imagined gone; calling the answers in reverse order takes that back. */
  leave(pod: PodInfo, row: number): readonly (() => void)[];
}

export const noReservations: readonly Reservation[] = [];

/** Takes back what was reserved last first. */
export function releaseAll(reservations: readonly Reservation[]): void {
  for (let i = reservations.length - 1; i >= 0; i--) reservations[i]!.release();
}
