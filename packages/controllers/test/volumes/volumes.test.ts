import { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  claimProtection,
  ephemeralVolumeController,
  localProvisioner,
  persistentVolumeBinder,
  volumeProtection,
} from '../../src/index.ts';
import { lab, type Lab } from '../lab.ts';

const volume = (name: string, size: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, ...metadata },
  spec: {
    capacity: { storage: size },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: `/data/${name}` },
    ...spec,
  },
});
const claim = (name: string, size: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'a', ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: size } }, ...spec },
});
const storageClass = (name: string, provisioner: string, volumeBindingMode = 'Immediate') => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  volumeBindingMode,
});

const pv = (l: Lab, name: string) => l.cluster.object(PersistentVolume, name);
const pvc = (l: Lab, name: string) => l.cluster.object(PersistentVolumeClaim, name, 'a');

async function start(objects: object[]): Promise<Lab> {
  const l = lab({ objects: objects as never });
  await l.start(persistentVolumeBinder(l.deps));
  return l;
}

describe('persistent volume controller', () => {
  test('a claim gets the smallest volume that will do, and both say so', async () => {
    const l = await start([
      volume('big', '10Gi'),
      volume('mid', '5Gi'),
      volume('small', '1Gi'),
      claim('c', '2Gi'),
    ]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound');
    expect(pvc(l, 'c')).toMatchObject({
      metadata: {
        annotations: {
          'pv.kubernetes.io/bind-completed': 'yes',
          'pv.kubernetes.io/bound-by-controller': 'yes',
        },
      },
      spec: { volumeName: 'mid' },
      status: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'] },
    });
    await l.until(() => pv(l, 'big')?.status?.phase === 'Available');
    expect(pv(l, 'mid')).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      spec: { claimRef: { name: 'c', namespace: 'a', uid: pvc(l, 'c')!.metadata.uid } },
      status: { phase: 'Bound' },
    });
  });

  test('no volume serves two claims', async () => {
    const l = await start([volume('v', '1Gi'), claim('c', '1Gi'), claim('d', '1Gi')]);
    await l.until(() => [pvc(l, 'c'), pvc(l, 'd')].some((c) => c?.status?.phase === 'Bound'));
    await l.rest();
    expect([pvc(l, 'c'), pvc(l, 'd')].map((c) => c!.status!.phase).toSorted()).toEqual(['Bound', 'Pending']);
    expect(l.events).toContain(
      'FailedBinding no persistent volumes available for this claim and no storage class is set',
    );
  });

  test('class, access modes, mode and labels must fit', async () => {
    const l = await start([
      volume('class', '1Gi', { storageClassName: 'fast' }),
      volume('mode', '1Gi', { volumeMode: 'Block' }),
      volume('access', '1Gi', { accessModes: ['ReadOnlyMany'] }),
      volume('label', '1Gi'),
      claim('c', '1Gi', { selector: { matchLabels: { disk: 'ssd' } } }),
    ]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Pending');
    await l.cluster.client.patch(PersistentVolume, 'label', 'merge', {
      metadata: { labels: { disk: 'ssd' } },
    });
    await l.until(() => pvc(l, 'c')?.spec?.volumeName === 'label');
  });

  test('a claim that waits for its first consumer waits, and is bound to what the scheduler chose', async () => {
    const l = await start([
      storageClass('local', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'),
      volume('v', '1Gi', { storageClassName: 'local' }),
      volume('w', '1Gi', { storageClassName: 'local' }),
      claim('c', '1Gi', { storageClassName: 'local' }),
    ]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Pending');
    await l.rest();
    expect(pvc(l, 'c')!.spec!.volumeName).toBeUndefined();
    expect(l.events).toContain(
      'WaitForFirstConsumer waiting for first consumer to be created before binding',
    );
    const { uid } = pvc(l, 'c')!.metadata;
    const spec = {
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'a', name: 'c', uid },
    };
    await l.cluster.client.patch(PersistentVolume, 'w', 'merge', { spec });
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound');
    expect(pvc(l, 'c')!.spec!.volumeName).toBe('w');
    expect(pv(l, 'v')!.status!.phase).toBe('Available');
  });

  test('a volume kept for a claim by name goes to it alone', async () => {
    const l = await start([
      volume('v', '1Gi', { claimRef: { namespace: 'a', name: 'mine' } }),
      claim('other', '1Gi'),
    ]);
    await l.until(() => pvc(l, 'other')?.status?.phase === 'Pending');
    await l.cluster.client.create(PersistentVolumeClaim, claim('mine', '1Gi'), { namespace: 'a' });
    await l.until(() => pvc(l, 'mine')?.status?.phase === 'Bound');
    expect(pv(l, 'v')!.spec!.claimRef!.uid).toBe(pvc(l, 'mine')!.metadata.uid);
  });

  test('a claim that names its volume gets it, or hears why not', async () => {
    const l = await start([
      volume('v', '1Gi'),
      volume('tiny', '1Mi'),
      claim('c', '1Gi', { volumeName: 'v' }),
      claim('d', '1Gi', { volumeName: 'tiny' }),
    ]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound');
    await l.until(() =>
      l.events.includes('VolumeMismatch Cannot bind to requested volume "tiny": requested PV is too small'),
    );
    expect(pvc(l, 'd')!.status!.phase).toBe('Pending');
  });

  test('provisioners are asked by annotation, and what they make is bound', async () => {
    const l = await start([
      storageClass('fast', 'example.com/disks'),
      claim('c', '1Gi', { storageClassName: 'fast' }),
    ]);
    const asked = (): string | undefined =>
      pvc(l, 'c')?.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'];
    await l.until(() => asked() === 'example.com/disks');
    const { uid } = pvc(l, 'c')!.metadata;
    const spec = { storageClassName: 'fast', claimRef: { namespace: 'a', name: 'c', uid } };
    await l.cluster.client.create(PersistentVolume, volume('made', '1Gi', spec) as never);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound');
  });

  test('a volume whose claim is gone is released; without its maker it cannot be deleted', async () => {
    const l = await start([
      volume('kept', '1Gi'),
      volume('lost', '2Gi', { persistentVolumeReclaimPolicy: 'Delete' }),
      claim('c', '1Gi'),
      claim('d', '2Gi'),
    ]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound' && pvc(l, 'd')?.status?.phase === 'Bound');
    await l.cluster.client.delete(PersistentVolumeClaim, 'c', { namespace: 'a' });
    await l.cluster.client.delete(PersistentVolumeClaim, 'd', { namespace: 'a' });
    await l.until(
      () => pv(l, 'kept')?.status?.phase === 'Released' && pv(l, 'lost')?.status?.phase === 'Failed',
    );
    expect(pv(l, 'lost')!.status!.message).toContain('no deletable volume plugin matched');
  });

  test('a bound claim whose volume is gone is lost', async () => {
    const l = await start([volume('v', '1Gi'), claim('c', '1Gi')]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound');
    await l.cluster.client.delete(PersistentVolume, 'v');
    const text = 'ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!';
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Lost' && l.events.includes(text));
  });

  test('a class that comes late is heard of', async () => {
    const l = await start([claim('c', '1Gi', { storageClassName: 'late' })]);
    await l.until(() => pvc(l, 'c')?.status?.phase === 'Pending');
    await l.cluster.client.create(StorageClass, storageClass('late', 'example.com/disks') as never);
    await l.until(
      () =>
        pvc(l, 'c')?.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] ===
        'example.com/disks',
    );
  });
});

describe('protection', () => {
  const held = (finalizer: string) => ({ finalizers: [finalizer] });

  test('a claim goes when the last pod that uses it has gone', async () => {
    const user = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'a' },
      spec: {
        nodeName: 'n',
        containers: [],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
      },
    };
    const l = lab({
      objects: [claim('c', '1Gi', {}, held('kubernetes.io/pvc-protection')), user] as never,
    });
    await l.start(claimProtection(l.deps));
    await l.cluster.client.delete(PersistentVolumeClaim, 'c', { namespace: 'a' });
    await l.rest();
    expect(pvc(l, 'c')!.metadata.deletionTimestamp).toBeDefined();
    await l.cluster.client.delete(Pod, 'p', { namespace: 'a', gracePeriodSeconds: 0 });
    await l.until(() => !pvc(l, 'c'));
  });

  test('a volume goes when it is not bound', async () => {
    const l = lab({
      objects: [
        { ...volume('v', '1Gi', {}, held('kubernetes.io/pv-protection')), status: { phase: 'Bound' } },
      ] as never,
    });
    await l.start(volumeProtection(l.deps));
    await l.cluster.client.delete(PersistentVolume, 'v');
    await l.rest();
    expect(pv(l, 'v')).toBeDefined();
    await l.cluster.client.patch(
      PersistentVolume,
      'v',
      'merge',
      { status: { phase: 'Released' } },
      { subresource: 'status' },
    );
    await l.until(() => !pv(l, 'v'));
  });
});

test('ephemeral volumes: each gets a claim that its pod owns', async () => {
  const l = lab();
  await l.start(ephemeralVolumeController(l.deps));
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const created = await l.cluster.client.create(
    Pod,
    {
      metadata: { name: 'p' },
      spec: {
        containers: [],
        volumes: [
          { name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { x: 'y' } }, spec } } },
        ],
      },
    } as never,
    { namespace: 'a' },
  );
  await l.until(() => pvc(l, 'p-scratch'));
  expect(pvc(l, 'p-scratch')).toMatchObject({
    metadata: {
      labels: { x: 'y' },
      ownerReferences: [{ kind: 'Pod', uid: created.metadata.uid, controller: true }],
    },
    spec,
  });
});

test('local volumes: a folder on the chosen node, removed when its claim has gone', async () => {
  const l = lab({
    objects: [
      storageClass('local', 'coracle.dev/local', 'WaitForFirstConsumer'),
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n', labels: { 'kubernetes.io/hostname': 'host' } },
      },
      claim('c', '2Gi', { storageClassName: 'local' }),
    ] as never,
  });
  const removed: string[] = [];
  const options = { root: '/data', remove: async (path: string) => void removed.push(path) };
  await l.start(persistentVolumeBinder(l.deps), localProvisioner(l.deps, options));
  await l.until(() => pvc(l, 'c')?.status?.phase === 'Pending');
  await l.rest();
  expect((await l.cluster.client.list(PersistentVolume)).items).toEqual([]);
  const annotations = { 'volume.kubernetes.io/selected-node': 'n' };
  await l.cluster.client.patch(
    PersistentVolumeClaim,
    'c',
    'merge',
    { metadata: { annotations } },
    { namespace: 'a' },
  );
  await l.until(() => pvc(l, 'c')?.status?.phase === 'Bound');
  const { uid } = pvc(l, 'c')!.metadata;
  const path = `/data/a/c-${uid}`;
  expect(pv(l, `pvc-${uid}`)!.spec).toMatchObject({
    capacity: { storage: '2Gi' },
    hostPath: { path, type: 'DirectoryOrCreate' },
    persistentVolumeReclaimPolicy: 'Delete',
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ values: ['host'] }] }] } },
  });
  await l.cluster.client.delete(PersistentVolumeClaim, 'c', { namespace: 'a' });
  await l.until(() => !pv(l, `pvc-${uid}`));
  expect(removed).toEqual([path]);
});
