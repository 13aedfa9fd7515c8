import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ApiError,
  applyStrategicMergePatch,
  createStrategicPatch,
  createThreeWayStrategicPatch,
  deepEqual,
  deepFreeze,
  jsonClone,
  type Schema,
} from '../src/index.ts';
import { podSchema, schemaOf } from './objects.ts';

const containers = (...list: object[]): object => ({ spec: { containers: list } });
const apply = (document: object, patch: object, schema: Schema = podSchema): unknown =>
  applyStrategicMergePatch(schema, deepFreeze(jsonClone(document)), deepFreeze(jsonClone(patch)));

describe('applyStrategicMergePatch', () => {
  test('merges lists by their key; new elements come before those only the server has', () => {
    expect(
      apply(
        containers({ name: 'a', image: '1' }, { name: 'b', image: '2' }),
        containers({ name: 'b', image: '3' }, { name: 'n' }),
      ),
    ).toEqual(containers({ name: 'a', image: '1' }, { name: 'b', image: '3' }, { name: 'n' }));
    expect(apply(containers({ name: 'a' }), containers({ name: 'n' }))).toEqual(
      containers({ name: 'n' }, { name: 'a' }),
    );
  });
  test('replaces atomic lists and merges maps', () => {
    expect(
      apply(
        { spec: { tolerations: [{ key: 'x' }], nodeSelector: { a: '1', b: '2' } } },
        { spec: { tolerations: [{ key: 'y' }], nodeSelector: { b: null, c: '3' } } },
      ),
    ).toEqual({ spec: { tolerations: [{ key: 'y' }], nodeSelector: { a: '1', c: '3' } } });
  });
  test('$patch: delete removes an element, $patch: replace replaces a list or a map', () => {
    const document = containers({ name: 'a', image: '1' }, { name: 'b' });
    expect(apply(document, containers({ $patch: 'delete', name: 'a' }))).toEqual(containers({ name: 'b' }));
    expect(apply(document, containers({ $patch: 'replace' }, { name: 'c' }))).toEqual(
      containers({ name: 'c' }),
    );
    expect(
      apply({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }),
    ).toEqual({
      metadata: { labels: { b: '2' } },
    });
    expect(
      apply(
        { spec: { affinity: { nodeAffinity: {} }, nodeName: 'x' } },
        { spec: { affinity: { $patch: 'delete' } } },
      ),
    ).toEqual({
      spec: { nodeName: 'x' },
    });
  });
  test('$setElementOrder orders', () => {
    expect(
      apply(containers({ name: 'a' }, { name: 's' }, { name: 'b' }), {
        spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] },
      }),
    ).toEqual(containers({ name: 's' }, { name: 'b' }, { name: 'a' }));
  });
  test('$deleteFromPrimitiveList and merging primitive lists', () => {
    expect(
      apply(
        { metadata: { finalizers: ['a/x', 'b/x'] } },
        { metadata: { '$deleteFromPrimitiveList/finalizers': ['a/x'], finalizers: ['c/x'] } },
      ),
    ).toEqual({ metadata: { finalizers: ['c/x', 'b/x'] } });
  });
  test('$retainKeys clears the other keys of a union', () => {
    const deployment = schemaOf('apps', 'v1', 'Deployment');
    expect(
      apply(
        { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
        { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
        deployment,
      ),
    ).toEqual({ spec: { strategy: { type: 'Recreate' } } });
  });
  test('directives and nulls of parts that are taken whole mean nothing', () => {
    expect(
      apply(
        {},
        {
          spec: { containers: [{ name: 'a', image: null, ports: [{ $patch: 'delete', containerPort: 1 }] }] },
        },
      ),
    ).toEqual(containers({ name: 'a', ports: [] }));
  });
  test.each<[object, string]>([
    [containers({ image: '1' }), 'map: map[image:1] does not contain declared merge key: name'],
    [
      { spec: { containers: [{ name: 'x' }], '$setElementOrder/containers': [{ name: 'a' }] } },
      "The order in patch list:\n[map[name:x]]\n doesn't match $setElementOrder list:\n[map[name:a]]",
    ],
    [{ spec: { $patch: 'smash' } }, 'unknown patch type: smash in map: map[$patch:smash]'],
    [containers({ $patch: 'merge', name: 'a' }), 'merging lists cannot yet be specified in the patch'],
    [{ spec: { $retainKeys: ['a'], nodeName: 'x' } }, 'patch contains keys that are not in retainKeys list'],
  ])('%j is BadRequest', (patch, message) => {
    expect(() => apply(containers({ name: 'a' }), patch)).toThrow(ApiError);
    expect(() => apply(containers({ name: 'a' }), patch)).toThrow(message);
  });
});

describe('createThreeWayStrategicPatch', () => {
  test('what client-side apply sends', () => {
    const original = containers({ name: 'a', image: '1' }, { name: 'b' });
    const modified = { spec: { containers: [{ name: 'c' }, { name: 'a', image: '2' }], nodeName: 'x' } };
    const current = containers({ name: 'b' }, { name: 'a', image: '1', tty: true }, { name: 's' });
    const patch = createThreeWayStrategicPatch(podSchema, original, modified, current);
    expect(patch).toEqual({
      spec: {
        '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
        containers: [{ name: 'c' }, { name: 'a', image: '2' }, { $patch: 'delete', name: 'b' }],
        nodeName: 'x',
      },
    });
    expect(apply(current, patch)).toEqual({
      spec: {
        containers: [{ name: 'c' }, { name: 'a', image: '2', tty: true }, { name: 's' }],
        nodeName: 'x',
      },
    });
  });
  test('unions keep only the keys wanted', () => {
    const deployment = schemaOf('apps', 'v1', 'Deployment');
    const current = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const modified = { spec: { strategy: { type: 'Recreate' } } };
    const patch = createThreeWayStrategicPatch(deployment, {}, modified, current);
    expect(apply(current, patch, deployment)).toEqual(modified);
  });
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const text = fc.constantFrom('1', '2', '3');
const listOf = (key: string, item: fc.Arbitrary<object>): fc.Arbitrary<object[]> =>
  fc.uniqueArray(item, { maxLength: 4, selector: (v) => (v as Record<string, unknown>)[key] });
const optional = { requiredKeys: ['name'] as 'name'[] };
const container = fc.record(
  {
    name,
    image: text,
    args: fc.array(text, { maxLength: 2 }),
    env: listOf('name', fc.record({ name, value: text })),
    ports: listOf('containerPort', fc.record({ containerPort: fc.integer({ min: 1, max: 3 }), name: text })),
    resources: fc.record({ limits: fc.dictionary(fc.constantFrom('cpu', 'memory'), text) }),
  },
  optional,
);
const podArbitrary = fc.record({
  metadata: fc.record({
    labels: fc.dictionary(name, text, { maxKeys: 2 }),
    finalizers: fc.uniqueArray(fc.constantFrom('x/a', 'x/b', 'x/c'), { maxLength: 3 }),
  }),
  spec: fc.record(
    {
      containers: listOf('name', container),
      nodeName: text,
      tolerations: fc.array(fc.record({ key: text }), { maxLength: 2 }),
      volumes: listOf(
        'name',
        fc.oneof(
          fc.record({ name, emptyDir: fc.constant({}) }),
          fc.record({ name, configMap: fc.record({ name: text }) }),
        ),
      ),
    },
    { requiredKeys: ['containers'] },
  ),
});

describe('strategic merge patch laws', () => {
  test('the difference, applied, gives the target', () => {
    fc.assert(
      fc.property(podArbitrary, podArbitrary, (before, after) => {
        const patch = createStrategicPatch(podSchema, before, after);
        const result = apply(before, patch);
        if (!deepEqual(result, after)) expect(result).toEqual(after);
      }),
      { numRuns: 300 },
    );
  });
  test('has nothing in common with the document, or what the patch does not name, and is the same', () => {
    const parts = (value: unknown, into = new Set<unknown>()): Set<unknown> => {
      if (typeof value !== 'object' || value === null) return into;
      into.add(value);
      for (const part of Object.values(value)) parts(part, into);
      return into;
    };
    fc.assert(
      fc.property(podArbitrary, podArbitrary, (before, after) => {
        const patch = createStrategicPatch(podSchema, before, after);
        const document = deepFreeze({ ...jsonClone(before), status: { conditions: [{ type: 'Ready' }] } });
        const apart = applyStrategicMergePatch(podSchema, document, patch);
        const sharing = applyStrategicMergePatch(podSchema, document, patch, true) as typeof document;
        expect(sharing).toEqual(apart);
        const own = parts(document);
        for (const part of parts(apart)) expect(own.has(part)).toBe(false);
        expect(sharing.status).toBe(document.status);
      }),
    );
  });
  test('no difference is an empty patch, and an empty patch changes nothing', () => {
    fc.assert(
      fc.property(podArbitrary, (before) => {
        expect(createStrategicPatch(podSchema, before, jsonClone(before))).toEqual({});
        expect(apply(before, {})).toEqual(before);
      }),
    );
  });
  test('three ways: afterwards nothing is left to do', () => {
    fc.assert(
      fc.property(podArbitrary, podArbitrary, podArbitrary, (original, modified, current) => {
        const patch = createThreeWayStrategicPatch(podSchema, original, modified, current);
        const result = apply(current, patch);
        expect(createThreeWayStrategicPatch(podSchema, modified, modified, result)).toEqual({});
      }),
      { numRuns: 300 },
    );
  });
});
