/**
 * Microsoft's Philly traces (msr-fiddle/philly-traces, ATC'19): `cluster_job_log`, a JSON array of jobs with the attempts to run
 * each, and `cluster_machine_list`. Times have no zone and are read as UTC.
 */
import type { Node } from '@coracle/machinery/api';
import type { Cluster } from '../model/cluster.ts';
import type { Job, PodSet } from '../model/job.ts';
import { CsvTable } from './csv.ts';
import { readDate } from './date.ts';
import { InputError, quote } from './input-error.ts';
import type { Input, ReadOptions } from './input.ts';
import { jsonItems, type JsonItem } from './json-items.ts';
import { baseName } from './names.ts';
import { makeNode } from './nodes.ts';
import { Notes } from './notes.ts';
import { Shapes } from './pod-shape.ts';
import type { TextSource } from './text-source.ts';
import { fromFirst, workloadOf } from './workload.ts';

export interface PhillyOptions extends ReadOptions {
  /** Whose a job is: the virtual cluster's (default) or the user's. The other is in `about`. */
  readonly tenant?: 'vc' | 'user';
}

/** Jobs ask for cards only, so these matter only where something else runs beside them. */
const defaultSize = { cpuMilli: 64_000, memoryMib: 515_891 };

interface Attempt {
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  /** Cards on each machine. */
  readonly machines: readonly { readonly ip: string; readonly gpus: number }[];
}

/**
 * Each job with the cards of its first attempt, one pod a machine, as the authors' notebook counts them. It runs as long as all its
 * attempts together; how many there were is in `about`. Without a list of machines the cluster is made of those that jobs ran
 * on: 2 cards or 8, as there are in Philly.
 */
export function readPhilly(log: TextSource, machines?: TextSource, options: PhillyOptions = {}): Input {
  const notes = new Notes();
  const shapes = new Shapes();
  const seen = new Map<string, number>();
  const read: Job[] = [];
  for (const item of jsonItems(log)) {
    try {
      const job = readJob(log.name, item, notes, shapes, seen, options);
      if (job) read.push(job);
    } catch (error) {
      if (!options.lenient || !(error instanceof InputError)) throw error;
      notes.skipped('cannot be read', item.line);
    }
  }
  const name = baseName(log.name);
  const { jobs, firstMs } = fromFirst(read);
  const workload = workloadOf(name, log.name, jobs, notes.all());
  const cluster = machines ? readPhillyMachines(machines, options) : seenCluster(name, seen, options);
  return { format: 'philly', workload, cluster, notes: workload.notes, epochMs: firstMs };
}

function readJob(
  file: string,
  item: JsonItem,
  notes: Notes,
  shapes: Shapes,
  seen: Map<string, number>,
  options: PhillyOptions,
): Job | undefined {
  const { line } = item;
  const fields = new Fields(file, line, item.value);
  const submitMs = fields.date('submitted_time');
  if (submitMs === undefined) throw fields.error('submitted_time', 'is missing; a time was expected');
  const attempts = fields.list('attempts').map((attempt) => readAttempt(new Fields(file, line, attempt)));
  for (const { machines } of attempts) {
    for (const { ip, gpus } of machines) seen.set(ip, Math.max(seen.get(ip) ?? 0, gpus));
  }
  const [first] = attempts;
  const status = fields.text('status');
  const ends = endings[status];
  if (ends === undefined) throw fields.error('status', `${quote(status)} is none of Pass, Killed, Failed`);
  if (!first) {
    notes.skipped('no attempt to run it is recorded', line);
    return undefined;
  }
  const used = first.machines.filter(({ gpus }) => gpus > 0);
  if (used.length === 0) {
    notes.skipped('its first attempt had no cards', line);
    return undefined;
  }
  const runMs = runOf(attempts, notes, line);
  if (runMs === undefined) return undefined;
  const vc = fields.text('vc');
  const user = fields.text('user');
  const byUser = options.tenant === 'user';
  return {
    id: fields.text('jobid'),
    tenant: byUser ? user : vc,
    submitMs,
    podSets: podSets(
      shapes,
      used.map(({ gpus }) => gpus),
    ),
    runMs,
    ...(ends === 'succeeded' ? {} : { ends }),
    about: { attempts: attempts.length, ...(byUser ? { vc } : { user }) },
  };
}

const endings: Readonly<Record<string, 'succeeded' | 'cancelled' | 'failed'>> = {
  Pass: 'succeeded',
  Killed: 'cancelled',
  Failed: 'failed',
};

/** Undefined: it is not known, which is noted. */
function runOf(attempts: readonly Attempt[], notes: Notes, line: number): number | undefined {
  let all = 0;
  let known = 0;
  for (const [i, { startMs, endMs }] of attempts.entries()) {
    if (startMs !== undefined && endMs === undefined && i === attempts.length - 1) {
      notes.mended('still running when the log ends: it never ends', line);
      return Infinity;
    }
    if (startMs === undefined || endMs === undefined) continue;
    if (endMs < startMs) {
      notes.mended('an attempt ends before it starts: it runs no time', line);
      known += 1;
      continue;
    }
    all += endMs - startMs;
    known += 1;
  }
  if (known === 0) {
    notes.skipped('no attempt has both a start and an end', line);
    return undefined;
  }
  if (known < attempts.length)
    notes.mended('attempts without a start or an end are left out of its run time', line);
  return all;
}

function podSets(shapes: Shapes, cards: readonly number[]): readonly PodSet[] {
  const counts = new Map<number, number>();
  for (const n of cards) counts.set(n, (counts.get(n) ?? 0) + 1);
  const parts = [...counts].toSorted(([a], [b]) => b - a);
  return shapes.sets(
    parts.map(([gpus, count]) => ({
      name: parts.length === 1 ? 'worker' : `worker-${gpus}`,
      count,
      shape: { gpus },
    })),
  );
}

function readAttempt(fields: Fields): Attempt {
  const machines = fields.list('detail').map((detail) => {
    const part = new Fields(fields.file, fields.line, detail);
    return { ip: part.text('ip'), gpus: part.list('gpus').length };
  });
  return { startMs: fields.date('start_time'), endMs: fields.date('end_time'), machines };
}

/** Columns machineId, number of GPUs, single GPU mem. */
export function readPhillyMachines(source: TextSource, options: ReadOptions = {}): Cluster {
  const table = new CsvTable(source);
  table.require(['machineId', 'number of GPUs']);
  const nodes = [...table.rows()].map((row) =>
    makeNode(row.need('machineId'), {
      ...defaultSize,
      ...options.node,
      gpus: row.number('number of GPUs', { min: 0, max: 64, whole: true }),
      // The kind of card is not told, its memory is.
      model: row.text('single GPU mem'),
    }),
  );
  return { name: baseName(source.name), nodes, pools: [] };
}

function seenCluster(name: string, seen: ReadonlyMap<string, number>, options: ReadOptions): Cluster {
  const nodes: Node[] = [...seen]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([ip, gpus]) =>
      makeNode(ip, { ...defaultSize, ...options.node, gpus: gpus > 8 ? gpus : gpus > 2 ? 8 : 2 }),
    );
  return { name, nodes, pools: [] };
}

/** Fields of a JSON object, with errors that say where. */
class Fields {
  readonly file: string;
  readonly line: number;
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(file: string, line: number, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InputError(file, 'an object was expected', { line });
    }
    this.file = file;
    this.line = line;
    this.#value = value as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.#value[name];
    if (typeof value === 'string') return value;
    throw this.error(name, `${quote(JSON.stringify(value) ?? 'nothing')} is there; a text was expected`);
  }

  list(name: string): readonly unknown[] {
    const value = this.#value[name];
    if (Array.isArray(value)) return value as unknown[];
    throw this.error(name, `${quote(JSON.stringify(value) ?? 'nothing')} is there; a list was expected`);
  }

  /** Undefined where the log has none. */
  date(name: string): number | undefined {
    const value = this.#value[name];
    if (value === undefined || value === null || value === '' || value === 'None') return undefined;
    const ms = typeof value === 'string' ? readDate(value) : undefined;
    if (ms === undefined)
      throw this.error(name, `${quote(JSON.stringify(value))} is not a time such as 2017-10-07 01:11:39`);
    return ms;
  }

  error(name: string, problem: string): InputError {
    return new InputError(this.file, problem, { line: this.line, column: name });
  }
}
