/**
 * The Standard Workload Format, version 2.2, of the Parallel Workloads Archive: comments that begin with `;`, some of them
 * `; Name: value`, and a line of 18 numbers for each job; -1 means unknown. Source: D. Feitelson, "The Standard Workload
 * Format", www.cs.huji.ac.il/labs/parallel/workload/swf.html.
 */
import type { Cluster } from '../model/cluster.ts';
import type { Job, PodSet } from '../model/job.ts';
import { readNumber } from './number.ts';
import { InputError, quote } from './input-error.ts';
import type { Input, ReadOptions } from './input.ts';
import { linesOf } from './lines.ts';
import { baseName } from './names.ts';
import { equalNodes } from './nodes.ts';
import { Notes } from './notes.ts';
import { Shapes } from './pod-shape.ts';
import type { TextSource } from './text-source.ts';
import { workloadOf } from './workload.ts';

/** The 18 fields, in their order. */
export const swfFields = [
  'Job Number',
  'Submit Time',
  'Wait Time',
  'Run Time',
  'Number of Allocated Processors',
  'Average CPU Time Used',
  'Used Memory',
  'Requested Number of Processors',
  'Requested Time',
  'Requested Memory',
  'Status',
  'User ID',
  'Group ID',
  'Executable (Application) Number',
  'Queue Number',
  'Partition Number',
  'Preceding Job Number',
  'Think Time from Preceding Job',
] as const;

export interface SwfOptions extends ReadOptions {
  /**
   * `machine` (default): all processors are one machine, as in the literature on backfill, and a job is one pod of them. `nodes`:
   * MaxNodes machines that share MaxProcs; a job takes whole ones and a part of one more. With the cores of a node
   * (`node.cpuMilli`) jobs are spread over nodes of so many, and the default is `nodes`.
   */
  readonly machines?: 'machine' | 'nodes';
}

export type SwfHeader = Readonly<Record<string, string>>;

export interface SwfInput extends Input {
  /** The comments that have a name; of those that stand several times (Queue, Note) all, line by line. */
  readonly header: SwfHeader;
}

/** More is taken for a mistake. */
const mostNodes = 1e7;

/** Jobs and the cluster that the header tells of. A processor is a core. */
export function readSwf(source: TextSource, options: SwfOptions = {}): SwfInput {
  const notes = new Notes();
  const reader = new SwfReader(source, options, notes);
  const jobs = reader.jobs();
  const name = baseName(source.name);
  const cluster = reader.cluster(name);
  const workload = workloadOf(name, source.name, jobs, notes.all());
  const start = Number.parseInt(reader.header['UnixStartTime'] ?? '', 10);
  return {
    format: 'swf',
    workload,
    cluster,
    notes: workload.notes,
    header: reader.header,
    ...(start > 0 ? { epochMs: start * 1000 } : {}),
  };
}

class SwfReader {
  readonly header: Record<string, string> = Object.create(null) as Record<string, string>;
  readonly #source: TextSource;
  readonly #options: SwfOptions;
  readonly #notes: Notes;
  readonly #shapes = new Shapes();
  #largest = 1;
  /** Known with the first job: the header stands before it. */
  #per: number | undefined;

  constructor(source: TextSource, options: SwfOptions, notes: Notes) {
    this.#source = source;
    this.#options = options;
    this.#notes = notes;
  }

  /** All jobs, in the order of the log. */
  jobs(): Job[] {
    const jobs: Job[] = [];
    let line = 0;
    for (const text of linesOf(this.#source)) {
      line += 1;
      const trimmed = text.trim();
      if (trimmed === '') continue;
      if (trimmed.startsWith(';')) {
        this.#comment(trimmed);
        continue;
      }
      try {
        const job = this.#job(this.#values(trimmed, line), line);
        if (job) jobs.push(job);
      } catch (error) {
        if (!this.#options.lenient || !(error instanceof InputError)) throw error;
        this.#notes.skipped('cannot be read', line);
      }
    }
    return jobs;
  }

  #comment(text: string): void {
    const [, name, value] = /^;+\s*([A-Za-z][A-Za-z ]*?)\s*:\s*(.*?)\s*$/.exec(text) ?? [];
    if (name === undefined || value === undefined) return;
    const before = this.header[name];
    this.header[name] = before === undefined ? value : `${before}\n${value}`;
  }

  #values(text: string, line: number): readonly number[] {
    const parts = text.split(/\s+/);
    if (parts.length !== swfFields.length) {
      const { length } = parts;
      throw new InputError(
        this.#source.name,
        `has ${length} field${length === 1 ? '' : 's'}; ${swfFields.length} were expected`,
        {
          line,
        },
      );
    }
    return parts.map((part, i) => {
      const value = readNumber(part);
      if (value !== undefined) return value;
      throw new InputError(this.#source.name, `${quote(part)} is not a number`, {
        line,
        column: swfFields[i]!,
      });
    });
  }

  #job(values: readonly number[], line: number): Job | undefined {
    const [submit, run, limit] = [values[at.submit]!, values[at.run]!, values[at.limit]!];
    const [status, user, requested] = [values[at.status]!, values[at.user]!, values[at.requested]!];
    const notes = this.#notes;
    // A job that was stopped and went on has a line for the whole and one for each part; the whole is what counts.
    if (status === 2 || status === 3 || status === 4) {
      notes.skipped('a part of a job that has a line for the whole (status 2, 3 or 4)', line);
      return undefined;
    }
    const processors = requested > 0 ? requested : values[at.allocated]!;
    this.#largest = Math.max(this.#largest, Math.ceil(processors));
    if (!(processors > 0)) {
      notes.skipped('it is not known how many processors it had or asked for', line);
      return undefined;
    }
    if (status === 5 && !(run > 0)) {
      notes.skipped('cancelled before it ran', line);
      return undefined;
    }
    if (run < 0) {
      notes.skipped('its run time is not known', line);
      return undefined;
    }
    if (submit < 0) notes.mended('submitted before the log begins: it comes at 0', line);
    let about: Record<string, number> | undefined;
    for (const [name, index] of kept) {
      const value = values[index]!;
      if (value !== -1) (about ??= {})[name] = value;
    }
    return {
      id: String(values[at.number]),
      tenant: user === -1 ? 'unknown' : `user-${user}`,
      submitMs: milliseconds(Math.max(0, submit)),
      podSets: podSets(this.#shapes, Math.ceil(processors), (this.#per ??= this.#perMachine())),
      runMs: milliseconds(run),
      ...(limit > 0 ? { estimateMs: milliseconds(limit) } : {}),
      ...(status === 0 ? { ends: 'failed' as const } : status === 5 ? { ends: 'cancelled' as const } : {}),
      ...(about ? { about } : {}),
    };
  }

  #size(): { nodes: number; processors: number } {
    const given = (name: string): number => Number.parseInt(this.header[name] ?? '', 10);
    const nodes = given('MaxNodes');
    let processors = given('MaxProcs');
    if (!(processors > 0)) processors = nodes;
    if (!(processors > 0)) processors = this.#largest;
    if (Math.max(nodes, processors) > mostNodes) {
      throw new InputError(this.#source.name, `MaxNodes or MaxProcs is more than ${mostNodes}`, { line: 1 });
    }
    return { nodes: nodes > 0 ? Math.min(nodes, processors) : processors, processors };
  }

  /** Infinity: all are one machine. */
  #perMachine(): number {
    const { machines, node } = this.#options;
    const cores = Math.floor((node?.cpuMilli ?? 0) / 1000);
    if ((machines ?? (cores > 0 ? 'nodes' : 'machine')) === 'machine') return Infinity;
    if (cores > 0) return cores;
    const { nodes, processors } = this.#size();
    return Math.ceil(processors / nodes);
  }

  cluster(name: string): Cluster {
    const { nodes: machines, processors } = this.#size();
    const per = (this.#per ??= this.#perMachine());
    const nodes = this.#options.node?.cpuMilli ? Math.ceil(processors / per) : machines;
    if (!('MaxProcs' in this.header) && !('MaxNodes' in this.header)) {
      this.#notes.mended('the header has no MaxProcs: the machine is as large as the largest job', 1);
    }
    const memoryMib = this.#options.node?.memoryMib ?? 1 << 20;
    if (per === Infinity) {
      const size = { cpuMilli: processors * 1000, memoryMib, pods: Math.max(110, processors) };
      return { name, nodes: equalNodes('machine', 1, size), pools: [] };
    }
    return {
      name,
      nodes: equalNodes('node', nodes, { cpuMilli: per * 1000, memoryMib, pods: Math.max(110, per) }),
      pools: [],
    };
  }
}

/** To the microsecond: 1.001 s is 1001 ms, and not what the binary fractions make of it. */
function milliseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e3;
}

/** One pod if all fit on a machine; else one for each full machine and one for the rest. */
function podSets(shapes: Shapes, processors: number, perMachine: number): readonly PodSet[] {
  if (processors <= perMachine) return shapes.pods(1, { cpuMilli: processors * 1000 });
  const rest = processors % perMachine;
  return shapes.sets([
    { name: 'worker', count: Math.floor(processors / perMachine), shape: { cpuMilli: perMachine * 1000 } },
    { name: 'rest', count: rest > 0 ? 1 : 0, shape: { cpuMilli: rest * 1000 } },
  ]);
}

/** Places of the fields that make the job. */
const at = {
  number: 0,
  submit: 1,
  run: 3,
  allocated: 4,
  requested: 7,
  limit: 8,
  status: 10,
  user: 11,
} as const;
/** Places of those that are only kept. */
const kept = [
  ['group', 12],
  ['app', 13],
  ['queue', 14],
  ['partition', 15],
  ['preceding', 16],
  ['waitSeconds', 2],
  ['thinkSeconds', 17],
] as const;
