/**
 * Backfill: waiting jobs go past one that does not fit yet, provided that it does not start later for it. EASY (Lifka, "The
 * ANL/IBM SP scheduling system", 1995) keeps a reservation for the first that waits; conservative backfill (Mu'alem and
 * Feitelson, TPDS 2001) for all of them, in order.
 *
 * A plan is made anew at each event at which jobs wait, from what is free now and from when the running jobs are estimated
 * to end. It knows nodes by number and amounts by dimension; where a job that fits now is put, the scheduler core decides:
 *
 *     const plan = createBackfillPlan({ mode, nowMs, nodes, dimensions, free, running });
 *     for (const job of waitingInOrder) {
 *       if (plan.mayStart(ask)) {
 *         place the job with the scheduler core; if it fits and plan.start(holding): it has started, go on
 *         else take it back
 *       }
 *       plan.wait(ask);
 *     }
 *
 * A conservative plan may instead be given `behind`, and then asks for those that wait only as far as it must. What it says is
 * the same: who is held up by the reservations of the first few is held up by all.
 *
 * Reservations are exact where a pod's place depends on nothing but the amounts and cards of its node, one after the other:
 * always on one node. With several nodes and pods of several shapes they are greedy, so later than they could be, and still
 * sound: a job that starts past another does not delay the estimate of that one's start. What is left out: affinity, ports.
 */
import { ConservativePlan } from './conservative.ts';
import { EasyPlan } from './easy.ts';

/** By dimension, in the units of `free`. */
export type Amounts = ArrayLike<number>;

/** Equal pods that a job asks for. */
export interface AskedPods {
  readonly count: number;
  /** Of each pod. */
  readonly amounts: Amounts;
  /** Of each pod, where the plan has cards: so many cards of a node, and so many thousandths of each. */
  readonly cards?: { readonly count: number; readonly milli: number } | undefined;
  /** Whether such a pod may run on the node at all (labels, taints, models). Default: on all. */
  readonly allows?: ((node: number) => boolean) | undefined;
}

export interface Ask {
  readonly pods: readonly AskedPods[];
  /** How long it holds its places if it is right about itself: `estimateMs` and the start. Infinity is fine. */
  readonly estimateMs: number;
}

/** What one pod holds, or several of a job on one node together. */
export interface HeldPlace {
  readonly node: number;
  readonly amounts: Amounts;
  /** Where the plan has cards: which, by number on the node, and thousandths of each. */
  readonly cards?: { readonly cards: readonly number[]; readonly milli: number } | undefined;
}

/** What a job holds, and until when by its estimate. One that is past it counts as ending now. */
export interface Holding {
  readonly untilMs: number;
  readonly places: readonly HeldPlace[];
}

export interface BackfillInput {
  readonly mode: 'easy' | 'conservative';
  readonly nowMs: number;
  readonly nodes: number;
  readonly dimensions: number;
  /** Free now: `free[node * dimensions + dimension]`. Nodes that are down or cordoned: 0. The plan keeps and changes it. */
  readonly free: Float64Array;
  /** Free thousandths of the cards: `milli[node * width + card]`. Kept and changed too. Leave it out where only whole cards
   * are asked for, as a dimension like any other. */
  readonly cards?: { readonly width: number; readonly milli: Int32Array } | undefined;
  /** Jobs that run, in the order of `untilMs` (`HoldingList` keeps them so). */
  readonly running: Iterable<Holding>;
  /** For conservative plans, instead of `wait`: the next in order of those that wait and have not been asked for yet. A plan
   * asks only as far as it must to answer. Undefined: there is none now. */
  readonly behind?: (() => Ask | undefined) | undefined;
}

/** When a job that waits will start at the latest, and what it will then hold. */
export interface Reservation {
  readonly startMs: number;
  readonly holding: Holding;
}

export interface BackfillPlan {
  /** False: it does not fit now or would delay a reservation wherever it is put; the scheduler core need not be asked. */
  mayStart(ask: Ask): boolean;
  /** The job has been placed: true if no reservation is delayed by that; then the plan counts it in. False: take it back. */
  start(holding: Holding): boolean;
  /** The job has not started: it gets a reservation, if it is its turn to. Undefined: none, or nothing that ends makes room. */
  wait(ask: Ask): Reservation | undefined;
}

export function createBackfillPlan(input: BackfillInput): BackfillPlan {
  return input.mode === 'easy' ? new EasyPlan(input) : new ConservativePlan(input);
}
