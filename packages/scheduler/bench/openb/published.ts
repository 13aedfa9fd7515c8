/** The authors' figures, and ours beside them. */
import { join } from 'node:path';
import type { GpuPolicy } from '../../src/core/index.ts';
import type { Outcome } from './experiment.ts';
import { rows, traceFolder } from './trace.ts';

export type Metric = 'allocated' | 'fragmented' | 'fragmentedOfIdle';

export const metrics: Readonly<Record<Metric, string>> = {
  allocated: 'cards in use, % of all',
  fragmented: 'fragments, % of all cards',
  fragmentedOfIdle: 'fragments, % of free cards',
};

const metricNames: Readonly<Record<string, Metric>> = {
  alloc_pct_of_total_gpu: 'allocated',
  frag_pct_of_total_gpu: 'fragmented',
  frag_pct_of_idle_gpu: 'fragmentedOfIdle',
};
const policyNames: Readonly<Record<string, GpuPolicy>> = { DotProd: 'DotProduct' };

export interface Cell {
  readonly workload: string;
  readonly policy: GpuPolicy;
  readonly metric: Metric;
  readonly demand: number;
  /** Mean of ten seeds, and their standard deviation. */
  readonly mean: number;
  readonly deviation: number;
}

export function publishedCells(folder = traceFolder): Cell[] {
  return rows(join(folder, 'published.csv')).map((row) => ({
    workload: row['workload']!,
    policy: policyNames[row['policy']!] ?? (row['policy'] as GpuPolicy),
    metric: metricNames[row['metric']!]!,
    demand: Number(row['demand_pct']),
    mean: Number(row['mean']),
    deviation: Number(row['sd_pop']),
  }));
}

/** Mean over runs of what they noted at one demand. */
export function meanOf(outcomes: readonly Outcome[], metric: Metric, demand: number): number {
  return outcomes.reduce((sum, outcome) => sum + outcome[metric][demand]!, 0) / outcomes.length;
}
