import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiError, type ApiResponse, type KubeletApi, type StreamSession } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { testServer, type TestServer } from '../src/testing.ts';

const encoder = new TextEncoder();
const asked: { logs?: unknown; exec?: unknown } = {};
const agent: KubeletApi = {
  async *logs(ref, options) {
    asked.logs = { ref, options };
    await Promise.resolve();
    if (options.previous)
      throw new ApiError('BadRequest', 'previous terminated container "c" in pod "run" not found');
    yield encoder.encode('line 1\n');
    yield encoder.encode('line 2\n');
  },
  async exec(ref, options, session) {
    asked.exec = { ref, options };
    for await (const chunk of session.stdin ?? []) await session.stdout?.(chunk);
    await session.finish({ exitCode: 3 });
  },
  attach: () => Promise.resolve(),
  portForward: () => Promise.resolve(),
  stats: () => Promise.resolve({ node: { nodeName: 'n1' } }),
};

let t: TestServer;
beforeAll(async () => {
  t = await testServer({ nodes: { connect: (name) => (name === 'n1' ? agent : undefined) } });
  await t.call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
});
afterAll(() => t.close());

const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const pod = (name: string, more: object = {}): object => ({
  metadata: { name, labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image: 'i' }], ...more },
});
const bind = (name: string, node = 'n1'): ReturnType<TestServer['request']> =>
  t.request('POST', `${pods}/${name}/binding`, {
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, annotations: { by: 'test' } },
      target: { kind: 'Node', name: node },
    },
  });

function open(path: string): Promise<ApiResponse> {
  const [route = '', query = ''] = path.split('?');
  return t.handler({
    method: 'GET',
    path: route,
    query: new URLSearchParams(query),
    headers: {},
    credentials: t.admin,
    want: 'values',
    signal: new AbortController().signal,
  });
}

describe('binding', () => {
  test('gives a pod its node and says so in a condition', async () => {
    await t.call('POST', pods, pod('b1'));
    const { code, body } = await bind('b1');
    expect(code).toBe(201);
    expect(body).toMatchObject({ kind: 'Status', status: 'Success' });
    const bound = await t.call<Pod>('GET', `${pods}/b1`);
    expect(bound.spec?.nodeName).toBe('n1');
    expect(bound.metadata.annotations?.['by']).toBe('test');
    expect(bound.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  });
  test('a second time is a Conflict', async () => {
    const { body } = await bind('b1', 'n2');
    expect(body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Operation cannot be fulfilled on pods/binding "b1": pod b1 is already assigned to node "n1"',
    });
  });
  test('of a gated pod is a Conflict', async () => {
    await t.call('POST', pods, pod('gated', { schedulingGates: [{ name: 'example.com/wait' }] }));
    expect((await bind('gated')).body).toMatchObject({
      code: 409,
      message: /schedulingGates/ as unknown as string,
    });
  });
  test('to something else is Invalid', async () => {
    const body = { metadata: { name: 'b1' }, target: { kind: 'Tree' } };
    expect((await t.request('POST', `${pods}/b1/binding`, { body })).body).toMatchObject({
      code: 422,
      reason: 'Invalid',
    });
  });
});

describe('eviction', () => {
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
  const evict = (name: string): ReturnType<TestServer['request']> =>
    t.request('POST', `${pods}/${name}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
    });
  const run = async (name: string, labels: Record<string, string>): Promise<void> => {
    await t.call('POST', pods, { ...pod(name), metadata: { name, labels } });
    await t.call(
      'PATCH',
      `${pods}/${name}/status`,
      { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
      merge,
    );
  };
  test('without a budget deletes', async () => {
    await run('e1', { app: 'free' });
    expect((await evict('e1')).code).toBe(201);
    expect((await t.request('GET', `${pods}/e1`)).code).toBe(404);
  });
  test('over budget is refused with 429 and the cause', async () => {
    await t.call('POST', budgets, {
      metadata: { name: 'pdb' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'kept' } } },
    });
    await run('e2', { app: 'kept' });
    const unseen = await evict('e2');
    expect(unseen.body).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget pdb is still being processed by the server.',
          },
        ],
      },
    });
    expect(unseen.headers['retry-after']).toBe('10');
    const status = (disruptionsAllowed: number): object => ({
      status: {
        observedGeneration: 1,
        disruptionsAllowed,
        currentHealthy: 1,
        desiredHealthy: 1,
        expectedPods: 1,
      },
    });
    await t.call('PATCH', `${budgets}/pdb/status`, status(0), merge);
    expect((await evict('e2')).body).toMatchObject({
      code: 429,
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [{ message: 'The disruption budget pdb needs 1 healthy pods and has 1 currently' }],
      },
    });
    await t.call('PATCH', `${budgets}/pdb/status`, status(1), merge);
    expect((await evict('e2')).code).toBe(201);
    const after = await t.call('GET', `${budgets}/pdb`);
    expect(after['status']).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { e2: expect.any(String) },
    });
  });
});

describe('scale', () => {
  const path = '/apis/apps/v1/namespaces/default/deployments';
  test('reads and writes spec.replicas', async () => {
    await t.call('POST', path, {
      metadata: { name: 'd' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const scale = await t.call('GET', `${path}/d/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=a' },
    });
    await t.call('PUT', `${path}/d/scale`, { ...scale, spec: { replicas: 7 } });
    expect(await t.call('GET', `${path}/d`)).toMatchObject({
      spec: { replicas: 7 },
      metadata: { generation: 2 },
    });
    const stale = await t.request('PUT', `${path}/d/scale`, { body: scale });
    expect(stale.body).toMatchObject({ code: 409, reason: 'Conflict' });
    const bad = await t.request('PATCH', `${path}/d/scale`, {
      body: { spec: { replicas: -1 } },
      headers: merge,
    });
    expect(bad.body).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message:
        'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    });
  });
});

describe('log', () => {
  const text = async (response: ApiResponse): Promise<string> => {
    if (response.kind !== 'stream') throw new Error(JSON.stringify(response));
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  test('asks the node of the pod', async () => {
    await t.call('POST', pods, pod('run', { nodeName: 'n1' }));
    expect(await text(await open(`${pods}/run/log?tailLines=5&timestamps=true`))).toBe('line 1\nline 2\n');
    expect(asked.logs).toMatchObject({
      ref: { namespace: 'default', pod: 'run', container: 'c' },
      options: { tailLines: 5, timestamps: true, follow: false },
    });
  });
  test('of a pod without a node is empty', async () => {
    await t.call('POST', pods, pod('nowhere'));
    expect(await text(await open(`${pods}/nowhere/log`))).toBe('');
  });
  test.each([
    ['previous=true', 400, 'BadRequest', /previous terminated container/],
    ['container=zzz', 400, 'BadRequest', /container zzz is not valid for pod run/],
    ['tailLines=-1', 422, 'Invalid', /tailLines: Invalid value: -1/],
    ['limitBytes=0', 422, 'Invalid', /limitBytes/],
    ['sinceTime=yesterday', 400, 'BadRequest', /sinceTime/],
    ['sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', 422, 'Invalid', /at most one of/],
  ])('with %s is refused', async (query, code, reason, message) => {
    const { body } = await t.request('GET', `${pods}/run/log?${query}`);
    expect(body).toMatchObject({ code, reason });
    expect(body.message).toMatch(message);
  });
  test('with two containers one has to choose', async () => {
    await t.call('POST', pods, {
      metadata: { name: 'two' },
      spec: {
        containers: [
          { name: 'a', image: 'i' },
          { name: 'b', image: 'i' },
        ],
      },
    });
    const { body } = await t.request('GET', `${pods}/two/log`);
    expect(body.message).toBe('a container name must be specified for pod two, choose one of: [a b]');
  });
});

describe('exec', () => {
  test('hands the session to the node agent', async () => {
    const response = await open(`${pods}/run/exec?command=sh&command=-c&stdin=true&stdout=true`);
    if (response.kind !== 'upgrade') throw new Error(JSON.stringify(response));
    const written: string[] = [];
    let exit: unknown;
    const session: StreamSession = {
      stdin: (async function* () {
        yield await Promise.resolve(encoder.encode('hi'));
      })(),
      stdout: (chunk) => {
        written.push(new TextDecoder().decode(chunk));
        return Promise.resolve();
      },
      finish: (result) => {
        exit = result;
        return Promise.resolve();
      },
      signal: new AbortController().signal,
    };
    await response.run(session);
    expect(written).toEqual(['hi']);
    expect(exit).toEqual({ exitCode: 3 });
    expect(asked.exec).toMatchObject({
      options: { command: ['sh', '-c'], stdin: true, stdout: true, stderr: false },
    });
  });
  test.each([
    ['exec?stdout=1', /must specify a command/],
    ['exec?command=x', /at least 1 of stdin, stdout, stderr/],
  ])('%s is a BadRequest', async (query, message) => {
    const { body } = await t.request('GET', `${pods}/run/${query}`);
    expect(body).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(body.message).toMatch(message);
  });
  test('before there is a node is a BadRequest', async () => {
    const { body } = await t.request('GET', `${pods}/nowhere/exec?command=x&stdout=1`);
    expect(body.message).toBe('pod nowhere does not have a host assigned');
  });
});

test('ephemeral containers are added and never changed', async () => {
  const added = await t.call<Pod>(
    'PATCH',
    `${pods}/run/ephemeralcontainers`,
    { spec: { ephemeralContainers: [{ name: 'debug', image: 'd' }] } },
    strategic,
  );
  expect(added.spec?.ephemeralContainers).toMatchObject([{ name: 'debug', image: 'd' }]);
  const { code } = await t.request('PATCH', `${pods}/run/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: [] } },
    headers: merge,
  });
  expect(code).toBe(422);
});

test('resize changes resources', async () => {
  await t.call('POST', pods, {
    metadata: { name: 'burstable' },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }] },
  });
  const resized = await t.call<Pod>(
    'PATCH',
    `${pods}/burstable/resize`,
    { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '250m' } } }] } },
    strategic,
  );
  expect(resized.spec?.containers[0]?.resources?.requests).toEqual({ cpu: '250m' });
});

test('a service account gets a token that the server believes', async () => {
  const answer = await t.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
    spec: { expirationSeconds: 3600 },
  });
  const { token } = answer['status'] as { token: string };
  const me = await t.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    body: {},
    credentials: { kind: 'bearer', token },
  });
  expect(me.body).toMatchObject({
    status: { userInfo: { username: 'system:serviceaccount:default:default' } },
  });
});

test('stats of a node come through its proxy', async () => {
  expect(await t.call('GET', '/api/v1/nodes/n1/proxy/stats/summary')).toEqual({ node: { nodeName: 'n1' } });
  expect((await t.request('GET', '/api/v1/nodes/zzz/proxy/stats/summary')).body).toMatchObject({
    code: 404,
    message: 'nodes "zzz" not found',
  });
});

test('approval sets the conditions of a signing request and nothing else', async () => {
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const request = Buffer.from(
    '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n',
  ).toString('base64');
  const made = await t.request('POST', path, {
    body: {
      metadata: { name: 'csr' },
      spec: { request, signerName: 'example.com/signer', usages: ['client auth'] },
    },
  });
  expect(made.code).toBe(201);
  const approved = await t.call('PUT', `${path}/csr/approval`, {
    ...made.body,
    spec: { ...(made.body['spec'] as object), signerName: 'example.com/other' },
    status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test' }] },
  });
  expect(approved).toMatchObject({
    spec: { signerName: 'example.com/signer' },
    status: { conditions: [{ type: 'Approved' }] },
  });
});
