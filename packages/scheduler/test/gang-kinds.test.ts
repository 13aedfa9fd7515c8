import type { KubeObject } from '@coracle/machinery';
import { Pod, PodGroup } from '@coracle/machinery/api';
import { apiError } from '@coracle/operator/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CoschedulingGroup, inMemory, live, VolcanoGroup, type LiveCluster } from './live-cluster.ts';
import { defaultProfile } from '../src/core/index.ts';
import { node, pod, podGroup } from './objects.ts';

const running: LiveCluster[] = [];
afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
});
async function start(...args: Parameters<typeof live>): Promise<LiveCluster> {
  const it = await live(...args);
  running.push(it);
  return it;
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000, interval: 2 });
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const cards = (count: number, labels: Record<string, string> = {}) => ({
  allocatable: { 'nvidia.com/gpu': String(count) },
  labels,
});
const oneCard = { 'nvidia.com/gpu': '1' };

function group(
  apiVersion: string,
  name: string,
  spec: object,
  annotations?: Record<string, string>,
): KubeObject {
  return {
    apiVersion,
    kind: 'PodGroup',
    metadata: {
      name,
      namespace: 'default',
      uid: `${apiVersion}-${name}`,
      ...(annotations ? { annotations } : {}),
    },
    spec,
  } as unknown as KubeObject;
}
const coscheduling = (name: string, spec: object): KubeObject =>
  group('scheduling.x-k8s.io/v1alpha1', name, spec);
const volcano = (name: string, spec: object): KubeObject =>
  group('scheduling.volcano.sh/v1beta1', name, spec);

const labelled = (name: string, of: string): Pod =>
  pod(name, { requests: oneCard, labels: { 'scheduling.x-k8s.io/pod-group': of } });
function annotated(name: string, of: string, task?: string): Pod {
  const made = pod(name, { requests: oneCard });
  const annotations = {
    'scheduling.k8s.io/group-name': of,
    ...(task ? { 'volcano.sh/task-spec': task } : {}),
  };
  return { ...made, metadata: { ...made.metadata, annotations } };
}

describe("scheduler-plugins' pod groups", () => {
  test('are gangs, and their status goes through the phases of that project', async () => {
    const h = await start(inMemory([node('a', cards(2)), node('b', cards(1))]));
    const status = () =>
      h.cluster.object<KubeObject & { status?: object }>(CoschedulingGroup, 'g', 'default')?.status;
    await h.create(coscheduling('g', { minMember: 3, scheduleTimeoutSeconds: 10 }));
    await h.create(labelled('w0', 'g'), labelled('w1', 'g'));
    await until(() => expect(status()).toMatchObject({ phase: 'Pending' }));
    await h.settled();
    expect([h.nodeOf('w0'), h.nodeOf('w1')]).toEqual([undefined, undefined]);
    await h.create(labelled('w2', 'g'));
    await until(() => expect(names('w', 3).map(h.nodeOf)).not.toContain(undefined));
    await until(() =>
      expect(status()).toMatchObject({ phase: 'Scheduling', scheduleStartTime: expect.any(String) }),
    );
    const reach = async (phase: string) => {
      for (const name of names('w', 3)) {
        const patch = { status: { phase } };
        await h.cluster.client.patch(
          { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true },
          name,
          'merge',
          patch,
          { namespace: 'default', subresource: 'status' },
        );
      }
    };
    await reach('Running');
    await until(() => expect(status()).toMatchObject({ phase: 'Running', running: 3 }));
    await reach('Succeeded');
    await until(() => expect(status()).toMatchObject({ phase: 'Finished', running: 0, succeeded: 3 }));
  });

  test('minResources that are not free hold the whole gang', async () => {
    const h = await start(inMemory([node('a', cards(2))]));
    await h.create(coscheduling('g', { minMember: 2, minResources: { 'nvidia.com/gpu': '4' } }));
    await h.create(labelled('w0', 'g'), labelled('w1', 'g'));
    await until(() => expect(h.why('w0')).toContain('less nvidia.com/gpu free than minResources'));
    await h.create(node('b', cards(2)));
    await h.clock.advance(10_000);
    await until(() => expect(names('w', 2).map(h.nodeOf)).not.toContain(undefined));
  });

  test('minResources beyond what the members take lead to no eviction', async () => {
    const h = await start(
      inMemory([node('a', cards(1)), pod('low', { nodeName: 'a', priority: -1, requests: oneCard })]),
    );
    await h.create(coscheduling('g', { minMember: 1, minResources: { 'nvidia.com/gpu': '4' } }));
    await h.create(labelled('w0', 'g'));
    await until(() => expect(h.why('w0')).toContain('minResources'));
    await h.settled();
    expect(h.pod('low')?.metadata.deletionTimestamp).toBeUndefined();
  });

  test('of a cluster that does not know the kind mean nothing, until it does', async () => {
    const cluster = inMemory([node('a', cards(4))]);
    const forget = cluster.react(({ resource }) => {
      if (resource === 'podgroups.scheduling.x-k8s.io') throw apiError('NotFound', 'no such resource');
    });
    const h = await start(cluster);
    await h.create(labelled('early', 'g'));
    await until(() => expect(h.nodeOf('early')).toBe('a'));
    forget();
    await h.clock.advance(31_000);
    await h.create(labelled('w0', 'h'));
    await h.settled();
    expect(h.nodeOf('w0')).toBeUndefined();
    await h.create(coscheduling('h', { minMember: 2 }), labelled('w1', 'h'));
    await until(() => expect(names('w', 2).map(h.nodeOf)).toEqual(['a', 'a']));
  });
});

describe("Volcano's pod groups", () => {
  const status = (h: LiveCluster) =>
    h.cluster.object<KubeObject & { status?: object }>(VolcanoGroup, 'g', 'default')?.status;

  test('are gangs with tasks, and their status says what is short', async () => {
    const h = await start(inMemory([node('a', cards(2))]));
    await h.create(volcano('g', { minMember: 2, minTaskMember: { ps: 1, worker: 2 }, queue: 'default' }));
    await h.create(
      annotated('ps0', 'g', 'ps'),
      annotated('w0', 'g', 'worker'),
      annotated('w1', 'g', 'worker'),
    );
    await until(() =>
      expect(status(h)).toMatchObject({
        phase: 'Inqueue',
        conditions: [{ type: 'Unschedulable', status: 'True', reason: 'NotEnoughResources' }],
      }),
    );
    await h.create(node('b', cards(1)));
    await h.clock.advance(10_000);
    await until(() => expect(['ps0', 'w0', 'w1'].map(h.nodeOf)).not.toContain(undefined));
    await until(() =>
      expect(status(h)).toMatchObject({
        phase: 'Running',
        conditions: [
          { type: 'Unschedulable' },
          { type: 'Scheduled', status: 'True', reason: 'tasks in gang are ready to be scheduled' },
        ],
      }),
    );
  });

  test('with a hard network topology stay within the tier, in the nearest domain that holds them', async () => {
    const at = (rack: string, block: string) => ({
      'topology.kubernetes.io/rack': rack,
      'topology.kubernetes.io/block': block,
    });
    const h = await start(
      inMemory([
        node('a', cards(2, at('r1', 'b1'))),
        node('b', cards(1, at('r2', 'b2'))),
        node('c', cards(1, at('r3', 'b2'))),
        node('d', cards(1, at('r4', 'b2'))),
      ]),
    );
    const hard = (tier: number) => ({ networkTopology: { mode: 'hard', highestTierAllowed: tier } });
    await h.create(volcano('g', { minMember: 2, ...hard(3) }), annotated('g0', 'g'), annotated('g1', 'g'));
    await until(() => expect([h.nodeOf('g0'), h.nodeOf('g1')]).toEqual(['a', 'a']));
    await h.create(volcano('n', { minMember: 2, ...hard(2) }), annotated('n0', 'n'), annotated('n1', 'n'));
    await until(() =>
      expect(h.why('n0')).toContain('topology.kubernetes.io/rack: the largest room is for 1 pod'),
    );
    await h.create(
      volcano('m', { minMember: 3, ...hard(3) }),
      ...names('m', 3).map((n) => annotated(n, 'm')),
    );
    await until(() => expect(new Set(names('m', 3).map(h.nodeOf))).toEqual(new Set(['b', 'c', 'd'])));
  });
});

describe('pod groups of other schedulers', () => {
  test('are left to them, unless that scheduler is this one', async () => {
    const theirs = (name: string): Pod => {
      const made = annotated(name, 'g');
      return { ...made, spec: { ...made.spec!, schedulerName: 'volcano', nodeName: 'a' } };
    };
    const cluster = inMemory([node('a'), volcano('g', { minMember: 1 }), theirs('v0')]);
    const h = await start(cluster);
    await h.create(theirs('v1'));
    await h.settled();
    expect(cluster.writes().filter(({ resource }) => resource.startsWith('podgroups'))).toEqual([]);
    const volcanos = defaultProfile({ schedulerName: 'volcano' });
    await start(cluster, { profiles: [volcanos] });
    await until(() =>
      expect(
        cluster.object<KubeObject & { status?: object }>(VolcanoGroup, 'g', 'default')?.status,
      ).toMatchObject({
        phase: 'Running',
      }),
    );
  });
});

describe("Kubernetes' pod groups", () => {
  const condition = (h: LiveCluster, type: string) =>
    h.cluster.object<PodGroup>(PodGroup, 'g', 'default')?.status?.conditions?.find((c) => c.type === type);

  test('give their priority to their members, and wait for it in the queue', async () => {
    const h = await start(
      inMemory([
        node('a', cards(2)),
        ...names('low', 2).map((name) => pod(name, { nodeName: 'a', priority: 5, requests: oneCard })),
      ]),
    );
    const important = podGroup('g', 2);
    await h.create(
      {
        ...important,
        spec: { ...important.spec, priorityClassName: 'high', priority: 10 },
      } as unknown as KubeObject,
      ...names('w', 2).map((name) => pod(name, { group: 'g', priority: 0, requests: oneCard })),
    );
    await until(() => expect(h.pod('low0')?.metadata.deletionTimestamp).toBeDefined());
    expect(condition(h, 'PodGroupScheduled')?.message).toContain('waiting for preemption to complete');
  });

  test('that want one rack clear the one that costs least, and get it', async () => {
    const low = (name: string, nodeName: string, priority: number): Pod =>
      pod(name, { nodeName, priority, requests: oneCard });
    const h = await start(
      inMemory([
        ...['a1', 'a2', 'b1', 'b2'].map((name) => node(name, cards(2, { rack: name[0]! }))),
        low('la1', 'a1', 5),
        low('la2', 'a2', 5),
        ...['b1', 'b2'].flatMap((name) => [low(`l${name}x`, name, 1), low(`l${name}y`, name, 1)]),
      ]),
    );
    await h.create(
      podGroup('g', 4, 'rack'),
      ...names('w', 4).map((name) => pod(name, { group: 'g', priority: 10, requests: oneCard })),
    );
    const victims = ['lb1x', 'lb1y', 'lb2x', 'lb2y'];
    for (const name of victims) {
      await until(() => expect(h.pod(name)?.metadata.deletionTimestamp).toBeDefined());
    }
    expect(['la1', 'la2'].map((name) => h.pod(name)?.metadata.deletionTimestamp)).toEqual([
      undefined,
      undefined,
    ]);
    await until(() => expect(['b1', 'b2']).toContain(h.pod('w0')?.status?.nominatedNodeName));
    // Meanwhile nobody of less importance takes what has become free.
    await h.create(pod('sneaky', { priority: 5, requests: oneCard, spec: { nodeSelector: { rack: 'b' } } }));
    for (const name of victims)
      await h.cluster.client.delete(Pod, name, { namespace: 'default', gracePeriodSeconds: 0 });
    await h.clock.advance(20_000);
    await until(() => expect(new Set(names('w', 4).map(h.nodeOf))).toEqual(new Set(['b1', 'b2'])));
    expect(h.nodeOf('sneaky')).toBeUndefined();
  });

  test('let members above the minimum evict for themselves', async () => {
    const h = await start(
      inMemory([node('a', cards(2)), pod('low', { nodeName: 'a', priority: 1, requests: oneCard })]),
    );
    await h.create(
      podGroup('g', 1),
      ...names('w', 2).map((name) => pod(name, { group: 'g', priority: 10, requests: oneCard })),
    );
    await until(() => expect(h.pod('low')?.metadata.deletionTimestamp).toBeDefined());
    await h.cluster.client.delete(Pod, 'low', { namespace: 'default', gracePeriodSeconds: 0 });
    await h.clock.advance(20_000);
    await until(() => expect(names('w', 2).map(h.nodeOf)).toEqual(['a', 'a']));
  });

  test('evicted as a whole are told so', async () => {
    const old = podGroup('g', 2);
    const h = await start(
      inMemory([
        node('a', cards(1)),
        node('b', cards(1)),
        { ...old, spec: { ...old.spec, disruptionMode: 'PodGroup' } },
        pod('g0', { group: 'g', nodeName: 'a', priority: 1, requests: oneCard }),
        pod('g1', { group: 'g', nodeName: 'b', priority: 1, requests: oneCard }),
      ]),
    );
    await h.create(pod('important', { priority: 10, requests: oneCard }));
    for (const name of ['g0', 'g1'])
      await until(() => expect(h.pod(name)?.metadata.deletionTimestamp).toBeDefined());
    await until(() =>
      expect(condition(h, 'DisruptionTarget')).toMatchObject({
        status: 'True',
        reason: 'PreemptionByScheduler',
      }),
    );
  });

  test('with members for two schedulers are rejected', async () => {
    const h = await start(inMemory([node('a', cards(2))]));
    const w = (name: string, schedulerName: string) =>
      pod(name, { group: 'g', requests: oneCard, spec: { schedulerName } });
    await h.create(podGroup('g', 2), w('w0', 'coracle'), w('w1', 'default-scheduler'));
    await until(() =>
      expect(condition(h, 'PodGroupScheduled')).toMatchObject({
        reason: 'SchedulerError',
        message:
          'all pods in a single pod group should have the same .spec.schedulerName set, ' +
          'got: "default-scheduler" and "coracle"',
      }),
    );
  });

  test('go by levels and to the fewest nodes where annotations ask for it', async () => {
    const h = await start(
      inMemory([
        node('a1', cards(4, { rack: 'a' })),
        node('a2', cards(4, { rack: 'a' })),
        node('b1', cards(2, { rack: 'b' })),
        node('b2', cards(2, { rack: 'b' })),
        node('b3', cards(4, { rack: 'b' })),
      ]),
    );
    const made = podGroup('g', 5);
    const annotations = {
      'scheduling.coracle.dev/preferred-topology': 'rack',
      'scheduling.coracle.dev/placement': 'FewestNodes',
    };
    await h.create(
      { ...made, metadata: { ...made.metadata, annotations } },
      ...names('w', 5).map((name) => pod(name, { group: 'g', requests: oneCard })),
    );
    await until(() => expect(new Set(names('w', 5).map(h.nodeOf)).size).toBe(2));
  });

  test('of many members are decided in slices that leave time for others', async () => {
    let now = 0;
    const h = await start(
      inMemory(names('n', 20).map((name) => node(name, { allocatable: { pods: '100', cpu: '100' } }))),
      { sliceMs: 8 },
    );
    // Each look at the clock costs a millisecond: a slice is eight steps.
    const { now: real } = h.clock;
    h.clock.now = () => real.call(h.clock) + now++;
    await h.create(
      podGroup('g', 200),
      ...names('w', 200).map((name) => pod(name, { group: 'g', requests: { cpu: '1' } })),
    );
    await until(() => expect(names('w', 200).map(h.nodeOf)).not.toContain(undefined));
    expect(now).toBeGreaterThan(200);
    await h.settled();
    expect(h.scheduler.counts()).toMatchObject({ active: 0, assumed: 0 });
  });
});
