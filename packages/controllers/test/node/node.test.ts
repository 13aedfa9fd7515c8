import { describe, expect, test } from 'vitest';
import { Lease, Node, Pod } from '@coracle/machinery/api';
import type { core_v1 } from '@coracle/machinery/api';
import { nodeLifecycleController, podGarbageCollector, taintEvictionController } from '../../src/index.ts';
import { toleratedMs, tolerates, wantedTaints } from '../../src/node/taints.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const node = (ready: string | undefined, more: { spec?: object; conditions?: object[] } = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    spec: { ...more.spec },
    status: {
      conditions: [
        ...(ready ? [{ type: 'Ready', status: ready, lastHeartbeatTime: '2026-01-01T00:00:00Z' }] : []),
        ...(more.conditions ?? []),
      ],
    },
  }) as unknown as Node;
const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'n1', namespace: 'kube-node-lease' },
  spec: { renewTime: '2026-01-01T00:00:00.000000Z' },
};
const pod = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...more },
  spec: { nodeName: 'n1', containers: [], ...spec },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});
const ids = (taints: readonly core_v1.Taint[] | undefined) => taints?.map((t) => `${t.key}:${t.effect}`);
const pods = (l: Lab) => l.cluster.objects(Pod, 'default');

const ready = (l: Lab) => l.cluster.object(Node, 'n1')?.status?.conditions?.find((c) => c.type === 'Ready');
const tolerate = (tolerationSeconds?: number) => ({
  tolerations: [
    {
      key: 'node.kubernetes.io/unreachable',
      operator: 'Exists',
      ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
    },
  ],
});

describe('taints of a node', () => {
  test.each([
    ['True', [], undefined],
    ['False', [], ['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute']],
    [
      'Unknown',
      [],
      ['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute'],
    ],
    ['True', [{ type: 'DiskPressure', status: 'True' }], ['node.kubernetes.io/disk-pressure:NoSchedule']],
  ])('Ready %s with %o', (ready, conditions, expected) => {
    expect(ids(wantedTaints(node(ready, { conditions }), 0))).toEqual(expected);
  });
  test('cordoned', () => {
    expect(ids(wantedTaints(node('True', { spec: { unschedulable: true } }), 0))).toEqual([
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });
  test('ours go when they are not due any more, others stay', () => {
    const taints = [
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
      { key: 'gpu', value: 'true', effect: 'NoSchedule' },
    ];
    expect(ids(wantedTaints(node('True', { spec: { taints } }), 0))).toEqual(['gpu:NoSchedule']);
  });
});

describe('tolerations', () => {
  const taint = { key: 'a', value: 'x', effect: 'NoExecute' };
  test.each([
    [{ key: 'a', operator: 'Exists' }, true],
    [{ key: 'a', value: 'x' }, true],
    [{ key: 'a', value: 'y' }, false],
    [{ operator: 'Exists' }, true],
    [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }, false],
    [{}, false],
  ])('%o tolerates it: %s', (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });
  test('the shortest time counts', () => {
    const b = { key: 'b', effect: 'NoExecute' };
    expect(toleratedMs([taint], [])).toBe(0);
    expect(toleratedMs([taint], [{ operator: 'Exists' }])).toBe(Number.POSITIVE_INFINITY);
    expect(
      toleratedMs(
        [taint, b],
        [
          { key: 'a', operator: 'Exists', tolerationSeconds: 300 },
          { key: 'b', operator: 'Exists', tolerationSeconds: 60 },
        ],
      ),
    ).toBe(60_000);
  });
});

describe('node life cycle', () => {
  test('a node that falls silent becomes Unknown, tainted, its pods not ready; it recovers when it speaks', async () => {
    const l = lab({ objects: [node('True'), lease, pod('p')] });
    await l.start(nodeLifecycleController(l.deps));
    await l.clock.advance(45_000);
    expect(ready(l)?.status).toBe('True');
    await l.clock.advance(15_000);
    await l.until(() => ready(l)?.status === 'Unknown');
    expect(ready(l)).toMatchObject({
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    await l.until(() => l.cluster.object(Node, 'n1')?.spec?.taints?.length === 2);
    await l.until(() => pods(l)[0]?.status?.conditions?.[0]?.status === 'False');
    expect(l.events).toContain('NodeNotReady Node n1 status is now: NodeNotReady');

    await l.cluster.client.patch(
      Node,
      'n1',
      'merge',
      {
        status: {
          conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:02:00Z' }],
        },
      },
      { subresource: 'status' },
    );
    await l.until(() => l.cluster.object(Node, 'n1')?.spec?.taints?.length === 0);
  });

  test('renewing the Lease keeps it alive', async () => {
    const l = lab({ objects: [node('True'), lease] });
    await l.start(nodeLifecycleController(l.deps));
    for (let i = 1; i < 12; i += 1) {
      const renewTime = new Date(Date.UTC(2026, 0, 1) + i * 10_000).toISOString();
      await l.cluster.client.patch(
        Lease,
        'n1',
        'merge',
        { spec: { renewTime } },
        { namespace: 'kube-node-lease' },
      );
      await l.clock.advance(10_000);
    }
    expect(ready(l)?.status).toBe('True');
  });

  test('a node that never reports becomes Unknown', async () => {
    const l = lab({ objects: [node(undefined)] });
    await l.start(nodeLifecycleController(l.deps));
    await l.clock.advance(70_000);
    await l.until(() => ready(l)?.reason === 'NodeStatusNeverUpdated');
  });
});

describe('taint eviction', () => {
  const taints = [
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' },
  ];
  test('pods go when their toleration has run out; those without one at once; tolerant ones stay', async () => {
    const l = lab({
      objects: [
        node('True', { spec: { taints } }),
        pod('none'),
        pod('some', tolerate(300)),
        pod('ever', tolerate()),
      ],
    });
    const left = () =>
      pods(l)
        .filter((p) => !p.metadata.deletionTimestamp)
        .map((p) => p.metadata.name);
    await l.start(taintEvictionController(l.deps));
    await l.until(() => left().join() === 'ever,some');
    const condition = pods(l).find((p) => p.metadata.name === 'none')?.status?.conditions?.[1];
    expect(condition).toMatchObject({ type: 'DisruptionTarget', reason: 'DeletionByTaintManager' });
    await l.clock.advance(299_000);
    expect(left()).toEqual(['ever', 'some']);
    await l.clock.advance(2000);
    await l.until(() => left().join() === 'ever');
  });

  test('a taint taken away in time cancels it', async () => {
    const tolerations = [{ operator: 'Exists', tolerationSeconds: 60 }];
    const l = lab({ objects: [node('True', { spec: { taints } }), pod('p', { tolerations })] });
    await l.start(taintEvictionController(l.deps));
    await l.clock.advance(30_000);
    await l.cluster.client.patch(Node, 'n1', 'merge', { spec: { taints: [] } });
    await l.rest();
    await l.clock.advance(60_000);
    expect(pods(l)[0]?.metadata.deletionTimestamp).toBeUndefined();
  });
});

describe('pod garbage', () => {
  test('pods of a node that is gone are failed and removed after the quarantine', async () => {
    const l = lab({ objects: [pod('p')] });
    const phases: (string | undefined)[] = [];
    l.deps.informers.informer(Pod).on({ delete: (p) => void phases.push(p.status?.phase) });
    await l.start(podGarbageCollector(l.deps));
    await l.clock.advance(39_000);
    expect(pods(l)).toHaveLength(1);
    await l.clock.advance(10_000);
    await l.clock.advance(20_000);
    await l.until(() => pods(l).length === 0);
    await l.rest();
    expect(phases).toEqual(['Failed']);
  });

  test('pods deleted before they got a node are removed', async () => {
    const held = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 };
    const l = lab({ objects: [pod('p', { nodeName: undefined }, held)] });
    await l.start(podGarbageCollector(l.deps));
    await l.until(() => pods(l).length === 0);
  });

  test('finished pods beyond the threshold are removed, the oldest first', async () => {
    const finished = (name: string, second: number) => ({
      ...pod(name, {}, { creationTimestamp: `2026-01-01T00:00:0${second}Z` }),
      status: { phase: 'Succeeded' },
    });
    const l = lab({
      objects: [node('True'), finished('b', 2), finished('a', 1), finished('c', 3), pod('runs')],
    });
    await l.start(podGarbageCollector(l.deps, { threshold: 1 }));
    await l.until(() => pods(l).length === 2);
    expect(pods(l).map((p) => p.metadata.name)).toEqual(['c', 'runs']);
  });
});
