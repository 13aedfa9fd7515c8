/** Policies under which what runs keeps its place, in an order that is known when a job comes. */
import type { Job } from '../model/job.ts';
import type { OrderingPolicy } from './policy.ts';

const keep = { mode: 'keep', backfill: 'none', skip: false, fixed: true } as const;

/** First come, first served; the first that does not fit holds up the others (Kueue's StrictFIFO). */
export const fifo: OrderingPolicy = { ...keep, name: 'fifo', rank: ({ index }) => index };

/** First come, first served; what does not fit is passed over (Kueue's BestEffortFIFO). */
export const fifoSkip: OrderingPolicy = {
  ...keep,
  name: 'fifo-skip',
  skip: true,
  rank: ({ index }) => index,
};

/** The order of kube-scheduler's queue: higher priority first, then first come; what does not fit is passed over. */
export const priority: OrderingPolicy = {
  ...keep,
  name: 'priority',
  skip: true,
  rank: ({ job }) => -(job.priority ?? 0),
};

/**
 * The queue itself of kube-scheduler: higher priority first, then who became due first; what does not fit waits until something
 * changes that may help it, and backs off.
 */
export const kubeScheduler: OrderingPolicy = {
  ...priority,
  name: 'kube-scheduler',
  live: true,
};

/** Shortest job first, by estimated run time; what does not fit is passed over. Nobody is interrupted. */
export const sjf: OrderingPolicy = { ...keep, name: 'sjf', skip: true, rank: ({ job }) => estimateOf(job) };

/** First come, first served, with a reservation for the first that waits. */
export const easy: OrderingPolicy = { ...fifo, name: 'easy', backfill: 'easy' };

/** First come, first served, with reservations for all that wait. */
export const conservative: OrderingPolicy = { ...fifo, name: 'conservative', backfill: 'conservative' };

function estimateOf({ estimateMs, runMs }: Job): number {
  return estimateMs ?? runMs;
}
