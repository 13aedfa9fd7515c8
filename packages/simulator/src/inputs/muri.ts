/**
 * Job lists as the simulator of Muri (pkusys/Muri, SIGCOMM'22) takes them, made from Philly's log: times are milliseconds. And
 * those of Tiresias, from which they come (SymbioticLab/Tiresias, NSDI'19): times are seconds. What a job does is in `about`: `iterations`, `iterationMs`, `model`, `batchSize`, and `resource0` to
 * `resource2`, the parts of an iteration in milliseconds.
 */
import type { Cluster } from '../model/cluster.ts';
import type { Job, Workload } from '../model/job.ts';
import { CsvTable } from './csv.ts';
import { eachRow } from './each-row.ts';
import type { ReadOptions } from './input.ts';
import { baseName } from './names.ts';
import { equalNodes } from './nodes.ts';
import { Notes } from './notes.ts';
import { Shapes } from './pod-shape.ts';
import type { TextSource } from './text-source.ts';
import { workloadOf } from './workload.ts';

/** Of the published experiments: 64 cards as 8 nodes of 8. Cores and memory do not matter there. */
const defaultNodes = 8;
const defaultCards = 8;

/**
 * Tiresias' lists have the interval between jobs and not the time of an iteration; Muri's have both, and show by their
 * `duration` = `iterations` x `iteration_time` that all are milliseconds.
 */
function unitMs(table: CsvTable): number {
  return table.has('interval') && !table.has('iteration_time') ? 1000 : 1;
}

/**
 * Columns job_id, num_gpu, submit_time, duration; of the rest what is there is put in `about`. A job of more cards than a node has
 * takes whole nodes and a part of one more.
 */
export function readMuriJobs(source: TextSource, options: ReadOptions = {}): Workload {
  const table = new CsvTable(source);
  table.require(['job_id', 'num_gpu', 'submit_time', 'duration']);
  const perNode = options.node?.gpus ?? defaultCards;
  const unit = unitMs(table);
  const shapes = new Shapes();
  const notes = new Notes();
  const jobs: Job[] = [];
  eachRow(table, notes, options.lenient ?? false, (row) => {
    const gpus = row.number('num_gpu', { min: 0, whole: true });
    const about: Record<string, string | number> = {};
    for (const [column, name] of numbers) {
      if (table.has(column) && row.text(column) !== '') about[name] = row.number(column);
    }
    if (row.text('model_name') !== '') about['model'] = row.text('model_name');
    jobs.push({
      id: row.need('job_id'),
      tenant: 'muri',
      submitMs: row.number('submit_time', { min: 0 }) * unit,
      runMs: row.number('duration', { min: 0 }) * unit,
      podSets: shapes.spread(gpus, perNode),
      ...(Object.keys(about).length > 0 ? { about } : {}),
    });
  });
  return workloadOf(baseName(source.name), source.name, jobs, notes.all());
}

const numbers = [
  ['iterations', 'iterations'],
  ['iteration_time', 'iterationMs'],
  ['batch_size', 'batchSize'],
  ['resource_time_0', 'resource0'],
  ['resource_time_1', 'resource1'],
  ['resource_time_2', 'resource2'],
  ['priority', 'priority'],
] as const;

/** The cluster of the published experiments, or of so many nodes. */
export function muriCluster({
  nodes = defaultNodes,
  node = {},
}: Pick<ReadOptions, 'node'> & { readonly nodes?: number } = {}): Cluster {
  const size = { cpuMilli: 96_000, memoryMib: 1_048_576, gpus: defaultCards, ...node };
  return { name: `${nodes} nodes of ${size.gpus} cards`, nodes: equalNodes('node', nodes, size), pools: [] };
}
