/** What the metrics of a run are called, measured in, and which way is better. */
import type { MetricKey } from './summary.ts';
import type { Unit } from './units.ts';

export interface Metric {
  readonly key: MetricKey;
  readonly label: string;
  readonly unit: Unit;
  /** Undefined: neither is. */
  readonly better?: 'low' | 'high';
  /** In one sentence. */
  readonly about: string;
  /** The group it is shown in. */
  readonly group: 'Waiting' | 'Completion' | 'Use of the cluster' | 'Fairness' | 'Interruptions' | 'The run';
  /** Shown in short tables. */
  readonly short?: boolean;
  /** A lead in it is worth a sentence. */
  readonly headline?: boolean;
}

const waiting = { unit: 'ms', better: 'low', group: 'Waiting' } as const;
const completion = { unit: 'ms', better: 'low', group: 'Completion' } as const;
const use = { unit: 'share', group: 'Use of the cluster' } as const;
const interruptions = { better: 'low', group: 'Interruptions' } as const;
const run = { unit: 'count', group: 'The run' } as const;

/** Of cards; `GPU` reads as `core` where the cluster has none. */
export const metrics: readonly Metric[] = [
  {
    key: 'meanWait',
    label: 'Mean wait',
    ...waiting,
    about:
      'Time a job waits altogether, also after interruptions; those still waiting count with their wait so far.',
    short: true,
    headline: true,
  },
  { key: 'p50Wait', label: 'Median wait', ...waiting, about: 'Half of the jobs wait no longer.' },
  { key: 'p90Wait', label: 'p90 wait', ...waiting, about: 'Nine in ten jobs wait no longer.' },
  {
    key: 'p95Wait',
    label: 'p95 wait',
    ...waiting,
    about: '95 % of the jobs wait no longer.',
    short: true,
    headline: true,
  },
  { key: 'p99Wait', label: 'p99 wait', ...waiting, about: '99 % of the jobs wait no longer.', short: true },
  {
    key: 'meanQueue',
    label: 'Mean queue',
    unit: 'count',
    better: 'low',
    group: 'Waiting',
    about: 'Jobs waiting, mean over time.',
    short: true,
  },
  {
    key: 'maxQueue',
    label: 'Longest queue',
    unit: 'count',
    better: 'low',
    group: 'Waiting',
    about: 'Jobs waiting at the worst time (mean over one point of the series).',
  },
  {
    key: 'meanCompletion',
    label: 'Mean completion',
    ...completion,
    about: 'From submission to the end (job completion time), of the jobs that ended.',
    short: true,
    headline: true,
  },
  { key: 'p50Completion', label: 'Median completion', ...completion, about: 'Half of the jobs end sooner.' },
  { key: 'p90Completion', label: 'p90 completion', ...completion, about: 'Nine in ten jobs end sooner.' },
  {
    key: 'p95Completion',
    label: 'p95 completion',
    ...completion,
    about: '95 % of the jobs end sooner.',
    short: true,
  },
  { key: 'p99Completion', label: 'p99 completion', ...completion, about: '99 % of the jobs end sooner.' },
  {
    key: 'meanSlowdown',
    label: 'Mean slowdown',
    unit: 'times',
    better: 'low',
    group: 'Completion',
    about: 'Completion against the time alone, bounded: jobs under 10 s count as 10 s (Feitelson).',
    short: true,
    headline: true,
  },
  {
    key: 'p95Slowdown',
    label: 'p95 slowdown',
    unit: 'times',
    better: 'low',
    group: 'Completion',
    about: '95 % of the jobs are slowed down less.',
  },
  {
    key: 'makespan',
    label: 'Makespan',
    ...completion,
    about: 'From the first submission to the last end; not known while jobs are unfinished.',
    short: true,
  },
  {
    key: 'allocation',
    label: 'GPU allocation',
    ...use,
    better: 'high',
    about: 'GPU time given to jobs, of the GPU time there was.',
    short: true,
  },
  {
    key: 'utilisation',
    label: 'GPU utilisation',
    ...use,
    better: 'high',
    about: 'GPU time doing work that counts in the end, of the GPU time there was.',
    short: true,
  },
  {
    key: 'goodput',
    label: 'Goodput',
    ...use,
    better: 'high',
    about: 'GPU time doing work that counts in the end, of the GPU time that jobs held.',
    short: true,
  },
  {
    key: 'fragmentation',
    label: 'Fragmentation',
    ...use,
    better: 'low',
    about: 'GPUs that are free, but in pieces that no popular request can use (FGD), of all GPUs.',
    short: true,
  },
  {
    key: 'coreAllocation',
    label: 'Core allocation',
    ...use,
    about:
      'Core time given to jobs, of the core time there was, beside the GPUs: where it is full, cards cannot be used.',
  },
  {
    key: 'placed',
    label: 'GPUs placed of asked',
    ...use,
    better: 'high',
    about: 'GPUs of the jobs that were taken in, of the GPUs that all jobs asked for.',
  },
  {
    key: 'hours',
    label: 'GPU-hours of work',
    unit: 'hours',
    group: 'Use of the cluster',
    about: 'Work of the jobs that ended.',
  },
  {
    key: 'fairness',
    label: "Fairness (Jain's index)",
    unit: 'index',
    better: 'high',
    group: 'Fairness',
    about: 'How even the mean slowdowns of tenants are: 1 is the same for all.',
    short: true,
  },
  {
    key: 'worstFinishTime',
    label: 'Worst finish-time fairness',
    unit: 'times',
    better: 'low',
    group: 'Fairness',
    about:
      'Of the tenant that fares worst: completion in the shared cluster against that in its own equal part of it (Themis). Below 1, sharing pays for everybody.',
    short: true,
    headline: true,
  },
  {
    key: 'restarts',
    label: 'Restarts',
    unit: 'count',
    ...interruptions,
    about: 'Starts beyond the first.',
    short: true,
  },
  {
    key: 'lostHours',
    label: 'Lost GPU-hours',
    unit: 'hours',
    ...interruptions,
    about: 'Work that was done and lost again by interruptions, and starts beyond the first.',
    short: true,
  },
  {
    key: 'preemptions',
    label: 'Preemptions',
    unit: 'count',
    ...interruptions,
    about: 'Jobs that were interrupted for others.',
  },
  { key: 'nodeFailures', label: 'Node failures', ...run, about: 'Nodes that failed.' },
  { key: 'jobFailures', label: 'Job failures', ...run, about: 'Jobs that failed while they ran.' },
  { key: 'jobs', label: 'Jobs', ...run, about: 'Jobs submitted.' },
  { key: 'ended', label: 'Jobs ended', ...run, about: 'Jobs that ran to their end.', better: 'high' },
  {
    key: 'waiting',
    label: 'Jobs still waiting',
    ...run,
    better: 'low',
    about: 'Jobs that still wait when the run ends.',
    short: true,
  },
  {
    key: 'dropped',
    label: 'Jobs dropped',
    ...run,
    better: 'low',
    about: 'Jobs that did not fit when they came.',
  },
  { key: 'nodes', label: 'Nodes', ...run, about: 'Nodes that are up, mean over time.' },
  { key: 'events', label: 'Events', ...run, about: 'Events of the simulation.' },
  { key: 'decisions', label: 'Decisions', ...run, about: 'Decisions of the scheduler core.' },
];

const byKey = new Map(metrics.map((metric) => [metric.key, metric]));

export function metricOf(key: MetricKey): Metric {
  return byKey.get(key)!;
}

/** Its label for a cluster with or without cards. */
export function labelOf(metric: Metric, resource: 'gpu' | 'cpu'): string {
  return resource === 'gpu' ? metric.label : metric.label.replace('GPU', 'core').replace(/^core/, 'Core');
}

/** What it is, for a cluster with or without cards. */
export function aboutOf(metric: Metric, resource: 'gpu' | 'cpu'): string {
  return resource === 'gpu' ? metric.about : metric.about.replaceAll('GPU', 'core').replace(/^core/, 'Core');
}
