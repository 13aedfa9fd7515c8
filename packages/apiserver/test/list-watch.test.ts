import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiResponse, KubeList, Unstructured, WatchEvent } from '@coracle/machinery';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

type List = KubeList<Unstructured>;
const merge = { 'content-type': 'application/merge-patch+json' };
const namesOf = (list: List): string[] => list.items.map((item) => item.metadata.name);

async function namespace(name: string): Promise<string> {
  await t.call('POST', '/api/v1/namespaces', { metadata: { name } });
  return `/api/v1/namespaces/${name}/configmaps`;
}
const make = (path: string, name: string, labels: Record<string, string> = {}): Promise<Unstructured> =>
  t.call('POST', path, { metadata: { name, labels } });

describe('list', () => {
  test('pages are one consistent snapshot, whatever is written in between', async () => {
    const path = await namespace('pages');
    for (const n of ['a', 'b', 'c', 'd', 'e']) await make(path, n);
    const first = await t.call<List>('GET', `${path}?limit=2`);
    expect(namesOf(first)).toEqual(['a', 'b']);
    expect(first.metadata.remainingItemCount).toBe(3);
    await make(path, 'bb');
    await t.call('DELETE', `${path}/e`);
    const second = await t.call<List>('GET', `${path}?limit=2&continue=${first.metadata.continue}`);
    const third = await t.call<List>('GET', `${path}?limit=2&continue=${second.metadata.continue}`);
    expect([...namesOf(second), ...namesOf(third)]).toEqual(['c', 'd', 'e']);
    expect(third.metadata.continue).toBeUndefined();
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });
  test('any limit and selector give the same objects as one whole list', async () => {
    const path = await namespace('random');
    for (let i = 0; i < 30; i++) await make(path, `m${i}`, { mod: String(i % 3) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('', 'mod=0', 'mod in (1,2)', 'mod!=1'),
        async (limit, selector) => {
          const query = `labelSelector=${encodeURIComponent(selector)}`;
          const whole = namesOf(await t.call<List>('GET', `${path}?${query}`));
          const paged: string[] = [];
          let next: string | undefined = '';
          while (next !== undefined) {
            const page: List = await t.call<List>('GET', `${path}?${query}&limit=${limit}&continue=${next}`);
            expect(page.items.length).toBeLessThanOrEqual(limit);
            paged.push(...namesOf(page));
            next = page.metadata.continue;
          }
          expect(paged).toEqual(whole);
        },
      ),
      { numRuns: 25 },
    );
  });
  test('at an exact version shows what was', async () => {
    const path = await namespace('exact');
    const { metadata } = await make(path, 'old');
    await t.call('DELETE', `${path}/old`);
    await make(path, 'new');
    const then = await t.call<List>(
      'GET',
      `${path}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`,
    );
    expect(namesOf(then)).toEqual(['old']);
    const newer = await t.call<List>(
      'GET',
      `${path}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=NotOlderThan`,
    );
    expect(namesOf(newer)).toEqual(['new']);
  });
  test('of a compacted version is Expired, with a token to go on inconsistently', async () => {
    const own = await testServer();
    const path = '/api/v1/namespaces/default/configmaps';
    for (const name of ['a', 'b', 'c']) await own.call('POST', path, { metadata: { name } });
    const first = await own.call<List>('GET', `${path}?limit=1`);
    await own.call('POST', path, { metadata: { name: 'd' } });
    await own.store.compact(own.store.revision);
    const { code, body } = await own.request('GET', `${path}?limit=1&continue=${first.metadata.continue}`);
    expect({ code, reason: body.reason }).toEqual({ code: 410, reason: 'Expired' });
    const token = (body.metadata as { continue?: string }).continue;
    const rest = await own.call<List>('GET', `${path}?continue=${token}`);
    expect(namesOf(rest)).toEqual(['b', 'c', 'd']);
    await own.close();
  });
  test('by fields', async () => {
    const path = await namespace('fields');
    await make(path, 'one');
    await make(path, 'two');
    expect(namesOf(await t.call<List>('GET', `${path}?fieldSelector=metadata.name%3Dtwo`))).toEqual(['two']);
    expect(namesOf(await t.call<List>('GET', `${path}?fieldSelector=metadata.name!%3Dtwo`))).toEqual(['one']);
  });
  test('as Table, as metadata', async () => {
    const path = await namespace('forms');
    await make(path, 'x');
    const get = async (as: string): Promise<Record<string, unknown>> =>
      (
        await t.request('GET', path, {
          headers: { accept: `application/json;as=${as};v=v1;g=meta.k8s.io,application/json` },
        })
      ).body;
    const table = await get('Table');
    expect(table).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'x' } } }],
    });
    expect((table['rows'] as { cells: unknown[] }[])[0]?.cells[0]).toBe('x');
    expect(await get('PartialObjectMetadataList')).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ metadata: { name: 'x' } }],
    });
  });
});

describe('watch', () => {
  test('without a version begins with what is there; each change comes once, in order', async () => {
    const path = await namespace('w1');
    await make(path, 'a');
    const watch = await t.watch(`${path}?watch=true`);
    expect(await watch.next()).toMatchObject({
      type: 'ADDED',
      object: { kind: 'ConfigMap', metadata: { name: 'a' } },
    });
    await make(path, 'b');
    await t.call('PATCH', `${path}/a`, { data: { k: 'v' } }, merge);
    await t.call('DELETE', `${path}/b`);
    const seen = [await watch.next(), await watch.next(), await watch.next()];
    expect(seen.map((e) => [e?.type, e?.object.metadata.name])).toEqual([
      ['ADDED', 'b'],
      ['MODIFIED', 'a'],
      ['DELETED', 'b'],
    ]);
    const versions = seen.map((e) => Number(e?.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    watch.stop();
  });
  test('from a version brings what came after it', async () => {
    const path = await namespace('w2');
    const { metadata } = await make(path, 'before');
    await make(path, 'after');
    const watch = await t.watch(`${path}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'after' } } });
    watch.stop();
  });
  test('with a selector sees objects enter and leave it', async () => {
    const path = await namespace('w3');
    await make(path, 'x', { on: 'no' });
    const watch = await t.watch(`${path}?watch=1&labelSelector=on%3Dyes`);
    const set = (on: string): Promise<Unstructured> =>
      t.call('PATCH', `${path}/x`, { metadata: { labels: { on } } }, merge);
    await set('yes');
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'x' } } });
    const left = await set('no');
    const gone = await watch.next();
    expect(gone).toMatchObject({
      type: 'DELETED',
      object: { metadata: { labels: { on: 'yes' }, resourceVersion: left.metadata.resourceVersion } },
    });
    watch.stop();
  });
  test('with sendInitialEvents marks where the initial ones end', async () => {
    const path = await namespace('w4');
    await make(path, 'a');
    const watch = await t.watch(
      `${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    expect((await watch.next())?.type).toBe('ADDED');
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: {
        kind: 'ConfigMap',
        metadata: {
          annotations: { 'k8s.io/initial-events-end': 'true' },
          resourceVersion: String(t.store.revision),
        },
      },
    });
    watch.stop();
  });
  test('from a compacted version gets a 410 ERROR and ends', async () => {
    const own = await testServer();
    await own.store.compact(own.store.revision);
    const watch = await own.watch('/api/v1/configmaps?watch=1&resourceVersion=1');
    expect(await watch.next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    expect(await watch.next()).toBeUndefined();
    await own.close();
  });
  test('ends after timeoutSeconds', async () => {
    const fired: (() => void)[] = [];
    const own = await testServer({
      timers: { after: (ms, fire) => (ms === 7000 && fired.push(fire), () => {}) },
    });
    const watch = await own.watch('/api/v1/configmaps?watch=1&timeoutSeconds=7');
    fired[0]?.();
    expect(await watch.next()).toBeUndefined();
    await own.close();
  });
  test('of one object by its name sees no other', async () => {
    const path = await namespace('w5');
    const watch = await t.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dme`);
    await make(path, 'other');
    await make(path, 'me');
    expect(await watch.next()).toMatchObject({ object: { metadata: { name: 'me' } } });
    watch.stop();
  });
  test('a full sink gets nothing more until it has drained, and misses nothing', async () => {
    const path = await namespace('w6');
    const response: ApiResponse = await t.handler({
      method: 'GET',
      path,
      query: new URLSearchParams('watch=1'),
      headers: {},
      credentials: t.admin,
      want: 'values',
      signal: new AbortController().signal,
    });
    if (response.kind !== 'watch') throw new Error('no watch');
    const seen: WatchEvent[][] = [];
    let wake = (): void => {};
    const handle = response.start({
      events(batch) {
        seen.push([...batch]);
        wake();
        return false;
      },
      end() {},
    });
    const batch = (): Promise<void> => new Promise((resolve) => (wake = resolve));
    let waiting = batch();
    await make(path, 'one');
    await waiting;
    for (const name of ['two', 'three', 'four']) await make(path, name);
    expect(seen).toHaveLength(1);
    while (seen.flat().length < 4) {
      waiting = batch();
      handle.drained();
      await waiting;
    }
    const names = (seen.flat() as WatchEvent<Unstructured>[]).map((e) => e.object.metadata.name);
    expect(names).toEqual(['one', 'two', 'three', 'four']);
    handle.stop();
  });
  test('bytes of one event are made once for all watchers', async () => {
    const path = await namespace('w7');
    const bytes: Uint8Array[] = [];
    let wake = (): void => {};
    const both = new Promise<void>((resolve) => (wake = resolve));
    const open = async (): Promise<void> => {
      const response = await t.handler({
        method: 'GET',
        path,
        query: new URLSearchParams('watch=1'),
        headers: {},
        credentials: t.admin,
        want: 'bytes',
        signal: new AbortController().signal,
      });
      if (response.kind !== 'watch') throw new Error('no watch');
      response.start({
        events(_events, encoded = []) {
          bytes.push(...encoded);
          if (bytes.length === 2) wake();
          return true;
        },
        end() {},
      });
    };
    await open();
    await open();
    await new Promise((resolve) => setImmediate(resolve));
    await make(path, 'x');
    await both;
    expect(bytes[0]).toBe(bytes[1]);
    expect(JSON.parse(new TextDecoder().decode(bytes[0]))).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'x' } },
    });
  });
});
