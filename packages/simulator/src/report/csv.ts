/** Reports as tables (RFC 4180, but for line feeds alone). What is not known is an empty field. */
import type { RunResult } from '../model/result.ts';
import { jobRows, type JobRow } from './job-rows.ts';
import { metrics } from './metrics.ts';
import { difference, estimateOf, type Report } from './report.ts';

const jobColumns: readonly (readonly [string, keyof JobRow])[] = [
  ['job', 'job'],
  ['tenant', 'tenant'],
  ['outcome', 'outcome'],
  ['submit_ms', 'submitMs'],
  ['start_ms', 'startMs'],
  ['end_ms', 'endMs'],
  ['ideal_ms', 'idealMs'],
  ['wait_ms', 'waitMs'],
  ['completion_ms', 'completionMs'],
  ['slowdown', 'slowdown'],
  ['lost_ms', 'lostMs'],
  ['restarts', 'restarts'],
  ['pods', 'pods'],
  ['gpus', 'gpus'],
  ['cpus', 'cpus'],
];

/** First line of the table of jobs. */
export const jobsCsvHeader = line(['candidate', 'seed', ...jobColumns.map(([name]) => name)]);

/** The jobs of one run in chunks, without the header: the tables of several runs can follow each other. */
export function* jobsCsv(result: RunResult, candidate: string): Generator<string> {
  const start = `${field(candidate)},${result.seed},`;
  for (const rows of jobRows(result)) {
    yield rows.map((row) => start + line(jobColumns.map(([, key]) => row[key]))).join('');
  }
}

/** One line for each candidate and metric; differences are against the first candidate, paired by seed. */
export function summaryCsv({ candidates }: Report): string {
  const head = [
    'candidate',
    'placement',
    'ordering',
    'cluster',
    'workload',
    'metric',
    'unit',
    'seeds',
    'mean',
    'low',
    'high',
    'difference',
    'difference_low',
    'difference_high',
  ];
  const rows = candidates.flatMap((candidate, index) =>
    metrics.map(({ key, unit }) => {
      const { mean, half, n } = estimateOf(candidate, key);
      const delta = index > 0 ? difference(candidates[0]!, candidate, key) : undefined;
      const { placement, ordering, cluster, workload } = candidate.runs[0]!;
      const said = [candidate.name, placement, ordering, cluster, workload, key, unit, n];
      const differs = delta ? [delta.mean, delta.mean - delta.half, delta.mean + delta.half] : ['', '', ''];
      return line([...said, mean, mean - half, mean + half, ...differs]);
    }),
  );
  return line(head) + rows.join('');
}

function line(values: readonly (string | number)[]): string {
  return `${values.map(field).join(',')}\n`;
}

function field(value: string | number): string {
  if (typeof value === 'number') return Number.isNaN(value) ? '' : String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
