/** What reports keep of one run: a few dozen kilobytes, whatever the number of jobs. Plain data: it crosses threads. */
import type { DemandCurve, RunResult } from '../model/result.ts';
import { distribution, type Distribution } from './distribution.ts';
import { ended, jobTimes, outcomeOf } from './job-times.ts';
import { resourceOf, shares, totals, type Shares } from './shares.ts';
import { jain, sum } from './statistics.ts';
import { tenantSummaries, type TenantSummary } from './tenants.ts';

export interface RunSummary {
  readonly placement: string;
  readonly ordering: string;
  readonly cluster: string;
  readonly workload: string;
  readonly seed: number;
  readonly endMs: number;
  /** What shares and hours are of: cards, or cores where the cluster has no cards. */
  readonly resource: 'gpu' | 'cpu';
  /** By the keys of `metrics`; NaN: not known. */
  readonly values: Readonly<Record<MetricKey, number>>;
  readonly wait: Distribution;
  readonly completion: Distribution;
  readonly slowdown: Distribution;
  readonly tenants: readonly TenantSummary[];
  readonly shares: Shares;
  readonly unplaced: RunResult['unplaced'];
  readonly demand?: DemandCurve;
}

export type MetricKey =
  | 'meanWait'
  | 'p50Wait'
  | 'p90Wait'
  | 'p95Wait'
  | 'p99Wait'
  | 'meanCompletion'
  | 'p50Completion'
  | 'p90Completion'
  | 'p95Completion'
  | 'p99Completion'
  | 'meanSlowdown'
  | 'p95Slowdown'
  | 'allocation'
  | 'utilisation'
  | 'fragmentation'
  | 'coreAllocation'
  | 'goodput'
  | 'placed'
  | 'meanQueue'
  | 'maxQueue'
  | 'fairness'
  | 'worstFinishTime'
  | 'makespan'
  | 'hours'
  | 'lostHours'
  | 'restarts'
  | 'preemptions'
  | 'nodeFailures'
  | 'jobFailures'
  | 'jobs'
  | 'ended'
  | 'waiting'
  | 'dropped'
  | 'nodes'
  | 'events'
  | 'decisions';

/** What all jobs together come to. */
interface JobTotals {
  readonly outcomes: Readonly<Record<'waiting' | 'dropped' | 'ended', number>>;
  readonly restarts: number;
  readonly lostHours: number;
  /** From the first submission to the last end; NaN while some have not ended. */
  readonly makespanMs: number;
  /** Of what was asked for, by size, what was not dropped. */
  readonly placed: number;
}

function jobTotals({ jobs }: RunResult, resource: 'gpu' | 'cpu'): JobTotals {
  const size = resource === 'gpu' ? jobs.gpuMilli : jobs.cpuMilli;
  const count = { waiting: 0, dropped: 0, ended: 0 };
  let [restarts, lostHours, asked, placed, open] = [0, 0, 0, 0, 0];
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < jobs.ids.length; index++) {
    const outcome = outcomeOf(jobs, index);
    if (outcome === 'waiting' || outcome === 'dropped') count[outcome]++;
    if (outcome === 'waiting' || outcome === 'running') open++;
    if (ended(jobs, index)) count.ended++;
    restarts += jobs.restarts[index]!;
    const lostMs = jobs.lostMs[index]!;
    if (!Number.isNaN(lostMs)) lostHours += (lostMs / 3_600_000) * (size[index]! / 1000);
    asked += size[index]!;
    if (outcome !== 'dropped') placed += size[index]!;
    firstMs = Math.min(firstMs, jobs.submitMs[index]!);
    if (!Number.isNaN(jobs.endMs[index]!)) lastMs = Math.max(lastMs, jobs.endMs[index]!);
  }
  return {
    outcomes: count,
    restarts,
    lostHours,
    makespanMs: open > 0 || count.ended === 0 ? Number.NaN : lastMs - firstMs,
    placed: asked === 0 ? Number.NaN : placed / asked,
  };
}

/** Everything that reports say of one run. Linear in its jobs, but for sorting. */
export function summarise(result: RunResult): RunSummary {
  const resource = resourceOf(result);
  const mean = totals(result);
  const all = jobTotals(result, resource);
  const times = jobTimes(result);
  // Before they are sorted.
  const tenants = tenantSummaries(result, times, resource, mean.upMilli);
  const wait = distribution(times.waits);
  const completion = distribution(times.completions);
  const slowdown = distribution(times.slowdowns);
  const { counts } = result;
  return {
    placement: result.placement,
    ordering: result.ordering,
    cluster: result.cluster,
    workload: result.workload,
    seed: result.seed,
    endMs: result.endMs,
    resource,
    wait,
    completion,
    slowdown,
    tenants,
    shares: shares(result),
    unplaced: result.unplaced,
    ...(result.demand && { demand: result.demand }),
    values: {
      meanWait: wait.mean,
      p50Wait: wait.p50,
      p90Wait: wait.p90,
      p95Wait: wait.p95,
      p99Wait: wait.p99,
      meanCompletion: completion.mean,
      p50Completion: completion.p50,
      p90Completion: completion.p90,
      p95Completion: completion.p95,
      p99Completion: completion.p99,
      meanSlowdown: slowdown.mean,
      p95Slowdown: slowdown.p95,
      allocation: mean.usedMilli / mean.upMilli,
      utilisation: mean.goodMilli / mean.upMilli,
      fragmentation: mean.fragmentedMilli / mean.upMilli,
      coreAllocation: mean.coresUsedMilli / mean.coresUpMilli,
      goodput: mean.goodMilli / mean.usedMilli,
      placed: all.placed,
      meanQueue: mean.jobsWaiting,
      maxQueue: mean.maxJobsWaiting,
      fairness: jain(tenants.map(({ meanSlowdown }) => meanSlowdown)),
      worstFinishTime: Math.max(...known(tenants.map(({ finishTime }) => finishTime))),
      makespan: all.makespanMs,
      hours: sum(tenants.map(({ hours }) => hours)),
      lostHours: all.lostHours,
      restarts: all.restarts,
      preemptions: counts.preemptions,
      nodeFailures: counts.nodeFailures,
      jobFailures: counts.jobFailures,
      jobs: result.jobs.ids.length,
      ended: all.outcomes.ended,
      waiting: all.outcomes.waiting,
      dropped: all.outcomes.dropped,
      nodes: mean.nodesUp,
      events: counts.events,
      decisions: counts.decisions,
    },
  };
}

function known(values: readonly number[]): number[] {
  const found = values.filter((value) => !Number.isNaN(value));
  return found.length === 0 ? [Number.NaN] : found;
}
