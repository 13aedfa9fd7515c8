/** The openb traces (Alibaba, published with FGD): nodes and pods as this scheduler takes them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node, Pod } from '@coracle/machinery/api';
import type { RequestShape } from '../../src/core/index.ts';

export const traceFolder = join(import.meta.dirname, '../../../../../shared/data/traces/openb');
export const traceIsThere = existsSync(join(traceFolder, 'published.csv'));

/** A small trace of our own, made by ../openb-small-trace.ts. */
export const smallTraceFolder = join(import.meta.dirname, '../../test/traces/small');

export interface Trace {
  readonly name: string;
  /** By name. */
  readonly nodes: readonly Node[];
  /** By name. */
  readonly pods: readonly TracePod[];
}

export interface TracePod {
  readonly pod: Pod;
  readonly shape: RequestShape;
}

export function readTrace(name: string, folder = traceFolder): Trace {
  const nodes = rows(join(folder, 'openb_node_list_gpu_node.csv')).map((row) => traceNode(row));
  const pods = rows(join(folder, `openb_pod_list_${name}.csv`)).map((row) => tracePod(row));
  return {
    name,
    nodes: nodes.toSorted((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1)),
    pods: pods.toSorted((a, b) => (a.pod.metadata.name! < b.pod.metadata.name! ? -1 : 1)),
  };
}

/** Lines of a CSV file without quotes, by column. */
export function rows(path: string): Record<string, string>[] {
  const [head = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  const names = head.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, fields[i] ?? '']));
  });
}

/** Columns sn, cpu_milli, memory_mib, gpu, model. */
export function traceNode(row: Record<string, string>): Node {
  const allocatable: Record<string, string> = {
    cpu: `${row['cpu_milli']}m`,
    memory: `${row['memory_mib']}Mi`,
    pods: '1001',
    'alibabacloud.com/gpu-count': row['gpu']!,
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: row['sn']!, labels: { 'alibabacloud.com/gpu-card-model': row['model']! } },
    status: { allocatable },
  } as unknown as Node;
}

/** Columns name, cpu_milli, memory_mib, num_gpu, gpu_milli, and in some traces gpu_spec. */
export function tracePod(row: Record<string, string>): TracePod {
  const count = Number(row['num_gpu']);
  const milli = Math.min(1000, Number(row['gpu_milli']));
  const models = (row['gpu_spec'] ?? '').split('|').filter((model) => model !== '');
  const annotations: Record<string, string> = {};
  if (count > 0) {
    annotations['alibabacloud.com/gpu-count'] = String(count);
    annotations['alibabacloud.com/gpu-milli'] = String(milli);
    if (models.length > 0) annotations['alibabacloud.com/gpu-card-model'] = models.join('|');
  }
  const requests = { cpu: `${row['cpu_milli']}m`, memory: `${row['memory_mib']}Mi` };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: row['name']!, namespace: 'openb', uid: row['name']!, annotations },
    spec: { containers: [{ name: 'main', image: 'x', resources: { requests } }] },
  } as unknown as Pod;
  const shape = { cpu: Number(row['cpu_milli']), count, milli: count > 0 ? milli : 0, models };
  return { pod, shape };
}
