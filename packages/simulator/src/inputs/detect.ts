/** What a file is, by its first lines. */
import { CsvTable, firstLines } from './csv.ts';
import { InputError } from './input-error.ts';
import { readNumber } from './number.ts';
import { paiColumns } from './pai.ts';
import { swfFields } from './swf.ts';
import type { TextSource } from './text-source.ts';

/** Formats as users name them; a format may have several kinds of file. */
export const formats = ['openb', 'muri', 'swf', 'philly', 'pai', 'helios', 'csv', 'recording'] as const;
export type Format = (typeof formats)[number];

export type FileKind =
  | 'openb nodes'
  | 'openb pods'
  | 'muri jobs'
  | 'swf log'
  | 'philly jobs'
  | 'philly machines'
  | 'pai jobs'
  | 'pai tasks'
  | 'pai machines'
  | 'helios jobs'
  | 'helios cards'
  | 'csv table'
  | 'recording file'
  /** None of them. */
  | 'other';

/** Headers by which a table is known: all of these columns are there. The first that fits counts. */
const headers: readonly (readonly [FileKind, readonly string[]])[] = [
  ['openb nodes', ['sn', 'cpu_milli', 'memory_mib', 'gpu']],
  ['openb pods', ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli']],
  ['helios jobs', ['job_id', 'vc', 'gpu_num', 'cpu_num', 'node_num', 'state', 'submit_time']],
  ['helios cards', ['date', 'total']],
  ['muri jobs', ['job_id', 'num_gpu', 'submit_time', 'duration']],
  ['philly machines', ['machineId', 'number of GPUs']],
  ['pai tasks', paiColumns.tasks],
  ['pai jobs', paiColumns.jobs],
  ['pai machines', paiColumns.machines],
];

/** Throws InputError if the file cannot be read or is empty. A table of unknown columns is a `csv table`. */
export function detect(source: TextSource): FileKind {
  const lines = firstLines(source, 20);
  const first = lines.find((line) => line.trim() !== '');
  if (first === undefined) throw new InputError(source.name, 'is empty');
  const text = first.trim();
  if (text.startsWith('{') && text.includes('"coracleRecording"')) return 'recording file';
  // eslint-disable-next-line no-control-regex
  if (lines.some((line) => /[\u0000-\u0008\u000e-\u001f]/.test(line))) return 'other';
  if (/^\s*(apiVersion|kind|items|spec):(\s|$)/m.test(lines.join('\n'))) return 'other';
  if (text.startsWith('[')) return 'philly jobs';
  if (text.startsWith('{'))
    return lines.some((line) => /"(jobid|attempts)"/.test(line)) ? 'philly jobs' : 'other';
  if (text.startsWith(';')) return 'swf log';
  const numbers = text.split(/\s+/);
  if (numbers.length === swfFields.length && numbers.every((one) => readNumber(one) !== undefined))
    return 'swf log';
  return byColumns(source) ?? headless(text) ?? 'csv table';
}

function byColumns(source: TextSource): FileKind | undefined {
  let table: CsvTable;
  try {
    table = new CsvTable(source);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
  return headers.find(([, columns]) => columns.every((column) => table.has(column)))?.[0];
}

/** The tables of PAI are published without their headers. */
function headless(line: string): FileKind | undefined {
  const fields = line.split(',').map((field) => field.trim());
  const numeric = (from: number): boolean =>
    fields.slice(from).every((field) => field === '' || readNumber(field) !== undefined);
  const statuses = ['Running', 'Terminated', 'Failed', 'Waiting'];
  if (fields.length === 10 && statuses.includes(fields[3]!)) return 'pai tasks';
  if (fields.length === 6 && statuses.includes(fields[3]!) && numeric(4)) return 'pai jobs';
  if (fields.length === 5 && fields[0] !== '' && fields[1] !== '' && numeric(2)) return 'pai machines';
  return undefined;
}

export function formatOf(kind: FileKind): Format | 'other' {
  return kind.split(' ')[0] as Format | 'other';
}
