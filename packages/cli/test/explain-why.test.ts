import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { setupCli } from './harness.ts';

const node = (name: string, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: `node-${name}`, labels: { 'kubernetes.io/hostname': name } },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', 'nvidia.com/gpu': '8' } },
  ...extra,
});
const pending = (name: string, gpus: number, extra: object = {}, meta: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `pod-${name}`, ...meta },
  spec: {
    containers: [{ name: 'main', image: 'x', resources: { requests: { 'nvidia.com/gpu': String(gpus) } } }],
    ...extra,
  },
  status: { phase: 'Pending' },
});

describe('coracle explain TYPE NAME, on a cluster that serves no SchedulingReview', () => {
  test('a pod: what is in the way, the nearest nodes, what would help', async () => {
    const { run } = setupCli({
      objects: [node('a3'), pending('there', 6, { nodeName: 'a3' }), pending('p', 4)],
    });
    const ran = await run('explain', 'pod', 'p');
    expect(ran.out).toBe(`Pod default/p: waiting
  Insufficient nvidia.com/gpu on the only node

In the way (1 node, 0 fit)
      1  Insufficient nvidia.com/gpu  [NodeResourcesFit]: a3

Nearest nodes
  a3: lacks 2 nvidia.com/gpu (has 8, 2 free; taken by default/there 6)

Preemption
  0/1 nodes are available: 1 No preemption victims found for incoming pod.

What would help
  - free 2 nvidia.com/gpu on node a3 (taken by default/there)
  - ask for at most 2 nvidia.com/gpu instead of 4: node a3 has that much free
  - a priority above 0 (it has 0) lets it evict pods that are in its way: spec.priorityClassName
`);
    expect(ran.err).toContain('note: reckoned here from what you may read');
  });

  test('as JSON and YAML, with the trace', async () => {
    const { run } = setupCli({ objects: [node('a'), node('b'), pending('p', 4)] });
    const json = JSON.parse((await run('explain', 'pod/p', '--trace', '-o', 'json')).out) as {
      explanation: { state: string };
      trace: { nodes: { scores: object }[] };
    };
    expect(json.explanation.state).toBe('Feasible');
    expect(Object.keys(json.trace.nodes[0]!.scores)).toContain('NodeResourcesFit');
    expect(load((await run('explain', 'pod', 'p', '-o', 'yaml')).out)).toMatchObject({
      explanation: { state: 'Feasible' },
    });
    expect((await run('explain', 'pod', 'p', '--trace')).out).toMatch(/NODE +TOTAL/);
    expect((await run('explain', 'pod', 'p', '-o', 'wide')).err).toContain('known are json, yaml');
  });

  test('colour is for terminals', async () => {
    const { runWith } = setupCli({ objects: [node('a'), pending('p', 4)] });
    expect((await runWith({ tty: true }, 'explain', 'pod', 'p')).out).toContain('\u001b[1m');
    expect((await runWith({ tty: true, env: { NO_COLOR: '1' } }, 'explain', 'pod', 'p')).out).not.toContain(
      '\u001b',
    );
  });

  test('nothing is written', async () => {
    const { cluster, run } = setupCli({ objects: [node('a'), pending('p', 4), pending('q', 9)] });
    await run('explain', 'pod', 'p', 'q');
    expect(cluster.actions.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))).toEqual([]);
  });

  test('a Job: its pods that are alike together, and what its controller could not do', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'train', namespace: 'default', uid: 'job-1' },
      spec: { selector: { matchLabels: { job: 'train' } }, template: { spec: { containers: [] } } },
    };
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'train.1', namespace: 'default' },
      type: 'Warning',
      reason: 'FailedCreate',
      message:
        'Error creating: pods "train-x" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=9, used: requests.nvidia.com/gpu=18, limited: requests.nvidia.com/gpu=20',
      involvedObject: { kind: 'Job', name: 'train', namespace: 'default', uid: 'job-1' },
    };
    const labels = { labels: { job: 'train', 'batch.kubernetes.io/job-name': 'train', 'job-name': 'train' } };
    const { run } = setupCli({
      objects: [node('a'), job, event, pending('t0', 9, {}, labels), pending('t1', 9, {}, labels)],
    });
    const { out } = await run('explain', 'job', 'train');
    expect(out).toContain(
      'Job default/train\n  2 of 2 pods wait: Insufficient nvidia.com/gpu on the only node\n',
    );
    expect(out).toContain(
      'Held up\n  job/train: FailedCreate: Error creating: pods "train-x" is forbidden: exceeded quota',
    );
    expect(out).toContain(
      '- raise the quota team (limited to requests.nvidia.com/gpu=20), delete what uses it up, or ask for less than requests.nvidia.com/gpu=9',
    );
    expect(out).toContain('2 pods alike (t0, t1), for example:\nPod default/t0: waiting');
  });

  test('a suspended Job says how to let it go on', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'later', namespace: 'default', uid: 'job-2' },
      spec: {
        suspend: true,
        selector: { matchLabels: { job: 'later' } },
        template: { spec: { containers: [] } },
      },
    };
    const { out } = await setupCli({ objects: [node('a'), job] }).run('explain', 'job', 'later');
    expect(out).toContain('it has no pods: job/later: Suspended: spec.suspend is true: no pods are made');
    expect(out).toContain('kubectl patch jobs later -n default --type merge');
  });

  test('a manifest of what does not exist yet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-explain-'));
    try {
      const file = join(folder, 'deployment.yaml');
      await writeFile(
        file,
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: c, image: x, resources: {requests: {cpu: 2}}}]}}}\n',
      );
      const { out } = await setupCli({ objects: [node('a')] }).run('explain', '-f', file);
      expect(out).toBe('Pod default/web: feasible\n  one node fits; it would go to a now\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    [['explain', 'pod', 'nobody'], 'pods "nobody" not found'],
    [['explain', 'configmap', 'c'], 'configmaps "c" not found'],
    [['explain'], 'say what to explain: TYPE NAME, TYPE, or -f FILE'],
  ])('%j: %s', async (words, message) => {
    const ran = await setupCli({ objects: [node('a')] }).run(...words);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
  });
});
