/** A recording of a live engine, read again: the same nodes and the same jobs, with the times they took. */
import { writeKubeconfig } from '@coracle/client';
import { resourceType, type KubeObject } from '@coracle/machinery';
import { Pod, RoleBinding, ServiceAccount } from '@coracle/machinery/api';
import { silentLogger, systemClock } from '@coracle/operator';
import { openRecordingFile, readInput, recordCluster, Recorder } from '@coracle/simulator';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startEngine, type Engine } from '../src/engine/engine.ts';

const Job = resourceType<KubeObject & { spec: unknown }>('batch', 'v1', 'jobs', 'Job', true);
const bin = fileURLToPath(new URL('../bin/coracle.mjs', import.meta.url));
const inDefault = { namespace: 'default' };
const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 25 });

let engine: Engine;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-record-'));
  engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    virtualNodes: 3,
    nodeName: false,
    gangJobs: true,
    logger: silentLogger,
  });
  await until(async () => expect((await engine.admin.list(ServiceAccount, inDefault)).items).not.toEqual([]));
}, 30_000);
afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
});

const template = (runMs: number, cpu: string) => ({
  metadata: { annotations: { 'coracle.dev/run-seconds': String(runMs / 1000) } },
  spec: {
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: 'none', resources: { requests: { cpu } } }],
  },
});
const single = (name: string, runMs: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  ...template(runMs, '500m'),
  metadata: { ...template(runMs, '500m').metadata, name },
});

test('what a recorder saw of an engine is what ran on it', async () => {
  const { admin } = engine;
  await admin.create(Pod, single('before', 3_600_000) as never, inDefault);
  await until(async () =>
    expect(await admin.get(Pod, 'before', inDefault)).toMatchObject({ status: { phase: 'Running' } }),
  );
  const path = join(folder, 'rec.jsonl.gz');
  const file = await openRecordingFile(path, { clock: systemClock });
  const recorder = new Recorder({ write: (line) => file.write(line) });
  const stop = new AbortController();
  let listed!: () => void;
  const isListed = new Promise<void>((resolve) => {
    listed = resolve;
  });
  const recording = recordCluster({
    client: admin,
    recorder,
    clock: systemClock,
    random: Math.random,
    signal: stop.signal,
    onListed: () => listed(),
  });
  await Promise.race([isListed, recording]);
  await admin.create(Pod, single('short', 700) as never, inDefault);
  const gang = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'gang' },
    spec: { completionMode: 'Indexed', completions: 4, parallelism: 4, template: template(1200, '1') },
  };
  await admin.create(Job, gang as never, inDefault);
  await until(async () => {
    const { items } = await admin.list(Pod, inDefault);
    const ended = items.filter(({ status }) => status?.phase === 'Succeeded');
    expect(ended).toHaveLength(5);
  });
  // The recorder has heard of it when what happens after it has been heard.
  await admin.create(Pod, single('last', 3_600_000) as never, inDefault);
  await until(async () => expect(recorder.counts.pods).toBe(7));
  stop.abort();
  await recording;
  await file.close();

  const { cluster, workload, notes } = readInput({ path });
  expect(cluster?.nodes.map(({ metadata }) => metadata.name).toSorted()).toHaveLength(3);
  expect(cluster?.nodes[0]?.status?.allocatable).toMatchObject({ cpu: expect.any(String) as string });
  const jobs = new Map([...workload!.jobs()].map((job) => [job.id.split('/')[1], job]));
  expect([...jobs.keys()].toSorted()).toEqual(['before', 'gang', 'last', 'short']);
  expect(jobs.get('before')).toMatchObject({ submitMs: 0, runMs: Infinity });
  const whole = jobs.get('gang')!;
  expect(whole).toMatchObject({
    tenant: 'default',
    podSets: [{ count: 4, template: { spec: { containers: [{ resources: { requests: { cpu: '1' } } }] } } }],
    about: { owner: 'Job/gang' },
  });
  // Of the machine's doings between the end of the run and its report nothing is promised.
  expect(whole.runMs).toBeGreaterThanOrEqual(1000);
  expect(whole.runMs).toBeLessThan(15_000);
  expect(jobs.get('short')!.runMs).toBeGreaterThanOrEqual(500);
  expect(jobs.get('last')!.submitMs).toBeGreaterThan(whole.submitMs);
  expect(notes.map(({ why }) => why)).toContain('it still ran when the recording ended: it never ends');
}, 60_000);

test('the role view of a namespace is enough to record it; what it does not show is noted', async () => {
  const { admin } = engine;
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'viewer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'viewer' }],
  };
  await admin.create(RoleBinding, binding as never, inDefault);
  await admin.create(Pod, single('viewed', 3_600_000) as never, inDefault);
  const client = engine.clientFor({
    kind: 'trusted',
    user: { username: 'viewer', groups: ['system:authenticated'] },
  });
  const record = async (namespace: string | undefined) => {
    const lines: string[] = [];
    const notes: string[] = [];
    const stop = new AbortController();
    await recordCluster({
      client,
      recorder: new Recorder({ write: (line) => lines.push(JSON.stringify(line)) }),
      clock: systemClock,
      random: Math.random,
      signal: stop.signal,
      namespace,
      onNote: (note) => notes.push(note),
      onListed: () => stop.abort(),
    });
    return { notes, input: readInput({ texts: { 'view.jsonl': lines.join('\n') } }) };
  };
  const { notes, input } = await record('default');
  expect([...input.workload!.jobs()].map(({ id }) => id)).toContain('default/viewed');
  expect(notes.some((note) => note.startsWith('nodes may not be listed'))).toBe(true);
  expect(notes.some((note) => note.startsWith('jobs.batch may'))).toBe(false);
  expect(notes.join()).not.toContain('ray.io');
  await expect(record(undefined)).rejects.toThrow('forbidden');
}, 60_000);

test('the command, killed in the middle, leaves a file that is read and gone on with', async () => {
  const kubeconfig = join(folder, 'kubeconfig');
  await writeKubeconfig(kubeconfig, engine.kubeconfig);
  const out = join(folder, 'killed.jsonl');
  const start = (...more: string[]): ChildProcess =>
    spawn(process.execPath, [bin, 'record', '--kubeconfig', kubeconfig, '--out', out, ...more], {
      stdio: 'ignore',
    });
  const first = start();
  const text = (): Promise<string> => readFile(out, 'utf8').catch(() => '');
  await until(async () => expect(await text()).toContain('"listed":true'));
  first.kill('SIGKILL');
  await once(first, 'exit');
  expect(readInput({ path: out }).cluster?.nodes).toHaveLength(3);
  await engine.admin.create(Pod, single('between', 3_600_000) as never, inDefault);
  const second = start('--append');
  await until(async () => expect((await text()).split('"listed":true')).toHaveLength(3));
  second.kill('SIGINT');
  expect(await once(second, 'exit')).toEqual([0, null]);
  const { workload, notes } = readInput({ path: out });
  expect([...workload!.jobs()].map(({ id }) => id)).toContain('default/between');
  expect(notes.some(({ why }) => why.startsWith('the recorder was stopped and began again'))).toBe(true);
}, 60_000);
