import { errors, type ApiError } from '@coracle/machinery';
import { readInput } from '@coracle/simulator';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setupCli } from './harness.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-record-'));
});
afterEach(() => rm(folder, { recursive: true }));

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'secret-host', labels: { 'kubernetes.io/hostname': 'secret-host', team: 'ours' } },
  status: {
    allocatable: { cpu: '8', memory: '16Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'research',
    labels: { app: 'train' },
    annotations: { note: 'hunter2', 'alibabacloud.com/gpu-milli': '500' },
  },
  spec: {
    imagePullSecrets: [{ name: 'registry-secret' }],
    nodeSelector: { team: 'ours' },
    containers: [
      {
        name: 'main',
        image: 'registry.example/private:1',
        command: ['python3', 'hunter2.py'],
        env: [{ name: 'PASSWORD', value: 'hunter2' }],
        resources: { requests: { cpu: '2' } },
      },
    ],
  },
  status: { phase: 'Pending' },
});

/** Records until `seen` stands in the file of the recorder, which is told to stop then. */
function recordWhile(cli: ReturnType<typeof setupCli>, argv: string[], act: () => Promise<void>) {
  const stop = new AbortController();
  const running = cli.runWith({ signal: stop.signal }, 'record', ...argv);
  return (async () => {
    await Promise.race([act(), running]);
    stop.abort();
    return running;
  })();
}

const forbidden = (resource: string): ApiError =>
  errors.forbidden({ group: '', resource }, '', 'this user may not');

describe('coracle record', () => {
  test('writes what scheduling needs, and none of the rest', async () => {
    const cli = setupCli();
    cli.cluster.seed(node, pod('one'));
    const out = join(folder, 'rec.jsonl');
    const ran = await recordWhile(cli, ['--out', out], watching(cli));
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.err).toContain('recording 1 nodes, 1 pods, 0 workloads');
    const text = await readFile(out, 'utf8');
    for (const secret of ['hunter2', 'PASSWORD', 'registry']) expect(text).not.toContain(secret);
    expect(cli.cluster.writes()).toEqual([]);
    const { cluster, workload } = readInput({ path: out });
    expect(cluster?.nodes).toMatchObject([{ metadata: { name: 'secret-host', labels: { team: 'ours' } } }]);
    expect([...workload!.jobs()]).toMatchObject([
      {
        tenant: 'research',
        runMs: Infinity,
        podSets: [
          {
            count: 1,
            template: {
              metadata: { labels: { app: 'train' }, annotations: { 'alibabacloud.com/gpu-milli': '500' } },
              spec: {
                nodeSelector: { team: 'ours' },
                containers: [{ resources: { requests: { cpu: '2' } } }],
              },
            },
          },
        ],
      },
    ]);
  });

  test('with --anonymize, hashes names alike wherever they stand', async () => {
    const cli = setupCli();
    cli.cluster.seed(node, pod('one'));
    const out = join(folder, 'rec.jsonl.gz');
    await recordWhile(cli, ['--out', out, '--anonymize'], watching(cli));
    const { cluster, workload } = readInput({ path: out });
    const [job] = [...workload!.jobs()];
    const text = JSON.stringify([cluster, job]);
    for (const name of ['secret-host', 'research', 'ours', 'team', 'train', 'one'])
      expect(text).not.toContain(`"${name}`);
    const [[key, value]] = Object.entries(job!.podSets[0]!.template.spec.nodeSelector!) as [[string, string]];
    expect(cluster!.nodes[0]!.metadata.labels).toMatchObject({ [key]: value });
  });

  test('goes on without what may not be read, and says so; pods it needs', async () => {
    const cli = setupCli();
    cli.cluster.seed(node, pod('one'));
    cli.cluster.react(({ resource }) => {
      if (resource === 'nodes') throw forbidden('nodes');
    });
    const out = join(folder, 'rec.jsonl');
    const ran = await recordWhile(cli, ['--out', out], watching(cli));
    expect(ran.err).toContain('note: nodes may not be listed');
    expect(readInput({ path: out }).notes).toContainEqual(
      expect.objectContaining({ why: expect.stringContaining('nodes may not be listed') as string }),
    );
    cli.cluster.react(({ resource }) => {
      if (resource === 'pods') throw forbidden('pods');
    });
    const refused = await cli.run('record', '--out', join(folder, 'none.jsonl'));
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('--print-rbac') as string });
  });

  test('does not write over a file, and goes on with it when told', async () => {
    const cli = setupCli();
    cli.cluster.seed(node);
    const out = join(folder, 'rec.jsonl');
    await recordWhile(cli, ['--out', out], watching(cli));
    expect(await cli.run('record', '--out', out)).toMatchObject({
      code: 1,
      err: expect.stringContaining('--append') as string,
    });
    cli.cluster.seed(pod('later'));
    await recordWhile(cli, ['--out', out, '--append'], watching(cli));
    const { workload, cluster } = readInput({ path: out });
    expect(cluster?.nodes).toHaveLength(1);
    expect(workload?.count).toBe(1);
  });

  test('names the rights it needs', async () => {
    const { out } = await setupCli().run('record', '--print-rbac');
    expect(out).toContain('kind: ClusterRole');
    expect(out).not.toMatch(/create|delete|patch/);
  });

  test.each([
    [['record'], 'name the file'],
    [['record', '--out', '/nowhere/x', '--for', 'soon'], 'no time such as'],
    [['record', '--out', '/nowhere/x.jsonl'], 'cannot be made: there is no such folder'],
  ])('%j is refused in words', async (argv, words) => {
    expect(await setupCli().run(...argv)).toMatchObject({
      code: 1,
      err: expect.stringContaining(words) as string,
    });
  });
});

/** Resolves when the recorder watches pods: everything that was there is written then. */
function watching(cli: ReturnType<typeof setupCli>): () => Promise<void> {
  const from = cli.cluster.actions.length;
  return async () => {
    const isWatch = (): boolean =>
      cli.cluster.actions.slice(from).some(({ verb, resource }) => verb === 'watch' && resource === 'pods');
    while (!isWatch()) await new Promise((resolve) => setImmediate(resolve));
  };
}
