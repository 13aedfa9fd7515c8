/**
 * The walks over prepared schemas do exactly what the plain ones do that read the schema itself: on random objects of random
 * kinds, most of them a little wrong somewhere. The plain ones are in `reference/`, or are the slow halves that find messages.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  applyDefaults,
  decodesCleanly,
  deepFreeze,
  isPlainQuantity,
  jsonClone,
  type Kind,
  kindFromCrd,
  parseQuantity,
  prune,
  quantityProblem,
  type Schema,
  typeErrors,
  unknownFields,
  validate,
  seededRandom,
} from '../src/index.ts';
import { findProblems } from '../src/schema/problems.ts';
import { registry } from './objects.ts';
import { applyDefaults as plainDefaults } from './reference/defaults.ts';
import { prune as plainPrune, unknownFields as plainUnknown } from './reference/prune.ts';

const randomFrom = (seed: number): (() => number) => seededRandom(`schema walks ${seed}`);

const odd: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  1e21,
  2 ** 31,
  2 ** 63,
  '',
  'x',
  ' 5 ',
  '1000m',
  'AAE',
  true,
  [],
  {},
  [null],
  [[]],
  { a: null },
  [{}],
  { apiVersion: 'v1', kind: 'Pod', metadata: {} },
  JSON.parse('{"__proto__":{"a":1}}'),
];
const quantities = [
  '0',
  '1',
  '250m',
  '1000m',
  '1.5Gi',
  '64Mi',
  '1024Mi',
  '1e3',
  '01',
  '-1',
  '1000',
  '',
  '7x',
  'Ki',
  '+5',
  3,
  0.25,
];
const times = [
  '2026-01-02T03:04:05Z',
  '2026-01-02T03:04:05.123456Z',
  '2026-01-02T03:04:05+02:00',
  '2026-02-30T00:00:00Z',
  '',
  'now',
];
const bytes = ['', 'AAAA', 'AA==', 'A', 'A A='];

/** A value of the schema, with something odd in its place now and then (`wild` of the time). */
function valueOf(schema: Schema, random: () => number, wild: number, depth = 0): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  if (random() < wild) return jsonClone(pick(odd));
  if (schema.enum && random() < 0.9) return pick(schema.enum);
  if (schema['x-kubernetes-int-or-string'])
    return schema.format === 'quantity' ? pick(quantities) : pick([1, 'http', 2.5]);
  switch (schema.type) {
    case 'string':
      if (schema.format === 'date-time') return pick(times);
      if (schema.format === 'byte') return pick(bytes);
      return pick(['', 'a', 'abc', 'a-long-name-of-something']);
    case 'integer':
      return pick([0, 1, 5, -1, 65_536]);
    case 'number':
      return pick([0, 0.5, 3]);
    case 'boolean':
      return random() < 0.5;
    case 'array': {
      const { items = {} } = schema;
      return Array.from({ length: Math.floor(random() * 3) }, () => valueOf(items, random, wild, depth + 1));
    }
    case 'object':
    case undefined: {
      const object: Record<string, unknown> = {};
      const { properties = {}, additionalProperties, required = [] } = schema;
      const names = Object.keys(properties);
      const wanted = depth > 6 ? 0 : Math.min(names.length, 4);
      const chosen = new Set([...required, ...Array.from({ length: wanted }, () => pick(names))]);
      if (depth < 9)
        for (const name of chosen) {
          const property = properties[name];
          if (property && random() > 0.05) object[name] = valueOf(property, random, wild, depth + 1);
        }
      if (typeof additionalProperties === 'object')
        for (const name of ['a', 'b', 'cpu'])
          if (random() < 0.5) object[name] = valueOf(additionalProperties, random, wild, depth + 1);
      if (random() < wild)
        object[pick(['nonsense', 'metadata', 'kind', '__proto_', 'constructor'])] = pick(odd);
      return object;
    }
    default:
      return pick(odd);
  }
}

const custom = kindFromCrd({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                minProperties: 1,
                required: ['a'],
                properties: {
                  a: { type: 'string', pattern: '^a', maxLength: 10, default: 'a' },
                  e: { type: 'string', enum: ['a', 'abc'], nullable: true, default: 'abc' },
                  n: { type: 'integer', format: 'int32', minimum: 1, nullable: true },
                  f: { type: 'number', multipleOf: 0.5, maximum: 2 },
                  d: { type: 'string', format: 'date-time' },
                  m: {
                    type: 'object',
                    maxProperties: 2,
                    additionalProperties: { type: 'boolean', default: true },
                  },
                  s: {
                    type: 'array',
                    'x-kubernetes-list-type': 'set',
                    items: { type: 'integer' },
                    maxItems: 2,
                  },
                  l: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['k'],
                    items: {
                      type: 'object',
                      required: ['k'],
                      properties: {
                        k: { type: 'string', default: 'abc' },
                        v: {
                          type: 'object',
                          default: {},
                          properties: { w: { type: 'integer', default: 3 } },
                        },
                      },
                    },
                  },
                  o: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
                  p: {
                    type: 'object',
                    'x-kubernetes-preserve-unknown-fields': true,
                    properties: { q: { type: 'string' } },
                  },
                  r: {
                    type: 'object',
                    'x-kubernetes-embedded-resource': true,
                    properties: { spec: { type: 'object' } },
                  },
                },
                oneOf: [{ required: ['n'] }, { required: ['s'] }],
                not: { required: ['z'] },
              },
            },
          },
        },
      },
    ],
  },
} as never);
const kinds: readonly Kind[] = [...registry.kinds(), ...custom, ...custom, ...custom, ...custom];

const object = fc
  .record({ kind: fc.nat(kinds.length - 1), seed: fc.integer(), wild: fc.constantFrom(0, 0.002, 0.02, 0.2) })
  .map(({ kind, seed, wild }) => {
    const { schema } = kinds[kind] as Kind;
    return { schema, value: valueOf(schema, randomFrom(seed), wild) };
  });
const check = (judge: (schema: Schema, value: unknown) => void): void =>
  fc.assert(
    fc.property(object, ({ schema, value }) => judge(schema, value)),
    { numRuns: 1500 },
  );

test('validate finds what the full walk finds, in its order and words', () => {
  const verdicts = new Set<boolean>();
  check((schema, value) => {
    const expected = findProblems(schema, value);
    verdicts.add(expected.length === 0);
    expect(validate(schema, value)).toEqual(expected);
  });
  expect(verdicts.size).toBe(2);
});

test('applyDefaults makes the object the plain walk makes, key for key in the same order', () => {
  let changed = 0;
  check((schema, value) => {
    const before = JSON.stringify(value);
    const expected = JSON.stringify(plainDefaults(schema, jsonClone(value)));
    if (expected !== before) changed++;
    expect(JSON.stringify(applyDefaults(schema, jsonClone(value)))).toBe(expected);
  });
  expect(changed).toBeGreaterThan(100);
});

test('applyDefaults changes nothing that it has completed', () => {
  check((schema, value) => {
    const once = JSON.stringify(applyDefaults(schema, value));
    expect(JSON.stringify(applyDefaults(schema, value))).toBe(once);
  });
});

test('prune and unknownFields name and drop what the plain walk does', () => {
  check((schema, value) => {
    const copy = jsonClone(value);
    expect(unknownFields(schema, value)).toEqual(plainUnknown(schema, value));
    expect(prune(schema, value)).toEqual(plainPrune(schema, copy));
    expect(JSON.stringify(value)).toBe(JSON.stringify(copy));
  });
});

test('a value decodes at once only if its types are right and all its fields are known', () => {
  let atOnce = 0;
  let clean = 0;
  check((schema, value) => {
    if (!schema.goTyped) return;
    const isClean = typeErrors(schema, value).length === 0 && plainUnknown(schema, value).length === 0;
    if (isClean) clean++;
    if (!decodesCleanly(schema, value)) return;
    atOnce++;
    expect(isClean).toBe(true);
  });
  // The other way round it may be too careful, for the few schemas of definitions.
  expect(atOnce).toBeGreaterThan(clean * 0.95);
  expect(clean).toBeGreaterThan(100);
});

/** The value with another one somewhere inside; all that is beside the way there is shared. */
function altered(value: unknown, random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && random() < 0.85) {
    const keys = Object.keys(value);
    if (keys.length > 0) {
      const key = pick(keys);
      return { ...value, [key]: altered((value as Record<string, unknown>)[key], random) };
    }
  }
  return jsonClone(pick([...odd, ...quantities, ...times, { new: 'field' }, [{ name: 'a' }]]));
}

test('what a value shares with a checked one need not be looked at: the verdicts are those of the whole', () => {
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(fc.nat(kinds.length - 1), fc.integer(), (kind, seed) => {
      const { schema } = kinds[kind] as Kind;
      const random = randomFrom(seed);
      const old = deepFreeze(applyDefaults(schema, valueOf(schema, random, 0)));
      if (!schema.goTyped || validate(schema, old).length > 0 || !decodesCleanly(schema, old)) return;
      const next = altered(old, random);
      const clean = decodesCleanly(schema, next);
      verdicts.add(clean);
      expect(decodesCleanly(schema, next, old)).toBe(clean);
      expect(validate(schema, next, '', old)).toEqual(findProblems(schema, next));
      const completed = JSON.stringify(plainDefaults(schema, jsonClone(next)));
      // What is shared is frozen: filling it in would throw.
      expect(JSON.stringify(applyDefaults(schema, next, old))).toBe(completed);
    }),
    { numRuns: 1500 },
  );
  expect(verdicts.size).toBe(2);
});

test('a plain quantity is one, and canonical', () => {
  fc.assert(
    fc.property(
      fc.tuple(
        fc.nat(2_000_000),
        fc.constantFrom('', 'm', 'k', 'M', 'G', 'T', 'P', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'n'),
      ),
      ([number, suffix]) => {
        const text = `${number}${suffix}`;
        if (isPlainQuantity(text)) {
          expect(quantityProblem(text)).toBeUndefined();
          expect(parseQuantity(text).toString()).toBe(text);
        }
      },
    ),
  );
  expect(['0', '1', '100m', '64Mi', '2k'].every(isPlainQuantity)).toBe(true);
  expect(['', '00', '1000', '1024Mi', '1.5', '-1', '1e3', 'm', '2000m'].some(isPlainQuantity)).toBe(false);
});
