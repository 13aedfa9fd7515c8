/** Any table of jobs, with a mapping that says which column is what. */
import type { Job, PodSet, Workload } from '../model/job.ts';
import { CsvTable } from './csv.ts';
import type { Row } from './row.ts';
import { eachRow } from './each-row.ts';
import type { ReadOptions } from './input.ts';
import {
  cardUnits,
  coreUnits,
  mappedField,
  mappedText,
  memoryUnits,
  needColumn,
  timeUnits,
  type FieldMapping,
  type MappedField,
} from './mapped-field.ts';
import { baseName } from './names.ts';
import { Notes } from './notes.ts';
import { Shapes } from './pod-shape.ts';
import { Settings } from './settings.ts';
import type { TextSource } from './text-source.ts';
import { fromFirst, workloadOf } from './workload.ts';

/** Units, the first is the default: times s, ms, min, h, d, date; cpu cores, milli, percent; gpus cards, milli, percent; memory GiB, ... */
export interface CsvMapping {
  readonly separator?: string;
  /** A column. Default: the rows are numbered. */
  readonly id?: string;
  readonly tenant?: string;
  readonly submit: FieldMapping;
  /** How long it ran; or `start` and `end`; or `end` alone, from `submit`. Without any it never ends. */
  readonly run?: FieldMapping;
  readonly start?: FieldMapping;
  readonly end?: FieldMapping;
  readonly estimate?: FieldMapping;
  readonly priority?: FieldMapping;
  /** Pods that start together. Default: one for each full node of cards. */
  readonly pods?: FieldMapping;
  readonly cpu?: FieldMapping;
  readonly memory?: FieldMapping;
  readonly gpus?: FieldMapping;
  /** A column of models that will do, by `|`. */
  readonly models?: string;
  /** Whether cpu, memory and gpus are of each pod or of the whole job. Default `job`. */
  readonly of?: 'job' | 'pod';
  readonly status?: {
    readonly column: string;
    readonly failed?: readonly string[];
    readonly cancelled?: readonly string[];
    /** Rows with these are no jobs. */
    readonly skip?: readonly string[];
  };
  /** What is kept besides: name -> column. */
  readonly about?: Readonly<Record<string, string>>;
}

const known = [
  'separator',
  'id',
  'tenant',
  'submit',
  'run',
  'start',
  'end',
  'estimate',
  'priority',
  'pods',
  'cpu',
  'memory',
  'gpus',
  'models',
  'of',
  'status',
  'about',
] as const;
/** `mapping` as CsvMapping says, but not yet checked. Throws InputError for it as for the table. Times begin with the first submission. */
export function readMappedCsv(
  source: TextSource,
  mapping: unknown,
  options: ReadOptions = {},
): { workload: Workload; firstMs: number } {
  const settings = new Settings('mapping', mapping, known);
  const separator = settings.text('separator', undefined);
  const table = new CsvTable(source, separator === undefined ? {} : { separator });
  const read = rowReader(settings, table, options);
  const notes = new Notes();
  const found: Job[] = [];
  eachRow(table, notes, options.lenient ?? false, (row) => {
    const job = read(row, notes);
    if (job) found.push(job);
  });
  const { jobs, firstMs } = fromFirst(found);
  return { workload: workloadOf(baseName(source.name), source.name, jobs, notes.all()), firstMs };
}

type RowReader = (row: Row, notes: Notes) => Job | undefined;

function rowReader(settings: Settings, table: CsvTable, options: ReadOptions): RowReader {
  const time = (name: string): MappedField | undefined => mappedField(settings, table, name, timeUnits, true);
  const submit = time('submit');
  if (!submit) throw settings.error('submit', 'is missing: when the job came');
  const [run, start, end, estimate] = [time('run'), time('start'), time('end'), time('estimate')];
  if (run && (start || end)) throw settings.error('run', 'stands beside start or end');
  if (start && !end) throw settings.error('end', 'is missing beside start');
  const priority = mappedField(settings, table, 'priority');
  const id = mappedText(settings, table, 'id');
  const tenant = mappedText(settings, table, 'tenant');
  const pods = podReader(settings, table, options);
  const endings = endingReader(settings, table);
  const about = aboutReader(settings, table);
  let count = 0;
  return (row, notes) => {
    count += 1;
    const ends = endings(row);
    if (ends === 'skip') {
      notes.skipped('its status says that it is no job', row.line);
      return undefined;
    }
    const submitMs = submit.read(row);
    if (Number.isNaN(submitMs)) {
      notes.skipped('it does not say when it came', row.line);
      return undefined;
    }
    let runMs = run?.read(row) ?? Infinity;
    if (end) runMs = end.read(row) - (start ? start.read(row) : submitMs);
    if (Number.isNaN(runMs)) {
      notes.skipped('it does not say how long it ran', row.line);
      return undefined;
    }
    if (runMs < 0) {
      notes.mended('its run time is negative: it runs no time', row.line);
      runMs = 0;
    }
    const guess = estimate?.read(row);
    const rest = about(row);
    return {
      id: id === undefined ? String(count) : row.need(id),
      tenant: tenant === undefined ? 'unknown' : row.text(tenant) || 'unknown',
      submitMs,
      podSets: pods(row, notes),
      runMs,
      ...(guess !== undefined && guess > 0 ? { estimateMs: guess } : {}),
      ...(priority ? { priority: Math.round(priority.read(row)) } : {}),
      ...(ends === undefined ? {} : { ends }),
      ...(rest ? { about: rest } : {}),
    };
  };
}

function podReader(
  settings: Settings,
  table: CsvTable,
  options: ReadOptions,
): (row: Row, notes: Notes) => readonly PodSet[] {
  const pods = mappedField(settings, table, 'pods');
  const cpu = mappedField(settings, table, 'cpu', coreUnits);
  const memory = mappedField(settings, table, 'memory', memoryUnits);
  const gpus = mappedField(settings, table, 'gpus', cardUnits);
  const models = mappedText(settings, table, 'models');
  const ofJob = settings.oneOf('of', ['job', 'pod'], 'job') === 'job';
  const perNode = options.node?.gpus ?? 8;
  const shapes = new Shapes();
  return (row, notes) => {
    const amount = (field: MappedField | undefined, name: string): number => {
      const value = field?.read(row) ?? 0;
      if (value >= 0) return value;
      notes.mended(`its ${name} is negative: it asks for none`, row.line);
      return 0;
    };
    let count = 1;
    if (pods) {
      count = Math.ceil(pods.read(row));
      if (!(count >= 1)) {
        notes.mended('it has no pods: one', row.line);
        count = 1;
      }
    }
    const share = ofJob && pods ? count : 1;
    const cpuMilli = Math.round(amount(cpu, 'cpu') / share);
    const memoryMib = Math.round(amount(memory, 'memory') / share);
    // A factor of a unit may leave a trace of binary fractions.
    let cards = Math.round((amount(gpus, 'gpus') / share) * 1e6) / 1e6;
    if (cards > 1 && !Number.isInteger(cards)) {
      notes.mended('cards beyond the first that are not whole are taken as whole', row.line);
      cards = Math.ceil(cards);
    }
    const wanted =
      models === undefined
        ? []
        : row
            .text(models)
            .split('|')
            .filter((model) => model !== '');
    const chosen = wanted.length > 0 ? { models: wanted } : {};
    if (cards > 0 && cards < 1) {
      return shapes.pods(count, {
        cpuMilli,
        memoryMib,
        gpus: 1,
        gpuMilli: Math.max(1, Math.round(cards * 1000)),
        ...chosen,
      });
    }
    if (ofJob && !pods) return shapes.spread(cards, perNode, { cpuMilli, memoryMib, ...chosen });
    return shapes.pods(count, { cpuMilli, memoryMib, gpus: cards, ...chosen });
  };
}

function endingReader(settings: Settings, table: CsvTable): (row: Row) => Job['ends'] | 'skip' {
  const status = settings.object('status', ['column', 'failed', 'cancelled', 'skip']);
  if (!status) return () => undefined;
  const column = status.text('column', undefined);
  if (column === undefined) throw status.error('column', 'is missing');
  needColumn(status, table, 'column', column);
  const by = new Map<string, 'failed' | 'cancelled' | 'skip'>();
  for (const what of ['failed', 'cancelled', 'skip'] as const) {
    for (const text of status.texts(what) ?? []) by.set(text, what);
  }
  return (row) => by.get(row.text(column));
}

function aboutReader(settings: Settings, table: CsvTable): (row: Row) => Record<string, string> | undefined {
  const given = settings.raw('about');
  if (given === undefined) return () => undefined;
  const names = typeof given === 'object' && given !== null ? Object.keys(given) : [];
  const about = settings.object('about', names)!;
  const columns = names.map((name) => {
    const column = about.text(name, '');
    needColumn(about, table, name, column);
    return [name, column] as const;
  });
  return (row) => Object.fromEntries(columns.map(([name, column]) => [name, row.text(column)]));
}
