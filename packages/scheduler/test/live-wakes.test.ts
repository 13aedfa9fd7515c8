/** What wakes a waiting pod, and what does not. */
import {
  CSINode,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  VolumeAttachment,
} from '@coracle/machinery/api';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { onTestFinished, expect, test, vi } from 'vitest';
import { inMemory, live, type LiveCluster } from './live-cluster.ts';
import { node, pod } from './objects.ts';

async function cluster(...objects: object[]): Promise<LiveCluster> {
  const l = await live(inMemory(objects));
  onTestFinished(() => l.stop());
  return l;
}
const make = async (l: LiveCluster, type: ResourceType<never>, object: object): Promise<void> => {
  const { namespace } = (object as KubeObject).metadata;
  await l.cluster.client.create(type as ResourceType, object as never, { namespace });
};
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000, interval: 2 });
/** Lets everything that waits for nothing but its turn run. */
async function turns(): Promise<void> {
  for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve));
}
/** Attempts that failed so far. */
const attempts = (l: LiveCluster, name: string): number =>
  l.events.filter((e) => e.about === `Pod/${name}` && e.reason === 'FailedScheduling').length;

const driver = 'csi.example.com';
const claim = (name: string, spec: object = {}, annotations: Record<string, string> = {}): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', uid: name, annotations },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status: { phase: 'Pending' },
});
const bound = (name: string, volumeName: string, spec: object = {}): object =>
  claim(name, { volumeName, ...spec }, { 'pv.kubernetes.io/bind-completed': 'yes' });
const volume = (name: string, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
  status: { phase: 'Available' },
});
const storageClass = (name: string, provisioner: string, more: object = {}): object => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  volumeBindingMode: 'WaitForFirstConsumer',
  ...more,
});
const user = (name: string, ...claims: string[]): Pod =>
  pod(name, {
    requests: { cpu: '100m' },
    spec: {
      volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    },
  });

test('a claim that comes wakes the pods that use it, and no others', async () => {
  const l = await cluster(node('n'), volume('v'));
  await l.create(user('a', 'mine'), user('b', 'other'));
  await until(() => expect([attempts(l, 'a'), attempts(l, 'b')]).toEqual([1, 1]));
  await make(l, PersistentVolumeClaim as never, bound('mine', 'v'));
  await turns();
  await l.clock.advance(2_000);
  await until(() => expect(l.nodeOf('a')).toBe('n'));
  expect(attempts(l, 'b')).toBe(1);
});

test('a volume that comes wakes the pods that found none, and the choice is written before the pod is bound', async () => {
  const l = await cluster(
    node('n'),
    storageClass('wait', 'kubernetes.io/no-provisioner'),
    claim('c', { storageClassName: 'wait' }),
  );
  await l.create(user('p', 'c'));
  await until(() =>
    expect(l.why('p')).toContain("1 node(s) didn't find available persistent volumes to bind"),
  );
  await make(l, PersistentVolume as never, volume('v', { storageClassName: 'wait' }));
  await turns();
  await l.clock.advance(2_000);
  const { client } = l.cluster;
  await until(() => {
    const v = l.cluster.object<PersistentVolume>(PersistentVolume, 'v');
    expect(v?.spec?.claimRef).toMatchObject({ name: 'c', namespace: 'default' });
  });
  expect(l.nodeOf('p')).toBeUndefined();
  const done = {
    metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { volumeName: 'v' },
  };
  await client.patch(PersistentVolumeClaim, 'c', 'merge', done, { namespace: 'default' });
  await until(() => expect(l.nodeOf('p')).toBe('n'));
});

test('a provisioner that gives up sends the pod back to be decided anew', async () => {
  const l = await cluster(node('n'), storageClass('made', driver), claim('c', { storageClassName: 'made' }));
  await l.create(user('p', 'c'));
  const key = 'volume.kubernetes.io/selected-node';
  const selected = (): string | undefined =>
    l.cluster.object<PersistentVolumeClaim>(PersistentVolumeClaim, 'c', 'default')?.metadata.annotations?.[
      key
    ];
  await until(() => expect(selected()).toBe('n'));
  const patch = { metadata: { annotations: { [key]: null } } };
  await l.cluster.client.patch(PersistentVolumeClaim, 'c', 'merge', patch, { namespace: 'default' });
  await until(() => expect(l.why('p')).toContain('provisioning failed for PVC "c"'));
  await l.clock.advance(2_000);
  await until(() => expect(selected()).toBe('n'));
});

test('a class whose topologies grow, and a node that moves into them, wake pods', async () => {
  const zone = 'topology.kubernetes.io/zone';
  const inZones = (...values: string[]): object => ({
    allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values }] }],
  });
  const l = await cluster(
    node('n', { labels: { [zone]: 'b' } }),
    storageClass('made', driver, inZones('a')),
    claim('c', { storageClassName: 'made' }),
  );
  await l.create(user('p', 'c'));
  await until(() => expect(attempts(l, 'p')).toBe(1));
  await l.cluster.client.patch(StorageClass, 'made', 'merge', inZones('a', 'b'));
  await turns();
  await l.clock.advance(2_000);
  await until(() =>
    expect(
      l.cluster.object<PersistentVolumeClaim>(PersistentVolumeClaim, 'c', 'default')?.metadata.annotations,
    ).toMatchObject({ 'volume.kubernetes.io/selected-node': 'n' }),
  );
});

test('limits of a driver that grow, and volumes that are detached, wake pods', async () => {
  const csi = (volumeHandle: string): object => ({ csi: { driver, volumeHandle } });
  const csiNode = (count: number): object => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: 'n' },
    spec: { drivers: [{ name: driver, nodeID: 'n', allocatable: { count } }] },
  });
  const attachment = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: 'left-behind' },
    spec: { attacher: driver, nodeName: 'n', source: { persistentVolumeName: 'old' } },
  };
  const l = await cluster(
    node('n'),
    csiNode(1),
    attachment,
    volume('old', csi('h0')),
    volume('v1', csi('h1')),
    volume('v2', csi('h2')),
    bound('c1', 'v1'),
    bound('c2', 'v2'),
  );
  await l.create(user('p', 'c1'));
  await until(() => expect(l.why('p')).toContain('1 node(s) exceed max volume count'));
  await l.cluster.client.delete(VolumeAttachment, 'left-behind');
  await turns();
  await l.clock.advance(2_000);
  await until(() => expect(l.nodeOf('p')).toBe('n'));
  await l.create(user('q', 'c2'));
  await until(() => expect(l.why('q')).toContain('1 node(s) exceed max volume count'));
  const more = { spec: { drivers: [{ name: driver, nodeID: 'n', allocatable: { count: 2 } }] } };
  await l.cluster.client.patch(CSINode, 'n', 'merge', more);
  await turns();
  await l.clock.advance(2_000);
  await until(() => expect(l.nodeOf('q')).toBe('n'));
});

test('labels of a namespace wake pods whose affinity selects namespaces by them', async () => {
  const namespaceSelector = { matchLabels: { team: 'x' } };
  const labelSelector = { matchLabels: { app: 'db' } };
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector, namespaceSelector };
  const l = await cluster(
    node('n'),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'data' } },
    pod('db', { namespace: 'data', nodeName: 'n', labels: { app: 'db' } }),
  );
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  await l.create(pod('p', { spec: { affinity } as never }));
  await until(() => expect(l.why('p')).toContain("didn't match pod affinity rules"));
  await l.cluster.client.patch(Namespace, 'data', 'merge', { metadata: { labels: { team: 'x' } } });
  await turns();
  await l.clock.advance(2_000);
  await until(() => expect(l.nodeOf('p')).toBe('n'));
});

test('a pod that shrinks in place makes room for one that waits', async () => {
  const l = await cluster(
    node('n', { allocatable: { cpu: '2' } }),
    pod('big', { nodeName: 'n', requests: { cpu: '2' } }),
  );
  await l.create(pod('p', { requests: { cpu: '1' } }));
  await until(() => expect(attempts(l, 'p')).toBe(1));
  const spec = { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }] };
  // The wish alone frees nothing: the pod still holds what it has been given.
  const held = {
    containerStatuses: [
      { name: 'c', allocatedResources: { cpu: '2' }, resources: { requests: { cpu: '2' } } },
    ],
  };
  const options = { namespace: 'default', subresource: 'status' };
  await l.cluster.client.patch(Pod, 'big', 'merge', { status: held }, options);
  await l.cluster.client.patch(Pod, 'big', 'merge', { spec }, { namespace: 'default' });
  await turns();
  await l.clock.advance(2_000);
  await turns();
  expect(l.nodeOf('p')).toBeUndefined();
  const given = {
    containerStatuses: [
      { name: 'c', allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' } } },
    ],
  };
  await l.cluster.client.patch(Pod, 'big', 'merge', { status: given }, options);
  await turns();
  await l.clock.advance(10_000);
  await until(() => expect(l.nodeOf('p')).toBe('n'));
});

test('a pod with rules of its own does not speak for another with the same wishes', async () => {
  const l = await cluster(
    node('n', { allocatable: { cpu: '2' } }),
    pod('big', { nodeName: 'n', requests: { cpu: '1500m' }, labels: { app: 'a' } }),
    pod('small', { nodeName: 'n', requests: { cpu: '500m' }, labels: { app: 'a' } }),
  );
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'a' } } };
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  await l.create(pod('apart', { spec: { affinity } as never }));
  await until(() => expect(attempts(l, 'apart')).toBe(1));
  await l.create(pod('plain'));
  await until(() => expect(attempts(l, 'plain')).toBe(1));
  await l.cluster.client.delete(Pod, 'big', { namespace: 'default', gracePeriodSeconds: 0 });
  await turns();
  await l.clock.advance(2_000);
  await until(() => expect(l.nodeOf('plain')).toBe('n'));
});

test('nothing that changes leaves a pod for longer than five minutes', async () => {
  const l = await cluster(node('n', { allocatable: { cpu: '1' } }));
  await l.create(pod('p', { requests: { cpu: '2' } }));
  await until(() => expect(attempts(l, 'p')).toBe(1));
  await l.cluster.client.patch(Node, 'n', 'merge', { metadata: { annotations: { x: 'y' } } });
  await turns();
  await l.clock.advance(290_000);
  await turns();
  expect(attempts(l, 'p')).toBe(1);
  await l.clock.advance(11_000);
  await until(() => expect(attempts(l, 'p')).toBe(2));
});
