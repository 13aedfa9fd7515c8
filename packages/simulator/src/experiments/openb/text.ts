/** The openb experiment's figures, published and ours, for people and for other programs. */
import type { ComparedCell, OpenbExperiment } from './run.ts';
import { openbMetrics, type OpenbMetric } from './published.ts';

/** Points of a percentage within which a cell counts as met. */
const within = 0.5;

const isMet = (cell: ComparedCell): boolean => Math.abs(cell.ours - cell.mean) <= within;

/** A line for each workload, policy and metric; then how many cells are met. */
export function openbText({ cells, runs }: OpenbExperiment): string {
  const lines: string[] = [];
  const groups = Map.groupBy(cells, (cell) => `${cell.workload} ${cell.policy} ${cell.metric}`);
  for (const group of groups.values()) {
    const { workload, policy, metric } = group[0]!;
    const pairs = group.map(
      (cell) => `${cell.demand}%: ${cell.mean.toFixed(2)}/${cell.ours.toFixed(2)}${isMet(cell) ? '' : ' !'}`,
    );
    lines.push(
      `${workload.padEnd(12)} ${policy.padEnd(13)} ${openbMetrics[metric].padEnd(26)} ${pairs.join('  ')}`,
    );
  }
  if (cells.length > 0) {
    lines.push('', `Demand: published/ours, means over the seeds; ! is more than ${within} points apart.`);
    for (const metric of Object.keys(openbMetrics) as OpenbMetric[]) {
      const these = cells.filter((cell) => cell.metric === metric);
      if (these.length > 0) lines.push(summary(openbMetrics[metric], these));
    }
    lines.push(summary('all', cells));
  } else lines.push('Nothing is published of these.');
  const mean = runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / Math.max(1, runs.length);
  lines.push('', `${runs.length} runs, ${(mean / 1000).toFixed(2)} s of one core each`);
  return `${lines.join('\n')}\n`;
}

function summary(name: string, cells: readonly ComparedCell[]): string {
  const met = cells.filter(isMet).length;
  const worst = cells.reduce((most, cell) => Math.max(most, Math.abs(cell.ours - cell.mean)), 0);
  const percent = ((100 * met) / cells.length).toFixed(1);
  return `${name.padEnd(26)} ${met} of ${cells.length} cells within ${within} points (${percent} %), worst ${worst.toFixed(2)}`;
}

export function openbCsv({ cells }: OpenbExperiment): string {
  const lines = cells.map(({ workload, policy, metric, demand, mean, ours, deviation }) =>
    [workload, policy, metric, demand, mean, ours.toFixed(3), (ours - mean).toFixed(3), deviation].join(','),
  );
  return `${['workload,policy,metric,demand_pct,published,ours,difference,published_sd', ...lines].join('\n')}\n`;
}
