/** The pictures' contents as tables: for those who cannot see them, and for those who want the figures. */
import { jobTimes, outcomeOf } from '../job-times.ts';
import type { Report } from '../report.ts';
import type { Shares } from '../shares.ts';
import { averaged } from '../distribution.ts';
import { averagedTenants } from '../averaged-tenants.ts';
import { duration, inUnit, type Unit } from '../units.ts';
import { more, table } from './markup.ts';

const rowsOverTime = 12;

/** A quantity at a dozen times. */
export function seriesTable(
  report: Report,
  grid: readonly Shares[],
  key: 'allocation' | 'utilisation' | 'fragmentation' | 'jobsWaiting' | 'jobsRunning' | 'demandWaiting',
  caption: string,
): string {
  const unit: Unit = key.startsWith('jobs') ? 'count' : 'share';
  const { length } = grid[0]![key];
  const each = Math.max(1, length / rowsOverTime);
  const rows = Array.from({ length: Math.min(rowsOverTime, length) }, (_, row) => {
    const [from, to] = [
      Math.floor(row * each),
      Math.max(Math.floor(row * each) + 1, Math.floor((row + 1) * each)),
    ];
    return [
      duration(grid[0]!.fromMs + from * grid[0]!.stepMs),
      ...grid.map((shares) => {
        const part = shares[key].subarray(from, to);
        return inUnit(part.reduce((a, b) => a + b, 0) / part.length, unit);
      }),
    ];
  });
  return table(`${caption}: means from each time to the next`, ['from', ...names(report)], rows);
}

/** Percentiles of a distribution. */
export function distributionTable(
  report: Report,
  key: 'wait' | 'completion' | 'slowdown',
  caption: string,
): string {
  const unit: Unit = key === 'slowdown' ? 'times' : 'ms';
  const all = report.candidates.map(({ runs }) => averaged(runs.map((run) => run[key])));
  const rows = (['mean', 'p50', 'p90', 'p95', 'p99', 'max'] as const).map((of) => [
    of,
    ...all.map((distribution) => inUnit(distribution[of], unit)),
  ]);
  return table(caption, ['', ...names(report)], rows);
}

/** What each tenant gets, one table a candidate; `most` rows. */
export function tenantTables(report: Report, most: number): string {
  const hours = report.candidates[0]!.runs[0]!.resource === 'gpu' ? 'GPU-hours' : 'Core-hours';
  return report.candidates
    .map((candidate) => {
      const tenants = averagedTenants(candidate);
      const head = [
        'tenant',
        'jobs',
        'ended',
        'mean wait',
        'p95 wait',
        'mean slowdown',
        hours,
        'finish-time fairness',
      ];
      const rows = tenants
        .slice(0, most)
        .map((tenant) => [
          tenant.name,
          inUnit(Math.round(tenant.jobs), 'count'),
          inUnit(Math.round(tenant.ended), 'count'),
          duration(tenant.meanWaitMs),
          duration(tenant.p95WaitMs),
          inUnit(tenant.meanSlowdown, 'times'),
          inUnit(tenant.hours, 'hours'),
          inUnit(tenant.finishTime, 'times'),
        ]);
      const caption = `Tenants with ${candidate.name}${tenants.length > most ? `, ${most} with most work of ${tenants.length}` : ''}`;
      return table(caption, head, rows);
    })
    .join('');
}

/** Which jobs waited longest, in the run that is shown in full. */
export function longestWaits(report: Report, most = 15): string {
  const gpu = report.candidates[0]!.runs[0]!.resource === 'gpu';
  const tables = report.candidates.flatMap(({ name, detail }) => {
    if (!detail) return [];
    const { waits } = jobTimes(detail);
    const top = longest(waits, most);
    const rows = top.map((index) => [
      detail.jobs.ids[index]!,
      detail.jobs.tenants[detail.jobs.tenant[index]!] ?? '',
      duration(waits[index]!),
      inUnit((gpu ? detail.jobs.gpuMilli : detail.jobs.cpuMilli)[index]! / 1000, 'count'),
      duration(detail.jobs.submitMs[index]!),
      outcomeOf(detail.jobs, index),
    ]);
    if (rows.length === 0) return [];
    return [
      table(
        `With ${name}, seed ${detail.seed}`,
        ['job', 'tenant', 'waited', gpu ? 'GPUs' : 'cores', 'submitted after', 'outcome'],
        rows,
      ),
    ];
  });
  return tables.length === 0 ? '' : more('Jobs that waited longest', tables.join(''));
}

/** Indices of the largest values above zero, without sorting a million. */
function longest(values: Float64Array, most: number): number[] {
  const top: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (!(values[index]! > 0)) continue;
    if (top.length === most && values[index]! <= values[top.at(-1)!]!) continue;
    let at = top.length;
    while (at > 0 && values[top[at - 1]!]! < values[index]!) at--;
    top.splice(at, 0, index);
    if (top.length > most) top.pop();
  }
  return top;
}

function names({ candidates }: Report): string[] {
  return candidates.map(({ name }) => name);
}
