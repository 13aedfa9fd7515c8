/** What the columns of a table of unknown columns might be, by their names: a start for people, never used by itself. */
import { CsvTable } from './csv.ts';
import { readDate } from './date.ts';
import type { TextSource } from './text-source.ts';

/** Fields and what their columns are often called, in lower case and without separators; the first that is there counts. */
const names: readonly (readonly [field: string, RegExp])[] = [
  ['id', /^(job|jobid|jobname|id|name|uid)$/],
  ['tenant', /^(tenant|team|user|userid|username|owner|project|account|group|namespace|vc|department)$/],
  [
    'submit',
    /^(submit|submitted|submittime|submittedat|submission|created|createdat|creationtime|arrival|arrivaltime|queued|queuedat)/,
  ],
  ['run', /^(run|runtime|duration|elapsed|minutes|hours|seconds)/],
  ['start', /^(start|started)/],
  ['end', /^(end|ended|finish|finished|completed|completion)/],
  ['estimate', /^(estimate|timelimit|limit|requestedtime|walltime)/],
  ['priority', /^(priority|prio)$/],
  ['pods', /^(pods|replicas|workers|instances)$/],
  ['gpus', /^(n|num|n_)?(gpus?|cards?|accelerators?)(num|count|s|milli)?$/],
  ['cpu', /^(n|num)?(cpus?|cores?|vcpus?)(num|count|milli)?$/],
  ['memory', /^(mem|memory|ram)/],
  ['models', /^(gputype|gpumodel|cardmodel|gpuspec)$/],
];

/** As `--mapping` takes it: `id=job,submit=submitted:date,run=minutes:min`. Undefined: they say too little. */
export function guessMapping(source: TextSource): string | undefined {
  const table = new CsvTable(source);
  const [row] = table.rows(() => undefined);
  const found = new Map<string, string>();
  for (const [field, pattern] of names) {
    const column = table.columns.find(
      (name) => pattern.test(plain(name)) && ![...found.values()].includes(name),
    );
    if (column !== undefined) found.set(field, column);
  }
  if (!found.has('submit') || !(found.has('run') || found.has('end'))) return undefined;
  if (found.has('run')) for (const other of ['start', 'end']) found.delete(other);
  if (!found.has('end')) found.delete('start');
  return [...found]
    .map(([field, column]) => {
      const unit = unitOf(field, plain(column), row?.text(column) ?? '');
      return `${field}=${column}${unit === undefined ? '' : `:${unit}`}`;
    })
    .join(',');
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

const times: ReadonlySet<string> = new Set(['submit', 'run', 'start', 'end', 'estimate']);

/** Undefined: the default. */
function unitOf(field: string, name: string, value: string): string | undefined {
  if (times.has(field)) {
    if (readDate(value) !== undefined) return 'date';
    if (/(ms|millis|milliseconds)$/.test(name)) return 'ms';
    if (/(min|mins|minutes)$/.test(name)) return 'min';
    return /hours?$/.test(name) ? 'h' : /days?$/.test(name) ? 'd' : undefined;
  }
  if (field === 'memory') {
    const [, unit] = /(kib|mib|tib|kb|mb|gb|tb|bytes)$/.exec(name) ?? [];
    return (
      unit && { kib: 'KiB', mib: 'MiB', tib: 'TiB', kb: 'KB', mb: 'MB', gb: 'GB', tb: 'TB', bytes: 'B' }[unit]
    );
  }
  return (field === 'cpu' || field === 'gpus') && name.endsWith('milli') ? 'milli' : undefined;
}
