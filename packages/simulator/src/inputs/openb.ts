/**
 * The openb traces (Alibaba's cluster-trace-gpu-v2023, published with FGD, USENIX ATC'23): a list of nodes and lists of pods,
 * each pod a job of its own. Times are seconds.
 */
import { countAnnotation, milliAnnotation, modelAnnotation } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import type { Cluster } from '../model/cluster.ts';
import type { Job, PodSet, Workload } from '../model/job.ts';
import { CsvTable } from './csv.ts';
import type { Row } from './row.ts';
import { eachRow } from './each-row.ts';
import type { ReadOptions } from './input.ts';
import { baseName } from './names.ts';
import { Notes } from './notes.ts';
import { makeTemplate } from './pod-shape.ts';
import type { TextSource } from './text-source.ts';
import { workloadOf } from './workload.ts';

/** Columns sn, cpu_milli, memory_mib, gpu, model. In the order of the file. */
export function readOpenbNodes(source: TextSource): Cluster {
  const table = new CsvTable(source);
  table.require(['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model']);
  const nodes: Node[] = [];
  for (const row of table.rows()) {
    const name = row.need('sn');
    const allocatable: Record<string, string> = {
      cpu: `${row.number('cpu_milli', { min: 0, whole: true })}m`,
      memory: `${row.number('memory_mib', { min: 0, whole: true })}Mi`,
      pods: '1001',
      [countAnnotation]: String(row.number('gpu', { min: 0, max: 64, whole: true })),
    };
    nodes.push({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { [modelAnnotation]: row.text('model') } },
      status: { allocatable },
    } as unknown as Node);
  }
  return { name: baseName(source.name), nodes, pools: [] };
}

/**
 * Columns name, cpu_milli, memory_mib, num_gpu, gpu_milli; some files have gpu_spec (models that will do, by `|`), qos, pod_phase,
 * creation_time, deletion_time, scheduled_time besides. Without times all pods come at 0 and never end.
 */
export function readOpenbPods(source: TextSource, options: ReadOptions = {}): Workload {
  const table = new CsvTable(source);
  table.require(['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli']);
  const timed = table.has('creation_time') && table.has('deletion_time');
  const notes = new Notes();
  const sets = new Map<string, readonly PodSet[]>();
  const jobs: Job[] = [];
  eachRow(table, notes, options.lenient ?? false, (row) => {
    const phase = row.text('pod_phase');
    const about = { ...(phase ? { phase } : {}), ...(row.text('qos') ? { qos: row.text('qos') } : {}) };
    jobs.push({
      id: row.need('name'),
      tenant: 'openb',
      ...(timed ? times(row, notes) : { submitMs: 0, runMs: Infinity }),
      podSets: podSets(row, sets),
      ...(phase === 'Failed' ? { ends: 'failed' as const } : {}),
      ...(Object.keys(about).length > 0 ? { about } : {}),
    });
  });
  return workloadOf(baseName(source.name), source.name, jobs, notes.all());
}

function times(row: Row, notes: Notes): Pick<Job, 'submitMs' | 'runMs'> {
  const submit = row.number('creation_time', { min: 0 });
  const end = row.number('deletion_time', { min: 0 });
  let start = row.number('scheduled_time', { min: 0, empty: -1 });
  if (start < 0) {
    notes.mended('never scheduled: the time until its deletion is taken as its run time', row.line);
    start = submit;
  }
  if (end < start) notes.mended('deleted before it was scheduled: it runs no time', row.line);
  return { submitMs: submit * 1000, runMs: Math.max(0, end - start) * 1000 };
}

function podSets(row: Row, known: Map<string, readonly PodSet[]>): readonly PodSet[] {
  const requests = {
    cpu: `${row.number('cpu_milli', { min: 0, whole: true })}m`,
    memory: `${row.number('memory_mib', { min: 0, whole: true })}Mi`,
  };
  const count = row.number('num_gpu', { min: 0, max: 64, whole: true });
  const milli = Math.min(1000, row.number('gpu_milli', { min: 0, whole: true }));
  const models = row.text('gpu_spec');
  const key = `${requests.cpu} ${requests.memory} ${count} ${milli} ${models}`;
  let sets = known.get(key);
  if (!sets) {
    const annotations: Record<string, string> = {};
    if (count > 0) {
      annotations[countAnnotation] = String(count);
      annotations[milliAnnotation] = String(milli);
      const chosen = models.split('|').filter((model) => model !== '');
      if (chosen.length > 0) annotations[modelAnnotation] = chosen.join('|');
    }
    sets = [{ name: 'pod', count: 1, template: makeTemplate(requests, annotations) }];
    known.set(key, sets);
  }
  return sets;
}
