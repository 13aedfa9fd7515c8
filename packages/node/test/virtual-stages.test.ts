import { Node, Pod } from '@coracle/machinery/api';
import { createInformerFactory, silentLogger } from '@coracle/operator';
import { fakeCluster, manualClock } from '@coracle/operator/testing';
import { describe, expect, test } from 'vitest';
import { virtualNodes, type VirtualNodesOptions } from '../src/index.ts';
import { Stage, type StageSpec } from '../src/virtual/stages/stage-type.ts';

const begin: StageSpec = {
  resourceRef: { apiGroup: 'v1', kind: 'Pod' },
  selector: {
    matchExpressions: [
      { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
      { key: '.status.phase', operator: 'NotIn', values: ['Running', 'Succeeded', 'Failed'] },
    ],
  },
  delay: {
    durationMilliseconds: 2000,
    durationFrom: { expressionFrom: '.metadata.annotations["begin"]' },
    jitterDurationMilliseconds: 4000,
  },
  next: {
    event: { type: 'Normal', reason: 'Begun', message: 'it runs' },
    statusTemplate: `
{{ $now := Now }}
phase: Running
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
conditions:
- { type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }} }
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state: { running: { startedAt: {{ $now | Quote }} } }
{{ end }}`,
  },
};
const running = { key: '.status.phase', operator: 'In', values: ['Running'] };
const alive = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const end = (phase: string, weight: number): StageSpec => ({
  resourceRef: { kind: 'Pod' },
  selector: { matchExpressions: [alive, running] },
  weight,
  delay: { durationMilliseconds: 10_000 },
  next: { statusTemplate: `phase: ${phase}` },
});
const remove: StageSpec = {
  resourceRef: { kind: 'Pod' },
  selector: { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] },
  next: { finalizers: { empty: true }, delete: true },
};

async function fleet(stages: Record<string, StageSpec> = {}, options: Partial<VirtualNodesOptions> = {}) {
  const clock = manualClock();
  const cluster = fakeCluster({ clock, types: [Stage] });
  const said: string[] = [];
  const add = (name: string, spec: StageSpec) =>
    cluster.client.create(Stage, { metadata: { name }, spec } as never);
  for (const [name, spec] of Object.entries(stages)) await add(name, spec);
  const nodes = virtualNodes({
    client: cluster.client,
    informers: createInformerFactory({ client: cluster.client, clock, logger: silentLogger }),
    clock,
    logger: silentLogger,
    count: 2,
    renewSeconds: 0,
    random: () => 0.5,
    stageObjects: true,
    recorder: {
      event: (about, type, reason, message) => {
        const { kind, ...rest } = about;
        const name = 'metadata' in rest ? rest.metadata.name : rest.name;
        said.push(`${type} ${reason} ${kind}/${name}: ${message}`);
      },
    },
    ...options,
  });
  await nodes.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve));
    await nodes.settled();
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await settle();
  return {
    clock,
    cluster,
    nodes,
    said,
    add,
    settle,
    phase: (name: string) => cluster.object<Pod>(Pod, name, 'default')?.status?.phase,
    get: (name: string) => cluster.object<Pod>(Pod, name, 'default'),
    async pod(name: string, metadata: object = {}) {
      await cluster.client.create(
        Pod,
        {
          metadata: { name, namespace: 'default', ...metadata },
          spec: { nodeName: 'virtual-1', restartPolicy: 'Never', containers: [{ name: 'main' }] },
        },
        { namespace: 'default' },
      );
      await settle();
    },
    async pass(milliseconds: number) {
      await clock.advance(milliseconds);
      await settle();
    },
  };
}

describe('Stages for pods', () => {
  test('take a pod from stage to stage after their delays', async () => {
    const f = await fleet({ begin, end: end('Succeeded', 0), remove });
    await f.pod('a');
    // 2 s to 4 s, chance one half.
    await f.pass(2999);
    expect(f.phase('a')).toBeUndefined();
    await f.pass(1);
    expect(f.get('a')?.status).toMatchObject({
      phase: 'Running',
      podIP: '10.128.0.0',
      hostIP: '10.64.0.1',
      containerStatuses: [{ name: 'main', ready: true }],
    });
    expect(f.said).toEqual(['Normal Begun Pod/a: it runs']);
    await f.pass(9999);
    expect(f.phase('a')).toBe('Running');
    await f.pass(1);
    expect(f.phase('a')).toBe('Succeeded');
    await f.cluster.client.delete(Pod, 'a', { namespace: 'default' });
    await f.settle();
    expect(f.get('a')).toBeUndefined();
    expect(f.nodes.pods).toBe(0);
    await f.nodes.stop();
  });

  test('have their delays from the pod, and their chances from weights', async () => {
    const f = await fleet({ begin, fail: end('Failed', 1), end: end('Succeeded', 99) });
    await f.pod('a', { annotations: { begin: '4s' } });
    await f.pass(3999);
    expect(f.phase('a')).toBeUndefined();
    await f.pass(1);
    await f.pass(10_000);
    expect(f.phase('a')).toBe('Succeeded');
    await f.nodes.stop();
  });

  test('go through their steps in order, with patches of any kind', async () => {
    const label = {
      type: 'json' as const,
      root: 'metadata',
      template: '- { op: add, path: /labels, value: { a: b } }',
    };
    const note = {
      type: 'merge' as const,
      template: 'metadata: { annotations: { seen: {{ .metadata.labels.a }} } }',
    };
    const status = { subresource: 'status', root: 'status', template: 'phase: Running' };
    const event = { reason: 'Labelled', message: 'by a step' };
    const { next: _, delay: __, ...rest } = begin;
    const f = await fleet({
      begin: { ...rest, steps: [{ patch: label, event }, { patch: note }, { patch: status }] },
    });
    await f.pod('a');
    expect(f.get('a')).toMatchObject({
      metadata: { labels: { a: 'b' }, annotations: { seen: 'b' } },
      status: { phase: 'Running' },
    });
    expect(f.said).toEqual(['Normal Labelled Pod/a: by a step']);
    await f.nodes.stop();
  });

  test('remove finalizers and then the pod', async () => {
    const f = await fleet({ remove });
    await f.pod('a', { finalizers: ['example.org/keep'] });
    await f.cluster.client.delete(Pod, 'a', { namespace: 'default' });
    await f.settle();
    expect(f.get('a')).toBeUndefined();
    await f.nodes.stop();
  });

  test('take over when they come, and what is built in when they go', async () => {
    const f = await fleet();
    await f.pod('a');
    await f.pass(100);
    expect(f.phase('a')).toBe('Running');
    await f.add('end', end('Failed', 0));
    await f.settle();
    // What is built in would have it succeed then.
    await f.pass(9950);
    expect(f.phase('a')).toBe('Running');
    await f.pass(50);
    expect(f.phase('a')).toBe('Failed');
    await f.pod('b');
    await f.pass(20_000);
    expect(f.phase('b')).toBeUndefined();
    await f.cluster.client.delete(Stage, 'end');
    await f.settle();
    await f.pass(100);
    expect(f.phase('b')).toBe('Running');
    await f.nodes.stop();
  });

  test('that are changed are heeded at once', async () => {
    const f = await fleet({ begin });
    await f.pod('a');
    await f.cluster.client.patch(Stage, 'begin', 'merge', {
      spec: { delay: { durationMilliseconds: 1, jitterDurationMilliseconds: null } },
    });
    await f.settle();
    await f.pass(1);
    expect(f.phase('a')).toBe('Running');
    await f.nodes.stop();
  });

  test('that are not understood say so on the Stage, and nothing else drives the pods', async () => {
    const f = await fleet({ odd: { ...begin, weightFrom: { cel: { expression: 'some' } } } });
    await f.pod('a');
    await f.pass(60_000);
    expect(f.phase('a')).toBeUndefined();
    expect(f.said).toEqual([
      expect.stringMatching(
        /^Warning StageNotUnderstood Stage\/odd: the stage is not played: spec\.weightFrom: .*undeclared reference to 'some'/,
      ),
    ]);
    await f.nodes.stop();
  });

  test('whose template fails say so once, and are tried again when the pod changes', async () => {
    const next = { statusTemplate: 'phase: {{ index .metadata.annotations "phase" }}' };
    const f = await fleet({ odd: { ...begin, delay: {}, next } });
    await f.pod('a');
    await f.pod('b');
    expect(f.said).toEqual(['Warning StageFailed Stage/odd: on Pod default/a: index of nothing']);
    await f.cluster.client.patch(
      Pod,
      'b',
      'merge',
      { metadata: { annotations: { phase: 'Running' } } },
      { namespace: 'default' },
    );
    await f.settle();
    expect(f.phase('b')).toBe('Running');
    await f.nodes.stop();
  });

  test('are tried again where the server is busy, without a second event', async () => {
    const f = await fleet({ begin });
    let failures = 2;
    f.cluster.react(({ verb, subresource }) => {
      if (verb === 'patch' && subresource === 'status' && failures-- > 0) throw new Error('busy');
    });
    await f.pod('a');
    await f.pass(3000);
    expect(f.phase('a')).toBeUndefined();
    await f.pass(1000);
    await f.pass(2000);
    expect(f.phase('a')).toBe('Running');
    expect(f.said.length).toBe(1);
    await f.nodes.stop();
  });

  test('of other kinds are told apart', async () => {
    const f = await fleet({ other: { ...begin, resourceRef: { apiGroup: 'apps/v1', kind: 'Deployment' } } });
    await f.pod('a');
    await f.pass(100);
    expect(f.phase('a')).toBe('Running');
    expect(f.said[0]).toMatch(/apps\/v1 Deployment is not supported; supported are v1 Pod and v1 Node/);
    await f.nodes.stop();
  });
});

describe('Stages for nodes', () => {
  test('change the status of the nodes they select', async () => {
    const f = await fleet({
      lost: {
        resourceRef: { apiGroup: 'v1', kind: 'Node' },
        selector: {
          matchLabels: { lose: 'true' },
          matchExpressions: [
            { key: '.status.phase', operator: 'In', values: ['Running'] },
            {
              key: '.status.conditions.[] | select(.type == "Ready") | .status',
              operator: 'In',
              values: ['True'],
            },
          ],
        },
        delay: { durationMilliseconds: 1000 },
        next: {
          patches: [
            {
              subresource: 'status',
              root: 'status',
              template: 'conditions:\n- { type: Ready, status: "False", reason: Lost }',
            },
          ],
        },
      },
    });
    const ready = (name: string) =>
      f.cluster.object<Node>(Node, name)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    await f.cluster.client.patch(Node, 'virtual-0', 'merge', { metadata: { labels: { lose: 'true' } } });
    await f.settle();
    await f.pass(1000);
    expect([ready('virtual-0'), ready('virtual-1')]).toEqual(['False', 'True']);
    expect(f.cluster.object<Node>(Node, 'virtual-0')?.status?.conditions?.length).toBe(4);
    await f.nodes.stop();
  });
});
