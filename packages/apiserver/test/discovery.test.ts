import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistry, type KubeList, type Unstructured } from '@coracle/machinery';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
let problem: string | undefined;
beforeAll(async () => {
  t = await testServer({ health: { disk: () => problem } });
});
afterAll(() => t.close());
const get = (path: string, accept?: string): ReturnType<TestServer['request']> =>
  t.request('GET', path, accept ? { headers: { accept } } : {});

describe('discovery', () => {
  test('names every group, version and resource of the registry', async () => {
    const registry = createRegistry();
    for (const kind of registry.kinds()) {
      const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
      const { body } = await get(root);
      const found = (body['resources'] as { name: string; kind: string; verbs: string[] }[]).find(
        (r) => r.name === kind.resource,
      );
      expect(found).toMatchObject({ kind: kind.kind, verbs: kind.verbs });
    }
  });
  test('every kind that lists can be listed', async () => {
    for (const kind of createRegistry().kinds()) {
      if (!kind.verbs.includes('list')) continue;
      const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
      const { code, body } = await get(`${root}/${kind.resource}`);
      expect([kind.resource, code, body.kind]).toEqual([kind.resource, 200, kind.listKind]);
    }
  });
  test('aggregated says the same in one document, and 304 to whoever has it', async () => {
    const accept = 'application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList,application/json';
    const { body, headers } = await get('/apis', accept);
    expect(body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    expect(headers['content-type']).toBe(
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    );
    const groups = (body as unknown as KubeList<Unstructured>).items.map((item) => item.metadata.name);
    expect(groups).toContain('apps');
    expect(groups).not.toContain(undefined);
    const again = await t.request('GET', '/apis', {
      headers: { accept, 'if-none-match': headers['etag'] ?? '' },
    });
    expect(again.code).toBe(304);
    const core = await get('/api', accept);
    expect(JSON.stringify(core.body)).toContain('"resource":"pods"');
  });
  test('plain for those who do not ask', async () => {
    expect((await get('/apis')).body).toMatchObject({ kind: 'APIGroupList' });
    expect((await get('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    expect((await get('/apis/apps')).body).toMatchObject({
      kind: 'APIGroup',
      preferredVersion: { groupVersion: 'apps/v1' },
    });
  });
  test('the version is Kubernetes’', async () => {
    expect((await get('/version')).body).toMatchObject({
      major: '1',
      minor: '36',
      gitVersion: expect.stringMatching(/^v1\.36\./),
    });
  });
});

describe('OpenAPI', () => {
  test('v3: an index whose hashes change with the definitions, documents behind it', async () => {
    const { body } = await get('/openapi/v3');
    const { serverRelativeURL } = (
      body as unknown as { paths: Record<string, { serverRelativeURL: string }> }
    ).paths['apis/apps/v1'] ?? { serverRelativeURL: '' };
    expect(serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/);
    const document = await get(serverRelativeURL);
    expect(document.headers['cache-control']).toContain('immutable');
    expect(document.body).toMatchObject({ openapi: '3.0.0' });
    expect(JSON.stringify(document.body)).toContain('io.k8s.api.apps.v1.Deployment');
  });
  test('v2 as JSON, and as protobuf that carries the same definitions', async () => {
    const json = (await get('/openapi/v2')).body as unknown as {
      swagger: string;
      definitions: Record<string, unknown>;
    };
    expect(json.swagger).toBe('2.0');
    const response = await t.handler({
      method: 'GET',
      path: '/openapi/v2',
      query: new URLSearchParams(),
      headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' },
      credentials: t.admin,
      want: 'bytes',
      signal: new AbortController().signal,
    });
    if (response.kind !== 'object') throw new Error(response.kind);
    expect(response.headers['content-type']).toBe(
      'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    );
    const bytes = Buffer.concat(response.chunks ?? []);
    // Field 9 of the document wraps the definitions; each is a message with its name in field 1.
    const definitions = messageFields(messageFields(bytes).get(9)?.[0] ?? Buffer.alloc(0)).get(1) ?? [];
    const names = definitions.map((d) => messageFields(d).get(1)?.[0]?.toString());
    expect(names.toSorted()).toEqual(Object.keys(json.definitions).toSorted());
  });
});

/** Length-delimited fields of a protobuf message, by number. */
function messageFields(bytes: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 2) {
      const length = varint();
      const field = Math.floor(tag / 8);
      fields.set(field, [...(fields.get(field) ?? []), bytes.subarray(at, at + length)]);
      at += length;
    } else throw new Error(`wire type ${wire} at ${at}`);
  }
  return fields;
}

describe('health', () => {
  test.each(['/healthz', '/livez', '/readyz'])('%s is ok, verbose and single', async (path) => {
    expect((await get(path)).body).toBe('ok');
    expect((await get(`${path}?verbose`)).body).toMatch(
      new RegExp(`^\\[\\+\\]ping ok\\n[^]*\\[\\+\\]disk ok\\n${path.slice(1)} check passed\\n$`),
    );
    expect((await get(`${path}/ping`)).body).toBe('ok');
    expect((await get(`${path}/nonsense`)).code).toBe(404);
  });
  test('says what is wrong', async () => {
    problem = 'it is full';
    const { code, body } = await get('/readyz');
    expect(code).toBe(500);
    expect(body).toContain('[-]disk failed: it is full');
    expect((await get('/readyz?exclude=disk')).code).toBe(200);
    problem = undefined;
  });
  test('a server that is not set up is not ready', async () => {
    const own = await testServer({ bootstrap: false });
    expect((await own.request('GET', '/readyz')).code).toBe(500);
    await own.close();
  });
});

test('metrics count requests by resource and verb', async () => {
  await get('/api/v1/pods');
  const { body } = await get('/metrics');
  expect(body).toMatch(
    /^apiserver_request_total\{code="200",group="",resource="pods",subresource="",verb="LIST",version="v1"\} \d+$/m,
  );
  expect(body).toMatch(/^coracle_store_revision \d+$/m);
});

test('a new cluster has its namespaces, priority classes, roles and the kubernetes service', async () => {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
    expect((await get(`/api/v1/namespaces/${name}`)).code).toBe(200);
  expect((await get('/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical')).body).toMatchObject({
    value: 2_000_001_000,
  });
  expect((await get('/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin')).code).toBe(200);
  expect((await get('/api/v1/namespaces/default/services/kubernetes')).body).toMatchObject({
    spec: { clusterIP: '10.96.0.1' },
  });
  // Again, with the port: nothing is made twice, the endpoint is moved.
  for (const port of [7001, 7002]) {
    await t.server.bootstrap({ endpoint: { address: '127.0.0.1', port } });
    expect((await get('/api/v1/namespaces/default/endpoints/kubernetes')).body).toMatchObject({
      subsets: [{ ports: [{ port }] }],
    });
  }
});

test('others can check service account tokens', async () => {
  const { body } = await get('/.well-known/openid-configuration');
  expect(body).toMatchObject({
    issuer: expect.any(String),
    jwks_uri: expect.stringMatching(/\/openid\/v1\/jwks$/),
  });
  expect((await get('/openid/v1/jwks')).body).toMatchObject({ keys: [{ kty: 'EC', crv: 'P-256' }] });
});
