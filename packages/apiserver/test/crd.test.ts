import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeList, Unstructured } from '@coracle/machinery';
import { memoryStore } from '@coracle/store';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const merge = { 'content-type': 'application/merge-patch+json' };

function definition(
  plural: string,
  kind: string,
  more: object = {},
): Record<string, unknown> & { metadata: { name: string } } {
  return {
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind, shortNames: [plural.slice(0, 2)], categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  required: ['size'],
                  properties: {
                    size: { type: 'integer', minimum: 1 },
                    colour: { type: 'string', default: 'red' },
                    replicas: { type: 'integer' },
                    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  },
                },
                status: {
                  type: 'object',
                  properties: { replicas: { type: 'integer' }, selector: { type: 'string' } },
                },
              },
            },
          },
        },
      ],
      ...more,
    },
  };
}

describe('a definition', () => {
  const things = '/apis/example.com/v1/namespaces/default/things';
  test('is established and served at once', async () => {
    const made = await t.call('POST', crds, definition('things', 'Thing'));
    const conditions = (made['status'] as { conditions: { type: string; status: string }[] }).conditions;
    expect(conditions.map(({ type, status }) => [type, status])).toEqual([
      ['NamesAccepted', 'True'],
      ['Established', 'True'],
    ]);
    expect(made['status']).toMatchObject({
      storedVersions: ['v1'],
      acceptedNames: { plural: 'things', singular: 'thing', listKind: 'ThingList' },
    });
    const list = await t.call<KubeList<unknown>>('GET', things);
    expect(list).toMatchObject({ kind: 'ThingList', apiVersion: 'example.com/v1', items: [] });
    const resources = await t.call('GET', '/apis/example.com/v1');
    expect(JSON.stringify(resources)).toContain('things/scale');
    const groups = await t.call('GET', '/apis');
    expect(JSON.stringify(groups)).toContain('"example.com/v1"');
    const openapi = await t.call('GET', '/openapi/v3/apis/example.com/v1');
    expect(JSON.stringify(openapi)).toContain('com.example.v1.Thing');
  });
  test('prunes, defaults and validates its objects', async () => {
    const made = await t.call('POST', things, {
      metadata: { name: 'a' },
      spec: { size: 1, junk: 2, free: { any: 1 } },
    });
    expect(made['spec']).toEqual({ size: 1, colour: 'red', free: { any: 1 } });
    expect(made.metadata.generation).toBe(1);
    const { code, body } = await t.request('POST', things, {
      body: { metadata: { name: 'b' }, spec: { size: 0 } },
    });
    expect(code).toBe(422);
    expect(body.message).toMatch(/^Thing\.example\.com "b" is invalid: spec\.size: Invalid value: 0/);
    const wrong = await t.request('POST', things, {
      body: { metadata: { name: 'b' }, spec: { size: 'big' } },
    });
    expect(wrong.body).toMatchObject({ code: 422, reason: 'Invalid' });
    const strict = await t.request('POST', `${things}?fieldValidation=Strict`, {
      body: { metadata: { name: 'b' }, spec: { size: 1, junk: 1 } },
    });
    expect(strict.body.message).toMatch(/strict decoding error: unknown field "spec\.junk"/);
  });
  test('keeps status and spec apart, and offers scale', async () => {
    const before = await t.call('GET', `${things}/a`);
    const status = await t.call(
      'PATCH',
      `${things}/a/status`,
      { spec: { size: 9 }, status: { replicas: 2, selector: 'a=b' } },
      merge,
    );
    expect(status).toMatchObject({ spec: { size: 1 }, status: { replicas: 2 } });
    expect(status.metadata.generation).toBe(before.metadata.generation);
    const scale = await t.call('PATCH', `${things}/a/scale`, { spec: { replicas: 4 } }, merge);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 4 },
      status: { replicas: 2, selector: 'a=b' },
    });
    expect(await t.call('GET', `${things}/a`)).toMatchObject({
      spec: { replicas: 4 },
      metadata: { generation: 2 },
    });
  });
  test('has its columns in tables', async () => {
    const { body } = await t.request('GET', things, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    const { columnDefinitions, rows } = body as unknown as {
      columnDefinitions: { name: string }[];
      rows: { cells: unknown[] }[];
    };
    expect(columnDefinitions.map((c) => c.name)).toEqual(['Name', 'Size', 'Age']);
    expect(rows[0]?.cells.slice(0, 2)).toEqual(['a', 1]);
  });
  test('does not take a strategic merge patch', async () => {
    const { code } = await t.request('PATCH', `${things}/a`, {
      body: {},
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
    expect(code).toBe(415);
  });
  test('that changes is served changed: new defaults show on stored objects', async () => {
    const current = await t.call<ReturnType<typeof definition>>('GET', `${crds}/things.example.com`);
    interface Shape {
      spec: {
        versions: {
          schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, object> } } } };
        }[];
      };
    }
    const next = structuredClone(current) as unknown as Shape;
    const properties = next.spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties;
    if (properties) properties['shape'] = { type: 'string', default: 'round' };
    await t.call('PUT', `${crds}/things.example.com`, next);
    expect(await t.call('GET', `${things}/a`)).toMatchObject({ spec: { shape: 'round' } });
  });
  test('may not change what is fixed', async () => {
    const { code, body } = await t.request('PATCH', `${crds}/things.example.com`, {
      body: { spec: { scope: 'Cluster' } },
      headers: merge,
    });
    expect(code).toBe(422);
    expect(body.message).toMatch(/spec\.scope: Invalid value: "Cluster": field is immutable/);
  });
  test('whose names are taken waits, and gets them when they are free', async () => {
    await t.call('POST', crds, definition('firsts', 'First'));
    const late = definition('seconds', 'First');
    const made = await t.call('POST', crds, late);
    expect(made['status']).toMatchObject({
      conditions: [
        { type: 'NamesAccepted', status: 'False', reason: 'SingularConflict' },
        { type: 'Established', status: 'False' },
      ],
    });
    expect((await t.request('GET', '/apis/example.com/v1/namespaces/default/seconds')).code).toBe(404);
    const watch = await t.watch(
      `${crds}?watch=1&resourceVersion=${made.metadata.resourceVersion}&fieldSelector=metadata.name%3Dseconds.example.com`,
    );
    await t.call('DELETE', `${crds}/firsts.example.com`);
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED' });
    watch.stop();
    expect((await t.request('GET', '/apis/example.com/v1/namespaces/default/seconds')).code).toBe(200);
  });
  test('that is deleted takes its objects along, finalizers first', async () => {
    await t.call('POST', things, {
      metadata: { name: 'held', finalizers: ['example.com/wait'] },
      spec: { size: 1 },
    });
    const watch = await t.watch(`${crds}?watch=1&fieldSelector=metadata.name%3Dthings.example.com`);
    const marked = await t.call('DELETE', `${crds}/things.example.com`);
    expect(JSON.stringify(marked['status'])).toContain('"type":"Terminating"');
    const late = await t.request('POST', things, { body: { metadata: { name: 'late' }, spec: { size: 1 } } });
    expect(late.body).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
    const objects = await t.watch(`${things}?watch=1`);
    let event = await objects.next();
    while (event && !(event.object.metadata.name === 'held' && event.object.metadata.deletionTimestamp))
      event = await objects.next();
    await t.call('PATCH', `${things}/held`, { metadata: { finalizers: null } }, merge);
    let change = await watch.next();
    while (change && change.type !== 'DELETED') change = await watch.next();
    expect(change?.type).toBe('DELETED');
    watch.stop();
    objects.stop();
    expect((await t.request('GET', things)).code).toBe(404);
    expect(t.store.count('example.com/things/')).toBe(0);
  });
  test('that is broken is refused', async () => {
    const { code, body } = await t.request('POST', crds, {
      body: {
        metadata: { name: 'x.example.com' },
        spec: { group: 'example.com', scope: 'Some', names: { plural: 'ys', kind: 'Y' }, versions: [] },
      },
    });
    expect(code).toBe(422);
    expect(body.details?.causes?.length).toBeGreaterThan(1);
  });
});

test('stored definitions are served by a server that starts later', async () => {
  const store = memoryStore();
  const first = await testServer({ store });
  await first.call('POST', crds, definition('laters', 'Later'));
  await first.call('POST', '/apis/example.com/v1/namespaces/default/laters', {
    metadata: { name: 'x' },
    spec: { size: 3 },
  });
  await first.server.close();
  const second = await testServer({ store });
  const list = await second.call<KubeList<Unstructured>>('GET', '/apis/example.com/v1/laters');
  expect(list.items.map((item) => item.metadata.name)).toEqual(['x']);
  await second.close();
});

test('versions of one definition show the same objects; one that is not served is gone', async () => {
  const two = definition('twins', 'Twin') as ReturnType<typeof definition> & {
    spec: { versions: Record<string, unknown>[] };
  };
  const [v1] = two.spec.versions;
  const versions = (beta: boolean, one = true): object[] => [
    { ...v1, served: one },
    { ...v1, name: 'v1beta1', served: beta, storage: false },
  ];
  await t.call('POST', crds, { ...two, spec: { ...two.spec, versions: versions(true) } });
  const root = (version: string): string => `/apis/example.com/${version}/namespaces/default/twins`;
  await t.call('POST', root('v1beta1'), { metadata: { name: 'a' }, spec: { size: 2 } });
  expect(await t.call('GET', `${root('v1')}/a`)).toMatchObject({
    apiVersion: 'example.com/v1',
    spec: { size: 2, colour: 'red' },
  });
  expect(await t.call('GET', `${root('v1beta1')}/a`)).toMatchObject({ apiVersion: 'example.com/v1beta1' });
  const name = `${crds}/twins.example.com`;
  await t.call('PATCH', name, { spec: { versions: versions(false) } }, merge);
  expect((await t.request('GET', `${root('v1beta1')}/a`)).code).toBe(404);
  expect((await t.request('GET', `${root('v1')}/a`)).code).toBe(200);
  await t.call('PATCH', name, { spec: { versions: versions(false, false) } }, merge);
  expect((await t.request('GET', `${root('v1')}/a`)).code).toBe(404);
  const watch = await t.watch(`${crds}?watch=1&fieldSelector=metadata.name%3Dtwins.example.com`);
  await t.call('DELETE', name);
  let change = await watch.next();
  while (change && change.type !== 'DELETED') change = await watch.next();
  watch.stop();
  expect(t.store.count('example.com/twins/')).toBe(0);
});
