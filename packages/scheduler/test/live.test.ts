import { Pod, PodGroup } from '@coracle/machinery/api';
import { apiError, fakeCluster, type FakeCluster } from '@coracle/operator/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { live, type LiveCluster } from './live-cluster.ts';
import { node, pod, podGroup } from './objects.ts';

const running: LiveCluster[] = [];
afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
});

async function start(cluster: FakeCluster): Promise<LiveCluster> {
  const it = await live(cluster);
  running.push(it);
  return it;
}

/** A member of the gang `g` that wants one card. */
const worker = (i: number): Pod =>
  pod(`w${i}`, { group: 'g', requests: { cpu: '1', 'nvidia.com/gpu': '1' } });

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000, interval: 2 });

describe('live scheduler', () => {
  test('binds a pod to a node that has room, and says so', async () => {
    const h = await start(
      fakeCluster({ objects: [node('full', { allocatable: { cpu: '500m' } }), node('free')] }),
    );
    await h.create(pod('p'));
    await until(() => expect(h.nodeOf('p')).toBe('free'));
    await until(() =>
      expect(h.events).toContainEqual({
        about: 'Pod/p',
        type: 'Normal',
        reason: 'Scheduled',
        message: 'Successfully assigned default/p to free',
      }),
    );
    await until(() => expect(h.scheduler.counts()).toMatchObject({ assumed: 0, active: 0 }));
  });

  test('explains in the event and the condition why a pod fits nowhere, and binds it when a node comes', async () => {
    const tainted = node('t', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } });
    const h = await start(fakeCluster({ objects: [node('small', { allocatable: { cpu: '1' } }), tainted] }));
    await h.create(pod('p', { requests: { cpu: '2' } }));
    const message =
      '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}. ' +
      'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
    await until(() =>
      expect(h.condition('p')).toMatchObject({ status: 'False', reason: 'Unschedulable', message }),
    );
    expect(h.events).toContainEqual({ about: 'Pod/p', type: 'Warning', reason: 'FailedScheduling', message });
    await h.create(node('big'));
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('p')).toBe('big'));
  });

  test('leaves pods of other schedulers, gated pods and finished pods alone', async () => {
    const h = await start(fakeCluster({ objects: [node('n')] }));
    await h.create(
      pod('other', { spec: { schedulerName: 'volcano' } }),
      pod('gated', { spec: { schedulingGates: [{ name: 'wait' }] } }),
      pod('mine', { spec: { schedulerName: 'coracle' } }),
    );
    await until(() => expect(h.nodeOf('mine')).toBe('n'));
    expect(h.nodeOf('other')).toBeUndefined();
    expect(h.nodeOf('gated')).toBeUndefined();
    await h.cluster.client.patch(Pod, 'gated', 'json', [{ op: 'remove', path: '/spec/schedulingGates' }], {
      namespace: 'default',
    });
    await until(() => expect(h.nodeOf('gated')).toBe('n'));
  });

  test('uses the room that a finished pod leaves', async () => {
    const h = await start(
      fakeCluster({ objects: [node('n', { allocatable: { cpu: '1' } }), pod('old', { nodeName: 'n' })] }),
    );
    await h.create(pod('new'));
    await until(() => expect(h.condition('new')?.message).toContain('1 Insufficient cpu'));
    await h.cluster.client.patch(
      Pod,
      'old',
      'merge',
      { status: { phase: 'Succeeded' } },
      { namespace: 'default', subresource: 'status' },
    );
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('new')).toBe('n'));
  });

  test('a gang waits until it is complete and is then placed as one', async () => {
    const gpu = { allocatable: { 'nvidia.com/gpu': '2' } };
    const h = await start(fakeCluster({ objects: [node('a', gpu), node('b', gpu)] }));
    await h.create(worker(0), worker(1), worker(2), podGroup('g', 4), pod('single'));
    await until(() => expect(h.nodeOf('single')).toBeDefined());
    expect([0, 1, 2].map((i) => h.nodeOf(`w${i}`))).toEqual([undefined, undefined, undefined]);
    await h.clock.advance(2_000);
    const waiting = 'waiting for minCount pods from a gang to appear in scheduling queue';
    await until(() => expect(h.condition('w0')?.message).toBe(waiting));
    await h.create(worker(3));
    await until(() => expect([0, 1, 2, 3].map((i) => h.nodeOf(`w${i}`)).every(Boolean)).toBe(true));
    await until(() =>
      expect(h.cluster.object<PodGroup>(PodGroup, 'g', 'default')?.status?.conditions).toMatchObject([
        { type: 'PodGroupScheduled', status: 'True', reason: 'Scheduled' },
      ]),
    );
  });

  test('a member of a running gang that failed is replaced, though another has succeeded by then', async () => {
    const h = await start(fakeCluster({ objects: [node('a'), podGroup('g', 3)] }));
    const member = (name: string): Pod => pod(name, { group: 'g' });
    await h.create(member('m0'), member('m1'), member('m2'));
    await until(() => expect(['m0', 'm1', 'm2'].map(h.nodeOf)).toEqual(['a', 'a', 'a']));
    const end = (name: string, phase: string) =>
      h.cluster.client.patch(
        Pod,
        name,
        'merge',
        { status: { phase } },
        { namespace: 'default', subresource: 'status' },
      );
    await end('m0', 'Succeeded');
    await end('m1', 'Failed');
    await h.create(member('m1-again'));
    await until(() => expect(h.nodeOf('m1-again')).toBe('a'));
  });

  test('a gang that does not fit binds no one and gives one event and one condition with the reason', async () => {
    const gpu = { allocatable: { 'nvidia.com/gpu': '1' } };
    const h = await start(fakeCluster({ objects: [node('a', gpu), node('b', gpu)] }));
    await h.create(podGroup('g', 3), worker(0), worker(1), worker(2));
    await until(() =>
      expect(h.cluster.object<PodGroup>(PodGroup, 'g', 'default')?.status?.conditions).toMatchObject([
        {
          type: 'PodGroupScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message:
            'pod group is unschedulable: minCount (3) cannot be satisfied: 0 scheduled, 2 of 3 waiting pods can be ' +
            'placed. 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.',
        },
      ]),
    );
    expect(h.events.filter((e) => e.reason === 'FailedScheduling')).toHaveLength(1);
    expect([0, 1, 2].map((i) => h.nodeOf(`w${i}`))).toEqual([undefined, undefined, undefined]);
    await h.create(node('c', gpu));
    await h.clock.advance(1_000);
    await until(() =>
      expect(new Set([0, 1, 2].map((i) => h.nodeOf(`w${i}`)))).toEqual(new Set(['a', 'b', 'c'])),
    );
  });

  test('a pod of higher priority evicts the least important pods and takes their node', async () => {
    const h = await start(
      fakeCluster({
        objects: [
          node('n', { allocatable: { cpu: '2' } }),
          pod('low', { nodeName: 'n', priority: 1 }),
          pod('mid', { nodeName: 'n', priority: 5 }),
        ],
      }),
    );
    await h.create(pod('high', { priority: 10 }));
    await until(() => expect(h.pod('high')?.status?.nominatedNodeName ?? h.nodeOf('high')).toBe('n'));
    await until(() => expect(h.pod('low')?.metadata.deletionTimestamp ?? 'gone').toBeTruthy());
    expect(h.pod('mid')?.metadata.deletionTimestamp).toBeUndefined();
    // The node agent ends the pod.
    await h.cluster.client
      .delete(Pod, 'low', { namespace: 'default', gracePeriodSeconds: 0 })
      .catch(() => undefined);
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('high')).toBe('n'));
    expect(h.events).toContainEqual({
      about: 'Pod/low',
      type: 'Normal',
      reason: 'Preempted',
      message: `Preempted by pod ${h.pod('high')?.metadata.uid} on node n`,
    });
  });

  test('a gang of higher priority evicts for all its members or for none, and groups only whole', async () => {
    const gpu = { allocatable: { 'nvidia.com/gpu': '2' } };
    const low = (i: number, n: string): Pod =>
      pod(`low${i}`, { group: 'old', nodeName: n, priority: 1, requests: { 'nvidia.com/gpu': '1' } });
    const old = podGroup('old', 2);
    const h = await start(
      fakeCluster({
        objects: [
          node('a', gpu),
          node('b', gpu),
          { ...old, spec: { ...old.spec, disruptionMode: 'PodGroup' } },
          low(0, 'a'),
          low(1, 'b'),
        ],
      }),
    );
    const wants = (g: string, i: number): Pod =>
      pod(`${g}${i}`, { group: g, priority: 10, requests: { 'nvidia.com/gpu': '1' } });
    const names = (g: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${g}${i}`);
    // Five cards are more than the cluster has: nobody is evicted for that.
    await h.create(podGroup('five', 5), ...names('five', 5).map((_, i) => wants('five', i)));
    await until(() => expect(h.condition('five0')?.message).toContain('cannot be satisfied'));
    expect(h.pod('low0')?.metadata.deletionTimestamp).toBeUndefined();
    // Three need only one card more, but its holder goes with its group.
    await h.create(podGroup('three', 3), ...names('three', 3).map((_, i) => wants('three', i)));
    await until(() => expect(h.condition('three0')?.message).toContain('waiting for preemption'));
    for (const name of ['low0', 'low1']) {
      await until(() => expect(h.pod(name)?.metadata.deletionTimestamp).toBeDefined());
      await h.cluster.client.delete(Pod, name, { namespace: 'default', gracePeriodSeconds: 0 });
    }
    await h.clock.advance(10_000);
    await until(() => expect(names('three', 3).every((name) => h.nodeOf(name) !== undefined)).toBe(true));
    expect(names('five', 5).every((name) => h.nodeOf(name) === undefined)).toBe(true);
  });

  test('a pod that wants another near is tried again when that one has a node', async () => {
    const h = await start(fakeCluster({ objects: [node('a', { labels: { zone: 'z' } })] }));
    const near = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } };
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near] } };
    await h.create(pod('web', { spec: { affinity } }));
    await until(() =>
      expect(h.condition('web')?.message).toContain("1 node(s) didn't match pod affinity rules"),
    );
    await h.create(pod('db', { labels: { app: 'db' } }));
    await until(() => expect(h.nodeOf('db')).toBe('a'));
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('web')).toBe('a'));
  });

  test('a binding that fails is tried again after a pause, and frees its place meanwhile', async () => {
    const cluster = fakeCluster({ objects: [node('n', { allocatable: { cpu: '1' } })] });
    let failures = 2;
    cluster.react((action) => {
      if (action.subresource === 'binding' && failures-- > 0) throw apiError('InternalError', 'no luck');
    });
    const h = await start(cluster);
    await h.create(pod('p'));
    await until(() =>
      expect(h.condition('p')).toMatchObject({
        reason: 'SchedulerError',
        message: 'running Bind plugin "DefaultBinder": no luck',
      }),
    );
    await h.clock.advance(1_000);
    await until(() => expect(failures).toBe(0));
    await h.clock.advance(2_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
  });

  test('a scheduler started anew goes on where the other was killed, without a second binding', async () => {
    const cluster = fakeCluster({ objects: [node('a', { allocatable: { cpu: '2' } }), podGroup('g', 2)] });
    const first = await start(cluster);
    let bindings = 0;
    cluster.react((action) => {
      if (action.subresource !== 'binding') return;
      // Killed between the two bindings of the gang.
      if (++bindings === 2) throw apiError('ServiceUnavailable', 'gone');
    });
    await first.create(pod('w0', { group: 'g' }), pod('w1', { group: 'g' }));
    await until(() => expect(bindings).toBe(2));
    await first.scheduler.stop();
    const second = await start(cluster);
    await until(() => expect([second.nodeOf('w0'), second.nodeOf('w1')]).toEqual(['a', 'a']));
    expect(cluster.writes().filter((a) => a.subresource === 'binding')).toHaveLength(3);
  });
});
