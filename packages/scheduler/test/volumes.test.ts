/** Volumes where several pods are decided on together, and where users have said what belongs to what. */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
  placeGang,
  scheduleOne,
  type Framework,
  type Snapshot,
} from '../src/core/index.ts';
import { node, pod } from './objects.ts';

const meta = (name: string): object => ({ name, uid: name, resourceVersion: '1' });
const local = {
  metadata: meta('wait'),
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
} as unknown as StorageClass;

function volumeOn(name: string, host: string, spec: object = {}): PersistentVolume {
  const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }] }];
  return {
    metadata: meta(name),
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'wait',
      nodeAffinity: { required: { nodeSelectorTerms: terms } },
      ...spec,
    },
    status: { phase: 'Available' },
  } as unknown as PersistentVolume;
}
const claim = (name: string, accessMode = 'ReadWriteOnce'): PersistentVolumeClaim =>
  ({
    metadata: { ...meta(name), namespace: 'default' },
    spec: {
      storageClassName: 'wait',
      accessModes: [accessMode],
      resources: { requests: { storage: '1Gi' } },
    },
  }) as unknown as PersistentVolumeClaim;
const using = (name: string, claimName: string, more: object = {}): Pod =>
  pod(name, {
    requests: { cpu: '100m' },
    spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }], ...more } as never,
  });

function world(volumes: PersistentVolume[], claims: PersistentVolumeClaim[]): [Snapshot, Framework] {
  const snapshot = createSnapshot();
  for (const name of ['a', 'b']) snapshot.setNode(node(name));
  snapshot.volumes.setClass(local);
  for (const volume of volumes) snapshot.volumes.setVolume(volume);
  for (const one of claims) snapshot.volumes.setClaim(one);
  return [snapshot, createFramework({ profile: defaultProfile(), snapshot, random: () => 0 })];
}

describe('volumes', () => {
  test('a gang gets a volume for each member, or none', () => {
    const claims = ['c0', 'c1', 'c2'].map((name) => claim(name));
    const [snapshot, framework] = world(
      [volumeOn('v0', 'a'), volumeOn('v1', 'a'), volumeOn('v2', 'b')],
      claims,
    );
    const gang = (...names: string[]) => ({
      pods: names.map((name, i) => snapshot.describe(using(`p${i}`, name))),
      minCount: names.length,
      scheduled: 0,
    });
    const all = placeGang(framework, gang('c0', 'c1', 'c2'));
    expect(all.fits).toBe(true);
    expect(all.placed.map(({ nodeName }) => nodeName).toSorted()).toEqual(['a', 'a', 'b']);
    // What one gang has is not to be had again, until it is given back.
    snapshot.volumes.setClaim(claim('c3'));
    const late = { pods: [snapshot.describe(using('late', 'c3'))], minCount: 1, scheduled: 0 };
    expect(placeGang(framework, late).fits).toBe(false);
    for (const { pod: member, reservations } of all.placed) {
      snapshot.removePod(member.uid);
      for (const reservation of reservations ?? []) reservation.release();
    }
    expect(placeGang(framework, late).fits).toBe(true);
  });

  test('a gang that lacks one volume leaves all of them free', () => {
    const [snapshot, framework] = world([volumeOn('v0', 'a')], [claim('c0'), claim('c1')]);
    const pods = ['c0', 'c1'].map((name, i) => snapshot.describe(using(`p${i}`, name)));
    expect(placeGang(framework, { pods, minCount: 2, scheduled: 0 }).fits).toBe(false);
    expect(scheduleOne(framework, pods[1]!)).toMatchObject({ fits: true, nodeName: 'a' });
  });

  test('a volume kept for a claim by name is its, and no other will do', () => {
    const kept = volumeOn('kept', 'b', { claimRef: { namespace: 'default', name: 'mine' } });
    const [snapshot, framework] = world([volumeOn('free', 'a'), kept], [claim('mine'), claim('other')]);
    expect(scheduleOne(framework, snapshot.describe(using('p', 'mine')))).toMatchObject({ nodeName: 'b' });
    expect(scheduleOne(framework, snapshot.describe(using('q', 'other')))).toMatchObject({ nodeName: 'a' });
  });

  test('two pods of one claim go where its volume is, before it is bound', () => {
    const [snapshot, framework] = world([volumeOn('v', 'b')], [claim('shared')]);
    for (const name of ['p', 'q']) {
      expect(scheduleOne(framework, snapshot.describe(using(name, 'shared')))).toMatchObject({
        nodeName: 'b',
      });
    }
  });

  test('a pod of higher priority evicts the one that holds its ReadWriteOncePod claim', () => {
    const [snapshot, framework] = world([volumeOn('v', 'a')], [claim('one', 'ReadWriteOncePod')]);
    const bound = {
      ...claim('one', 'ReadWriteOncePod'),
      metadata: { ...claim('one').metadata, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    };
    snapshot.volumes.setClaim({
      ...bound,
      spec: { ...bound.spec, volumeName: 'v' },
    } as PersistentVolumeClaim);
    expect(scheduleOne(framework, snapshot.describe(using('low', 'one')))).toMatchObject({ nodeName: 'a' });
    const high = snapshot.describe(using('high', 'one', { priority: 10 }));
    const decision = framework.schedule(high);
    if (decision.fits) throw new Error('it must not fit');
    const found = findPreemption(framework, high, decision.diagnosis, { budgets: [], random: () => 0 });
    expect(found).toMatchObject({ victims: { nodeName: 'a', pods: [{ info: { uid: 'pod-low' } }] } });
  });

  test('a profile without DefaultPreemption evicts nobody', () => {
    const snapshot = createSnapshot();
    snapshot.setNode(node('n', { allocatable: { cpu: '1' } }));
    snapshot.addPod(snapshot.describe(pod('low', { requests: { cpu: '1' } })), 'n');
    const profile = { ...defaultProfile(), preemption: false as const };
    const framework = createFramework({ profile, snapshot, random: () => 0 });
    const high = snapshot.describe(pod('high', { priority: 5, requests: { cpu: '1' } }));
    const decision = framework.schedule(high);
    if (decision.fits) throw new Error('it must not fit');
    const options = { budgets: [], random: () => 0 };
    expect(findPreemption(framework, high, decision.diagnosis, options)).toEqual({ message: '' });
  });
});
