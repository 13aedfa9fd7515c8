/** What a policy that orders jobs is. */
import type { Job } from '../model/job.ts';

/** A job that has been submitted and has not ended, as the engine knows it. */
export interface ActiveJob {
  readonly job: Job;
  /** In the order of submission, from 0. */
  readonly index: number;
  readonly running: boolean;
  /** Cards of all its pods, in thousandths. */
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  /** Work done that is not lost, in milliseconds of running with all its pods, as of now. */
  readonly doneMs: number;
  /** Time it has held its places altogether, starts included, as of now. */
  readonly heldMs: number;
  /** Of the last start; NaN if there was none. */
  readonly startedMs: number;
  /** Since it waits for this start; NaN while it runs. */
  readonly waitingSinceMs: number;
  readonly starts: number;
}

export interface OrderingContext {
  readonly nowMs: number;
  /** Capacity of the nodes that are up. */
  readonly gpuMilliUp: number;
  readonly cpuMilliUp: number;
  /** What a tenant's jobs hold now. */
  held(tenant: string): { readonly gpuMilli: number; readonly cpuMilli: number };
}

export interface OrderingPolicy {
  /** As users write it: `fifo`, `srtf`, `easy`. */
  readonly name: string;
  /**
   * `keep`: what runs keeps its place; the waiting are tried in order. `replan`: at every event the whole cluster is placed
   * anew in order, whoever ran or not; who is not placed is interrupted.
   */
  readonly mode: 'keep' | 'replan';
  /** For `keep`. `none`: the first that does not fit holds up those behind it (unless `skip`). */
  readonly backfill: 'none' | 'easy' | 'conservative';
  /** Without backfill: who does not fit is passed over. */
  readonly skip: boolean;
  /** They stand in the queue of the live scheduler, which asks for no rank. */
  readonly live?: boolean;
  /** True if the rank of a job that waits never changes while it waits: the queue is sorted once. */
  readonly fixed: boolean;
  /** Lower goes first. Ties: as submitted. */
  rank(job: ActiveJob, context: OrderingContext): number;
  /**
   * For policies that weigh jobs against each other or remember what was: the ranks of all that are active, at each event. Used
   * instead of `rank`. `active` is in the order of submission.
   */
  rankAll?(active: readonly ActiveJob[], context: OrderingContext): ArrayLike<number>;
  /** The next time, after now, at which the order may change though nothing happens: an event is put there. */
  nextChange?(active: Iterable<ActiveJob>, context: OrderingContext): number | undefined;
  /**
   * For `replan`. True: at every event all that run are interrupted and started again, as if all were moved (the simulators of
   * the literature reckon so). Default: only who is not placed again is interrupted.
   */
  readonly restartsAll?: boolean;
  /** A policy that remembers: one for this run, that takes up what `save` gave. */
  forRun?(saved?: unknown): OrderingPolicy;
  /** What it remembers, as plain data (JSON). */
  save?(): unknown;
}
