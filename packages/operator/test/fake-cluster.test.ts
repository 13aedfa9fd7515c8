import { Job, Pod } from '@coracle/machinery/api';
import { isReason } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import { fakeCluster } from '../src/testing.ts';

const pod = (name: string, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { containers: [] },
  ...extra,
});
const bound = (name: string) => pod(name, { spec: { containers: [], nodeName: 'n1' } });
const inDefault = { namespace: 'default' };

describe('fakeCluster', () => {
  test('refuses an update with an old resourceVersion as Conflict', async () => {
    const { client, seed } = fakeCluster();
    const [first] = seed<Pod>(pod('a'));
    await client.update(Pod, { ...first!, metadata: { ...first!.metadata, labels: {} } });
    const again = client.update(Pod, { ...first!, metadata: { ...first!.metadata, labels: { x: 'y' } } });
    await expect(again).rejects.toSatisfy((error) => isReason(error, 'Conflict'));
  });

  test('keeps status apart: the main resource ignores it, the subresource changes nothing else', async () => {
    const { client, seed, object } = fakeCluster();
    seed({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: {}, status: { active: 1 } });
    await client.patch(Job, 'j', 'merge', { status: { active: 5 }, spec: { suspend: true } }, inDefault);
    expect(object(Job, 'j', 'default')).toMatchObject({
      status: { active: 1 },
      spec: { suspend: true },
      metadata: { generation: 2 },
    });
    const patch = { status: { active: 2 }, spec: { suspend: false } };
    await client.patch(Job, 'j', 'merge', patch, { ...inDefault, subresource: 'status' });
    expect(object(Job, 'j', 'default')).toMatchObject({ status: { active: 2 }, spec: { suspend: true } });
  });

  test('holds a bound pod until it is deleted with no grace, an unbound one not at all', async () => {
    const { client, seed, objects } = fakeCluster();
    seed(bound('a'), pod('b'));
    expect(await client.delete(Pod, 'b', inDefault)).toBeUndefined();
    const dying = await client.delete(Pod, 'a', inDefault);
    expect(dying?.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    await client.delete(Pod, 'a', { ...inDefault, gracePeriodSeconds: 0 });
    expect(objects(Pod)).toEqual([]);
  });

  test('removes an object when its last finalizer goes', async () => {
    const { client, seed, object } = fakeCluster();
    seed({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', finalizers: ['x/y'] }, spec: {} });
    await client.delete(Job, 'j', inDefault);
    expect(object(Job, 'j', 'default')?.metadata.deletionTimestamp).toBeDefined();
    await client.patch(Job, 'j', 'json', [{ op: 'remove', path: '/metadata/finalizers' }], inDefault);
    expect(object(Job, 'j', 'default')).toBeUndefined();
  });

  test('watches from a version in order, turning a lost label into DELETED', async () => {
    const { client, seed } = fakeCluster();
    seed(pod('a'));
    const { metadata } = await client.list(Pod, inDefault);
    await client.patch(Pod, 'a', 'merge', { metadata: { labels: { app: 'db' } } }, inDefault);
    seed(pod('b'));
    const types: string[] = [];
    const options = { labelSelector: 'app in (web)', resourceVersion: metadata.resourceVersion };
    for await (const event of client.watch(Pod, options)) {
      types.push(`${event.type} ${event.object.metadata.name}`);
      if (types.length === 2) break;
    }
    expect(types).toEqual(['DELETED a', 'ADDED b']);
  });

  test('pages lists and answers 410 for forgotten versions', async () => {
    const cluster = fakeCluster({ objects: [pod('a'), pod('b'), pod('c')] });
    const page = await cluster.client.list(Pod, { limit: 2 });
    expect(page.items.map((item) => item.metadata.name)).toEqual(['a', 'b']);
    const token = page.metadata.continue;
    expect((await cluster.client.list(Pod, { limit: 2, continue: token })).items).toHaveLength(1);
    cluster.seed(pod('d'));
    cluster.compact();
    await expect(cluster.client.list(Pod, { continue: token })).rejects.toMatchObject({ code: 410 });
  });

  test('binds a pod once', async () => {
    const { client, seed, object } = fakeCluster();
    seed(pod('a'));
    const binding = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n1' } };
    await client.createSubresource(Pod, 'a', 'binding', binding, inDefault);
    expect(object(Pod, 'a', 'default')?.spec?.nodeName).toBe('n1');
    await expect(client.createSubresource(Pod, 'a', 'binding', binding, inDefault)).rejects.toMatchObject({
      reason: 'Conflict',
    });
  });
});
