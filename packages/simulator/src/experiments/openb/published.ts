/** The authors' figures, from the folder of the traces. */
import { gpuPolicies, type GpuPolicy } from '@coracle/scheduler/core';
import { CsvTable } from '../../inputs/csv.ts';
import { InputError } from '../../inputs/input-error.ts';
import type { TextSource } from '../../inputs/text-source.ts';
import type { DemandCurve } from '../../model/result.ts';

export type OpenbMetric = keyof DemandCurve;

export const openbMetrics: Readonly<Record<OpenbMetric, string>> = {
  allocatedPercent: 'cards in use, % of all',
  fragmentedPercent: 'fragments, % of all cards',
  fragmentedOfIdlePercent: 'fragments, % of free cards',
};

const metricNames: Readonly<Record<string, OpenbMetric>> = {
  alloc_pct_of_total_gpu: 'allocatedPercent',
  frag_pct_of_total_gpu: 'fragmentedPercent',
  frag_pct_of_idle_gpu: 'fragmentedOfIdlePercent',
};

/** A published figure. */
export interface OpenbCell {
  readonly workload: string;
  readonly policy: GpuPolicy;
  readonly metric: OpenbMetric;
  /** In percent of the cluster's cards. */
  readonly demand: number;
  /** Mean of ten seeds, and their standard deviation. */
  readonly mean: number;
  readonly deviation: number;
}

/** Columns workload, policy, metric, demand_pct, mean, sd_pop. Throws InputError. */
export function readOpenbCells(source: TextSource): OpenbCell[] {
  const table = new CsvTable(source);
  table.require(['workload', 'policy', 'metric', 'demand_pct', 'mean', 'sd_pop']);
  const cells: OpenbCell[] = [];
  for (const row of table.rows()) {
    const name = row.need('policy');
    const policy = gpuPolicies.find((known) => known === (name === 'DotProd' ? 'DotProduct' : name));
    const metric = metricNames[row.need('metric')];
    if (!policy || !metric) {
      throw new InputError(
        source.name,
        `tells of ${policy ? `the metric ${row.text('metric')}` : `the policy ${name}`}, which is not known`,
        {
          line: row.line,
        },
      );
    }
    cells.push({
      workload: row.need('workload'),
      policy,
      metric,
      demand: row.number('demand_pct'),
      mean: row.number('mean'),
      deviation: row.number('sd_pop'),
    });
  }
  return cells;
}
