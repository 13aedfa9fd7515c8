import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { resourceType } from '@coracle/machinery';
import { ConfigMap, CustomResourceDefinition, Job, Node, Pod } from '@coracle/machinery/api';
import { garbageCollector } from '../../src/index.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const Widget = resourceType<KubeObject>('example.com', 'v1', 'widgets', 'Widget', true);
const types = [ConfigMap, CustomResourceDefinition, Job, Node, Pod] as ResourceType<KubeObject>[];
const discover = async () => ({ resources: types.map((type) => ({ ...type, verbs })), failures: [] });

interface Shape {
  namespace?: string;
  owners?: { name: string; block?: boolean; kind?: string; uid?: string }[];
  finalizers?: string[];
}
/** A ConfigMap; owners are ConfigMaps whose uid is `uid-NAME`. */
const item = (name: string, { owners = [], namespace = 'default', finalizers }: Shape = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace,
    uid: `uid-${name}`,
    ...(finalizers ? { finalizers } : {}),
    ownerReferences: owners.map((owner) => ({
      apiVersion: 'v1',
      kind: owner.kind ?? 'ConfigMap',
      name: owner.name,
      uid: owner.uid ?? `uid-${owner.name}`,
      ...(owner.block ? { blockOwnerDeletion: true } : {}),
    })),
  },
});
const names = (l: Lab): string[] => l.cluster.objects(ConfigMap).map((object) => object.metadata.name);
const del = (l: Lab, name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan') =>
  l.cluster.client.delete(ConfigMap, name, { namespace: 'default', propagationPolicy });

async function running(...objects: object[]): Promise<Lab> {
  const l = lab({ objects });
  await l.start(garbageCollector(l.deps, { discover }));
  await l.rest();
  return l;
}

describe('garbage collector', () => {
  test('background: dependents go after their owner, and theirs after them', async () => {
    const l = await running(
      item('a'),
      item('b', { owners: [{ name: 'a' }] }),
      item('c', { owners: [{ name: 'b' }] }),
      item('other'),
    );
    expect(names(l)).toEqual(['a', 'b', 'c', 'other']);
    await del(l, 'a', 'Background');
    await l.until(() => names(l).length === 1);
    expect(names(l)).toEqual(['other']);
  });

  test('an object made with an owner that does not exist is deleted', async () => {
    const l = await running(item('child', { owners: [{ name: 'nobody' }] }));
    await l.until(() => names(l).length === 0);
  });

  test('an owner of the same name with another uid is no owner', async () => {
    const l = await running(item('a'), item('child', { owners: [{ name: 'a', uid: 'older' }] }));
    await l.until(() => !names(l).includes('child'));
    expect(names(l)).toEqual(['a']);
  });

  test('one owner left keeps the object; references to the others are taken away', async () => {
    const l = await running(item('a'), item('b'), item('child', { owners: [{ name: 'a' }, { name: 'b' }] }));
    await del(l, 'a', 'Background');
    await l.until(
      () => l.cluster.object(ConfigMap, 'child', 'default')?.metadata.ownerReferences?.length === 1,
    );
    expect(names(l)).toEqual(['b', 'child']);
  });

  test('foreground: the owner waits for dependents that block it', async () => {
    const l = await running(
      item('a'),
      item('child', { owners: [{ name: 'a', block: true }], finalizers: ['example.com/hold'] }),
    );
    await del(l, 'a', 'Foreground');
    await l.until(() => l.cluster.object(ConfigMap, 'child', 'default')?.metadata.deletionTimestamp);
    await l.rest();
    expect(names(l)).toEqual(['a', 'child']);
    await l.cluster.client.patch(
      ConfigMap,
      'child',
      'merge',
      { metadata: { finalizers: [] } },
      { namespace: 'default' },
    );
    await l.until(() => names(l).length === 0);
  });

  test('foreground: an owner does not wait for dependents that do not block it', async () => {
    const l = await running(
      item('a'),
      item('child', { owners: [{ name: 'a' }], finalizers: ['example.com/hold'] }),
    );
    await del(l, 'a', 'Foreground');
    await l.until(() => !names(l).includes('a'));
    expect(names(l)).toEqual(['child']);
  });

  test('foreground goes down a chain, leaves first', async () => {
    const l = await running(
      item('a'),
      item('b', { owners: [{ name: 'a', block: true }] }),
      item('c', { owners: [{ name: 'b', block: true }] }),
    );
    const gone: string[] = [];
    l.deps.informers.informer(ConfigMap).on({ delete: (object) => void gone.push(object.metadata.name) });
    await del(l, 'a', 'Foreground');
    await l.until(() => names(l).length === 0);
    await l.rest();
    expect(gone).toEqual(['c', 'b', 'a']);
  });

  test('foreground: objects that own each other do not wait for ever', async () => {
    const l = await running(
      item('a', { owners: [{ name: 'b', block: true }] }),
      item('b', { owners: [{ name: 'a', block: true }] }),
    );
    await del(l, 'a', 'Foreground');
    await l.clock.advance(10_000);
    await l.until(() => names(l).length === 0);
  });

  test('orphan: dependents stay, without the reference', async () => {
    const l = await running(item('a'), item('child', { owners: [{ name: 'a' }] }));
    await del(l, 'a', 'Orphan');
    await l.until(() => !names(l).includes('a'));
    await l.rest();
    expect(names(l)).toEqual(['child']);
    expect(l.cluster.object(ConfigMap, 'child', 'default')?.metadata.ownerReferences).toEqual([]);
  });

  test('an owner of another namespace is no owner', async () => {
    const l = await running(
      item('a', { namespace: 'elsewhere' }),
      item('child', { owners: [{ name: 'a' }] }),
    );
    await l.until(() => !names(l).includes('child'));
    expect(l.events[0]).toMatch(/^OwnerRefInvalidNamespace /);
  });

  test('an object of the cluster that names an owner of a namespace is left alone', async () => {
    const l = await running({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: 'n1',
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'uid-a' }],
      },
    });
    await l.clock.advance(5000);
    expect(l.cluster.objects(Node)).toHaveLength(1);
  });

  test('an object of the cluster owns objects of namespaces', async () => {
    const l = await running(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'uid-n1' } },
      item('child', { owners: [{ name: 'n1', kind: 'Node' }] }),
    );
    expect(names(l)).toEqual(['child']);
    await l.cluster.client.delete(Node, 'n1');
    await l.until(() => names(l).length === 0);
  });

  test('kinds of a new CustomResourceDefinition are collected too', async () => {
    const l = lab({ types: [Widget], objects: [] });
    let served: ResourceType<KubeObject>[] = types;
    await l.start(
      garbageCollector(l.deps, {
        discover: async () => ({ resources: served.map((type) => ({ ...type, verbs })), failures: [] }),
      }),
    );
    served = [...types, Widget];
    l.cluster.seed({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        names: { kind: 'Widget', plural: 'widgets' },
        scope: 'Namespaced',
        versions: [],
      },
    });
    l.cluster.seed({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', uid: 'uid-w' } });
    await l.rest();
    await l.clock.advance(1000);
    l.cluster.seed({
      ...item('child'),
      metadata: {
        name: 'child',
        namespace: 'default',
        ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'uid-w' }],
      },
    });
    await l.rest();
    expect(names(l)).toEqual(['child']);
    await l.cluster.client.delete(Widget, 'w', { namespace: 'default' });
    await l.until(() => names(l).length === 0);
  });

  test('any forest, any deletions: exactly what has an owner left, had none, or was let go remains', async () => {
    const parents = fc.array(fc.option(fc.nat(20), { nil: undefined }), { minLength: 1, maxLength: 12 });
    const policy = fc.constantFrom('Background' as const, 'Foreground' as const);
    await fc.assert(
      fc.asyncProperty(
        parents,
        fc.array(fc.tuple(fc.nat(20), policy), { maxLength: 4 }),
        async (tree, kills) => {
          // Object i is owned by an earlier one, or by nobody.
          const parentOf = tree.map((parent, i) =>
            parent === undefined || i === 0 ? undefined : parent % i,
          );
          const l = await running(
            ...parentOf.map((parent, i) =>
              item(`o${i}`, {
                owners: parent === undefined ? [] : [{ name: `o${parent}`, block: i % 2 === 0 }],
              }),
            ),
          );
          const dead = new Set<number>();
          for (const [pick, how] of kills) {
            const victim = pick % tree.length;
            if (dead.has(victim)) continue;
            dead.add(victim);
            for (let i = 0; i < tree.length; i += 1) if (dead.has(parentOf[i] ?? -1)) dead.add(i);
            await del(l, `o${victim}`, how).catch(() => undefined);
          }
          await l.until(() => names(l).length === tree.length - dead.size);
          await l.rest();
          expect(new Set(names(l))).toEqual(
            new Set(
              tree
                .map((_, i) => i)
                .filter((i) => !dead.has(i))
                .map((i) => `o${i}`),
            ),
          );
        },
      ),
      { numRuns: 25 },
    );
  });
});
