/** sig-api-machinery: custom resource definitions, their discovery, documents and field validation. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../../src/testing.ts';
import { type Any, eventOf, type List, merge, namesOf, nextEvent } from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

interface Spec {
  group: string;
  plural?: string;
  kind?: string;
  versions?: object[];
  schema?: object;
  scope?: 'Namespaced' | 'Cluster';
  labels?: Record<string, string>;
}
const version = (name: string, schema: object = open, extra: object = {}): object => ({
  name,
  served: true,
  storage: false,
  schema: { openAPIV3Schema: schema },
  ...extra,
});
const definition = (s: Spec): Any => {
  const plural = s.plural ?? 'foos';
  const kind = s.kind ?? 'Foo';
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${s.group}`, ...(s.labels ? { labels: s.labels } : {}) },
    spec: {
      group: s.group,
      scope: s.scope ?? 'Namespaced',
      names: { plural, kind, listKind: `${kind}List`, singular: kind.toLowerCase() },
      versions: s.versions ?? [version('v1', s.schema, { storage: true })],
    },
  };
};
/** Creates and waits until it is established: what upstream's tests wait for. */
async function define(s: Spec): Promise<{ name: string; path: string }> {
  const made = await t.call<Any>('POST', definitions, definition(s));
  const name = made.metadata.name as string;
  const watch = await t.watch(`${definitions}?watch=1&fieldSelector=metadata.name%3D${name}`);
  for (;;) {
    const { object } = await nextEvent(watch);
    const conditions = ((object as Any).status?.conditions ?? []) as Any[];
    if (conditions.some((c) => c.type === 'Established' && c.status === 'True')) break;
  }
  watch.stop();
  const root = `/apis/${s.group}/${(made.spec.versions[0] as Any).name}`;
  const plural = s.plural ?? 'foos';
  return { name, path: s.scope === 'Cluster' ? `${root}/${plural}` : `${root}/namespaces/default/${plural}` };
}
const cr = (group: string, name: string, rest: object = {}, v = 'v1', kind = 'Foo'): object => ({
  apiVersion: `${group}/${v}`,
  kind,
  metadata: { name },
  ...rest,
});

describe('CustomResourceDefinition', () => {
  test('Custom Resource Definition, create', async () => {
    const { name } = await define({ group: 'create.example.com' });
    const watch = await t.watch(`${definitions}?watch=1&fieldSelector=metadata.name%3D${name}`);
    await t.call('DELETE', `${definitions}/${name}`);
    await eventOf(watch, 'DELETED', name);
    watch.stop();
    expect((await t.request('GET', `${definitions}/${name}`)).code).toBe(404);
  });
  test('Custom Resource Definition, watch', async () => {
    const { path } = await define({ group: 'watch.example.com', scope: 'Cluster' });
    const a = await t.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dname1`);
    const b = await t.watch(`${path}?watch=1&fieldSelector=metadata.name%3Dname2`);
    for (const name of ['name1', 'name2'])
      await t.call('POST', path, cr('watch.example.com', name, { content: { k: 'v' } }));
    for (const name of ['name1', 'name2']) await t.call('PATCH', `${path}/${name}`, { dummy: 'test' }, merge);
    for (const name of ['name1', 'name2']) await t.call('DELETE', `${path}/${name}`);
    for (const [watch, name] of [
      [a, 'name1'],
      [b, 'name2'],
    ] as const) {
      const seen = [await nextEvent(watch), await nextEvent(watch), await nextEvent(watch)];
      expect(seen.map((e) => [e.type, e.object.metadata.name])).toEqual([
        ['ADDED', name],
        ['MODIFIED', name],
        ['DELETED', name],
      ]);
      watch.stop();
    }
  });
  test('Custom Resource Definition, list', async () => {
    for (let i = 0; i < 10; i++)
      await t.call(
        'POST',
        definitions,
        definition({ group: `list${i}.example.com`, labels: i % 2 === 0 ? { 'e2e-list-test': 'yes' } : {} }),
      );
    const selector = 'labelSelector=e2e-list-test%3Dyes';
    expect((await t.call<List>('GET', `${definitions}?${selector}`)).items).toHaveLength(5);
    await t.call('DELETE', `${definitions}?${selector}`);
    const watch = await t.watch(`${definitions}?watch=1&${selector}`);
    for (let left = (await t.call<List>('GET', `${definitions}?${selector}`)).items.length; left > 0; left--)
      while ((await nextEvent(watch)).type !== 'DELETED');
    watch.stop();
    expect((await t.call<List>('GET', `${definitions}?${selector}`)).items).toEqual([]);
    expect(
      namesOf(await t.call<List>('GET', definitions)).filter((n) => n.startsWith('foos.list')),
    ).toHaveLength(5);
  });
  test('Custom Resource Definition, status sub-resource', async () => {
    const { name } = await define({ group: 'status.example.com' });
    const path = `${definitions}/${name}/status`;
    expect((await t.call<Any>('GET', path)).status.conditions.length).toBeGreaterThan(0);
    const condition = {
      type: 'StatusUpdate',
      status: 'True',
      reason: 'E2E',
      message: 'Set from e2e test',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const read = structuredClone(await t.call<Any>('GET', path));
    read.status.conditions.push(condition);
    const updated = await t.call<Any>('PUT', path, read);
    expect(updated.status.conditions).toContainEqual(expect.objectContaining(condition));
    const patched = await t.call<Any>(
      'PATCH',
      path,
      { metadata: { annotations: { patched: 'yes' } }, status: { storedVersions: ['v1'] } },
      merge,
    );
    expect(patched.status.conditions).toContainEqual(expect.objectContaining(condition));
  });
  test('Custom Resource Definition, discovery', async () => {
    const groups = (await t.call<Any>('GET', '/apis')).groups as Any[];
    const found = groups.find((g) => g.name === 'apiextensions.k8s.io');
    expect(found.versions).toContainEqual({ groupVersion: 'apiextensions.k8s.io/v1', version: 'v1' });
    const group = await t.call<Any>('GET', '/apis/apiextensions.k8s.io');
    expect(group.kind).toBe('APIGroup');
    expect(group.versions.map((v: Any) => v.version)).toContain('v1');
    const list = await t.call<Any>('GET', '/apis/apiextensions.k8s.io/v1');
    expect(list.resources.map((r: Any) => r.name)).toContain('customresourcedefinitions');
  });
  test('Custom Resource Definition, defaulting', async () => {
    const group = 'defaulting.example.com';
    const field = (extra = {}): object => ({ type: 'string', ...extra });
    const schema = (a: object, b: object): object => ({ type: 'object', properties: { a, b } });
    const { name, path } = await define({ group, scope: 'Cluster', schema: schema(field(), field()) });
    await t.call('POST', path, cr(group, 'foo1'));
    const read = structuredClone(await t.call<Any>('GET', `${definitions}/${name}`));
    read.spec.versions[0].schema.openAPIV3Schema = schema(field({ default: 'A' }), field());
    const withA = structuredClone(await t.call<Any>('PUT', `${definitions}/${name}`, read));
    expect((await t.call<Any>('GET', `${path}/foo1`)).a).toBe('A');
    expect((await t.call<Any>('POST', path, cr(group, 'foo2'))).a).toBe('A');
    withA.spec.versions[0].schema.openAPIV3Schema = schema(field(), field({ default: 'B' }));
    await t.call('PUT', `${definitions}/${name}`, withA);
    const stored = await t.call<Any>('GET', `${path}/foo2`);
    expect([stored.a, stored.b]).toEqual(['A', 'B']);
    const never = await t.call<Any>('GET', `${path}/foo1`);
    expect([never.a, never.b]).toEqual([undefined, 'B']);
  });
  test('custom-resource-definition-field-selectors-list-watch-register-informers (one shape, without conversion)', async () => {
    const group = 'selectable.example.com';
    const schema = { type: 'object', properties: { hostPort: { type: 'string' }, n: { type: 'integer' } } };
    const selectable = { selectableFields: [{ jsonPath: '.hostPort' }, { jsonPath: '.n' }] };
    const { path } = await define({
      group,
      versions: [version('v1', schema, { storage: true, ...selectable })],
    });
    for (let i = 0; i < 4; i++)
      await t.call('POST', path, cr(group, `cr${i}`, { hostPort: `host${i % 2}`, n: i }));
    const query = 'fieldSelector=hostPort%3Dhost1';
    expect(namesOf(await t.call<List>('GET', `${path}?${query}`))).toEqual(['cr1', 'cr3']);
    expect(namesOf(await t.call<List>('GET', `${path}?fieldSelector=n%3D2`))).toEqual(['cr2']);
    const watch = await t.watch(
      `${path}?watch=1&${query}&resourceVersion=${(await t.call<List>('GET', path)).metadata.resourceVersion}`,
    );
    await t.call('PATCH', `${path}/cr0`, { hostPort: 'host1' }, merge);
    await eventOf(watch, 'ADDED', 'cr0');
    await t.call('PATCH', `${path}/cr1`, { hostPort: 'host0' }, merge);
    await eventOf(watch, 'DELETED', 'cr1');
    await t.call('DELETE', `${path}?${query}`);
    expect(namesOf(await t.call<List>('GET', path))).toEqual(['cr1', 'cr2']);
    const unknown = await t.request('GET', `${path}?fieldSelector=other%3D2`);
    expect([unknown.code, unknown.body.reason]).toEqual([400, 'BadRequest']);
    watch.stop();
  });
  test('status and scale of custom resources', async () => {
    const group = 'subresources.example.com';
    const schema = {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { replicas: { type: 'integer' } } },
        status: {
          type: 'object',
          properties: { replicas: { type: 'integer' }, selector: { type: 'string' } },
        },
      },
    };
    const subresources = {
      status: {},
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        labelSelectorPath: '.status.selector',
      },
    };
    const { path } = await define({
      group,
      versions: [version('v1', schema, { storage: true, subresources })],
    });
    const made = await t.call<Any>(
      'POST',
      path,
      cr(group, 'a', { spec: { replicas: 1 }, status: { replicas: 9 } }),
    );
    expect(made.status).toBeUndefined();
    expect(made.metadata.generation).toBe(1);
    const status = await t.call<Any>(
      'PATCH',
      `${path}/a/status`,
      { spec: { replicas: 5 }, status: { replicas: 1, selector: 'a=b' } },
      merge,
    );
    expect([status.spec.replicas, status.status.replicas, status.metadata.generation]).toEqual([1, 1, 1]);
    const scale = await t.call<Any>('GET', `${path}/a/scale`);
    expect(scale).toMatchObject({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { replicas: 1, selector: 'a=b' },
    });
    await t.call('PATCH', `${path}/a/scale`, { spec: { replicas: 3 } }, merge);
    const scaled = await t.call<Any>('GET', `${path}/a`);
    expect([scaled.spec.replicas, scaled.metadata.generation]).toEqual([3, 2]);
  });
});

describe('CustomResourcePublishOpenAPI', () => {
  const v2Definitions = async (): Promise<Record<string, Any>> =>
    (await t.call<Any>('GET', '/openapi/v2')).definitions;
  const v3Schemas = async (gv: string): Promise<Record<string, Any> | undefined> => {
    const { code, body } = await t.request('GET', `/openapi/v3/apis/${gv}`);
    return code === 200 ? (body as Any).components.schemas : undefined;
  };
  const gvkOf = (schema: Any): string =>
    (schema['x-kubernetes-group-version-kind'] ?? [])
      .map((k: Any) => `${k.group}/${k.version}/${k.kind}`)
      .join();
  test('Custom Resource OpenAPI Publish, with validation schema', async () => {
    const group = 'publish.example.com';
    const schema = {
      type: 'object',
      description: 'Foo CRD for Testing',
      properties: {
        spec: {
          type: 'object',
          description: 'Specification of Foo',
          properties: {
            bars: {
              type: 'array',
              description: 'List of Bars and their specs.',
              items: {
                type: 'object',
                required: ['name'],
                properties: {
                  name: { type: 'string', description: 'Name of Bar.' },
                  age: { type: 'string' },
                },
              },
            },
          },
        },
      },
    };
    await define({ group, schema });
    const published = Object.entries(await v2Definitions()).filter(([, s]) => gvkOf(s) === `${group}/v1/Foo`);
    expect(published.map(([name]) => name)).toEqual(['com.example.publish.v1.Foo']);
    const foo = published[0]?.[1];
    expect(foo.description).toBe('Foo CRD for Testing');
    expect(foo.properties.spec.properties.bars.items.required).toEqual(['name']);
    expect(JSON.stringify(foo.properties.metadata)).toContain('ObjectMeta');
    expect(foo.properties.apiVersion.type).toBe('string');
    const three = await v3Schemas(`${group}/v1`);
    expect(Object.keys(three ?? {})).toContain('com.example.publish.v1.Foo');
    const paths = (await t.call<Any>('GET', '/openapi/v2')).paths;
    expect(Object.keys(paths)).toContain(`/apis/${group}/v1/namespaces/{namespace}/foos/{name}`);
  });
  test.each([
    ['at root', open],
    ['in object', { type: 'object', properties: { spec: open } }],
    [
      'in embedded object',
      { type: 'object', properties: { spec: { ...open, 'x-kubernetes-embedded-resource': true } } },
    ],
  ])(
    'Custom Resource OpenAPI Publish, with x-kubernetes-preserve-unknown-fields %s',
    async (where, schema) => {
      const group = `preserve-${where.replaceAll(' ', '-')}.example.com`;
      await define({ group, schema });
      const foo = Object.values(await v2Definitions()).find((s) => gvkOf(s) === `${group}/v1/Foo`);
      expect(foo).toBeDefined();
      const three = Object.values((await v3Schemas(`${group}/v1`)) ?? {}).find(
        (s) => gvkOf(s) === `${group}/v1/Foo`,
      );
      expect(JSON.stringify(three)).toContain('"x-kubernetes-preserve-unknown-fields":true');
    },
  );
  test('Custom Resource OpenAPI Publish, varying groups, kinds and versions', async () => {
    await define({
      group: 'vary1.example.com',
      versions: [version('v1', open, { storage: true }), version('v2')],
    });
    await define({ group: 'vary2.example.com' });
    await define({ group: 'vary2.example.com', plural: 'bars', kind: 'Bar' });
    const all = Object.values(await v2Definitions()).map(gvkOf);
    for (const gvk of [
      'vary1.example.com/v1/Foo',
      'vary1.example.com/v2/Foo',
      'vary2.example.com/v1/Foo',
      'vary2.example.com/v1/Bar',
    ])
      expect(all).toContain(gvk);
    const index = await t.call<Any>('GET', '/openapi/v3');
    expect(Object.keys(index.paths)).toEqual(
      expect.arrayContaining([
        'apis/vary1.example.com/v1',
        'apis/vary1.example.com/v2',
        'apis/vary2.example.com/v1',
      ]),
    );
  });
  test('Custom Resource OpenAPI Publish, stop serving version', async () => {
    const group = 'stop.example.com';
    const { name } = await define({
      group,
      versions: [version('v5', open, { storage: true }), version('v6alpha1')],
    });
    const read = structuredClone(await t.call<Any>('GET', `${definitions}/${name}`));
    read.spec.versions[1].served = false;
    await t.call('PUT', `${definitions}/${name}`, read);
    const all = Object.values(await v2Definitions()).map(gvkOf);
    expect(all).toContain(`${group}/v5/Foo`);
    expect(all).not.toContain(`${group}/v6alpha1/Foo`);
    expect(await v3Schemas(`${group}/v6alpha1`)).toBeUndefined();
    expect((await t.request('GET', `/apis/${group}/v6alpha1/foos`)).code).toBe(404);
  });
  test('Custom Resource OpenAPI Publish, version rename', async () => {
    const group = 'rename.example.com';
    const { name } = await define({
      group,
      versions: [version('v2', open, { storage: true }), version('v3')],
    });
    await t.call(
      'PATCH',
      `${definitions}/${name}`,
      { spec: { versions: [version('v2', open, { storage: true }), version('v4')] } },
      merge,
    );
    const all = Object.values(await v2Definitions()).map(gvkOf);
    expect(all).toContain(`${group}/v4/Foo`);
    expect(all).not.toContain(`${group}/v3/Foo`);
    const discovered = await t.call<Any>('GET', `/apis/${group}`);
    expect(discovered.versions.map((v: Any) => v.version)).toEqual(['v4', 'v2']);
  });
});

describe('Discovery', () => {
  test('Discovery, confirm the PreferredVersion for each api group', async () => {
    const { groups } = await t.call<Any>('GET', '/apis');
    expect(groups.length).toBeGreaterThan(10);
    for (const group of groups as Any[]) {
      const one = await t.call<Any>('GET', `/apis/${group.name}`);
      expect(one.preferredVersion.groupVersion).toBe(group.preferredVersion.groupVersion);
      expect(group.versions).toContainEqual(group.preferredVersion);
    }
  });
  test('Discovery, confirm the groupVerion and a resourcefrom each apiGroup', async () => {
    const { groups } = await t.call<Any>('GET', '/apis');
    for (const group of groups as Any[])
      for (const { groupVersion } of group.versions) {
        const list = await t.call<Any>('GET', `/apis/${groupVersion}`);
        expect([list.kind, list.groupVersion]).toEqual(['APIResourceList', groupVersion]);
        expect(list.resources.length).toBeGreaterThan(0);
      }
  });
  const v2 = 'application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList';
  test('Aggregated Discovery Endpoint Accept Headers', async () => {
    for (const path of ['/api', '/apis']) {
      const aggregated = await t.request('GET', path, { headers: { accept: v2 } });
      expect([aggregated.code, aggregated.body.kind]).toEqual([200, 'APIGroupDiscoveryList']);
      const beta = await t.request('GET', path, { headers: { accept: v2.replace('v=v2', 'v=v2beta1') } });
      expect([200, 406]).toContain(beta.code);
      for (const accept of [
        'application/json',
        'application/json;g=apidiscovery.k8s.io',
        '*/*',
        `${v2.replace('v=v2', 'v=v9')},application/json`,
      ]) {
        const plain = await t.request('GET', path, { headers: { accept } });
        expect([accept, plain.code, plain.body.kind]).toEqual([
          accept,
          200,
          path === '/api' ? 'APIVersions' : 'APIGroupList',
        ]);
      }
    }
  });
  test('Aggregated Discovery Interface CRDs', async () => {
    await define({ group: 'aggregated.example.com' });
    const { body } = await t.request('GET', '/apis', { headers: { accept: v2 } });
    const group = (body as Any).items.find((g: Any) => g.metadata.name === 'aggregated.example.com');
    expect(group.versions[0]).toMatchObject({ version: 'v1', freshness: 'Current' });
    expect(group.versions[0].resources[0]).toMatchObject({
      resource: 'foos',
      responseKind: { group: 'aggregated.example.com', version: 'v1', kind: 'Foo' },
      scope: 'Namespaced',
      singularResource: 'foo',
    });
  });
  test('Confirm a server version', async () => {
    expect((await t.call<Any>('GET', '/version')).major).toBe('1');
    expect((await t.call<Any>('GET', '/version')).minor).toMatch(/^36\+?$/);
  });
});

describe('FieldValidation', () => {
  const strict = 'fieldValidation=Strict';
  const message = async (
    path: string,
    bytes: string,
  ): Promise<[number, string | undefined, string | undefined]> => {
    const { code, body } = await t.request('POST', path, {
      bytes,
      headers: { 'content-type': 'application/json' },
    });
    return [code, body.reason, body.message];
  };
  const deployment = (metadata: string, spec: string): string =>
    `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"${metadata}},"spec":{${spec}"selector":{"matchLabels":{"app":"n"}},"template":{"metadata":{"labels":{"app":"n"}},"spec":{"containers":[{"name":"n","image":"n"}]}}}}`;
  const path = `/apis/apps/v1/namespaces/default/deployments?${strict}`;
  test('Server side field validation, typed object', async () => {
    const [code, reason, text] = await message(
      path,
      deployment('', '"unknown":"x","paused":true,"paused":false,'),
    );
    expect([code, reason]).toEqual([400, 'BadRequest']);
    expect(text).toContain('strict decoding error');
    expect(text).toContain('unknown field "spec.unknown"');
    expect(text).toContain('duplicate field "spec.paused"');
  });
  test('Server side field validation, typed unknown metadata', async () => {
    const [code, , text] = await message(path, deployment(',"unknownMeta":"foo"', ''));
    expect(code).toBe(400);
    expect(text).toContain('unknown field "metadata.unknownMeta"');
  });
  test('Server side field validation, CRs', async () => {
    const group = 'validation.example.com';
    const schema = {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            cronSpec: { type: 'string' },
            ports: {
              type: 'array',
              items: { type: 'object', properties: { port: { type: 'integer' } } },
            },
          },
        },
      },
    };
    const { path: crs } = await define({ group, schema });
    const body = (spec: string, meta = ''): string =>
      `{"apiVersion":"${group}/v1","kind":"Foo","metadata":{"name":"cr"${meta}},"spec":{${spec}}}`;
    // unknown fields CR fails validation
    const [code, , text] = await message(`${crs}?${strict}`, body('"unknown":"uk1","cronSpec":"*"'));
    expect([code, text?.includes('unknown field "spec.unknown"')]).toEqual([400, true]);
    // CR duplicates
    const [dup, , dupText] = await message(`${crs}?${strict}`, body('"cronSpec":"a","cronSpec":"b"'));
    expect([dup, dupText?.includes('duplicate field "spec.cronSpec"')]).toEqual([400, true]);
    // unknown metadata
    const [meta, , metaText] = await message(
      `${crs}?${strict}`,
      body('"cronSpec":"a"', ',"unknownMeta":"x"'),
    );
    expect([meta, metaText?.includes('unknown field "metadata.unknownMeta"')]).toEqual([400, true]);
    // valid CR with validation schema
    expect((await message(`${crs}?${strict}`, body('"cronSpec":"* * * * */5"')))[0]).toBe(201);
    // Warn keeps going, drops, and tells.
    const warned = await t.request('POST', `${crs}?fieldValidation=Warn`, {
      bytes: body('"cronSpec":"a","x":1').replace('"cr"', '"cr2"'),
      headers: { 'content-type': 'application/json' },
    });
    expect(warned.code).toBe(201);
    expect(warned.headers['warning']).toContain('unknown field \\"spec.x\\"');
    expect((warned.body as Any).spec.x).toBeUndefined();
  });
  test('Server side field validation, unknown fields CR no validation schema', async () => {
    const group = 'novalidation.example.com';
    const { path: crs } = await define({ group });
    const made = await t.call<Any>(
      'POST',
      `${crs}?${strict}`,
      cr(group, 'mytest', { spec: { foo: 'foo1', bar: { any: 1 } } }),
    );
    expect(made.spec.bar.any).toBe(1);
    // CR duplicates, even when preserving unknown fields
    const [dup, , text] = await message(
      `${crs}?${strict}`,
      `{"apiVersion":"${group}/v1","kind":"Foo","metadata":{"name":"dup"},"spec":{"unknown":"a","unknown":"b"}}`,
    );
    expect([dup, text?.includes('duplicate field "spec.unknown"')]).toEqual([400, true]);
    const [meta, , metaText] = await message(
      `${crs}?${strict}`,
      `{"apiVersion":"${group}/v1","kind":"Foo","metadata":{"name":"m","unknownMeta":"a"}}`,
    );
    expect([meta, metaText?.includes('unknown field "metadata.unknownMeta"')]).toEqual([400, true]);
  });
  test('Server side field validation, unknown metadata in embedded objects', async () => {
    const group = 'embedded.example.com';
    const { path: crs } = await define({
      group,
      schema: {
        type: 'object',
        properties: {
          template: { ...open, 'x-kubernetes-embedded-resource': true },
        },
      },
    });
    const [code, , text] = await message(
      `${crs}?${strict}`,
      `{"apiVersion":"${group}/v1","kind":"Foo","metadata":{"name":"e"},"template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","unknownSubMeta":"y"}}}`,
    );
    expect([code, text?.includes('unknown field "template.metadata.unknownSubMeta"')]).toEqual([400, true]);
  });
});
