import { describe, expect, test } from 'vitest';
import { DaemonSet, Node, Pod } from '@coracle/machinery/api';
import { daemonSetController } from '../../src/index.ts';
import { nodeNameOf } from '../../src/apps/daemon/nodes.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const where = { namespace: 'default' };
const template = (image: string, spec: object = {}) => ({
  metadata: { labels: { app: 'agent' } },
  spec: { containers: [{ name: 'c', image }], ...spec },
});
const set = (podSpec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'agent' } }, template: template('a', podSpec) },
});
const node = (name: string, more: { labels?: object; taints?: object[] } = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { ...more.labels } },
  spec: { taints: more.taints ?? [] },
});
const on = (l: Lab) =>
  l.cluster
    .objects(Pod)
    .map((pod) => nodeNameOf(pod.spec))
    .toSorted();
const status = (l: Lab) => l.cluster.object(DaemonSet, 'agent', 'default')?.status;
const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };

describe('DaemonSet controller', () => {
  test('one pod on each node it fits, following nodes that come, change and go', async () => {
    const nvidia = { gpu: 'yes' };
    const l = lab({
      objects: [
        set({ nodeSelector: nvidia }),
        node('n1', { labels: nvidia }),
        node('n2', { labels: nvidia, taints: [{ key: 'own', effect: 'NoSchedule' }] }),
        node('n3'),
      ],
    });
    await l.start(daemonSetController(l.deps));
    await l.until(() => on(l).join() === 'n1');
    await l.until(() => status(l)?.desiredNumberScheduled === 1);
    l.cluster.seed(node('n4', { labels: nvidia }));
    await l.until(() => on(l).join() === 'n1,n4');
    await l.cluster.client.patch(Node, 'n2', 'merge', { spec: { taints: [] } });
    await l.until(() => on(l).join() === 'n1,n2,n4');
    await l.cluster.client.patch(Node, 'n1', 'merge', { metadata: { labels: { gpu: 'no' } } });
    await l.until(() => on(l).join() === 'n2,n4');
    await l.cluster.client.delete(Node, 'n4');
    await l.until(() => on(l).join() === 'n2');
  });

  test('daemon pods bear nodes in trouble', async () => {
    const taints = [
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
    ];
    const l = lab({ objects: [set(), node('n1', { taints })] });
    await l.start(daemonSetController(l.deps));
    await l.until(() => on(l).join() === 'n1');
  });

  test('a failed pod is replaced; a new template is rolled out one node at a time', async () => {
    const l = lab({ objects: [set(), node('n1'), node('n2')] });
    let fewest = 2;
    l.deps.informers.informer(Pod).on({
      add: ({ metadata: { name } }) =>
        void l.cluster.client
          .patch(Pod, name, 'merge', ready, { ...where, subresource: 'status' })
          .catch(() => {}),
      delete: () => {
        const well = l.cluster.objects(Pod).filter((pod) => pod.status?.phase === 'Running').length;
        fewest = Math.min(fewest, well);
      },
    });
    await l.start(daemonSetController(l.deps));
    await l.until(() => status(l)?.numberAvailable === 2);
    await l.cluster.client.patch(DaemonSet, 'agent', 'merge', { spec: { template: template('b') } }, where);
    const images = () => l.cluster.objects(Pod).map((pod) => pod.spec?.containers[0]?.image);
    await l.until(() => images().join() === 'b,b');
    await l.until(() => status(l)?.updatedNumberScheduled === 2 && status(l)?.numberAvailable === 2);
    expect(fewest).toBe(1);
    const [pod] = l.cluster.objects(Pod);
    const failed = { status: { phase: 'Failed' } };
    await l.cluster.client.patch(Pod, pod!.metadata.name, 'merge', failed, {
      ...where,
      subresource: 'status',
    });
    await l.until(() => l.events.some((event) => event.startsWith('FailedDaemonPod ')));
    await l.until(() => l.cluster.objects(Pod).length === 2 && status(l)?.numberAvailable === 2);
  });
});
