/** sig-api-machinery: watches, chunked lists, tables. Each test carries the conformance test's name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiError, Unstructured } from '@coracle/machinery';
import { testServer, type TestServer } from '../../src/testing.ts';
import { type Any, eventOf, type List, merge, namesOf, newNamespace, nextEvent } from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

async function configMaps(namespace: string): Promise<string> {
  await newNamespace(t, namespace);
  return `/api/v1/namespaces/${namespace}/configmaps`;
}
const make = (
  path: string,
  name: string,
  labels: Record<string, string> = {},
  data = {},
): Promise<Unstructured> => t.call('POST', path, { metadata: { name, labels }, data });
const change = (path: string, name: string, body: object): Promise<Unstructured> =>
  t.call('PATCH', `${path}/${name}`, body, merge);

describe('Watchers', () => {
  test('watch-configmaps-with-multiple-watchers', async () => {
    const path = await configMaps('watch-multiple');
    const label = 'watch-this-configmap';
    const a = await t.watch(`${path}?watch=1&labelSelector=${label}%3DA`);
    const b = await t.watch(`${path}?watch=1&labelSelector=${label}%3DB`);
    const both = await t.watch(`${path}?watch=1&labelSelector=${encodeURIComponent(`${label} in (A,B)`)}`);
    await make(path, 'a', { [label]: 'A' });
    await change(path, 'a', { data: { mutation: '1' } });
    await change(path, 'a', { data: { mutation: '2' } });
    await t.call('DELETE', `${path}/a`);
    await make(path, 'b', { [label]: 'B' });
    await t.call('DELETE', `${path}/b`);
    const types = async (watch: typeof a, count: number): Promise<string[]> => {
      const seen: string[] = [];
      for (let i = 0; i < count; i++) {
        const event = await nextEvent(watch);
        seen.push(`${event.type} ${event.object.metadata.name}`);
      }
      return seen;
    };
    const ofA = ['ADDED a', 'MODIFIED a', 'MODIFIED a', 'DELETED a'];
    const ofB = ['ADDED b', 'DELETED b'];
    expect(await types(a, 4)).toEqual(ofA);
    expect(await types(b, 2)).toEqual(ofB);
    expect(await types(both, 6)).toEqual([...ofA, ...ofB]);
    for (const w of [a, b, both]) w.stop();
  });
  test('watch-configmaps-from-resource-version', async () => {
    const path = await configMaps('watch-from-version');
    await make(path, 'cm');
    const first = await change(path, 'cm', { data: { mutation: '1' } });
    await change(path, 'cm', { data: { mutation: '2' } });
    await t.call('DELETE', `${path}/cm`);
    const watch = await t.watch(`${path}?watch=1&resourceVersion=${first.metadata.resourceVersion}`);
    const second = await nextEvent(watch);
    expect([second.type, (second.object as Any).data.mutation]).toEqual(['MODIFIED', '2']);
    const last = await nextEvent(watch);
    expect([last.type, (last.object as Any).data.mutation]).toEqual(['DELETED', '2']);
    expect(BigInt(last.object.metadata.resourceVersion ?? 0)).toBeGreaterThan(
      BigInt(second.object.metadata.resourceVersion ?? 0),
    );
    watch.stop();
  });
  test('watch-configmaps-closed-and-restarted', async () => {
    const path = await configMaps('watch-restarted');
    const watch = await t.watch(`${path}?watch=1`);
    await make(path, 'cm');
    await change(path, 'cm', { data: { mutation: '1' } });
    await nextEvent(watch);
    const seen = await nextEvent(watch);
    watch.stop();
    await change(path, 'cm', { data: { mutation: '2' } });
    await t.call('DELETE', `${path}/cm`);
    const again = await t.watch(`${path}?watch=1&resourceVersion=${seen.object.metadata.resourceVersion}`);
    const modified = await nextEvent(again);
    expect([modified.type, (modified.object as Any).data.mutation]).toEqual(['MODIFIED', '2']);
    expect((await nextEvent(again)).type).toBe('DELETED');
    again.stop();
  });
  test('watch-configmaps-label-changed', async () => {
    const path = await configMaps('watch-label');
    const watch = await t.watch(`${path}?watch=1&labelSelector=w%3Dyes`);
    await make(path, 'cm', { w: 'yes' });
    await change(path, 'cm', { data: { mutation: '1' } });
    const hidden = await change(path, 'cm', { metadata: { labels: { w: 'no' } } });
    await change(path, 'cm', { data: { mutation: '2' } });
    await change(path, 'cm', { metadata: { labels: { w: 'yes' } } });
    await change(path, 'cm', { data: { mutation: '3' } });
    await t.call('DELETE', `${path}/cm`);
    const seen: [string, string | undefined][] = [];
    for (let i = 0; i < 6; i++) {
      const event = await nextEvent(watch);
      seen.push([event.type, (event.object as Any).data?.mutation]);
      if (i === 2) {
        // An object that leaves the selection is shown as it was, with the version of the change.
        expect((event.object as Any).metadata.labels.w).toBe('yes');
        expect(event.object.metadata.resourceVersion).toBe(hidden.metadata.resourceVersion);
      }
    }
    expect(seen).toEqual([
      ['ADDED', undefined],
      ['MODIFIED', '1'],
      ['DELETED', '1'],
      ['ADDED', '2'],
      ['MODIFIED', '3'],
      ['DELETED', '3'],
    ]);
    watch.stop();
  });
  test('watch-consistency: watches from every version see the later events in one order', async () => {
    const path = await configMaps('watch-consistency');
    const versions: string[] = [];
    const start = (await t.call<List>('GET', path)).metadata.resourceVersion;
    const whole = await t.watch(`${path}?watch=1&resourceVersion=${start}`);
    for (let i = 0; i < 20; i++) {
      versions.push((await make(path, `cm${i}`)).metadata.resourceVersion ?? '');
      if (i % 3 === 1)
        versions.push((await change(path, `cm${i}`, { data: { i: '1' } })).metadata.resourceVersion ?? '');
      if (i % 3 === 2) {
        await t.call('DELETE', `${path}/cm${i}`);
      }
    }
    const order: string[] = [];
    const last = versions.at(-1);
    for (let at = ''; at !== last; order.push(at))
      at = (await nextEvent(whole)).object.metadata.resourceVersion ?? '';
    for (const from of versions.slice(0, -1)) {
      const watch = await t.watch(`${path}?watch=1&resourceVersion=${from}`);
      for (const expected of order.slice(order.indexOf(from) + 1))
        expect((await nextEvent(watch)).object.metadata.resourceVersion).toBe(expected);
      watch.stop();
    }
    whole.stop();
  });
  test('rules of resourceVersion and sendInitialEvents', async () => {
    const path = await configMaps('watch-rules');
    await make(path, 'one');
    const message = async (query: string): Promise<[number | undefined, string | undefined]> => {
      const error = await t.watch(`${path}?watch=1&${query}`).then(
        (w) => {
          w.stop();
          return undefined;
        },
        (e: ApiError) => e,
      );
      return [error?.status.code, error?.status.reason];
    };
    // Initial events need NotOlderThan, a match needs initial events in a watch.
    expect(await message('sendInitialEvents=true')).toEqual([422, 'Invalid']);
    expect(await message('resourceVersionMatch=NotOlderThan')).toEqual([422, 'Invalid']);
    expect(await message('sendInitialEvents=true&resourceVersionMatch=Exact')).toEqual([422, 'Invalid']);
    expect(await message('resourceVersion=abc')).toEqual([422, 'Invalid']);
    const watch = await t.watch(
      `${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    expect((await watch.next())?.type).toBe('ADDED');
    const bookmark = await watch.next();
    expect(bookmark?.type).toBe('BOOKMARK');
    expect(bookmark?.object.kind).toBe('ConfigMap');
    expect(bookmark?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    watch.stop();
    // Without initial events and without a version: only what comes.
    const only = await t.watch(`${path}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`);
    await make(path, 'two');
    expect((await only.next())?.object.metadata.name).toBe('two');
    only.stop();
    // Zero or none: synthetic additions first.
    const zero = await t.watch(`${path}?watch=1&resourceVersion=0`);
    expect([(await zero.next())?.object.metadata.name, (await zero.next())?.object.metadata.name]).toEqual([
      'one',
      'two',
    ]);
    zero.stop();
    // One object alone.
    const single = await t.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dtwo`);
    expect((await single.next())?.object.metadata.name).toBe('two');
    await change(path, 'one', { data: { a: 'b' } });
    await change(path, 'two', { data: { a: 'b' } });
    await eventOf(single, 'MODIFIED', 'two');
    single.stop();
    const old = await t.watch(`/api/v1/watch/namespaces/watch-rules/configmaps/two`);
    expect((await old.next())?.object.metadata.name).toBe('two');
    old.stop();
  });
  test('PartialObjectMetadata in watches and their bookmarks', async () => {
    const path = await configMaps('watch-partial');
    await make(path, 'one');
    const response = await t.handler({
      method: 'GET',
      path,
      query: new URLSearchParams(
        'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
      ),
      headers: { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
      credentials: t.admin,
      want: 'values',
      signal: new AbortController().signal,
    });
    if (response.kind !== 'watch') throw new Error(response.kind);
    const events: Any[] = [];
    const ended = Promise.withResolvers<void>();
    const handle = response.start({
      events(batch) {
        events.push(...batch);
        if (events.length >= 2) ended.resolve();
        return true;
      },
      end: () => ended.resolve(),
    });
    await ended.promise;
    handle.stop();
    expect(events.map((e) => [e.type, e.object.kind, e.object.apiVersion, e.object.data])).toEqual([
      ['ADDED', 'PartialObjectMetadata', 'meta.k8s.io/v1', undefined],
      ['BOOKMARK', 'PartialObjectMetadata', 'meta.k8s.io/v1', undefined],
    ]);
  });
});

describe('API Chunking', () => {
  const templates = async (namespace: string, count: number): Promise<string> => {
    await newNamespace(t, namespace);
    const path = `/api/v1/namespaces/${namespace}/podtemplates`;
    for (let i = 0; i < count; i++)
      await t.call('POST', path, {
        metadata: { name: `template-${String(i).padStart(4, '0')}` },
        template: { spec: { containers: [{ name: 'test', image: 'test2' }] } },
      });
    return path;
  };
  test('server should return chunks of results for list calls', async () => {
    const path = await templates('chunking', 40);
    for (const limit of [7, 13, 39, 40, 41]) {
      const seen: string[] = [];
      let next = '';
      let version: string | undefined;
      do {
        const page = await t.call<List>('GET', `${path}?limit=${limit}&continue=${next}`);
        version ??= page.metadata.resourceVersion;
        expect(page.metadata.resourceVersion).toBe(version);
        expect(page.items.length).toBe(Math.min(limit, 40 - seen.length));
        seen.push(...namesOf(page));
        next = page.metadata.continue ?? '';
        expect(page.metadata.remainingItemCount ?? 0).toBe(40 - seen.length);
      } while (next !== '');
      expect(seen).toHaveLength(40);
      expect(seen).toEqual([...seen].sort());
    }
    const whole = await t.call<List>('GET', `${path}?limit=0`);
    expect(whole.items).toHaveLength(40);
    expect(whole.metadata.continue).toBeUndefined();
  });
  test('server should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent', async () => {
    const own = await testServer();
    const path = '/api/v1/namespaces/default/podtemplates';
    const template = { spec: { containers: [{ name: 'test', image: 'test2' }] } };
    for (let i = 0; i < 10; i++) await own.call('POST', path, { metadata: { name: `t${i}` }, template });
    const first = await own.call<List>('GET', `${path}?limit=3`);
    await own.call('POST', path, { metadata: { name: 't9x' }, template });
    await own.store.compact(own.store.revision);
    const gone = await own.request('GET', `${path}?limit=3&continue=${first.metadata.continue}`);
    expect([gone.code, gone.body.reason]).toEqual([410, 'Expired']);
    const token = (gone.body as Any).metadata.continue as string;
    expect(token).toBeTruthy();
    const rest = await own.call<List>('GET', `${path}?limit=3&continue=${token}`);
    expect(namesOf(rest)).toEqual(['t3', 't4', 't5']);
    expect(rest.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    const last = await own.call<List>('GET', `${path}?continue=${rest.metadata.continue}`);
    expect(namesOf(last)).toEqual(['t6', 't7', 't8', 't9', 't9x']);
    expect(last.metadata.resourceVersion).toBe(rest.metadata.resourceVersion);
    await own.close();
  });
  test('bad continue tokens and versions that do not go together are refused', async () => {
    const path = '/api/v1/pods';
    const answer = async (query: string): Promise<unknown[]> => {
      const { code, body } = await t.request('GET', `${path}?${query}`);
      return [code, body.reason];
    };
    expect(await answer('continue=garbage')).toEqual([400, 'BadRequest']);
    expect(await answer('limit=abc')).toEqual([400, 'BadRequest']);
    expect(await answer('resourceVersionMatch=Exact')).toEqual([422, 'Invalid']);
    expect(await answer('resourceVersionMatch=Exact&resourceVersion=0')).toEqual([422, 'Invalid']);
    expect(await answer('resourceVersionMatch=Foo&resourceVersion=1')).toEqual([422, 'Invalid']);
    expect(await answer('sendInitialEvents=true')).toEqual([422, 'Invalid']);
    expect((await answer('resourceVersion=99999999'))[0]).toBe(504);
  });
});

describe('Servers with support for Table transformation', () => {
  const as = (kind: string): Record<string, string> => ({
    accept: `application/json;as=${kind};v=v1;g=meta.k8s.io`,
  });
  test('should return pod details', async () => {
    await newNamespace(t, 'tables');
    await t.call('POST', '/api/v1/namespaces/tables/pods', {
      metadata: { name: 'pod-1' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const table = await t.call<Any>('GET', '/api/v1/namespaces/tables/pods/pod-1', undefined, as('Table'));
    expect([table.kind, table.apiVersion]).toEqual(['Table', 'meta.k8s.io/v1']);
    expect(table.columnDefinitions.length).toBeGreaterThan(2);
    expect(table.columnDefinitions[0]).toMatchObject({ name: 'Name', type: 'string', format: 'name' });
    expect(table.rows).toHaveLength(1);
    expect(table.rows[0].cells[0]).toBe('pod-1');
    expect(table.rows[0].object).toMatchObject({
      kind: 'PartialObjectMetadata',
      metadata: { name: 'pod-1' },
    });
  });
  test('should return chunks of table results for list calls', async () => {
    await newNamespace(t, 'table-chunks');
    const path = '/api/v1/namespaces/table-chunks/podtemplates';
    for (let i = 0; i < 5; i++)
      await t.call('POST', path, {
        metadata: { name: `template-${i}` },
        template: { spec: { containers: [{ name: 'test', image: 'test2' }] } },
      });
    const first = await t.call<Any>('GET', `${path}?limit=2`, undefined, as('Table'));
    expect(first.rows).toHaveLength(2);
    expect(first.metadata.continue).toBeTruthy();
    expect(first.metadata.remainingItemCount).toBe(3);
    const rest = await t.call<Any>(
      'GET',
      `${path}?continue=${first.metadata.continue}`,
      undefined,
      as('Table'),
    );
    expect(rest.rows).toHaveLength(3);
    expect(rest.metadata.continue).toBeUndefined();
    const none = await t.call<Any>('GET', `${path}?includeObject=None`, undefined, as('Table'));
    expect(none.rows[0].object ?? null).toBeNull();
    const whole = await t.call<Any>('GET', `${path}?includeObject=Object`, undefined, as('Table'));
    expect(whole.rows[0].object.kind).toBe('PodTemplate');
  });
  test('should return generic metadata details across all namespaces for nodes', async () => {
    await t.call('POST', '/api/v1/nodes', { metadata: { name: 'table-node' } });
    const table = await t.call<Any>('GET', '/api/v1/nodes', undefined, as('Table'));
    expect(table.rows.length).toBeGreaterThan(0);
    expect(table.columnDefinitions.length).toBeGreaterThanOrEqual(2);
    expect(table.metadata.resourceVersion).toBeTruthy();
  });
  test('should return a 406 for a backend which does not implement metadata', async () => {
    const { code, body } = await t.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: { spec: { resourceAttributes: { namespace: 'tables', verb: 'get', resource: 'pods' } } },
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    expect([code, body.reason]).toEqual([406, 'NotAcceptable']);
  });
  test('PartialObjectMetadataList has the metadata of every object', async () => {
    const list = await t.call<Any>(
      'GET',
      '/api/v1/namespaces/tables/pods',
      undefined,
      as('PartialObjectMetadataList'),
    );
    expect([list.kind, list.apiVersion]).toEqual(['PartialObjectMetadataList', 'meta.k8s.io/v1']);
    expect(list.items[0].spec).toBeUndefined();
    expect(list.items[0].metadata.uid).toBeTruthy();
  });
});
