import { Pod } from '@coracle/machinery/api';
import { describe, expect, test, vi } from 'vitest';
import { createInformerFactory, manualClock, silentLogger } from '../src/index.ts';
import { apiError, fakeCluster } from '../src/testing.ts';

const pod = (name: string, node = '') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [], nodeName: node },
});

async function setup(objects: object[] = [pod('a')]) {
  const cluster = fakeCluster({ objects });
  const clock = manualClock();
  const factory = createInformerFactory({
    client: cluster.client,
    clock,
    logger: silentLogger,
    random: () => 0,
  });
  const informer = factory.informer(Pod);
  informer.addIndex('node', (object) => (object.spec?.nodeName ? [object.spec.nodeName] : []));
  const heard: string[] = [];
  informer.on({
    add: (object, initial) => heard.push(`add ${object.metadata.name}${initial ? ' initially' : ''}`),
    update: (_, object) => heard.push(`update ${object.metadata.name}`),
    delete: (object) => heard.push(`delete ${object.metadata.name}`),
  });
  const started = factory.start();
  return { ...cluster, cluster, clock, factory, informer, heard, started };
}

describe('informer', () => {
  test('is ready when the first list is in the cache, then follows', async () => {
    const { started, informer, heard, seed, client, factory } = await setup();
    await started;
    expect(informer.synced).toBe(true);
    expect(heard).toEqual(['add a initially']);
    seed(pod('b', 'n1'));
    await vi.waitFor(() => expect(informer.byIndex('node', 'n1')).toHaveLength(1));
    await client.patch(Pod, 'b', 'merge', { spec: { nodeName: 'n2' } }, { namespace: 'default' });
    await vi.waitFor(() => expect(informer.byIndex('node', 'n2')).toHaveLength(1));
    expect(informer.byIndex('node', 'n1')).toEqual([]);
    await client.delete(Pod, 'b', { namespace: 'default', gracePeriodSeconds: 0 });
    await vi.waitFor(() => expect(heard.at(-1)).toBe('delete b'));
    expect(informer.get('b', 'default')).toBeUndefined();
    expect(heard).toEqual(['add a initially', 'add b', 'update b', 'delete b']);
    factory.stop();
  });

  test('resumes a lost watch from where it was, without another list', async () => {
    const { cluster, started, heard, seed, clock, actions, factory } = await setup();
    await started;
    await vi.waitFor(() => expect(cluster.watches).toBe(1));
    cluster.dropWatches();
    seed(pod('b'));
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(heard).toEqual(['add a initially', 'add b']);
    });
    expect(actions.filter(({ verb }) => verb === 'list')).toHaveLength(1);
    factory.stop();
  });

  test('lists again after 410 and tells only what differs', async () => {
    const { cluster, started, heard, seed, client, clock, factory } = await setup([
      pod('a'),
      pod('b'),
      pod('c'),
    ]);
    await started;
    await vi.waitFor(() => expect(cluster.watches).toBe(1));
    heard.length = 0;
    const denied = cluster.react(({ verb }) => {
      if (verb === 'watch') throw apiError('ServiceUnavailable');
    });
    cluster.dropWatches();
    await client.delete(Pod, 'a', { namespace: 'default' });
    await client.delete(Pod, 'b', { namespace: 'default' });
    seed(pod('b'), pod('d'));
    cluster.compact();
    denied();
    await vi.waitFor(async () => {
      await clock.advance(60_000);
      expect(heard).toContain('delete a');
    });
    expect(heard).toEqual(['delete b', 'add b', 'add d', 'delete a']);
    factory.stop();
  });

  test('gives a late handler every cached object once', async () => {
    const { started, informer, seed, factory } = await setup([pod('a'), pod('b')]);
    await started;
    const late: string[] = [];
    const remove = informer.on({ add: (object) => late.push(object.metadata.name) });
    expect(late).toEqual(['a', 'b']);
    remove();
    seed(pod('c'));
    await vi.waitFor(() => expect(informer.list()).toHaveLength(3));
    expect(late).toEqual(['a', 'b']);
    factory.stop();
  });

  test('lets a late handler join a little at a time, and tells it every object and change once', async () => {
    const names = Array.from({ length: 400 }, (_, i) => `p${i}`);
    const { started, informer, client } = await setup(names.map((name) => pod(name)));
    await started;
    const heard = new Map<string, string[]>();
    const note = (what: string) => (object: Pod) => {
      const { name } = object.metadata;
      heard.set(name, [...(heard.get(name) ?? []), `${what} ${object.spec?.nodeName ?? ''}`]);
    };
    const hear = { add: note('add'), update: (_: Pod, o: Pod) => note('update')(o), delete: note('delete') };
    const joining = informer.join(hear);
    expect(heard.size).toBeLessThan(400);
    // Of objects told and not told yet, while it joins.
    for (const name of ['p0', 'p399']) {
      await client.patch(Pod, name, 'merge', { spec: { nodeName: 'n1' } }, { namespace: 'default' });
    }
    for (const name of ['p1', 'p398']) await client.delete(Pod, name, { namespace: 'default' });
    await client.create(Pod, pod('new'), { namespace: 'default' });
    const remove = await joining;
    await vi.waitFor(() => expect(heard.has('new')).toBe(true));
    expect(heard.get('p0')).toEqual(['add ', 'update n1']);
    expect(heard.get('p1')).toEqual(['add ', 'delete ']);
    const late = heard.get('p399')!;
    expect([['add n1'], ['add ', 'update n1']]).toContainEqual(late);
    expect([undefined, ['add ', 'delete ']]).toContainEqual(heard.get('p398'));
    for (const name of names.slice(2, 398)) expect(heard.get(name)).toEqual(['add ']);
    remove();
    await client.create(Pod, pod('later'), { namespace: 'default' });
    await vi.waitFor(() => expect(informer.get('later', 'default')).toBeDefined());
    expect(heard.has('later')).toBe(false);
  });

  test('is shared by equal selections only', () => {
    const { client } = fakeCluster();
    const factory = createInformerFactory({ client, clock: manualClock(), logger: silentLogger });
    expect(factory.informer(Pod)).toBe(factory.informer(Pod));
    expect(factory.informer(Pod)).not.toBe(factory.informer(Pod, { namespace: 'x' }));
  });

  test('waits and tries again while the server cannot be reached', async () => {
    const cluster = fakeCluster({ objects: [pod('a')] });
    const clock = manualClock();
    const factory = createInformerFactory({ client: cluster.client, clock, logger: silentLogger });
    let failures = 0;
    cluster.react(() => {
      failures += 1;
      if (failures < 4) throw apiError('ServiceUnavailable');
    });
    const informer = factory.informer(Pod);
    const started = factory.start();
    await vi.waitFor(async () => {
      await clock.advance(10_000);
      expect(informer.synced).toBe(true);
    });
    await started;
    factory.stop();
  });

  test('backs off when everything it asks for has expired', async () => {
    const cluster = fakeCluster({ objects: [pod('a')] });
    const clock = manualClock();
    const factory = createInformerFactory({
      client: cluster.client,
      clock,
      logger: silentLogger,
      random: () => 0,
    });
    cluster.react(({ verb }) => {
      if (verb === 'watch') throw apiError('Expired');
    });
    factory.informer(Pod);
    await factory.start();
    await clock.advance(10_000);
    expect(cluster.actions.length).toBeLessThan(20);
    factory.stop();
  });

  test('a handler that throws does not hold up the others', async () => {
    const { started, informer, heard, seed, factory } = await setup();
    informer.on({
      add() {
        throw new Error('a bug');
      },
    });
    await started;
    seed(pod('b'));
    await vi.waitFor(() => expect(heard).toContain('add b'));
    factory.stop();
  });
});
