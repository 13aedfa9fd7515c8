/** Each format's sample, and the published traces where they lie beside the repository. */
import type { Job } from '../src/model/job.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { readInput, type InputRequest } from '../src/inputs/index.ts';

const sample = (name: string): string => join(import.meta.dirname, 'samples', name);
/** Published traces, where they lie beside the repository. */
const published = (path: string): string => join(import.meta.dirname, '../../../../shared/data/traces', path);
const jobsOf = (request: InputRequest): Job[] => [...(readInput(request).workload?.jobs() ?? [])];
const requests = (job: Job | undefined) =>
  job?.podSets.map(({ count, template }) => [count, template.spec.containers[0]!.resources?.requests]);
const notesOf = (request: InputRequest) =>
  readInput(request).notes.map(({ what, why, lines }) => `${what}: ${why} @${lines.join()}`);

describe('openb', () => {
  test('nodes and pods of a folder; odd pods are noted', () => {
    const input = readInput({ path: sample('openb') });
    expect(input.format).toBe('openb');
    expect(input.cluster?.nodes.map(({ metadata }) => metadata.name)).toEqual(['node-a', 'node-b', 'node-c']);
    const jobs = [...input.workload!.jobs()];
    expect(jobs.map(({ id, submitMs, runMs, ends }) => [id, submitMs, runMs, ends])).toEqual([
      ['pod-2', 0, 50_000, 'failed'],
      ['pod-1', 30_000, 90_000, undefined],
      ['pod-3', 45_000, 30_000, undefined],
      ['pod-4', 50_000, 0, undefined],
    ]);
    expect(jobs[1]!.podSets).toBe(jobs[3]!.podSets);
    expect(jobs[0]!.podSets[0]!.template.metadata?.annotations).toMatchObject({
      'alibabacloud.com/gpu-card-model': 'P100|V100M32',
    });
    expect(input.notes.map(({ count, lines }) => [count, lines])).toEqual([
      [1, [4]],
      [1, [5]],
    ]);
  });

  test('the published trace has as many of each kind as its authors say', () => {
    const folder = published('openb');
    if (!existsSync(folder)) return void console.warn('skipped: no openb traces beside the repository');
    const { cluster, workload } = readInput({
      files: [join(folder, 'openb_node_list_gpu_node.csv'), join(folder, 'openb_pod_list_default.csv')],
    });
    expect(cluster!.nodes).toHaveLength(1213);
    const gpus = cluster!.nodes.map(({ status }) =>
      Number(status?.allocatable?.['alibabacloud.com/gpu-count']),
    );
    expect(gpus.reduce((sum, count) => sum + count, 0)).toBe(6212);
    const kinds = new Map<string, number>();
    for (const { podSets } of workload!.jobs()) {
      const annotations = podSets[0]!.template.metadata?.annotations ?? {};
      const count = annotations['alibabacloud.com/gpu-count'] ?? '0';
      const kind = count === '1' && annotations['alibabacloud.com/gpu-milli'] !== '1000' ? 'part' : count;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect(Object.fromEntries(kinds)).toEqual({ 0: 1088, part: 3078, 1: 3911, 2: 16, 4: 15, 8: 44 });
  });
});

describe('Muri', () => {
  test('jobs of more cards than a node has take whole nodes and a part', () => {
    const { workload, cluster } = readInput({ path: sample('muri.csv') });
    expect(cluster?.nodes).toHaveLength(8);
    const [one, twenty] = [...workload!.jobs()];
    expect(one).toMatchObject({
      id: '0',
      runMs: 60_000,
      about: { iterations: 100, iterationMs: 600, model: 'vgg16' },
    });
    expect(requests(twenty)).toEqual([
      [2, { 'nvidia.com/gpu': '8' }],
      [1, { 'nvidia.com/gpu': '4' }],
    ]);
  });

  test("Tiresias' lists, which have no time of an iteration, are in seconds", () => {
    const text =
      'job_id,num_gpu,submit_time,iterations,model_name,duration,interval\n7,8,30,133,vgg11,147,23\n';
    expect(jobsOf({ texts: { 'jobs.csv': text } })).toMatchObject([{ submitMs: 30_000, runMs: 147_000 }]);
  });

  test.each([1, 2, 3])('trace%i has all its jobs', (n) => {
    const path = published(`muri/trace${n}.csv`);
    if (!existsSync(path)) return void console.warn('skipped: no Muri traces beside the repository');
    const { workload, notes } = readInput({ path });
    expect(workload!.count).toBe(readFileSync(path, 'utf8').trim().split('\n').length - 1);
    expect(notes).toEqual([]);
  });
});

describe('Philly', () => {
  test('a pod for each machine of the first attempt; all attempts are run time', () => {
    const input = readInput({ path: sample('philly') });
    expect(input.epochMs).toBe(Date.UTC(2017, 9, 7, 1, 0, 0));
    const [killed, passed] = [...input.workload!.jobs()];
    expect(killed).toMatchObject({
      id: 'application_2',
      tenant: 'vc-two',
      submitMs: 0,
      runMs: Infinity,
      ends: 'cancelled',
    });
    expect(passed).toMatchObject({
      submitMs: 699_000,
      runMs: 3_660_000,
      about: { attempts: 2, user: 'ann "{[" of x' },
    });
    expect(requests(passed)).toEqual([
      [1, { 'nvidia.com/gpu': '4' }],
      [1, { 'nvidia.com/gpu': '2' }],
    ]);
    expect(input.cluster!.nodes.map(({ status }) => status?.allocatable?.['nvidia.com/gpu'])).toEqual([
      '2',
      '8',
      '8',
    ]);
    expect(notesOf({ path: sample('philly') })).toEqual([
      'mended: still running when the log ends: it never ends @21',
      'skipped: no attempt to run it is recorded @22',
    ]);
  });

  test('without a list of machines, the cluster is those that were used', () => {
    const { cluster } = readInput({ path: sample('philly/cluster_job_log'), options: { tenant: 'user' } });
    expect(
      cluster!.nodes.map(({ metadata, status }) => [metadata.name, status?.allocatable?.['nvidia.com/gpu']]),
    ).toEqual([
      ['m1', '2'],
      ['m2', '8'],
      ['m3', '2'],
    ]);
  });
});

describe('PAI', () => {
  test('all tasks of a job are one gang; percents are parts of cards', () => {
    const input = readInput({ path: sample('pai') });
    const jobs = [...input.workload!.jobs()];
    expect(jobs.map(({ id, tenant, submitMs, runMs, ends }) => [id, tenant, submitMs, runMs, ends])).toEqual([
      ['job-a', 'ann', 0, 310_000, undefined],
      ['job-b', 'bob', 110_000, 60_000, 'failed'],
      ['job-d', 'ann', 200_000, Infinity, undefined],
      ['job-e', 'unknown', 220_000, 10_000, undefined],
    ]);
    expect(requests(jobs[0])).toEqual([
      [1, { cpu: '6000m', memory: '30000Mi' }],
      [2, { cpu: '4000m', memory: '10240Mi' }],
    ]);
    expect(jobs[0]!.podSets[1]!.template.metadata!.annotations).toMatchObject({
      'alibabacloud.com/gpu-milli': '500',
    });
    expect(requests(jobs[3])![0]![1]).toMatchObject({ 'nvidia.com/gpu': '2' });
    expect(input.cluster!.nodes.map(({ metadata }) => metadata.name)).toEqual(['machine-1', 'machine-2']);
    expect(notesOf({ path: sample('pai') })).toEqual([
      'mended: a task does not say how many instances it has: one @6',
      'mended: cards beyond the first that are not whole are taken as whole @6',
      'skipped: it never started @4',
      'mended: still running when the trace ends: it never ends @5',
      'mended: not in the table of jobs: it comes when its first task starts @6',
    ]);
  });

  test('types of cards bind only when asked', () => {
    const models = (gpuTypes: boolean) =>
      jobsOf({ files: [sample('pai/pai_task_table.csv')], options: { gpuTypes } }).find(
        ({ id }) => id === 'job-b',
      )!.podSets[0]!.template.metadata!.annotations?.['alibabacloud.com/gpu-card-model'];
    expect([models(false), models(true)]).toEqual([undefined, 'T4']);
  });
});

describe('Helios', () => {
  test('a pod for each node of a job', () => {
    const input = readInput({ path: sample('helios') });
    expect(input.cluster!.nodes).toHaveLength(4);
    const jobs = [...input.workload!.jobs()];
    expect(jobs.map(({ id, tenant, submitMs, runMs, ends }) => [id, tenant, submitMs, runMs, ends])).toEqual([
      ['13', 'vc2', 0, 86_400_000, 'failed'],
      ['11', 'vc1', 60_000, 600_000, undefined],
      ['12', 'vc2', 86_000, 249_000, 'failed'],
    ]);
    expect(requests(jobs[1])).toEqual([[2, { cpu: '32000m', 'nvidia.com/gpu': '8' }]]);
    expect(requests(jobs[0])).toEqual([
      [1, { cpu: '4500m', 'nvidia.com/gpu': '5' }],
      [1, { cpu: '4500m', 'nvidia.com/gpu': '4' }],
    ]);
    expect(notesOf({ path: sample('helios') })).toEqual([
      'mended: its cards cannot be shared evenly by its nodes: some pods have one more @4',
      'skipped: it never ran @5',
      'skipped: state SUSPENDED @6',
    ]);
  });
});

describe('a table with a mapping', () => {
  const mapping = {
    id: 'name',
    tenant: 'who',
    submit: { column: 'came', unit: 'date' },
    run: { column: 'took', unit: 'h' },
    gpus: 'cards',
    cpu: 'cores',
    memory: 'gib',
    status: { column: 'state', failed: ['crashed'], cancelled: ['killed'], skip: ['draft'] },
    about: { what: 'state' },
  };
  test('gives jobs; times begin with the first', () => {
    const input = readInput({ path: sample('jobs.csv'), mapping });
    const jobs = [...input.workload!.jobs()];
    expect(jobs.map(({ id, tenant, submitMs, runMs, ends }) => [id, tenant, submitMs, runMs, ends])).toEqual([
      ['b', 'bob', 0, 900_000, 'cancelled'],
      ['a', 'ann', 10_000, 5_400_000, undefined],
      ['c; the last', 'ann', 60_000, 7_200_000, 'failed'],
    ]);
    expect(requests(jobs[1])).toEqual([
      [1, { cpu: '16000m', memory: '65536Mi', 'nvidia.com/gpu': '8' }],
      [1, { cpu: '8000m', memory: '32768Mi', 'nvidia.com/gpu': '4' }],
    ]);
    expect(jobs[0]!.podSets[0]!.template.metadata!.annotations).toMatchObject({
      'alibabacloud.com/gpu-milli': '500',
    });
    expect(jobs[0]!.about).toEqual({ what: 'killed' });
    expect(input.notes).toEqual([
      { what: 'skipped', why: 'its status says that it is no job', count: 1, lines: [5] },
    ]);
  });

  test.each([
    [{ submit: 'when' }, 'setting "submit": there is no column "when"'],
    [{ run: 'took' }, 'setting "submit": is missing'],
    [{ submit: 'came', color: 'x' }, 'setting "color": is not known'],
    [
      { submit: { column: 'came', unit: 'weeks' } },
      'setting "submit.unit": "weeks" is none of s, ms, min, h, d, date',
    ],
    [{ submit: 'came' }, 'jobs.csv:2: column "came": "2026-01-01 00:00:10" is not a number'],
    [{ submit: 5, run: 'took', end: 'took' }, 'setting "run": stands beside start or end'],
  ])('%j is refused in words', (wrong, words) => {
    expect(() => readInput({ path: sample('jobs.csv'), mapping: wrong })).toThrow(words);
  });
});

describe('any input', () => {
  test('is read compressed too, and found by its content', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coracle-inputs-'));
    try {
      for (const name of ['muri.csv', 'small.swf', 'helios/cluster_log.csv']) {
        const path = join(folder, 'input.gz');
        writeFileSync(path, gzipSync(readFileSync(sample(name))));
        expect(jobsOf({ path })).toEqual(jobsOf({ path: sample(name) }));
      }
      const path = join(folder, 'cut.gz');
      writeFileSync(path, gzipSync(readFileSync(sample('small.swf'))).subarray(0, 200));
      expect(() => readInput({ path })).toThrow('cannot be unpacked');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    [{ path: '/nowhere/x.csv' }, '/nowhere/x.csv: there is no such file'],
    [{ path: sample('jobs.csv') }, 'say what they are with --mapping FILE'],
    [{ texts: { 'empty.csv': '' } }, 'empty.csv: is empty'],
    [{ files: [sample('muri.csv'), sample('small.swf')] }, 'are not of one format'],
    [{ files: [sample('muri.csv'), sample('muri.csv')] }, 'has several files of the kind "muri jobs"'],
    [
      { path: sample('muri.csv'), format: 'helios' as const },
      'does not look like a file of the format helios',
    ],
    [
      { texts: { 'm.csv': 'job_id,num_gpu,submit_time,duration\n1,2,0,5\n2,x,0,5\n' } },
      'm.csv:3: column "num_gpu": "x" is not a whole number of at least 0',
    ],
    [
      { texts: { 'm.csv': 'job_id,num_gpu,submit_time,duration\n1,2,0\n' } },
      'm.csv:2: has 3 fields; 4 were expected',
    ],
    [
      { texts: { 'm.csv': 'job_id,num_gpu,submit_time,duration\n1,2,0,5\n1,2,0,5\n' } },
      'job "1" is there twice',
    ],
    [{ texts: { 'p.json': '[{"status": "Pass"},\n{"a"' } }, 'p.json:1: column "submitted_time": is missing'],
  ])('%# is refused with file and line', (request, words) => {
    expect(() => readInput(request)).toThrow(words);
  });

  test('with lenient, rows that cannot be read are noted and the rest is read', () => {
    const text = 'job_id,num_gpu,submit_time,duration\n1,2,0,5\n2,x,0,5\n3,1\n4,1,7,5\n';
    const { workload, notes } = readInput({ texts: { 'm.csv': text }, options: { lenient: true } });
    expect([...workload!.jobs()].map(({ id }) => id)).toEqual(['1', '4']);
    expect(notes).toEqual([
      { what: 'skipped', why: 'column "num_gpu" cannot be read', count: 1, lines: [3] },
      { what: 'skipped', why: 'cannot be read', count: 1, lines: [4] },
    ]);
  });
});
