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

interface Member {
  queue: number;
  /** Time held, and time waited since its first start, that do not count any more since its promotion. */
  heldBefore: number;
  waited: number;
  /** When it was last looked at. */
  seenMs: number;
}

/** Seconds of one card that rounding may leave. */
const dust = 1e-6;

export function tiresias(options: TiresiasOptions = {}): OrderingPolicy {
  const thresholds = options.thresholds ?? [3250, 7200];
  const promote = options.promote ?? 8;
  return {
    name: options.name ?? 'tiresias',
    mode: 'replan',
    backfill: 'none',
    skip: true,
    fixed: false,
    rank: ({ index }) => index,
    forRun: (saved) => run(options.name ?? 'tiresias', thresholds, promote, saved as Saved | undefined),
  };
}

interface Saved {
  readonly queues: readonly (readonly number[])[];
  readonly members: readonly (readonly [number, Member])[];
}

function run(
  name: string,
  thresholds: readonly number[],
  promote: number,
  saved: Saved | undefined,
): OrderingPolicy {
  /** Indices of jobs, in their order. */
  let queues: number[][] = saved
    ? saved.queues.map((queue) => [...queue])
    : [[], ...thresholds.map(() => [])];
  const members = new Map<number, Member>(saved?.members.map(([index, member]) => [index, { ...member }]));

  const serviceOf = (job: ActiveJob, context: OrderingContext): number =>
    ((job.heldMs - members.get(job.index)!.heldBefore) / 1000) * (weightOf(job, context) / 1000);

  function move(index: number, queue: number): void {
    const member = members.get(index)!;
    queues[member.queue]!.splice(queues[member.queue]!.indexOf(index), 1);
    member.queue = queue;
    queues[queue]!.push(index);
  }

  function rankAll(active: readonly ActiveJob[], context: OrderingContext): Float64Array {
    const byIndex = new Map(active.map((job) => [job.index, job]));
    queues = queues.map((queue) => {
      const there = queue.filter((index) => byIndex.has(index));
      return [
        ...there.filter((index) => byIndex.get(index)!.running),
        ...there.filter((index) => !byIndex.get(index)!.running),
      ];
    });
    for (const index of members.keys()) if (!byIndex.has(index)) members.delete(index);
    for (const job of active) {
      const { index } = job;
      let member = members.get(index);
      if (!member) {
        members.set(index, (member = { queue: 0, heldBefore: 0, waited: 0, seenMs: context.nowMs }));
        queues[0]!.push(index);
      }
      if (!job.running && job.heldMs > member.heldBefore) member.waited += context.nowMs - member.seenMs;
      member.seenMs = context.nowMs;
      const threshold = thresholds[member.queue];
      if (threshold !== undefined && job.running && serviceOf(job, context) >= threshold - dust)
        move(index, member.queue + 1);
      else if (
        member.queue > 0 &&
        !job.running &&
        member.waited >= promote * (job.heldMs - member.heldBefore)
      ) {
        member.heldBefore = job.heldMs;
        member.waited = 0;
        move(index, 0);
      }
    }
    const ranks = new Map<number, number>();
    for (const queue of queues) for (const index of queue) ranks.set(index, ranks.size);
    return Float64Array.from(active, ({ index }) => ranks.get(index)!);
  }

  function nextChange(active: Iterable<ActiveJob>, context: OrderingContext): number | undefined {
    let next = Infinity;
    for (const job of active) {
      const member = members.get(job.index);
      if (!member) continue;
      const held = job.heldMs - member.heldBefore;
      const threshold = thresholds[member.queue];
      if (job.running && threshold !== undefined) {
        const weight = weightOf(job, context) / 1000;
        if (weight > 0) next = Math.min(next, context.nowMs + 1000 * Math.ceil(threshold / weight) - held);
      } else if (!job.running && member.queue > 0 && held > 0) {
        next = Math.min(next, context.nowMs + promote * held - member.waited);
      }
    }
    if (next === Infinity) return undefined;
    return next > context.nowMs ? next : undefined;
  }

  const save = (): Saved => ({ queues, members: [...members] });
  return {
    name,
    mode: 'replan',
    backfill: 'none',
    skip: true,
    fixed: false,
    rank: ({ index }) => index,
    rankAll,
    nextChange,
    save,
  };
}
