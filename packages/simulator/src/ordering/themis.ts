/**
 * Themis (Mahajan et al., NSDI 2020): finish-time fairness. A job's fairness is the time from its submission to its end as things
 * are, over what that would be with an equal share of the cluster for itself alone. Cards are given for a lease; when it is over
 * they go to those whose fairness is worst.
 *
 * The end as things are: as if the job had its cards from now on. Alone: the share is 1 / n of the cards while n jobs are active, and
 * what a job with fewer cards than it asks for does in a time is proportional to them. The authors' auction, in which jobs bid for
 * parts of what they ask for, is left out: jobs run with all their cards here.
 */
import type { ActiveJob, OrderingPolicy } from './policy.ts';
import { weightOf } from './weight.ts';

export interface ThemisOptions {
  readonly name?: string;
  /** How long cards are given for. Default 20 minutes, as with the authors. */
  readonly leaseMs?: number;
}

interface Known {
  /** Time that what is done would have taken alone. */
  spentMs: number;
  doneMs: number;
  /** How many times slower than with all its cards it would be alone, since it was last looked at. */
  slower: number;
  /** Of its last lease: the start it belongs to, and when it is over. */
  startedMs: number;
  untilMs: number;
}

export function themis({ name = 'themis', leaseMs = 20 * 60_000 }: ThemisOptions = {}): OrderingPolicy {
  const base = { name, mode: 'replan', backfill: 'none', skip: true, fixed: false } as const;
  const rank = ({ index }: ActiveJob): number => index;
  return {
    ...base,
    rank,
    forRun: (saved) => ({ ...base, rank, ...run(leaseMs, saved as Saved | undefined) }),
  };
}

type Saved = readonly (readonly [number, Known])[];

function run(
  leaseMs: number,
  saved: Saved | undefined,
): Pick<OrderingPolicy, 'rankAll' | 'nextChange' | 'save'> {
  const jobs = new Map<number, Known>(saved?.map(([index, known]) => [index, { ...known }]));

  function knownOf(index: number): Known {
    let known = jobs.get(index);
    if (!known) {
      // Of times long past, and numbers rather than NaN: it is saved as JSON.
      known = { spentMs: 0, doneMs: 0, slower: 1, startedMs: -1, untilMs: -1 };
      jobs.set(index, known);
    }
    return known;
  }

  function unfairness({ index, doneMs, job }: ActiveJob, slower: number, nowMs: number): number {
    const known = knownOf(index);
    known.spentMs += (doneMs - known.doneMs) * known.slower;
    known.doneMs = doneMs;
    known.slower = slower;
    const leftMs = job.runMs - doneMs;
    // Of two that never end, all that can be told is how long they would take alone.
    if (leftMs === Infinity) return 1 / slower;
    const alone = known.spentMs + leftMs * slower;
    return alone > 0 ? (nowMs - job.submitMs + leftMs) / alone : Infinity;
  }

  return {
    rankAll(active, context) {
      const present = new Set(active.map(({ index }) => index));
      for (const index of jobs.keys()) if (!present.has(index)) jobs.delete(index);
      const capacity = context.gpuMilliUp > 0 ? context.gpuMilliUp : context.cpuMilliUp;
      return Float64Array.from(active, (job) => {
        const slower = Math.max(1, (weightOf(job, context) * active.length) / Math.max(1, capacity));
        const rank = -unfairness(job, slower, context.nowMs);
        const { startedMs, untilMs } = knownOf(job.index);
        // Whose lease lasts goes before all others; who began first before those.
        return job.running && startedMs === job.startedMs && untilMs > context.nowMs
          ? -Number.MAX_SAFE_INTEGER + startedMs
          : rank;
      });
    },
    nextChange(active, { nowMs }) {
      let next = Infinity;
      for (const { index, running, startedMs } of active) {
        if (!running) continue;
        const known = knownOf(index);
        if (known.startedMs !== startedMs || known.untilMs <= nowMs) {
          known.startedMs = startedMs;
          known.untilMs = nowMs + leaseMs;
        }
        next = Math.min(next, known.untilMs);
      }
      return next < Infinity ? next : undefined;
    },
    save: () => [...jobs],
  };
}
