import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyDefaults,
  deepEqual,
  fieldErrorBody,
  jsonClone,
  prune,
  type Schema,
  typeErrors,
  unknownFields,
  validate,
} from '../src/index.ts';
import { pod, podSchema, schemaOf } from './objects.ts';

/** `field: body` lines, as they stand in a Status message. */
const lines = (schema: Schema, value: unknown): string[] =>
  validate(schema, value).map((e) => `${e.field}: ${fieldErrorBody(e)}`);

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});

describe('validate', () => {
  const schema = object(
    {
      spec: object(
        {
          replicas: { type: 'integer', format: 'int32', minimum: 1, maximum: 10 },
          mode: { type: 'string', enum: ['a', 'b'] },
          name: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 4 },
          port: { 'x-kubernetes-int-or-string': true },
          when: { type: 'string', format: 'date-time' },
          tags: {
            type: 'array',
            items: { type: 'string' },
            'x-kubernetes-list-type': 'set',
            maxItems: 3,
            minItems: 1,
          },
          map: { type: 'object', additionalProperties: { type: 'boolean' } },
          parts: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: object({ name: { type: 'string' } }, { required: ['name'] }),
          },
          maybe: { type: 'string', nullable: true },
          half: { type: 'number', multipleOf: 0.5, exclusiveMinimum: true, minimum: 0 },
        },
        { required: ['replicas'] },
      ),
    },
    { required: ['spec'] },
  );
  const spec = (more: object): object => ({ spec: { replicas: 1, ...more } });

  test('accepts what fits', () => {
    expect(
      lines(
        schema,
        spec({
          mode: 'a',
          name: 'abc',
          port: 80,
          when: '2026-01-01T00:00:00Z',
          tags: ['x'],
          map: { a: true },
          parts: [{ name: 'a' }, { name: 'b' }],
          maybe: null,
          half: 1.5,
        }),
      ),
    ).toEqual([]);
  });

  test.each<[object, string]>([
    [{}, 'spec: Required value'],
    [{ spec: {} }, 'spec.replicas: Required value'],
    [{ spec: 'x' }, 'spec: Invalid value: "string": spec in body must be of type object: "string"'],
    [
      spec({ replicas: '1' }),
      'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    ],
    [
      spec({ replicas: 1.5 }),
      'spec.replicas: Invalid value: "number": spec.replicas in body must be of type integer: "number"',
    ],
    [
      spec({ replicas: 0 }),
      'spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1',
    ],
    [
      spec({ replicas: 11 }),
      'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10',
    ],
    [spec({ mode: 'c' }), 'spec.mode: Unsupported value: "c": supported values: "a", "b"'],
    [spec({ name: 'AB' }), `spec.name: Invalid value: "AB": spec.name in body should match '^[a-z]+$'`],
    [spec({ name: 'a' }), 'spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long'],
    [spec({ name: 'abcde' }), 'spec.name: Too long: may not be more than 4 bytes'],
    [
      spec({ port: true }),
      'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    ],
    [
      spec({ when: 'now' }),
      'spec.when: Invalid value: "now": spec.when in body must be of type date-time: "now"',
    ],
    [spec({ tags: [] }), 'spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items'],
    [spec({ tags: ['a', 'b', 'a'] }), 'spec.tags[2]: Duplicate value: "a"'],
    [spec({ tags: ['a', 'b', 'c', 'd'] }), 'spec.tags: Too many: 4: must have at most 3 items'],
    [
      spec({ tags: [1] }),
      'spec.tags[0]: Invalid value: "integer": spec.tags[0] in body must be of type string: "integer"',
    ],
    [
      spec({ map: { a: 1 } }),
      'spec.map.a: Invalid value: "integer": spec.map.a in body must be of type boolean: "integer"',
    ],
    [spec({ parts: [{ name: 'a' }, { name: 'a' }] }), 'spec.parts[1]: Duplicate value: {"name":"a"}'],
    [spec({ parts: [{}] }), 'spec.parts[0].name: Required value'],
    [
      spec({ name: null }),
      'spec.name: Invalid value: "null": spec.name in body must be of type string: "null"',
    ],
    [spec({ half: 0.7 }), 'spec.half: Invalid value: 0.7: spec.half in body should be a multiple of 0.5'],
    [spec({ half: 0 }), 'spec.half: Invalid value: 0: spec.half in body should be greater than 0'],
  ])('%j: %s', (value, line) => {
    expect(lines(schema, value)).toEqual([line]);
  });

  test('junctors restrict', () => {
    const either: Schema = object(
      { a: { type: 'string' }, b: { type: 'string' } },
      { oneOf: [{ required: ['a'] }, { required: ['b'] }], not: { required: ['c'] } },
    );
    expect(lines(either, { a: '' })).toEqual([]);
    expect(lines(either, {})[0]).toContain('must validate one and only one schema (oneOf). Found none valid');
    expect(lines(either, { a: '', b: '' })[0]).toContain('Found 2 valid alternatives');
    expect(lines(either, { a: '', c: 1 })[0]).toContain('must not validate the schema (not)');
  });

  test('of built-in kinds: null and empty texts are absent, list keys are left to the strategies', () => {
    expect(lines(podSchema, pod())).toEqual([]);
    expect(lines(podSchema, { spec: { containers: null } })).toEqual(['spec.containers: Required value']);
    expect(lines(podSchema, { spec: { containers: [{ name: '' }] } })).toEqual([
      'spec.containers[0].name: Required value',
    ]);
    expect(
      lines(podSchema, { spec: { containers: [{ name: 'a', env: [{ name: 'x' }, { name: 'x' }] }] } }),
    ).toEqual([]);
  });
  test('what the document requires of a status is not asked for', () => {
    expect(
      lines(podSchema, { spec: { containers: [{ name: 'a' }] }, status: { containerStatuses: [{}] } }),
    ).toEqual([]);
  });
});

describe('typeErrors', () => {
  const messages = (schema: Schema, value: unknown): string[] =>
    typeErrors(schema, value).map((e) => e.message);
  test('none for a good object', () => expect(typeErrors(podSchema, pod())).toEqual([]));
  test.each<[object, string]>([
    [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec'],
    [
      { spec: { containers: [{ ports: [{ containerPort: '80' }] }] } },
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      { spec: { priority: 3e9 } },
      'json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { metadata: { creationTimestamp: 'x' } },
      'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ],
  ])('%j', (value, message) => {
    expect(messages(podSchema, value)).toEqual([message]);
  });
  test('base64 in secrets', () => {
    const secret = schemaOf('', 'v1', 'Secret');
    expect(messages(secret, { data: { a: 'aGk=' } })).toEqual([]);
    expect(messages(secret, { data: { a: 'a-b' } })).toEqual(['illegal base64 data at input byte 1']);
  });
  test('of a custom resource only the metadata are looked at', () => {
    const schema = object({ spec: { type: 'string' }, metadata: podSchema.properties?.['metadata'] ?? {} });
    expect(typeErrors(schema, { spec: 1, metadata: { name: 1 } }).map((e) => e.field)).toEqual([
      'metadata.name',
    ]);
  });
});

describe('applyDefaults', () => {
  test('fills in absent fields, in depth, with copies', () => {
    const shared = { list: [1] };
    const schema = object({
      a: { type: 'string', default: 'x' },
      b: object({ c: { type: 'integer', default: 2 } }, { default: {} }),
      d: { type: 'object', default: shared, 'x-kubernetes-preserve-unknown-fields': true },
      e: { type: 'array', items: object({ f: { type: 'boolean', default: true } }) },
    });
    const value = applyDefaults(schema, { e: [{}, { f: false }] }) as Record<string, unknown>;
    expect(value).toEqual({ a: 'x', b: { c: 2 }, d: { list: [1] }, e: [{ f: true }, { f: false }] });
    expect(value['d']).not.toBe(shared);
  });
  test('null is absent where a default stands, unless it is allowed', () => {
    const schema = object({
      a: { type: 'string', default: 'x' },
      b: { type: 'string', default: 'x', nullable: true },
      c: { type: 'string' },
    });
    expect(applyDefaults(schema, { a: null, b: null, c: null })).toEqual({ a: 'x', b: null, c: null });
  });
  test('built-in kinds take the form Go would give them', () => {
    const value = pod();
    (value['metadata'] as Record<string, unknown>)['creationTimestamp'] = '2026-01-01T02:00:00+02:00';
    (value['spec'] as Record<string, unknown>)['nodeName'] = null;
    applyDefaults(podSchema, value);
    expect(value).toMatchObject({
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        containers: [
          {
            ports: [{ containerPort: 80, protocol: 'TCP' }],
            resources: { limits: { cpu: '1', memory: '1Gi' } },
          },
        ],
      },
    });
    expect(Object.hasOwn(value['spec'] as object, 'nodeName')).toBe(false);
  });
  test('a null in a list of a built-in kind is the zero value', () => {
    const value = { spec: { containers: [null, { name: 'a', args: [null], ports: [null] }] } };
    expect(applyDefaults(podSchema, value)).toEqual({
      spec: { containers: [{}, { name: 'a', args: [''], ports: [{ protocol: 'TCP' }] }] },
    });
  });
  test('is idempotent', () => {
    const once = applyDefaults(podSchema, pod());
    expect(applyDefaults(podSchema, jsonClone(once))).toEqual(once);
  });
});

describe('prune', () => {
  test('drops unknown fields and names them', () => {
    const value = {
      ...pod(),
      bar: 1,
      spec: { foo: 1, containers: [{ name: 'a', zap: {} }], nodeSelector: { any: 'thing' } },
    };
    expect(unknownFields(podSchema, value)).toEqual(['spec.foo', 'spec.containers[0].zap', 'bar']);
    expect(prune(podSchema, value)).toEqual(['spec.foo', 'spec.containers[0].zap', 'bar']);
    expect(value.spec).toEqual({ containers: [{ name: 'a' }], nodeSelector: { any: 'thing' } });
    expect(prune(podSchema, value)).toEqual([]);
  });
  test('keeps what is to be preserved, but walks what is declared in it', () => {
    const schema = object({
      free: object(
        { a: object({ b: { type: 'string' } }) },
        { 'x-kubernetes-preserve-unknown-fields': true },
      ),
      embedded: { type: 'object', properties: {}, 'x-kubernetes-embedded-resource': true },
    });
    const value = {
      apiVersion: 'v1',
      metadata: {},
      free: { x: 1, a: { b: '', c: 1 } },
      embedded: { apiVersion: 'v1', kind: 'K', metadata: {}, spec: {} },
    };
    expect(prune(schema, value)).toEqual(['free.a.c', 'embedded.spec']);
  });

  const schema = object({
    a: { type: 'string' },
    b: object({
      a: { type: 'integer' },
      c: { type: 'array', items: object({ a: {}, b: { type: 'object' } }) },
    }),
    c: { type: 'object', additionalProperties: object({ a: { type: 'string' } }) },
  });
  const json = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(1, 'x', null, true),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('node'), { maxKeys: 4 }),
    ),
  })).node;
  test('is idempotent, and what is left is part of what was', () => {
    fc.assert(
      fc.property(json, (value) => {
        const copy = jsonClone(value);
        const found = unknownFields(schema, copy);
        expect(deepEqual(copy, value)).toBe(true);
        expect(prune(schema, copy)).toEqual(found);
        const once = jsonClone(copy);
        expect(prune(schema, copy)).toEqual([]);
        expect(copy).toEqual(once);
        if (found.length === 0) expect(copy).toEqual(value);
      }),
    );
  });
});
