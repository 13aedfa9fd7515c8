import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ApiRequest } from '@coracle/machinery';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pod, setupCli } from './harness.ts';

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: { allocatable: { cpu: '2', memory: '4Gi' } },
};
const answer = (code: number, value: unknown) => ({ kind: 'object', code, headers: {}, value }) as const;

describe('coracle top', () => {
  const objects = [node, pod('a', { spec: { nodeName: 'n1', containers: [{ name: 'main' }] } })];
  const usage = { cpu: '250m', memory: '1Gi' };

  test('takes figures from the metrics API where there is one', async () => {
    const { cluster, run } = setupCli({ objects });
    cluster.intercept(({ path: at }: ApiRequest) => {
      if (at === '/apis/metrics.k8s.io/v1beta1/nodes')
        return answer(200, { items: [{ metadata: { name: 'n1' }, usage }] });
      if (at === '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods') {
        const containers = [{ name: 'main', usage }];
        return answer(200, { items: [{ metadata: { name: 'a', namespace: 'default' }, containers }] });
      }
      return undefined;
    });
    expect((await run('top', 'nodes')).out).toBe(
      'NAME   CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)\nn1     250m         12%      1024Mi          25%\n',
    );
    expect((await run('top', 'pods')).out).toBe(
      'NAME   CPU(cores)   MEMORY(bytes)\na      250m         1024Mi\n',
    );
  });

  test('asks the nodes where there is none', async () => {
    const { cluster, run } = setupCli({ objects });
    const figures = { cpu: { usageNanoCores: 2e8 }, memory: { workingSetBytes: 1048576 } };
    cluster.intercept(({ path: at }: ApiRequest) => {
      if (at !== '/api/v1/nodes/n1/proxy/stats/summary') return undefined;
      const pods = [
        { podRef: { name: 'a', namespace: 'default' }, containers: [{ name: 'main', ...figures }] },
      ];
      return answer(200, { node: figures, pods });
    });
    expect((await run('top', 'node', '--no-headers')).out).toBe('n1   200m   10%   1Mi   0%\n');
    expect((await run('top', 'pods', '-A', '--containers')).out).toBe(
      'NAMESPACE   POD   NAME   CPU(cores)   MEMORY(bytes)\ndefault     a     main   200m         1Mi\n',
    );
  });

  test('says plainly when nobody knows', async () => {
    const { run } = setupCli({ objects });
    const { err, code } = await run('top', 'pods');
    expect(code).toBe(1);
    expect(err).toContain(
      'no figures from node n1: this server has no metrics API (metrics.k8s.io), and the node did not tell either',
    );
  });
});

describe('coracle kubeconfig', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'kubeconfig-'));
  });
  afterEach(() => rm(home, { recursive: true }));
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'one', cluster: { server: 'https://x', 'certificate-authority': 'ca.crt' } },
      { name: 'two', cluster: { server: 'https://y' } },
    ],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [
      { name: 'one', context: { cluster: 'one', user: 'u' } },
      { name: 'two', context: { cluster: 'two', user: 'u' } },
    ],
    'current-context': 'one',
  };

  test('prints the context in use alone, with its files inside', async () => {
    await writeFile(path.join(home, 'ca.crt'), 'PEM');
    await writeFile(path.join(home, 'c'), JSON.stringify(config));
    const { runWith } = setupCli();
    const { out } = await runWith({ cwd: home, env: { HOME: home } }, 'kubeconfig', '--kubeconfig', 'c');
    expect(load(out)).toEqual({
      ...config,
      clusters: [
        {
          name: 'one',
          cluster: {
            server: 'https://x',
            'certificate-authority-data': Buffer.from('PEM').toString('base64'),
          },
        },
      ],
      contexts: [config.contexts[0]],
    });
  });

  test('finds and merges', async () => {
    await writeFile(path.join(home, 'c'), JSON.stringify(config));
    const { runWith } = setupCli();
    const world = { cwd: home, env: { HOME: home, KUBECONFIG: path.join(home, 'c') } };
    expect((await runWith(world, 'kubeconfig', 'path')).out).toBe(`${home}/c\n`);
    const { out } = await runWith(world, 'kubeconfig', 'merge', 'other', '--context', 'two');
    expect(out).toBe(`context "two" is now in ${home}/other, and current\n`);
    expect(load(await readFile(path.join(home, 'other'), 'utf8'))).toMatchObject({
      'current-context': 'two',
    });
  });

  test('says how to start a cluster when there is none', async () => {
    const { runWith } = setupCli();
    const { err, code } = await runWith({ cwd: home, env: { HOME: home } }, 'kubeconfig');
    expect(code).toBe(1);
    expect(err).toBe(`there is no kubeconfig at ${home}/.kube/config. Start a cluster with: coracle up\n`);
  });
});
