import { describe, expect, test } from 'vitest';
import { apiVersionOf, compareVersions, createRegistry, type Kind, type Schema } from '../src/index.ts';

const registry = createRegistry();
const custom = (version: string, kind = 'Widget'): Kind => ({
  group: 'example.com',
  version,
  resource: `${kind.toLowerCase()}s`,
  kind,
  namespaced: true,
  singular: kind.toLowerCase(),
  listKind: `${kind}List`,
  shortNames: [],
  categories: [],
  verbs: ['get', 'list'],
  subresources: {},
  schema: { type: 'object' },
  storageVersion: 'v1',
  builtin: false,
});

describe('built-in kinds', () => {
  test("are all there, in discovery's order", () => {
    expect([...registry.kinds()].length).toBe(95);
    expect(registry.groups()[0]).toEqual({ group: '', versions: ['v1'] });
    expect(registry.groups().find((g) => g.group === 'autoscaling')?.versions).toEqual(['v2', 'v1']);
  });
  test('are found by resource and by kind', () => {
    const pods = registry.byResource('', 'v1', 'pods');
    expect(pods).toMatchObject({
      kind: 'Pod',
      namespaced: true,
      singular: 'pod',
      listKind: 'PodList',
      shortNames: ['po'],
      categories: ['all'],
      storageVersion: 'v1',
      builtin: true,
    });
    expect(registry.byKind('', 'v1', 'Pod')).toBe(pods);
    expect(registry.byResource('', 'v1', 'Pods')).toBeUndefined();
    expect(pods?.verbs.toSorted()).toEqual(
      ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'].toSorted(),
    );
    expect(pods?.subresources['eviction']).toEqual({
      kind: 'Eviction',
      group: 'policy',
      version: 'v1',
      verbs: ['create'],
    });
    expect(registry.byResource('apps', 'v1', 'deployments')?.subresources['scale']).toMatchObject({
      kind: 'Scale',
      group: 'autoscaling',
      specReplicasPath: '.spec.replicas',
    });
  });
  test('of several versions come preferred first and share a storage version', () => {
    const versions = registry.versionsOf('autoscaling', 'horizontalpodautoscalers');
    expect(versions.map((k) => [apiVersionOf(k), k.storageVersion])).toEqual([
      ['autoscaling/v2', 'v2'],
      ['autoscaling/v1', 'v2'],
    ]);
  });
  test('every schema resolves, with types, keys and formats', () => {
    for (const kind of registry.kinds())
      expect(kind.schema.properties?.['metadata'], kind.kind).toBeDefined();
    const spec = registry.byKind('', 'v1', 'Pod')?.schema.properties?.['spec'] as Schema;
    const containers = spec.properties?.['containers'];
    expect(spec.required).toEqual(['containers']);
    expect(containers).toMatchObject({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    });
    const port = containers?.items?.properties?.['ports']?.items;
    expect(port?.properties?.['containerPort']).toMatchObject({ type: 'integer', format: 'int32' });
    expect(port?.properties?.['protocol']?.default).toBe('TCP');
    expect(spec.properties?.['nodeSelector']?.['x-kubernetes-map-type']).toBe('atomic');
  });
  test('a recursive schema is one cyclic value', () => {
    const crd = registry.byKind('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition')?.schema;
    const props =
      crd?.properties?.['spec']?.properties?.['versions']?.items?.properties?.['schema']?.properties;
    const schema = props?.['openAPIV3Schema'];
    expect(schema?.properties?.['not']).toBe(schema);
  });
});

describe('replace', () => {
  test('puts in, exchanges and takes out the versions of a resource', () => {
    const own = createRegistry();
    const before = own.generation;
    own.replace('example.com', 'widgets', [custom('v1beta1'), custom('v1'), custom('v2alpha1')]);
    own.replace('a.example.com', 'widgets', []);
    expect(own.versionsOf('example.com', 'widgets').map((k) => k.version)).toEqual([
      'v1',
      'v1beta1',
      'v2alpha1',
    ]);
    expect(own.groups().at(-1)).toEqual({ group: 'example.com', versions: ['v1', 'v1beta1', 'v2alpha1'] });
    own.replace('example.com', 'widgets', [custom('v1', 'Gadget')]);
    expect(own.byKind('example.com', 'v1', 'Widget')).toBeUndefined();
    own.replace('example.com', 'widgets', []);
    expect(own.byResource('example.com', 'v1', 'widgets')).toBeUndefined();
    expect(own.generation).toBe(before + 4);
  });
  test('leaves other registries alone', () => {
    const [one, two] = [createRegistry(), createRegistry()];
    one.replace('example.com', 'widgets', [custom('v1')]);
    expect(two.byKind('example.com', 'v1', 'Widget')).toBeUndefined();
  });
  test('a definition in a built-in group adds its versions behind', () => {
    const own = createRegistry();
    own.replace('apps', 'widgets', [{ ...custom('v9'), group: 'apps' }]);
    expect(own.groups().find((g) => g.group === 'apps')?.versions).toEqual(['v1', 'v9']);
  });
});

test('versions sort as discovery prefers them', () => {
  const sorted = ['v1', 'v2', 'v10', 'v1beta2', 'v1beta1', 'v3alpha1', 'v1alpha1', 'bar', 'foo'];
  expect(sorted.toReversed().toSorted(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v1beta2',
    'v1beta1',
    'v3alpha1',
    'v1alpha1',
    'bar',
    'foo',
  ]);
});
