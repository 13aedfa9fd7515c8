import {
  DeviceClass,
  Node,
  Pod,
  PodGroup,
  ResourceClaim,
  ResourceSlice,
  type resource_v1,
} from '@coracle/machinery/api';
import { createInformerFactory, manualClock, silentLogger } from '@coracle/operator';
import { apiError, fakeCluster, type FakeCluster } from '@coracle/operator/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createScheduler, type Scheduler } from '../../src/index.ts';
import { node, pod, podGroup } from '../objects.ts';
import { claim, deviceClass, gpuDriver, podWith, request, slice } from './objects.ts';

const types = { DeviceClass, Node, Pod, PodGroup, ResourceClaim, ResourceSlice };
const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
});

interface Harness {
  cluster: FakeCluster;
  clock: ReturnType<typeof manualClock>;
  scheduler: Scheduler;
  events: { reason: string; message: string }[];
  create(...objects: object[]): Promise<void>;
  nodeOf(name: string): string | undefined;
  claim(name: string): ResourceClaim | undefined;
  message(name: string): string | undefined;
  status(name: string, status: object): Promise<unknown>;
}

async function start(cluster: FakeCluster): Promise<Harness> {
  const clock = manualClock();
  const { client } = cluster;
  const informers = createInformerFactory({ client, clock, logger: silentLogger });
  const events: Harness['events'] = [];
  const scheduler = createScheduler({
    client,
    informers,
    clock,
    random: () => 0,
    recorder: { event: (_about, _type, reason, message) => void events.push({ reason, message }) },
    logger: silentLogger,
  });
  running.push({
    async stop() {
      await scheduler.stop();
      informers.stop();
    },
  });
  await scheduler.start();
  const find = (name: string) => cluster.object<Pod>(Pod, name, 'default');
  return {
    cluster,
    clock,
    scheduler,
    events,
    async create(...objects) {
      for (const object of objects as Pod[]) {
        const type = types[object.kind as 'Pod'];
        await client.create(type, object, { namespace: object.metadata.namespace });
      }
    },
    nodeOf: (name) => find(name)?.spec?.nodeName,
    claim: (name) => cluster.object<ResourceClaim>(ResourceClaim, name, 'default'),
    message: (name) => find(name)?.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message,
    status: (name, status) =>
      client.patch(ResourceClaim, name, 'merge', { status }, { namespace: 'default', subresource: 'status' }),
  };
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000, interval: 2 });
const devicesOf = (one: ResourceClaim | undefined): string[] =>
  (one?.status?.allocation?.devices?.results ?? []).map((r) => `${r.pool}/${r.device}`);

const one = (...devices: (string | resource_v1.Device)[]) => [
  node('n'),
  slice('s', 'n', devices),
  deviceClass('gpu'),
];

describe('claims in the live scheduler', () => {
  test('a claim is allocated and reserved for the pod before the pod is bound', async () => {
    const h = await start(fakeCluster({ objects: [...one('a'), claim('c')] }));
    await h.create(podWith('p', ['c']));
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    const written = h.claim('c')!;
    expect(written.metadata.finalizers).toEqual(['resource.kubernetes.io/delete-protection']);
    expect(devicesOf(written)).toEqual(['n/a']);
    expect(written.status?.reservedFor).toEqual([
      { resource: 'pods', name: 'p', uid: h.cluster.object<Pod>(Pod, 'p', 'default')!.metadata.uid },
    ]);
    expect(written.status?.allocation?.allocationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const order = h.cluster.writes().map((a) => `${a.verb} ${a.resource}/${a.subresource ?? ''}`);
    const binding = order.findIndex((a) => a.endsWith('/binding'));
    expect(order.slice(binding - 2, binding)).toEqual([
      'update resourceclaims.resource.k8s.io/',
      'update resourceclaims.resource.k8s.io/status',
    ]);
  });

  test('a pod from a template waits for its claim without being tried, and is placed when it comes', async () => {
    const h = await start(fakeCluster({ objects: one('a') }));
    const resourceClaims = [{ name: 'gpu', resourceClaimTemplateName: 't' }];
    await h.create(pod('p', { spec: { resourceClaims } }), pod('other'));
    await until(() => expect(h.nodeOf('other')).toBe('n'));
    expect(h.events.filter((e) => e.reason === 'FailedScheduling')).toEqual([]);
    const uid = h.cluster.object<Pod>(Pod, 'p', 'default')!.metadata.uid!;
    const made = claim('p-gpu-x');
    made.metadata.ownerReferences = [
      { apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true },
    ] as never;
    await h.cluster.client.patch(
      Pod,
      'p',
      'merge',
      { status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'p-gpu-x' }] } },
      { namespace: 'default', subresource: 'status' },
    );
    await h.create(made);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    expect(devicesOf(h.claim('p-gpu-x'))).toEqual(['n/a']);
    expect(h.events.filter((e) => e.reason === 'FailedScheduling')).toEqual([]);
  });

  test('a pod that waits for a device gets it when another claim lets go of it', async () => {
    const h = await start(fakeCluster({ objects: [...one('a'), claim('c'), claim('d')] }));
    await h.create(podWith('p', ['c']));
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    await h.create(podWith('q', ['d']));
    await until(() =>
      expect(h.message('q')).toBe(
        '0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, ' +
          'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
      ),
    );
    await h.cluster.client.delete(Pod, 'p', { namespace: 'default', gracePeriodSeconds: 0 });
    await h.status('c', { allocation: null, reservedFor: null });
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('q')).toBe('n'));
    expect(devicesOf(h.claim('d'))).toEqual(['n/a']);
  });

  test('slices and classes that come later wake the pods that wait for them', async () => {
    const h = await start(fakeCluster({ objects: [node('n'), claim('c')] }));
    await h.create(podWith('p', ['c']));
    await until(() => expect(h.message('p')).toContain('request r: device class gpu does not exist'));
    await h.create(deviceClass('gpu'));
    await h.clock.advance(1_000);
    await until(() => expect(h.message('p')).toContain('1 cannot allocate all claims'));
    await h.create(slice('s', 'n', ['a']));
    await h.clock.advance(2_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
  });

  test('a class that names a resource lets pods have it that no plugin offers', async () => {
    const h = await start(fakeCluster({ objects: [node('n'), slice('s', 'n', ['a'])] }));
    await h.create(pod('p', { requests: { cpu: '1', 'example.com/gpu': '1' } }));
    await until(() => expect(h.message('p')).toContain('1 Insufficient example.com/gpu'));
    await h.create(deviceClass('gpu', [], { extendedResourceName: 'example.com/gpu' }));
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
  });

  test('pods that share a claim are bound together to its node, and all are in its list', async () => {
    const h = await start(
      fakeCluster({ objects: [node('m'), ...one('a'), slice('t', 'm', ['a']), claim('c')] }),
    );
    await h.create(podWith('p0', ['c']), podWith('p1', ['c']), podWith('p2', ['c']));
    await until(() => expect(['p0', 'p1', 'p2'].every((name) => h.nodeOf(name) !== undefined)).toBe(true));
    expect(new Set(['p0', 'p1', 'p2'].map(h.nodeOf)).size).toBe(1);
    expect(
      h
        .claim('c')
        ?.status?.reservedFor?.map((r) => r.name)
        .toSorted(),
    ).toEqual(['p0', 'p1', 'p2']);
    expect(devicesOf(h.claim('c'))).toHaveLength(1);
  });

  test('a write that fails gives the device back, and the pod is tried again', async () => {
    const cluster = fakeCluster({ objects: [...one('a'), claim('c')] });
    let failures = 1;
    cluster.react((action) => {
      if (action.resource.startsWith('resourceclaims') && action.subresource === 'status' && failures-- > 0)
        throw apiError('InternalError', 'no luck');
    });
    const h = await start(cluster);
    await h.create(podWith('p', ['c']));
    await until(() =>
      expect(h.message('p')).toBe(
        'running PreBind plugin "DynamicResources": add allocation and reservation to claim default/c: no luck',
      ),
    );
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    expect(devicesOf(h.claim('c'))).toEqual(['n/a']);
  });

  test('a binding that fails takes the pod from the list of the claim', async () => {
    const cluster = fakeCluster({ objects: [...one('a'), claim('c')] });
    let refused = 1;
    cluster.react((action) => {
      if (action.subresource === 'binding' && refused-- > 0) throw apiError('Forbidden', 'not now');
    });
    const h = await start(cluster);
    await h.create(podWith('p', ['c']));
    await until(() => expect(h.message('p')).toContain('not now'));
    expect(h.claim('c')?.status?.reservedFor ?? []).toEqual([]);
    await h.clock.advance(1_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    expect(h.claim('c')?.status?.reservedFor?.map((r) => r.name)).toEqual(['p']);
  });

  test('a device that must be made ready holds the binding up until it is', async () => {
    const device = {
      name: 'a',
      bindsToNode: true,
      bindingConditions: ['ready'],
      bindingFailureConditions: ['bad'],
    };
    const h = await start(fakeCluster({ objects: [...one(device), claim('c')] }));
    await h.create(podWith('p', ['c']));
    await until(() =>
      expect(h.events).toContainEqual({
        reason: 'BindingConditionsPending',
        message: 'waiting for binding conditions for device on node n',
      }),
    );
    expect(h.nodeOf('p')).toBeUndefined();
    const state = { driver: gpuDriver, pool: 'n', device: 'a' };
    const condition = { type: 'ready', status: 'True', reason: 'Attached', message: '' };
    await h.status('c', { devices: [{ ...state, conditions: [condition] }] });
    await until(() => expect(h.nodeOf('p')).toBe('n'));
  });

  test('a device that cannot be made ready is given back and another is tried', async () => {
    const device = { name: 'a', bindingConditions: ['ready'], bindingFailureConditions: ['bad'] };
    const h = await start(fakeCluster({ objects: [...one(device), claim('c')] }));
    await h.create(podWith('p', ['c']));
    await until(() => expect(h.claim('c')?.status?.allocation).toBeDefined());
    const state = { driver: gpuDriver, pool: 'n', device: 'a' };
    const condition = { type: 'bad', status: 'True', reason: 'Broken', message: 'no power' };
    await h.status('c', { devices: [{ ...state, conditions: [condition] }] });
    await until(() =>
      expect(h.message('p')).toContain('claim c binding failed: reason=Broken, message="no power"'),
    );
    await h.cluster.client.update(
      ResourceSlice,
      {
        ...h.cluster.object<ResourceSlice>(ResourceSlice, 's')!,
        spec: slice('s', 'n', ['b'], { generation: 2 }).spec,
      },
      {},
    );
    await h.clock.advance(2_000);
    await until(() =>
      expect(h.events.some((e) => e.message.includes('deallocation of ResourceClaim completed'))).toBe(true),
    );
    await h.clock.advance(5_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    expect(devicesOf(h.claim('c'))).toEqual(['n/b']);
    expect(h.claim('c')?.status?.devices).toBeUndefined();
  });

  test('extended resources get a claim of their own, named in the status of the pod', async () => {
    const objects = [
      node('n'),
      slice('s', 'n', ['a', 'b']),
      deviceClass('gpu', [], { extendedResourceName: 'example.com/gpu' }),
    ];
    const h = await start(fakeCluster({ objects }));
    await h.create(pod('p', { requests: { cpu: '1', 'example.com/gpu': '2' } }));
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    const p = h.cluster.object<Pod>(Pod, 'p', 'default')!;
    const status = p.status?.extendedResourceClaimStatus;
    expect(status?.requestMappings).toEqual([
      { containerName: 'c', resourceName: 'example.com/gpu', requestName: 'container-0-request-1' },
    ]);
    const made = h.claim(status!.resourceClaimName)!;
    expect(made.metadata).toMatchObject({
      generateName: 'p-extended-resources-',
      annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
      ownerReferences: [{ kind: 'Pod', name: 'p', controller: true }],
    });
    expect(made.spec.devices?.requests).toEqual([
      {
        name: 'container-0-request-1',
        exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 },
      },
    ]);
    expect(devicesOf(made)).toEqual(['n/a', 'n/b']);
    await h.create(pod('q', { requests: { cpu: '1', 'example.com/gpu': '1' } }));
    await until(() => expect(h.message('q')).toContain('1 cannot allocate all claims'));
  });

  test('a claim for extended resources that could not be used is deleted, and made anew', async () => {
    const objects = [
      node('n'),
      slice('s', 'n', ['a']),
      deviceClass('gpu', [], { extendedResourceName: 'example.com/gpu' }),
    ];
    const cluster = fakeCluster({ objects });
    let refused = 1;
    cluster.react((action) => {
      if (action.subresource === 'binding' && refused-- > 0) throw apiError('Forbidden', 'not now');
    });
    const h = await start(cluster);
    await h.create(pod('p', { requests: { cpu: '1', 'example.com/gpu': '1' } }));
    await until(() => expect(h.message('p')).toContain('not now'));
    const first = cluster.object<Pod>(Pod, 'p', 'default')!.status!.extendedResourceClaimStatus!
      .resourceClaimName;
    await until(() => expect(h.claim(first)).toBeUndefined());
    await h.clock.advance(2_000);
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    const { resourceClaimName } = cluster.object<Pod>(Pod, 'p', 'default')!.status!
      .extendedResourceClaimStatus!;
    expect(resourceClaimName).not.toBe(first);
    expect(devicesOf(h.claim(resourceClaimName))).toEqual(['n/a']);
  });

  test('a pod that is deleted while its devices are made ready lets go of them', async () => {
    const cluster = fakeCluster({ objects: [...one('a'), claim('c'), claim('d')] });
    const h = await start(cluster);
    const slow = { name: 'b', bindingConditions: ['ready'] };
    await h.create(slice('t', 'n', [slow], { driver: 'slow.example.com', pool: 'slow' }));
    await h.create(podWith('p', ['c']));
    await until(() => expect(h.nodeOf('p')).toBe('n'));
    await h.create(podWith('q', ['d']));
    await until(() => expect(devicesOf(h.claim('d'))).toEqual(['slow/b']));
    expect(h.nodeOf('q')).toBeUndefined();
    await h.cluster.client.delete(Pod, 'q', { namespace: 'default', gracePeriodSeconds: 0 });
    await until(() => expect(h.claim('d')?.status?.reservedFor).toEqual([]));
    await until(() => expect(h.scheduler.counts()).toMatchObject({ assumed: 0 }));
  });

  test('a pod of higher priority evicts the pod whose claim holds the device', async () => {
    const h = await start(fakeCluster({ objects: [...one('a'), claim('c'), claim('d')] }));
    await h.create(podWith('low', ['c'], { priority: 1 }));
    await until(() => expect(h.nodeOf('low')).toBe('n'));
    await h.create(podWith('high', ['d'], { priority: 10 }));
    await until(() =>
      expect(h.cluster.object<Pod>(Pod, 'low', 'default')?.metadata.deletionTimestamp ?? 'gone').toBeTruthy(),
    );
    await h.cluster.client
      .delete(Pod, 'low', { namespace: 'default', gracePeriodSeconds: 0 })
      .catch(() => undefined);
    await h.clock.advance(10_000);
    expect(h.nodeOf('high')).toBeUndefined();
    // The claim controller frees the claim of a pod that is gone.
    await h.status('c', { allocation: null, reservedFor: null });
    await h.clock.advance(10_000);
    await until(() => expect(h.nodeOf('high')).toBe('n'));
    expect(devicesOf(h.claim('d'))).toEqual(['n/a']);
  });

  test('a gang gets all its devices or none, and a claim of the group is reserved for the group', async () => {
    const h = await start(fakeCluster({ objects: [...one('a', 'b', 'shared'), deviceClass('other')] }));
    const group = podGroup('g', 2);
    group.spec.resourceClaims = [{ name: 'all', resourceClaimName: 'all' }] as never;
    await h.create(group, claim('all', { requests: [request('r')] }), claim('c0'), claim('c1'), claim('c2'));
    const member = (i: number): Pod =>
      pod(`w${i}`, {
        group: 'g',
        spec: {
          resourceClaims: [
            { name: 'all', resourceClaimName: 'all' },
            { name: 'own', resourceClaimName: `c${i}` },
          ],
        },
      });
    await h.create(member(0), member(1));
    await until(() => expect([h.nodeOf('w0'), h.nodeOf('w1')]).toEqual(['n', 'n']));
    expect(h.claim('all')?.status?.reservedFor).toEqual([
      { apiGroup: 'scheduling.k8s.io', resource: 'podgroups', name: 'g', uid: expect.any(String) as string },
    ]);
    const held = ['all', 'c0', 'c1'].flatMap((name) => devicesOf(h.claim(name)));
    expect(held.toSorted()).toEqual(['n/a', 'n/b', 'n/shared']);
  });

  test('a scheduler started anew finds the devices that are taken', async () => {
    const cluster = fakeCluster({ objects: [...one('a', 'b'), claim('c'), claim('d')] });
    const first = await start(cluster);
    await first.create(podWith('p', ['c']));
    await until(() => expect(first.nodeOf('p')).toBe('n'));
    await first.scheduler.stop();
    const second = await start(cluster);
    await second.create(podWith('q', ['d']));
    await until(() => expect(second.nodeOf('q')).toBe('n'));
    expect([devicesOf(second.claim('c')), devicesOf(second.claim('d'))]).toEqual([['n/a'], ['n/b']]);
  });
});
