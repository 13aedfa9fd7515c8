import { describe, expect, test } from 'vitest';
import { Pod, ReplicaSet, ReplicationController } from '@coracle/machinery/api';
import { apiError } from '@coracle/operator/testing';
import { replicaSetController, replicationController } from '../../src/index.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'x' }] } };
const set = (spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace: 'default' },
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template, ...spec },
});
const pods = (l: Lab) => l.cluster.objects(Pod, 'default');
const status = (l: Lab) => l.cluster.object(ReplicaSet, 'web', 'default')?.status;
const where = { namespace: 'default' };
const ready = (l: Lab, name: string) => {
  const condition = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: new Date(l.clock.now()).toISOString(),
  };
  const body = { status: { phase: 'Running', conditions: [condition] } };
  return l.cluster.client.patch(Pod, name, 'merge', body, { ...where, subresource: 'status' });
};
const scale = (l: Lab, replicas: number) =>
  l.cluster.client.patch(ReplicaSet, 'web', 'merge', { spec: { replicas } }, where);

describe('ReplicaSet controller', () => {
  test('makes pods, replaces those that go or fail, and removes those too many', async () => {
    const l = lab({ objects: [set()] });
    await l.start(replicaSetController(l.deps));
    await l.until(() => pods(l).length === 3);
    await l.until(() => status(l)?.replicas === 3);
    expect(pods(l)[0]?.metadata).toMatchObject({
      generateName: 'web-',
      labels: { app: 'web' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web', controller: true }],
    });
    const [a, b] = pods(l);
    await l.cluster.client.delete(Pod, a!.metadata.name, where);
    await l.until(() => pods(l).length === 3);
    const failed = { status: { phase: 'Failed' } };
    await l.cluster.client.patch(Pod, b!.metadata.name, 'merge', failed, { ...where, subresource: 'status' });
    await l.until(() => pods(l).filter((p) => p.status?.phase !== 'Failed').length === 3);
    await scale(l, 1);
    await l.until(() => status(l)?.replicas === 1);
    await l.rest();
    expect(pods(l).filter((p) => p.status?.phase !== 'Failed')).toHaveLength(1);
  });

  test('removes pods that are not ready first', async () => {
    const l = lab({ objects: [set()] });
    await l.start(replicaSetController(l.deps));
    await l.until(() => pods(l).length === 3);
    const name = pods(l)[1]!.metadata.name;
    await ready(l, name);
    await scale(l, 1);
    await l.until(() => pods(l).length === 1);
    expect(pods(l)[0]?.metadata.name).toBe(name);
  });

  test('available after minReadySeconds of being ready', async () => {
    const l = lab({ objects: [set({ replicas: 1, minReadySeconds: 10 })] });
    await l.start(replicaSetController(l.deps));
    await l.until(() => pods(l).length === 1);
    await ready(l, pods(l)[0]!.metadata.name);
    await l.until(() => status(l)?.readyReplicas === 1);
    expect(status(l)?.availableReplicas).toBe(0);
    await l.clock.advance(10_000);
    await l.until(() => status(l)?.availableReplicas === 1);
  });

  test('creation that fails is a condition until it succeeds', async () => {
    const l = lab({ objects: [set()] });
    const stop = l.cluster.react(({ verb, resource }) => {
      if (verb === 'create' && resource === 'pods') throw apiError('Forbidden', 'exceeded quota');
    });
    await l.start(replicaSetController(l.deps));
    await l.until(() => status(l)?.conditions?.[0]?.reason === 'FailedCreate');
    stop();
    await l.clock.advance(60_000);
    await l.until(() => status(l)?.replicas === 3 && !status(l)?.conditions?.length);
  });

  test('adopts orphans that match, and lets go of pods that no longer do', async () => {
    const orphan = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'o', namespace: 'default', labels: { app: 'web' } },
    };
    const l = lab({ objects: [set({ replicas: 1 }), orphan] });
    await l.start(replicaSetController(l.deps));
    await l.until(() => pods(l)[0]?.metadata.ownerReferences?.length === 1);
    await l.rest();
    expect(pods(l)).toHaveLength(1);
    await l.cluster.client.patch(Pod, 'o', 'merge', { metadata: { labels: { app: 'debug' } } }, where);
    await l.until(() => pods(l).length === 2);
    expect(l.cluster.object(Pod, 'o', 'default')?.metadata.ownerReferences).toEqual([]);
  });
});

test('ReplicationController: the same, by its plain selector', async () => {
  const controller = {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 2, selector: { app: 'web' }, template },
  };
  const l = lab({ objects: [controller] });
  await l.start(replicationController(l.deps));
  await l.until(() => pods(l).length === 2);
  await l.until(() => l.cluster.object(ReplicationController, 'web', 'default')?.status?.replicas === 2);
});
