/**
 * SenseTime's Helios traces (S-Lab-System-Group/HeliosData, SC'21): `cluster_log.csv`, jobs of a Slurm cluster, and
 * `cluster_gpu_number.csv`, cards by day and virtual cluster. Times have no zone and are read as UTC.
 */
import type { Cluster } from '../model/cluster.ts';
import type { Job } from '../model/job.ts';
import { CsvTable } from './csv.ts';
import type { Row } from './row.ts';
import { eachRow } from './each-row.ts';
import type { Input, ReadOptions } from './input.ts';
import { baseName } from './names.ts';
import { equalNodes } from './nodes.ts';
import { Notes } from './notes.ts';
import { Shapes } from './pod-shape.ts';
import type { TextSource } from './text-source.ts';
import { fromFirst, workloadOf } from './workload.ts';

export interface HeliosOptions extends ReadOptions {
  /** Whose a job is: the virtual cluster's (default) or the user's. The other is in `about`. */
  readonly tenant?: 'vc' | 'user';
}

/** Eight cards a node. The log does not say what else a node has. */
const defaultSize = { cpuMilli: 64_000, memoryMib: 384 * 1024, gpus: 8 };

/** A pod for each of the job's nodes, its cards and cores shared out evenly. Without a list of cards there is no cluster. */
export function readHelios(log: TextSource, cards?: TextSource, options: HeliosOptions = {}): Input {
  const table = new CsvTable(log);
  table.require(['job_id', 'gpu_num', 'cpu_num', 'node_num', 'state', 'submit_time', 'duration']);
  const notes = new Notes();
  const shapes = new Shapes();
  const read: Job[] = [];
  eachRow(table, notes, options.lenient ?? false, (row) => {
    const job = readJob(row, notes, shapes, options);
    if (job) read.push(job);
  });
  const { jobs, firstMs } = fromFirst(read);
  const workload = workloadOf(baseName(log.name), log.name, jobs, notes.all());
  const cluster = cards && readHeliosCards(cards, options);
  return {
    format: 'helios',
    workload,
    ...(cluster ? { cluster } : {}),
    notes: workload.notes,
    epochMs: firstMs,
  };
}

function readJob(row: Row, notes: Notes, shapes: Shapes, options: HeliosOptions): Job | undefined {
  const submitMs = row.date('submit_time');
  if (submitMs === undefined) throw row.error('submit_time', 'is empty; a time was expected');
  const gpus = row.number('gpu_num', { min: 0, whole: true });
  const cpus = row.number('cpu_num', { min: 0 });
  const nodes = row.number('node_num', { min: 0, whole: true });
  const state = row.text('state');
  const ends = endings[state.replace(/ .*/, '')];
  if (ends === undefined) {
    notes.skipped(`state ${state || '(none)'}`, row.line);
    return undefined;
  }
  const seconds = row.number('duration', { empty: NaN });
  if (Number.isNaN(seconds) || nodes === 0) {
    notes.skipped('it never ran', row.line);
    return undefined;
  }
  if (seconds < 0) notes.mended('its duration is negative: it runs no time', row.line);
  const pods = nodes;
  const cpuMilli = Math.round((cpus * 1000) / pods);
  const even = gpus % pods === 0;
  if (!even)
    notes.mended('its cards cannot be shared evenly by its nodes: some pods have one more', row.line);
  const podSets = even
    ? shapes.pods(pods, { cpuMilli, gpus: gpus / pods })
    : shapes.sets([
        { name: 'worker', count: gpus % pods, shape: { cpuMilli, gpus: Math.ceil(gpus / pods) } },
        { name: 'rest', count: pods - (gpus % pods), shape: { cpuMilli, gpus: Math.floor(gpus / pods) } },
      ]);
  const text = (column: string): string => row.text(column) || 'unknown';
  const byUser = options.tenant === 'user';
  const name = row.text('jobname');
  return {
    id: row.need('job_id'),
    tenant: byUser ? text('user') : text('vc'),
    submitMs,
    podSets,
    runMs: Math.max(0, seconds) * 1000,
    ...(ends === 'succeeded' ? {} : { ends }),
    about: {
      ...(byUser ? { vc: text('vc') } : { user: text('user') }),
      ...(name === '' ? {} : { name }),
      state,
    },
  };
}

/** The states of Slurm that the trace has; TIMEOUT and NODE_FAIL count as failed, as the authors take them. */
const endings: Readonly<Record<string, 'succeeded' | 'cancelled' | 'failed'>> = {
  COMPLETED: 'succeeded',
  CANCELLED: 'cancelled',
  FAILED: 'failed',
  TIMEOUT: 'failed',
  NODE_FAIL: 'failed',
  OUT_OF_MEMORY: 'failed',
};

/** Columns date, one for each virtual cluster, total. The cluster is as large as it ever was. */
export function readHeliosCards(source: TextSource, options: ReadOptions = {}): Cluster {
  const table = new CsvTable(source);
  table.require(['date', 'total']);
  let most = 0;
  for (const row of table.rows())
    most = Math.max(most, row.number('total', { min: 0, max: 1e7, whole: true }));
  const size = { ...defaultSize, ...options.node };
  return {
    name: baseName(source.name),
    nodes: equalNodes('node', Math.ceil(most / size.gpus), size),
    pools: [],
  };
}
