import { describe, expect, test } from 'vitest';
import {
  applyDefaults,
  crdProblems,
  createRegistry,
  fieldErrorBody,
  jsonClone,
  kindFromCrd,
  type KubeObject,
  prune,
  structuralProblems,
  typeErrors,
  validate,
} from '../src/index.ts';

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'widgets.example.com',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
        },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        selectableFields: [{ jsonPath: '.spec.color' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer', default: 1 },
                  color: { type: 'string' },
                  template: {
                    type: 'object',
                    'x-kubernetes-embedded-resource': true,
                    'x-kubernetes-preserve-unknown-fields': true,
                  },
                },
              },
            },
          },
        },
      },
      { name: 'v1alpha1', served: false, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
};
type Crd = typeof crd;
const changed = (change: (spec: Crd['spec'] & Record<string, unknown>) => void): KubeObject => {
  const copy = jsonClone(crd);
  change(copy.spec);
  return copy;
};
const lines = (object: KubeObject): string[] =>
  crdProblems(object).map((e) => `${e.field}: ${fieldErrorBody(e)}`);

describe('kindFromCrd', () => {
  const kinds = kindFromCrd(crd);
  test('gives a kind for each served version', () => {
    expect(kinds).toHaveLength(1);
    expect(kinds[0]).toMatchObject({
      group: 'example.com',
      version: 'v1',
      resource: 'widgets',
      kind: 'Widget',
      singular: 'widget',
      listKind: 'WidgetList',
      shortNames: ['wd'],
      namespaced: true,
      storageVersion: 'v1',
      builtin: false,
      selectableFields: ['.spec.color'],
      columns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
    });
    expect(Object.keys(kinds[0]?.subresources ?? {})).toEqual(['status', 'scale']);
    expect(kinds[0]?.subresources['scale']?.specReplicasPath).toBe('.spec.size');
  });
  test('its schema defaults, prunes and validates, metadata included', () => {
    const schema = kinds[0]?.schema ?? {};
    const object = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'a', nonsense: 1 },
      spec: {
        zap: 1,
        template: { apiVersion: 'v1', kind: 'Pod', spec: { any: 1 }, metadata: { labels: { a: 'b' } } },
      },
      status: {},
    };
    expect(prune(schema, object)).toEqual(['metadata.nonsense', 'spec.zap', 'status']);
    applyDefaults(schema, object);
    expect(object.spec).toMatchObject({ size: 1, template: { spec: { any: 1 } } });
    expect(validate(schema, object)).toEqual([]);
    expect(validate(schema, { spec: { template: {} } }).map((e) => e.field)).toEqual([
      'spec.template.apiVersion',
      'spec.template.kind',
    ]);
    expect(typeErrors(schema, { metadata: { labels: { a: 1 } } })[0]?.field).toBe('metadata.labels[a]');
  });
  test('a schema that keeps unknown fields keeps them', () => {
    const [kind] = kindFromCrd(
      changed((spec) => {
        const schema = spec.versions[0]?.schema.openAPIV3Schema as Record<string, unknown>;
        delete schema['properties'];
        schema['x-kubernetes-preserve-unknown-fields'] = true;
      }),
    );
    expect(prune(kind?.schema ?? {}, { spec: { x: 1 }, metadata: { y: 1 } })).toEqual(['metadata.y']);
  });
  test('the registry takes it', () => {
    const registry = createRegistry();
    registry.replace('example.com', 'widgets', kinds);
    expect(registry.byKind('example.com', 'v1', 'Widget')).toBe(kinds[0]);
  });
});

describe('crdProblems', () => {
  test('none for a good definition', () => expect(crdProblems(crd)).toEqual([]));
  test.each<[string, KubeObject, string]>([
    [
      'name',
      { ...crd, metadata: { ...crd.metadata, name: 'x' } },
      'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
    ],
    [
      'scope',
      changed((s) => (s.scope = 'World')),
      'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"',
    ],
    [
      'two stored versions',
      changed((s) => s.versions.forEach((v) => (v.storage = true))),
      'spec.versions: Invalid value: ["v1","v1alpha1"]: must have exactly one version marked as storage version',
    ],
    [
      'no schema',
      changed((s) => delete (s.versions[0] as Record<string, unknown>)['schema']),
      'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required',
    ],
    [
      'listKind',
      changed((s) => Object.assign(s.names, { listKind: 'Widget' })),
      'spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same',
    ],
    [
      'scale path',
      changed((s) =>
        Object.assign(s.versions[0]?.subresources?.scale ?? {}, { specReplicasPath: '.status.size' }),
      ),
      'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".status.size": should be a json path under .spec',
    ],
    [
      'column type',
      changed((s) => Object.assign(s.versions[0]?.additionalPrinterColumns?.[0] ?? {}, { type: 'int' })),
      'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "int": must be one of boolean,date,integer,number,string',
    ],
  ])('%s', (_name, object, line) => {
    const found = lines(object);
    expect(found).toContain(line);
  });
});

describe('structuralProblems', () => {
  const problems = (schema: object): string[] =>
    structuralProblems(schema, 's').map((e) => `${e.field}: ${fieldErrorBody(e)}`);
  const inside = (schema: object): string[] => problems({ type: 'object', properties: { a: schema } });

  test('the root must be an object', () => {
    expect(problems({})).toEqual(['s.type: Required value: must not be empty at the root']);
    expect(problems({ type: 'string' })).toEqual([
      's.type: Invalid value: "string": must be object at the root',
    ]);
  });
  test.each<[object, string]>([
    [{}, 's.properties[a].type: Required value: must not be empty for specified object fields'],
    [
      { type: 'text' },
      's.properties[a].type: Unsupported value: "text": supported values: "array", "boolean"',
    ],
    [{ type: 'array' }, 's.properties[a].items: Required value: must be specified'],
    [
      { type: 'array', items: {} },
      's.properties[a].items.type: Required value: must not be empty for specified array items',
    ],
    [
      { type: 'object', properties: {}, additionalProperties: { type: 'string' } },
      's.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
    ],
    [{ type: 'string', $ref: '#/x' }, 's.properties[a].$ref: Forbidden: $ref is not supported'],
    [
      { type: 'object', anyOf: [{ type: 'object' }] },
      's.properties[a].anyOf[0].type: Forbidden: must be empty to be structural',
    ],
    [
      { type: 'object', allOf: [{ properties: { b: { minimum: 1 } } }] },
      's.properties[a].properties[b]: Required value: because it is defined in s.properties[a].allOf[0].properties[b]',
    ],
    [
      { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' },
      's.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
    ],
    [
      {
        type: 'array',
        items: { type: 'object', properties: { k: { type: 'string' } } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
      's.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys',
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      's.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true',
    ],
    [{ type: 'integer', default: 'x' }, 's.properties[a].default: Invalid value: "string"'],
    [
      { type: 'string', pattern: '(' },
      's.properties[a].pattern: Invalid value: "(": must be a valid regular expression',
    ],
  ])('%j', (schema, line) => {
    expect(inside(schema).some((found) => found.startsWith(line))).toBe(true);
  });
  test('int-or-string may name its two types', () => {
    expect(
      inside({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }),
    ).toEqual([]);
    expect(inside({ type: 'string', pattern: '^(?i)[a-z]+$' })).toEqual([]);
  });
});
