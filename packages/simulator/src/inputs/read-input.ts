/** Any input: what it is is found by its content. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Cluster } from '../model/cluster.ts';
import { readRecording, type RecordingOptions } from '../recording/read-recording.ts';
import { detect, formatOf, formats, type FileKind, type Format } from './detect.ts';
import { readHelios, readHeliosCards, type HeliosOptions } from './helios.ts';
import { CsvTable, firstLines } from './csv.ts';
import { guessMapping } from './guess-mapping.ts';
import { InputError } from './input-error.ts';
import type { Input } from './input.ts';
import { readMappedCsv, type CsvMapping } from './mapped-csv.ts';
import { muriCluster, readMuriJobs } from './muri.ts';
import { readOpenbNodes, readOpenbPods } from './openb.ts';
import { readPai, readPaiMachines, type PaiOptions } from './pai.ts';
import { readPhilly, readPhillyMachines, type PhillyOptions } from './philly.ts';
import { readSwf, type SwfOptions } from './swf.ts';
import { fileSource, headOf, textSource, type TextSource } from './text-source.ts';

/** Options of all formats; each takes those it knows. */
export type InputOptions = SwfOptions &
  Omit<PhillyOptions, 'tenant'> &
  PaiOptions &
  Omit<HeliosOptions, 'tenant'> &
  RecordingOptions & { readonly tenant?: 'vc' | 'user' };

export interface InputRequest {
  /** A file, or a folder all of whose files (without subfolders) belong together. */
  readonly path?: string;
  /** Files that belong together: the node list and a pod list of a trace. */
  readonly files?: readonly string[];
  /** Texts in place of files, by name. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Default: found by the files' content. */
  readonly format?: Format;
  /** Of a table (format `csv`), as CsvMapping says; checked here. */
  readonly mapping?: CsvMapping | unknown;
  readonly options?: InputOptions;
}

interface Part {
  readonly kind: FileKind;
  readonly source: TextSource;
}

interface Given {
  readonly name: string;
  /** To see what it is. */
  readonly head: TextSource;
  open(kind: FileKind): TextSource;
}

/** Reads jobs, a cluster, or both. Throws InputError for what is wrong with the files. */
export function readInput(request: InputRequest): Input {
  const { format, mapping, options = {} } = request;
  if (format !== undefined && !formats.includes(format)) {
    throw new InputError(String(format), `is no format; known are ${formats.join(', ')}`);
  }
  const all = givenBy(request);
  const whole = request.path ?? all.map(({ name }) => name).join(', ');
  const given = format ?? (mapping === undefined ? undefined : 'csv');
  const found = all.map(({ head, open }): Part => {
    const kind = kindOf(head, given);
    return { kind, source: open(kind) };
  });
  // Beside a trace's tables a folder may hold others.
  const parts =
    given === undefined && found.length > 1
      ? found.filter(({ kind }) => kind !== 'csv table' && kind !== 'other')
      : found;
  const kinds = [...new Set(parts.map(({ kind }) => formatOf(kind)))];
  const [only] = kinds;
  if (only === undefined || kinds.length > 1) {
    const list = found.map(({ source, kind }) => `${basename(source.name)}: ${kind}`).join('; ');
    throw new InputError(
      whole,
      found.length === 0 ? 'has no files' : `files are not of one format (${list}): name one of them`,
    );
  }
  if (only === 'other') throw new InputError(whole, whatElse(parts[0]!.source));
  const one = (kind: FileKind): TextSource | undefined => {
    const same = parts.filter((part) => part.kind === kind);
    if (same.length > 1) {
      const names = same.map(({ source }) => basename(source.name)).join(', ');
      throw new InputError(
        whole,
        `has several files of the kind "${kind}" (${names}): name the one that is meant`,
      );
    }
    return same[0]?.source;
  };
  switch (only) {
    case 'openb':
      return combined('openb', clusterFrom(one('openb nodes'), readOpenbNodes), one('openb pods'), (source) =>
        readOpenbPods(source, options),
      );
    case 'muri':
      return combined('muri', muriCluster(options), one('muri jobs'), (source) =>
        readMuriJobs(source, options),
      );
    case 'swf':
      return readSwf(one('swf log')!, options);
    case 'philly': {
      const [log, machines] = [one('philly jobs'), one('philly machines')];
      if (log) return readPhilly(log, machines, options);
      return { format: 'philly', cluster: readPhillyMachines(machines!, options), notes: [] };
    }
    case 'pai': {
      const [tasks, jobs, machines] = [one('pai tasks'), one('pai jobs'), one('pai machines')];
      if (tasks)
        return readPai({ tasks, ...(jobs ? { jobs } : {}), ...(machines ? { machines } : {}) }, options);
      if (machines) return { format: 'pai', cluster: readPaiMachines(machines), notes: [] };
      throw new InputError(whole, 'is the table of jobs alone: what they ask for is in pai_task_table');
    }
    case 'helios': {
      const [log, cards] = [one('helios jobs'), one('helios cards')];
      if (log) return readHelios(log, cards, options);
      return { format: 'helios', cluster: readHeliosCards(cards!, options), notes: [] };
    }
    case 'recording':
      return readRecording(one('recording file')!, options);
    case 'csv': {
      const source = one('csv table')!;
      if (mapping === undefined) {
        throw new InputError(source.name, unknownColumns(source));
      }
      const { workload, firstMs } = readMappedCsv(source, mapping, options);
      return { format: 'csv', workload, notes: workload.notes, epochMs: firstMs };
    }
  }
}

/** It is no trace: what it seems to be. */
function whatElse(source: TextSource): string {
  const text = firstLines(source, 20).join('\n');
  if (/^kind: *Scenario/m.test(text)) return 'is a scenario and no trace: coracle sim FILE, without --from';
  if (/^kind: /m.test(text)) return 'has Kubernetes objects and no jobs: nodes go with --cluster';
  return `is no trace, table or recording that is known here (formats: ${formats.join(', ')})`;
}

function unknownColumns(source: TextSource): string {
  const { columns } = new CsvTable(source);
  const shown = columns.slice(0, 20).map((name) => (name.length > 30 ? `${name.slice(0, 29)}…` : name));
  const guess = guessMapping(source);
  return (
    `is a table of columns that are not known here (${shown.join(', ')}${columns.length > 20 ? ', ...' : ''}): say what they are with ` +
    '--mapping FILE or, in a scenario, workload.mapping; in short: --mapping ' +
    (guess === undefined ? 'submit=COLUMN:date,run=COLUMN:min,gpus=COLUMN' : `'${guess}' (a guess)`)
  );
}

function combined(
  format: Format,
  cluster: Cluster | undefined,
  jobs: TextSource | undefined,
  read: (source: TextSource) => NonNullable<Input['workload']>,
): Input {
  const workload = jobs && read(jobs);
  return {
    format,
    ...(workload ? { workload } : {}),
    ...(cluster ? { cluster } : {}),
    notes: workload?.notes ?? [],
  };
}

function clusterFrom(
  source: TextSource | undefined,
  read: (source: TextSource) => Cluster,
): Cluster | undefined {
  return source && read(source);
}

/** A format that is given settles the kind, but for which of its files it is. */
function kindOf(source: TextSource, format: Format | undefined): FileKind {
  if (format === 'csv') return 'csv table';
  if (format === 'swf') return 'swf log';
  if (format === 'recording') return 'recording file';
  const kind = detect(source);
  if (format === undefined || formatOf(kind) === format) return kind;
  if (format === 'muri') return 'muri jobs';
  throw new InputError(
    source.name,
    `does not look like a file of the format ${format}; it looks like: ${kind}`,
  );
}

function givenBy({ path, files = [], texts = {} }: InputRequest): Given[] {
  const paths = [...files];
  if (path !== undefined) {
    if (isFolder(path)) {
      for (const entry of readdirSync(path, { withFileTypes: true }).toSorted((a, b) =>
        a.name < b.name ? -1 : 1,
      )) {
        if (entry.isFile() && /\.(csv|swf|json|jsonl|gz)$|^cluster_/i.test(entry.name))
          paths.push(join(path, entry.name));
      }
      if (paths.length === 0) throw new InputError(path, 'is a folder without files that could be an input');
    } else paths.push(path);
  }
  const all = paths.map((name): Given => {
    // The recorder may have been killed while it wrote.
    const open = (kind: FileKind): TextSource => fileSource(name, { mayBeCut: kind === 'recording file' });
    return { name, head: headOf(name), open };
  });
  for (const [name, text] of Object.entries(texts)) {
    const source = textSource(name, text);
    all.push({ name, head: source, open: () => source });
  }
  if (all.length === 0) throw new InputError('input', 'no file is named');
  return all;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // That it cannot be read is told when it is read.
    return false;
  }
}
