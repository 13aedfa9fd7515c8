/**
 * Tiresias (Gu et al., NSDI 2019), which knows nothing of how long jobs take: least attained service first, time weighed by cards
 * (2D-LAS), discretized. A job begins in the first queue and goes one further for each threshold of service it passes. Earlier
 * queues go first; within one, those that run before those that wait, then in the order in which they came into it. With
 * `promote`, a job that has waited so many times as long as it has run goes back to the first queue and is as new.
 *
 * Service is time on cards, restarts included. A job passes a threshold at a whole second of its time, as with the authors.
 */
import type { ActiveJob, OrderingContext, OrderingPolicy } from './policy.ts';
import { weightOf } from './weight.ts';

export interface TiresiasOptions {
  readonly name?: string;
  /** Service, in seconds of one card, after which a job leaves each queue but the last. Default 3250 and 7200. */
  readonly thresholds?: readonly number[];
  /** Default 8. Infinity: none is promoted. */
  readonly promote?: number;
}

/** Seconds of one card that rounding may leave. */
const dust = 1e-6;

export function tiresias(options: TiresiasOptions = {}): OrderingPolicy {
  const { name = 'tiresias', thresholds = [3250, 7200], promote = 8 } = options;
  const base = { name, mode: 'replan', backfill: 'none', skip: true, fixed: false } as const;
  const rank = ({ index }: ActiveJob): number => index;
  return {
    ...base,
    rank,
    forRun(saved) {
      const queues = new Queues(thresholds, promote, saved as Saved | undefined);
      return {
        ...base,
        rank,
        rankAll: (active, context) => queues.rankAll(active, context),
        nextChange: (active, context) => queues.nextChange(active, context),
        save: () => queues.save(),
      };
    },
  };
}

/** Queues of jobs by index; and of each job in them: time held and time waited that do not count since its promotion. */
interface Saved {
  readonly queues: readonly (readonly number[])[];
  readonly heldBefore: readonly number[];
  readonly waited: readonly number[];
  readonly lastMs: number;
}

class Queues {
  readonly #thresholds: readonly number[];
  readonly #promote: number;
  readonly #queues: number[][];
  // By index of the job. What belongs to jobs that have ended is never looked at again.
  readonly #queue: number[] = [];
  readonly #heldBefore: number[] = [];
  readonly #waited: number[] = [];
  readonly #jobs: (ActiveJob | undefined)[] = [];
  readonly #places: number[] = [];
  #lastMs = 0;

  constructor(thresholds: readonly number[], promote: number, saved: Saved | undefined) {
    this.#thresholds = thresholds;
    this.#promote = promote;
    this.#queues = [[], ...thresholds.map(() => [])];
    if (!saved) return;
    this.#lastMs = saved.lastMs;
    let at = 0;
    for (const [queue, indices] of saved.queues.entries()) {
      for (const index of indices) {
        this.#queues[queue]!.push(index);
        this.#queue[index] = queue;
        this.#heldBefore[index] = saved.heldBefore[at]!;
        this.#waited[index] = saved.waited[at++]!;
      }
    }
  }

  save(): Saved {
    const indices = this.#queues.flat();
    return {
      queues: this.#queues.map((queue) => [...queue]),
      heldBefore: indices.map((index) => this.#heldBefore[index]!),
      waited: indices.map((index) => this.#waited[index]!),
      lastMs: this.#lastMs,
    };
  }

  rankAll(active: readonly ActiveJob[], context: OrderingContext): Float64Array {
    const passedMs = context.nowMs - this.#lastMs;
    this.#lastMs = context.nowMs;
    for (const job of active) this.#jobs[job.index] = job;
    for (const queue of this.#queues) this.#sift(queue);
    for (const job of active) {
      const { index, running } = job;
      const queue = this.#queue[index];
      if (queue === undefined) {
        this.#queue[index] = 0;
        this.#heldBefore[index] = 0;
        this.#waited[index] = 0;
        this.#queues[0]!.push(index);
      } else if (running) {
        const threshold = this.#thresholds[queue];
        if (threshold !== undefined && this.#service(job, context) >= threshold - dust)
          this.#move(index, queue + 1);
      } else if (queue > 0 && this.#promote < Infinity) this.#wait(job, passedMs);
    }
    let place = 0;
    for (const queue of this.#queues) for (const index of queue) this.#places[index] = place++;
    const ranks = new Float64Array(active.length);
    for (let i = 0; i < active.length; i++) {
      const { index } = active[i]!;
      ranks[i] = this.#places[index]!;
      this.#jobs[index] = undefined;
    }
    return ranks;
  }

  nextChange(active: Iterable<ActiveJob>, context: OrderingContext): number | undefined {
    const { nowMs } = context;
    let next = Infinity;
    for (const job of active) {
      const { index } = job;
      const queue = this.#queue[index];
      if (queue === undefined) continue;
      if (job.running) {
        const threshold = this.#thresholds[queue];
        const weight = threshold === undefined ? 0 : weightOf(job, context) / 1000;
        if (weight > 0)
          next = Math.min(next, nowMs + 1000 * Math.ceil(threshold! / weight) - this.#held(job));
      } else if (queue > 0 && this.#promote < Infinity) {
        next = Math.min(next, nowMs + this.#promote * this.#held(job) - this.#waited[index]!);
      }
    }
    return next > nowMs && next < Infinity ? next : undefined;
  }

  /** Those that run first, then those that wait, without those that have ended. */
  #sift(queue: number[]): void {
    const waiting: number[] = [];
    let kept = 0;
    for (const index of queue) {
      const job = this.#jobs[index];
      if (!job) continue;
      if (job.running) queue[kept++] = index;
      else waiting.push(index);
    }
    for (const index of waiting) queue[kept++] = index;
    queue.length = kept;
  }

  /** Time held since it came or was promoted. */
  #held({ index, heldMs }: ActiveJob): number {
    return heldMs - this.#heldBefore[index]!;
  }

  /** In seconds of one card. */
  #service(job: ActiveJob, context: OrderingContext): number {
    return (this.#held(job) / 1000) * (weightOf(job, context) / 1000);
  }

  #wait(job: ActiveJob, passedMs: number): void {
    const { index, heldMs } = job;
    this.#waited[index]! += passedMs;
    if (this.#waited[index]! < this.#promote * this.#held(job)) return;
    this.#heldBefore[index] = heldMs;
    this.#waited[index] = 0;
    this.#move(index, 0);
  }

  #move(index: number, to: number): void {
    const from = this.#queues[this.#queue[index]!]!;
    from.splice(from.indexOf(index), 1);
    this.#queue[index] = to;
    this.#queues[to]!.push(index);
  }
}
