/** Pods of one template share one spec, and nothing but equal specs is shared. */
import { createRegistry, deepEqual, deepFreeze, jsonClone, type Kind } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSharedSpecs } from '../src/storage/shared-specs.ts';
import { testServer } from '../src/testing.ts';

const registry = createRegistry();
const kindOf = (resource: string): Kind => registry.byResource('', 'v1', resource)!;
const pods = kindOf('pods');

describe('specs that are kept', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const spec = fc.dictionary(fc.string({ maxLength: 3 }), value, { maxKeys: 4 });

  test('are found by equal ones only, and have the JSON of those', () => {
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 8 }), (list) => {
        const specs = createSharedSpecs();
        for (const one of list) {
          const before = specs.find(pods, one);
          if (before) expect(deepEqual(before, one)).toBe(true);
          else specs.keep(pods, deepFreeze(jsonClone(one)));
          const found = specs.find(pods, jsonClone(one)) ?? {};
          expect(deepEqual(found, one)).toBe(true);
          expect(specs.jsonOf(found)).toBe(JSON.stringify(found));
        }
      }),
    );
  });

  test('are of one kind, whatever the order of their fields', () => {
    const specs = createSharedSpecs();
    specs.keep(pods, deepFreeze({ a: 'x', b: { c: 1 } }));
    expect(specs.find(pods, { a: 'x', b: { c: 1 } })).toBeDefined();
    expect(specs.find(kindOf('services'), { a: 'x', b: { c: 1 } })).toBeUndefined();
    expect(specs.find(pods, { b: { c: 1 }, a: 'x' })).toBeDefined();
    expect(specs.find(pods, { a: 'x', b: { c: 2 } })).toBeUndefined();
    expect(specs.find(pods, { a: 'x', b: { c: 1, d: 1 } })).toBeUndefined();
    expect(specs.find(pods, JSON.parse('{"a":"x","b":{"__proto__":{}}}') as object)).toBeUndefined();
    expect(specs.jsonOf({ a: 'x', b: { c: 1 } })).toBeUndefined();
  });

  test('are not kept when they are large, once that is seen', () => {
    const specs = createSharedSpecs();
    const large = Object.freeze({ a: 'x'.repeat(20_000) });
    specs.keep(pods, large);
    expect(specs.jsonOf(large)).toBe(JSON.stringify(large));
    expect(specs.find(pods, { ...large })).toBeUndefined();
    expect(specs.jsonOf(large)).toBeUndefined();
  });

  test('are forgotten when there are many newer ones, and not while they are asked for', () => {
    const specs = createSharedSpecs();
    specs.keep(pods, Object.freeze({ a: 'often' }));
    specs.keep(pods, Object.freeze({ a: 'once' }));
    for (let i = 0; i < 3000; i++) {
      specs.keep(pods, Object.freeze({ a: `other ${i}` }));
      if (i % 100 === 0) expect(specs.find(pods, { a: 'often' })).toBeDefined();
    }
    expect(specs.find(pods, { a: 'often' })).toBeDefined();
    expect(specs.find(pods, { a: 'once' })).toBeUndefined();
  });
});

test('pods of one template have one frozen spec, and one whose container differs has its own', async () => {
  const t = await testServer();
  const create = (name: string, image: string, requests: object): Promise<Pod> =>
    t.call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name, labels: { name } },
      spec: { containers: [{ name: 'main', image, resources: { requests } }] },
    });
  const one = await create('one', 'i', { cpu: '1000m' });
  const two = await create('two', 'i', { cpu: '1' });
  const three = await create('three', 'i', { cpu: '2' });
  const four = await create('four', 'j', { cpu: '1' });
  expect(two.spec).toBe(one.spec);
  expect(Object.isFrozen(one.spec?.containers[0]?.resources?.requests)).toBe(true);
  expect(three.spec).not.toEqual(one.spec);
  expect(four.spec?.containers[0]?.image).toBe('j');
  expect(two.metadata.labels).toEqual({ name: 'two' });
  for (const name of ['one', 'two', 'three', 'four']) {
    const entry = t.store.get(`core/pods/default/${name}`);
    expect(new TextDecoder().decode(entry?.bytes)).toBe(JSON.stringify(entry?.object));
  }
  await t.close();
});

test('a pod whose template was accepted before is still refused by what has changed since', async () => {
  const t = await testServer();
  const create = (name: string) =>
    t.request('POST', '/api/v1/namespaces/default/pods', {
      body: {
        metadata: { name },
        spec: { containers: [{ name: 'main', image: 'i', resources: { limits: { cpu: '2' } } }] },
      },
    });
  expect((await create('one')).code).toBe(201);
  expect((await create('Two')).body).toMatchObject({ code: 422, reason: 'Invalid' });
  await t.call('POST', '/api/v1/namespaces/default/limitranges', {
    metadata: { name: 'small' },
    spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] },
  });
  expect((await create('three')).body).toMatchObject({ code: 403, reason: 'Forbidden' });
  await t.close();
});
