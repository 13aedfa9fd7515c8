import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planOf } from '../src/scenario/plan.ts';
import { specOf } from '../src/scenario/run-spec.ts';
import type { Node } from '@coracle/machinery/api';
import type { Job } from '../src/model/job.ts';
import { atReference } from '../src/scenario/reference-times.ts';
import { remarksOf } from '../src/scenario/remarks.ts';
import { createSources } from '../src/scenario/sources.ts';
import type { ScenarioSpec } from '../src/scenario/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'sources-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const node = (name: string, cards: number): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { allocatable: { cpu: '8', memory: '32Gi', 'nvidia.com/gpu': String(cards) } },
});
const names = (nodes: readonly { metadata: { name?: string } }[]) =>
  nodes.map(({ metadata }) => metadata.name);
const jobs = file('jobs.csv', 'job_id,num_gpu,submit_time,duration\na,1,0,1000\nb,2,60000,1000\n');

describe('nodes of a file', () => {
  const sources = createSources();
  test('are a list of kubectl, or documents', () => {
    const list = file('list.json', JSON.stringify({ kind: 'List', items: [node('a', 1), node('b', 2)] }));
    expect(names(sources.nodes(list))).toEqual(['a', 'b']);
    const documents = file(
      'docs.yaml',
      `${JSON.stringify(node('c', 1))}\n---\n${JSON.stringify({ kind: 'Pod' })}\n`,
    );
    expect(names(sources.nodes(documents))).toEqual(['c']);
  });
  test('are the node list of a trace', () => {
    const trace = file('openb.csv', 'sn,cpu_milli,memory_mib,gpu,model\nn-1,64000,262144,2,P100\n');
    expect(names(sources.nodes(trace))).toEqual(['n-1']);
  });
  test('must be there', () => {
    expect(() => sources.nodes(file('pods.yaml', 'kind: Pod'))).toThrow(
      'pods.yaml: there are no objects of kind Node in it',
    );
    expect(() => sources.nodes(file('table.csv', 'a,b\n1,2\n'))).toThrow(
      'table.csv: there are no nodes in it that are known here',
    );
    expect(() => sources.nodes(join(folder, 'gone.yaml'))).toThrow('gone.yaml: there is no such file');
  });
});

describe('a run', () => {
  const made = (spec: ScenarioSpec) => specOf(planOf(spec).runs[0]!, createSources());
  test('has everything the scenario says, in the engine’s units', () => {
    const spec = made({
      cluster: { pools: [{ name: 'p', shape: 't4x4', count: 2 }] },
      workload: { from: jobs, arrivals: 2 },
      ordering: ['easy'],
      firstSeed: 7,
      until: '1d',
      preemption: true,
      nodeFailures: { meanUp: '1d', meanDown: '1h' },
      jobFailures: { meanPodUp: '2d', limit: 3 },
      maintenance: [{ from: '1h', to: '2h', pool: 'p' }],
      autoscaling: [{ pool: 'p', min: 1, max: 4, boot: '1m' }],
      points: { series: 50, gantt: 20_000 },
    });
    expect(spec).toMatchObject({
      seed: 7,
      untilMs: 86_400_000,
      preemption: true,
      nodeFailures: { meanUpMs: 86_400_000, meanDownMs: 3_600_000 },
      jobFailures: { meanPodUpMs: 172_800_000, limit: 3 },
      maintenance: [{ fromMs: 3_600_000, toMs: 7_200_000, nodes: { pool: 'p' }, mode: 'drain' }],
      autoscaling: [{ pool: 'p', min: 1, max: 4, bootMs: 60_000, idleMs: 600_000 }],
      points: { series: 50, gantt: 20_000 },
    });
    expect(spec.ordering.name).toBe('easy');
    expect([...spec.workload.jobs()].map(({ submitMs }) => submitMs)).toEqual([0, 30_000]);
  });
  test('takes the nodes of the input where the scenario names none, and generates for its seed', () => {
    expect(made({ cluster: {}, workload: { from: jobs } }).cluster.nodes).toHaveLength(8);
    const generated = (firstSeed: number) =>
      [
        ...made({
          cluster: { pools: [{ shape: 'cpu8', count: 1 }] },
          workload: { generate: { jobs: 3 } },
          firstSeed,
        }).workload.jobs(),
      ].map(({ runMs }) => runMs);
    expect(generated(1)).toEqual(generated(1));
    expect(generated(1)).not.toEqual(generated(2));
  });
});

describe('jobs whose trace says only how much they had', () => {
  const swf = file('log.swf', '; MaxProcs: 64\n1 0 -1 10 40 -1 -1 40 -1 -1 1 1 1 1 1 1 -1 -1\n');
  const pods = (spec: ScenarioSpec): number[] => {
    const [first] = specOf(planOf(spec).runs[0]!, createSources()).workload.jobs();
    return first!.podSets.map(({ count }) => count);
  };
  test('are spread over the nodes that the scenario names', () => {
    const pools = [{ shape: 'cpu16', count: 4 }];
    expect(pods({ cluster: {}, workload: { from: swf } })).toEqual([1]);
    expect(pods({ cluster: { pools }, workload: { from: swf } })).toEqual([2, 1]);
    expect(pods({ cluster: { pools }, workload: { from: swf, coresPerNode: 8 } })).toEqual([5]);
    expect(pods({ cluster: { pools }, workload: { from: swf, machines: 'machine' } })).toEqual([1]);
    const muri = file('m.csv', 'job_id,num_gpu,submit_time,duration\na,8,0,1000\n');
    expect(pods({ cluster: { pools: [{ shape: 't4x4', count: 4 }] }, workload: { from: muri } })).toEqual([
      2,
    ]);
    expect(pods({ cluster: {}, workload: { from: muri } })).toEqual([1]);
  });
});

describe('remarks', () => {
  const remarks = (spec: Partial<ScenarioSpec>, prioritised = 0): string[] => {
    const whole = { cluster: { pools: [{ shape: 'a100x8', count: 4 }] }, workload: { from: jobs }, ...spec };
    return remarksOf(whole, planOf(whole), { prioritised, models: ['NVIDIA-A100-SXM4-80GB'] });
  };
  test('priorities that nothing uses are told', () => {
    expect(remarks({}, 3)).toEqual([expect.stringContaining('nothing here uses them')]);
    expect(remarks({})).toEqual([]);
    expect(remarks({ preemption: true }, 3)).toEqual([]);
    expect(remarks({ ordering: ['fifo', 'priority'] }, 3)).toEqual([]);
    expect(remarks({ variants: [{ preemption: true }] }, 3)).toEqual([]);
  });
  test('cards that come without a speed are told', () => {
    const swap = [{ pool: 'a100x8', shape: 'h100x8' }];
    expect(remarks({ variants: [{ swap }] })).toEqual([expect.stringContaining('as long on h100x8')]);
    expect(remarks({ variants: [{ swap, speeds: { H100: 2 } }] })).toEqual([]);
    expect(remarks({ speeds: { H100: 2 }, variants: [{ swap }] })).toEqual([]);
    expect(remarks({ variants: [{ add: [{ shape: 'a100x8', count: 2 }] }] })).toEqual([]);
    expect(remarks({ speeds: { A1OO: 2 } })).toEqual([
      'No cards here are called "A1OO", so that its speed counts for nothing; there are NVIDIA-A100-SXM4-80GB.',
    ]);
  });
});

test('what jobs waited in truth is told where the input says it, and the jobs are as they were', () => {
  const line = (id: number, wait: number): string =>
    `${id} ${id} ${wait} 10 1 -1 -1 1 -1 -1 1 1 1 1 1 1 -1 -1`;
  const log = file('waits.swf', [line(1, 0), line(2, 120), line(3, -1), line(4, 60)].join('\n'));
  const spec: ScenarioSpec = { cluster: {}, workload: { from: log } };
  const { recorded } = specOf(planOf(spec).runs[0]!, createSources()).workload;
  expect(recorded).toEqual({ jobs: 3, meanMs: 60_000, p95Ms: 114_000 });
  const seen = { recorded: recorded! };
  expect(remarksOf(spec, planOf(spec), seen)).toEqual([
    'As the input has it, jobs waited 1.00 min in the mean and 1.90 min at the 95th percentile (3 jobs).',
  ]);
  const faster = { ...spec, workload: { from: log, arrivals: 2 } };
  expect(remarksOf(faster, planOf(faster), seen)).toEqual([]);
});

test('with speeds, a recorded job takes as long as it did where it was', () => {
  const h100 = (name: string): Node => {
    const { metadata, ...rest } = node(name, 8) as Node;
    return {
      ...rest,
      metadata: { ...metadata, labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' } },
    };
  };
  const made = (id: string, cardNodes?: string): Job => ({
    id,
    tenant: 't',
    submitMs: 0,
    runMs: 1000,
    podSets: [],
    ...(cardNodes !== undefined && { about: { cardNodes } }),
  });
  const all = [made('fast', 'h1'), made('gang', 'h1,a1'), made('slow', 'a1'), made('cores')];
  const workload = { name: 'w', notes: [], jobs: () => all };
  const nodes = [h100('h1'), node('a1', 8) as Node];
  const times = [...atReference(workload, nodes, { H100: 2 }).jobs()].map(({ runMs }) => runMs);
  expect(times).toEqual([2000, 1000, 1000, 1000]);
  expect(atReference(workload, nodes, undefined)).toBe(workload);
});
