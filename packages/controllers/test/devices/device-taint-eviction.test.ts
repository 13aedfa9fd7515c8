import { DeviceTaintRule, Pod, ResourceSlice } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { deviceTaintEvictionController } from '../../src/index.ts';
import { lab, type Lab } from '../lab.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const broken = { key: 'example.com/broken', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' };
const slice = (taints: object[] = [], generation = 1, name = 's') => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name },
  spec: {
    driver: 'd',
    nodeName: 'n',
    pool: { name: 'p', generation, resourceSliceCount: 1 },
    devices: [{ name: 'x', taints }, { name: 'y' }],
  },
});
const claim = (tolerations: object[] = [], reserved = ['pod']) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name: 'c', namespace: 'a' },
  spec: {},
  status: {
    allocation: {
      devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x', tolerations }] },
    },
    reservedFor: reserved.map((name) => ({ resource: 'pods', name, uid: `uid-${name}` })),
  },
});
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pod', namespace: 'a', uid: 'uid-pod' },
  spec: {
    nodeName: 'n',
    containers: [{ name: 'c', image: 'i' }],
    resourceClaims: [{ name: 'card', resourceClaimName: 'c' }],
  },
  status: { phase: 'Running' },
};
const rule = (spec: object) => ({
  apiVersion: 'resource.k8s.io/v1beta2',
  kind: 'DeviceTaintRule',
  metadata: { name: 'r' },
  spec: { taint: broken, ...spec },
});

async function running(objects: object[]): Promise<Lab> {
  const l = lab({ objects: objects as never });
  await l.start(deviceTaintEvictionController(l.deps));
  await l.rest();
  return l;
}
const isLeaving = (l: Lab): boolean =>
  l.cluster.object(Pod, 'pod', 'a')?.metadata.deletionTimestamp !== undefined ||
  l.cluster.object(Pod, 'pod', 'a') === undefined;

describe('the device taint eviction controller', () => {
  test('deletes a pod on a device that gets a NoExecute taint, and says why', async () => {
    const l = await running([slice(), claim(), pod]);
    expect(isLeaving(l)).toBe(false);
    await l.cluster.client.patch(ResourceSlice, 's', 'merge', { spec: slice([broken]).spec });
    await l.until(() => isLeaving(l));
    expect(l.events).toEqual(['DeviceTaintManagerEviction Marking for deletion']);
    expect(l.cluster.object(Pod, 'pod', 'a')?.status?.conditions).toMatchObject([
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByDeviceTaintManager',
        message: 'Device Taint manager: deleting due to NoExecute taint',
      },
    ]);
  });

  test('deletes the pods on the devices that a rule selects', async () => {
    const l = await running([slice(), claim(), pod]);
    await l.cluster.client.create(
      DeviceTaintRule,
      rule({ deviceSelector: { driver: 'd', pool: 'p', device: 'y' } }) as never,
    );
    await l.rest();
    expect(isLeaving(l)).toBe(false);
    await l.cluster.client.patch(DeviceTaintRule, 'r', 'merge', {
      spec: { deviceSelector: { device: 'x' } },
    });
    await l.until(() => isLeaving(l));
  });

  test.each([
    ['a taint that only keeps pods from coming', slice([{ ...broken, effect: 'NoSchedule' }]), claim(), []],
    ['a taint that the claim tolerates', slice([broken]), claim([{ operator: 'Exists' }]), []],
    ['a claim that is reserved for another pod', slice([broken]), claim([], ['other']), []],
    ['an old generation of the pool', slice([broken]), claim(), [slice([], 2, 'newer')]],
  ])('leaves a pod alone for %s', async (_name, tainted, used, more) => {
    const l = await running([tainted, used, pod, ...more]);
    expect(isLeaving(l)).toBe(false);
  });

  test('gives a pod the time that its claim tolerates', async () => {
    const l = await running([
      slice([broken]),
      claim([{ key: broken.key, operator: 'Exists', tolerationSeconds: 60 }]),
      pod,
    ]);
    const left = start + 60_000 - l.clock.now();
    await l.clock.advance(left - 1000);
    await l.rest();
    expect(isLeaving(l)).toBe(false);
    await l.clock.advance(1000);
    await l.until(() => isLeaving(l));
  });

  test('says in a rule what is to be done because of it, and what was done', async () => {
    const l = await running([
      slice(),
      claim([{ key: broken.key, operator: 'Exists', tolerationSeconds: 60 }]),
      pod,
      rule({ deviceSelector: { driver: 'd', pool: 'p', device: 'x' } }),
      {
        ...rule({ taint: { ...broken, effect: 'None' }, deviceSelector: { pool: 'p' } }),
        metadata: { name: 'dry' },
      },
    ]);
    const conditionOf = (name: string) => l.cluster.object(DeviceTaintRule, name)?.status?.conditions?.[0];
    await l.until(() => conditionOf('r') && conditionOf('dry'));
    expect(conditionOf('r')).toMatchObject({
      type: 'EvictionInProgress',
      status: 'True',
      reason: 'PodsPendingEviction',
      message: '1 pod needs to be evicted in 1 namespace.',
    });
    expect(conditionOf('dry')).toMatchObject({
      status: 'False',
      reason: 'NoEffect',
      message: expect.stringContaining(
        '2 published devices selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace if',
      ),
    });
    await l.clock.advance(60_000);
    await l.until(() => isLeaving(l));
    await l.cluster.client
      .delete(Pod, 'pod', { namespace: 'a', gracePeriodSeconds: 0 })
      .catch(() => undefined);
    await l.clock.advance(20_000);
    await l.until(() => conditionOf('r')?.reason === 'Completed');
    expect(conditionOf('r')?.message).toBe('1 pod evicted since starting the controller.');
  });
});
