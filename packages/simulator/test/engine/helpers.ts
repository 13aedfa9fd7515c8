import type { Node } from '@coracle/machinery/api';
import { defaultProfile, gpuProfile, type GpuPolicy } from '@coracle/scheduler/core';
import type { Job, OrderingPolicy, PodSet, RunSpec, Workload } from '../../src/index.ts';

export const second = 1000;

export function node(name: string, gpus: number, cpu = 64, labels: Record<string, string> = {}): Node {
  const allocatable: Record<string, string> = { cpu: String(cpu), memory: '512Gi', pods: '110' };
  if (gpus > 0) allocatable['nvidia.com/gpu'] = String(gpus);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: { allocatable },
  } as unknown as Node;
}

export function nodes(count: number, gpus: number, cpu = 64): Node[] {
  return Array.from({ length: count }, (_, i) => node(`n${i}`, gpus, cpu));
}

const shapes = new Map<string, readonly PodSet[]>();
/** Equal asks are the same object, as inputs make them. */
export function pods(count: number, gpus: number, cpu = 1): readonly PodSet[] {
  const key = `${count} ${gpus} ${cpu}`;
  let sets = shapes.get(key);
  if (!sets) {
    const requests: Record<string, string> = { cpu: String(cpu) };
    if (gpus > 0) requests['nvidia.com/gpu'] = String(gpus);
    const resources = { requests, ...(gpus > 0 ? { limits: { 'nvidia.com/gpu': String(gpus) } } : {}) };
    sets = [
      {
        name: 'worker',
        count,
        template: { spec: { containers: [{ name: 'main', image: 'x', resources }] } },
      },
    ] as unknown as readonly PodSet[];
    shapes.set(key, sets);
  }
  return sets;
}

export function job(
  id: string,
  submitMs: number,
  runMs: number,
  podSets: readonly PodSet[],
  more: Partial<Job> = {},
): Job {
  return { id, tenant: 'team', submitMs, runMs, podSets, ...more };
}

export function workload(jobs: readonly Job[]): Workload {
  return { name: 'test', jobs: () => jobs, count: jobs.length, notes: [] };
}

export function ordering(more: Partial<OrderingPolicy> = {}): OrderingPolicy {
  return {
    name: 'fifo',
    mode: 'keep',
    backfill: 'none',
    skip: false,
    fixed: true,
    rank: (active) => active.index,
    ...more,
  };
}

export function spec(cluster: readonly Node[], jobs: readonly Job[], more: Partial<RunSpec> = {}): RunSpec {
  return {
    cluster: { name: 'test', nodes: cluster, pools: [] },
    workload: workload(jobs),
    placement: { name: 'default', profile: () => defaultProfile() },
    ordering: ordering(),
    seed: 1,
    ...more,
  };
}

export function placement(policy: GpuPolicy): RunSpec['placement'] {
  return { name: policy, profile: () => gpuProfile(policy) };
}
