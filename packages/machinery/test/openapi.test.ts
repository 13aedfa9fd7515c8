import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deepEqual, definitionName, openApiDefinitions, openApiV2, openApiV3 } from '../src/index.ts';
import { registry } from './objects.ts';

type Json = Record<string, unknown>;
const info = { title: 'Coracle', version: 'v1.36.0' };
const all = [...registry.kinds()];
const apps = openApiV3(
  all.filter((k) => k.group === 'apps'),
  info,
) as { paths: Record<string, Record<string, Json>>; components: { schemas: Record<string, Json> } };
const v2 = openApiV2(all, info) as { paths: Record<string, Json>; definitions: Record<string, Json> };

function refs(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, child] of Object.entries(value)) {
    if (key === '$ref' && typeof child === 'string') found.add(child);
    else refs(child, found);
  }
  return found;
}

describe('OpenAPI documents', () => {
  test('say one line about every built-in kind', () => {
    for (const kind of all) {
      expect(v2.definitions[definitionName(kind)]?.['description'], kind.kind).toBeTypeOf('string');
    }
  });
  test('refer only to what they define', () => {
    for (const ref of refs(apps))
      expect(apps.components.schemas, ref).toHaveProperty([ref.split('/').at(-1) ?? '']);
    for (const ref of refs(v2)) expect(v2.definitions, ref).toHaveProperty([ref.split('/').at(-1) ?? '']);
  });
  test('carry what kubectl looks for: kinds of schemas and paths, list keys, patch keys, parameters', () => {
    const deployment = apps.components.schemas['io.k8s.api.apps.v1.Deployment'];
    expect(deployment?.['x-kubernetes-group-version-kind']).toEqual([
      { group: 'apps', version: 'v1', kind: 'Deployment' },
    ]);
    const path = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    expect(path?.['patch']?.['x-kubernetes-group-version-kind']).toEqual({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    });
    const parameters = path?.['patch']?.['parameters'] as { name: string }[] | undefined;
    const names = parameters?.map((p) => p.name);
    expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldValidation', 'fieldManager']));
    const spec = apps.components.schemas['io.k8s.api.core.v1.PodSpec']?.['properties'] as Record<
      string,
      Json
    >;
    expect(spec['containers']).toMatchObject({
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
    });
  });
  test('a custom kind stands under its reversed group', () => {
    const kind = {
      ...all[0]!,
      group: 'x.example.com',
      version: 'v1',
      kind: 'Thing',
      listKind: 'ThingList',
      verbs: ['list'],
    };
    const custom = {
      ...kind,
      schema: {
        type: 'object' as const,
        properties: {
          a: { type: 'string' as const, nullable: true },
          b: { 'x-kubernetes-int-or-string': true },
          metadata: registry.byKind('', 'v1', 'Pod')?.schema.properties?.['metadata'] ?? {},
        },
      },
    };
    const v3 = openApiDefinitions([custom], 'v3');
    expect(v3['com.example.x.v1.Thing']).toMatchObject({
      properties: {
        a: { type: 'string', nullable: true },
        metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
      },
    });
    expect(v3).toHaveProperty(['com.example.x.v1.ThingList']);
    const swagger = openApiDefinitions([custom], 'v2')['com.example.x.v1.Thing'];
    const properties = swagger?.['properties'] as Record<string, Json> | undefined;
    expect(properties?.['a']).toEqual({});
  });
});

const published = '../shared/data/kubernetes/openapi/swagger.json';
test.skipIf(!existsSync(published))('definitions are those of Kubernetes v1.36 but for prose', () => {
  const bare = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(bare);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([k, v]) => !(k === 'description' && typeof v === 'string') && k !== 'x-kubernetes-unions')
        .map(([k, v]) => [k, k === 'required' && Array.isArray(v) ? v.toSorted() : bare(v)]),
    );
  };
  const { definitions } = JSON.parse(readFileSync(published, 'utf8')) as {
    definitions: Record<string, Json>;
  };
  const differing: string[] = [];
  for (const [name, mine] of Object.entries(v2.definitions)) {
    const theirs = bare(definitions[name]) as Json;
    const gvk = 'x-kubernetes-group-version-kind';
    const { [gvk]: a, ...x } = mine;
    const { [gvk]: b, ...y } = theirs;
    const single = (a as unknown[] | undefined)?.length === 1;
    if (!deepEqual(bare(x), y) || (single && !deepEqual(a, b))) differing.push(name);
  }
  expect(differing).toEqual([]);
});
