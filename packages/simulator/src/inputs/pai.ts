/**
 * Alibaba's PAI traces (alibaba/clusterdata, cluster-trace-gpu-v2020; NSDI'22): tables of jobs, tasks and machines as CSV files
 * whose headers lie beside them; files with the header as first line are read too. Times are seconds, cores and cards percent of
 * one, memory GiB.
 */
import type { Node } from '@coracle/machinery/api';
import type { Cluster } from '../model/cluster.ts';
import type { Job } from '../model/job.ts';
import { CsvTable, firstLines } from './csv.ts';
import type { Row } from './row.ts';
import { eachRow } from './each-row.ts';
import type { Input, ReadOptions } from './input.ts';
import { baseName } from './names.ts';
import { makeNode } from './nodes.ts';
import { Notes } from './notes.ts';
import { Shapes, type PodShape } from './pod-shape.ts';
import type { TextSource } from './text-source.ts';
import { fromFirst, workloadOf } from './workload.ts';

export const paiColumns = {
  jobs: ['job_name', 'inst_id', 'user', 'status', 'start_time', 'end_time'],
  tasks: [
    'job_name',
    'task_name',
    'inst_num',
    'status',
    'start_time',
    'end_time',
    'plan_cpu',
    'plan_mem',
    'plan_gpu',
    'gpu_type',
  ],
  machines: ['machine', 'gpu_type', 'cap_cpu', 'cap_mem', 'cap_gpu'],
} as const;

export interface PaiOptions extends ReadOptions {
  /** Tasks may run only on the type of card that they ran on. Default false: any will do. */
  readonly gpuTypes?: boolean;
}

export interface PaiFiles {
  readonly tasks: TextSource;
  /** Users and times of submission. Without it a job comes when its first task starts, and is nobody's. */
  readonly jobs?: TextSource;
  readonly machines?: TextSource;
}

interface Found {
  line: number;
  startMs: number;
  endMs: number;
  /** Undefined: some task has no end. */
  open: boolean;
  started: boolean;
  failed: boolean;
  sets: { name: string; count: number; shape: PodShape }[];
}

/** A job is all its tasks, started together; it runs from the first start of a task to the last end. */
export function readPai(files: PaiFiles, options: PaiOptions = {}): Input {
  const notes = new Notes();
  const lenient = options.lenient ?? false;
  const found = new Map<string, Found>();
  eachRow(tableOf(files.tasks, paiColumns.tasks), notes, lenient, (row) =>
    readTask(row, found, notes, options),
  );
  const submitted = files.jobs ? readJobs(files.jobs, notes, lenient) : undefined;
  const shapes = new Shapes();
  const read: Job[] = [];
  for (const [id, { line, startMs, endMs, open, started, failed, sets }] of found) {
    if (!started) {
      notes.skipped('it never started', line);
      continue;
    }
    if (endMs === -Infinity && !open) {
      notes.skipped('no end is recorded', line);
      continue;
    }
    const about = submitted?.get(id);
    if (submitted && !about)
      notes.mended('not in the table of jobs: it comes when its first task starts', line);
    if (open) notes.mended('still running when the trace ends: it never ends', line);
    read.push({
      id,
      tenant: about?.user ?? 'unknown',
      submitMs: Math.min(about?.submitMs ?? startMs, startMs),
      podSets: shapes.sets(sets),
      runMs: open ? Infinity : Math.max(0, endMs - startMs),
      ...(failed ? { ends: 'failed' as const } : {}),
    });
  }
  const { jobs } = fromFirst(read);
  const workload = workloadOf(baseName(files.tasks.name), files.tasks.name, jobs, notes.all());
  const cluster = files.machines && readPaiMachines(files.machines);
  return { format: 'pai', workload, ...(cluster ? { cluster } : {}), notes: workload.notes };
}

function readTask(row: Row, found: Map<string, Found>, notes: Notes, options: PaiOptions): void {
  const id = row.need('job_name');
  const status = row.text('status');
  const startMs = row.number('start_time', { min: 0, empty: NaN }) * 1000;
  const endMs = row.number('end_time', { min: 0, empty: NaN }) * 1000;
  const count = row.number('inst_num', { min: 0, empty: 1 });
  if (row.text('inst_num') === '')
    notes.mended('a task does not say how many instances it has: one', row.line);
  let job = found.get(id);
  if (!job) {
    job = {
      line: row.line,
      startMs: Infinity,
      endMs: -Infinity,
      open: false,
      started: false,
      failed: false,
      sets: [],
    };
    found.set(id, job);
  }
  if (!Number.isNaN(startMs)) {
    job.started = true;
    job.startMs = Math.min(job.startMs, startMs);
    if (Number.isNaN(endMs)) job.open ||= status === 'Running';
  }
  if (!Number.isNaN(endMs)) job.endMs = Math.max(job.endMs, endMs);
  job.failed ||= status === 'Failed';
  const name = row.text('task_name') || 'task';
  const same = job.sets.filter((set) => set.name === name || set.name.startsWith(`${name}-`)).length;
  job.sets.push({
    name: same === 0 ? name : `${name}-${same + 1}`,
    count: Math.ceil(count),
    shape: shapeOf(row, notes, options),
  });
}

function shapeOf(row: Row, notes: Notes, options: PaiOptions): PodShape {
  const percent = row.number('plan_gpu', { min: 0, empty: 0 });
  let gpus = percent > 0 ? 1 : 0;
  if (percent > 100) {
    gpus = Math.ceil(percent / 100);
    if (percent % 100 !== 0)
      notes.mended('cards beyond the first that are not whole are taken as whole', row.line);
  }
  const type = row.text('gpu_type');
  return {
    cpuMilli: Math.round(row.number('plan_cpu', { min: 0, empty: 0 }) * 10),
    memoryMib: Math.round(row.number('plan_mem', { min: 0, empty: 0 }) * 1024),
    gpus,
    gpuMilli: percent > 100 ? 1000 : Math.max(1, Math.round(percent * 10)),
    ...(options.gpuTypes && gpus > 0 && type !== '' ? { models: [type] } : {}),
  };
}

interface Submitted {
  readonly user: string;
  readonly submitMs: number | undefined;
}

function readJobs(source: TextSource, notes: Notes, lenient: boolean): ReadonlyMap<string, Submitted> {
  const jobs = new Map<string, Submitted>();
  eachRow(tableOf(source, paiColumns.jobs), notes, lenient, (row) => {
    const seconds = row.number('start_time', { min: 0, empty: NaN });
    jobs.set(row.need('job_name'), {
      user: row.text('user') || 'unknown',
      submitMs: Number.isNaN(seconds) ? undefined : seconds * 1000,
    });
  });
  return jobs;
}

/** Columns machine, gpu_type, cap_cpu (cores), cap_mem (GiB), cap_gpu (cards). */
export function readPaiMachines(source: TextSource): Cluster {
  const nodes: Node[] = [];
  for (const row of tableOf(source, paiColumns.machines).rows()) {
    nodes.push(
      makeNode(row.need('machine'), {
        cpuMilli: row.number('cap_cpu', { min: 0 }) * 1000,
        memoryMib: Math.round(row.number('cap_mem', { min: 0 }) * 1024),
        gpus: row.number('cap_gpu', { min: 0, max: 64, whole: true, empty: 0 }),
        model: row.text('gpu_type') === 'CPU' ? '' : row.text('gpu_type'),
      }),
    );
  }
  return { name: baseName(source.name), nodes, pools: [] };
}

/** The published files have no header. */
function tableOf(source: TextSource, columns: readonly string[]): CsvTable {
  const [first = ''] = firstLines(source, 1);
  if (!first.split(',').includes(columns[0]!)) return new CsvTable(source, { columns, separator: ',' });
  const table = new CsvTable(source);
  table.require(columns);
  return table;
}
