import { expect, describe, test } from 'vitest';
import { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '@coracle/machinery/api';
import { statefulSetController } from '../../src/index.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const where = { namespace: 'default' };
const template = (image: string) => ({
  metadata: { labels: { app: 'db' } },
  spec: { containers: [{ name: 'c', image }] },
});
const set = (spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db', namespace: 'default' },
  spec: {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: template('a'),
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...spec,
  },
});
const pods = (l: Lab) => l.cluster.objects(Pod, 'default');
const names = (l: Lab) => pods(l).map((pod) => pod.metadata.name);
const images = (l: Lab) => pods(l).map((pod) => pod.spec?.containers[0]?.image);
const status = (l: Lab) => l.cluster.object(StatefulSet, 'db', 'default')?.status;
const ready = (l: Lab, name: string) => {
  const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
  return l.cluster.client.patch(Pod, name, 'merge', body, { ...where, subresource: 'status' });
};
const kubelet = (l: Lab): void => {
  l.deps.informers.informer(Pod).on({ add: ({ metadata: { name } }) => void ready(l, name).catch(() => {}) });
};
const change = (l: Lab, spec: object) => l.cluster.client.patch(StatefulSet, 'db', 'merge', { spec }, where);

describe('StatefulSet controller', () => {
  test('pods come in order, each when the one before is ready, and keep name and identity', async () => {
    const l = lab({ objects: [set()] });
    await l.start(statefulSetController(l.deps));
    for (const expected of [['db-0'], ['db-0', 'db-1'], ['db-0', 'db-1', 'db-2']]) {
      await l.until(() => names(l).length === expected.length);
      await l.rest();
      expect(names(l)).toEqual(expected);
      await ready(l, expected.at(-1)!);
    }
    await l.until(() => status(l)?.readyReplicas === 3);
    const [first] = pods(l);
    expect(first?.spec).toMatchObject({ hostname: 'db-0', subdomain: 'db' });
    expect(first?.metadata.labels).toMatchObject({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
      'controller-revision-hash': status(l)?.updateRevision,
    });
    const { uid } = l.cluster.object(Pod, 'db-1', 'default')!.metadata;
    await l.cluster.client.delete(Pod, 'db-1', where);
    await l.until(() => ![undefined, uid].includes(l.cluster.object(Pod, 'db-1', 'default')?.metadata.uid));
  });

  test('Parallel: all at once; scaled down from the end', async () => {
    const l = lab({ objects: [set({ podManagementPolicy: 'Parallel' })] });
    await l.start(statefulSetController(l.deps));
    await l.until(() => names(l).length === 3);
    await change(l, { replicas: 1 });
    await l.until(() => names(l).join() === 'db-0');
  });

  test('each pod has its own claim, which stays when the pod goes', async () => {
    const claim = { metadata: { name: 'data' }, spec: { resources: { requests: { storage: '1Gi' } } } };
    const l = lab({ objects: [set({ replicas: 1, volumeClaimTemplates: [claim] })] });
    await l.start(statefulSetController(l.deps));
    await l.until(() => names(l).length === 1);
    expect(pods(l)[0]?.spec?.volumes).toEqual([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-db-0', readOnly: false } },
    ]);
    await change(l, { replicas: 0 });
    await l.until(() => names(l).length === 0);
    expect(l.cluster.objects(PersistentVolumeClaim).map((c) => c.metadata.name)).toEqual(['data-db-0']);
  });

  test('a new template is rolled out from the last pod to the first, and noted as a revision', async () => {
    const l = lab({ objects: [set()] });
    kubelet(l);
    await l.start(statefulSetController(l.deps));
    await l.until(() => status(l)?.readyReplicas === 3);
    const before = status(l)?.currentRevision;
    const order: string[] = [];
    l.deps.informers.informer(Pod).on({ delete: (pod) => void order.push(pod.metadata.name) });
    await change(l, { template: template('b') });
    await l.until(() => status(l)?.updatedReplicas === 3 && status(l)?.currentRevision !== before);
    expect(order).toEqual(['db-2', 'db-1', 'db-0']);
    expect(images(l)).toEqual(['b', 'b', 'b']);
    expect(
      l.cluster
        .objects(ControllerRevision)
        .map((r) => r.revision)
        .toSorted(),
    ).toEqual([1, 2]);
  });

  test('partition: pods below it keep the old template, also when they are made again', async () => {
    const l = lab({ objects: [set()] });
    kubelet(l);
    await l.start(statefulSetController(l.deps));
    await l.until(() => status(l)?.readyReplicas === 3);
    await change(l, { template: template('b'), updateStrategy: { rollingUpdate: { partition: 2 } } });
    await l.until(() => images(l).join() === 'a,a,b');
    await l.cluster.client.delete(Pod, 'db-0', where);
    await l.rest();
    await l.until(() => images(l).join() === 'a,a,b');
  });
});
