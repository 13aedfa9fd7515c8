import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Deployment, Pod } from '@coracle/machinery/api';
import type { Unstructured } from '@coracle/machinery';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const merge = { 'content-type': 'application/merge-patch+json' };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const deployment = (name: string): object => ({
  metadata: { name },
  spec: { replicas: 2, selector: { matchLabels: { app: 'a' } }, template },
});

describe('create', () => {
  test('gives an object its identity', async () => {
    const made = await t.call(`POST`, maps, { metadata: { name: 'c1' }, data: { a: '1' } });
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(made.metadata).toMatchObject({ name: 'c1', namespace: 'default' });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(made.metadata).not.toHaveProperty('generation');
    expect(await t.call('GET', `${maps}/c1`)).toEqual(made);
  });
  test('draws a name from generateName', async () => {
    const made = await t.call('POST', maps, { metadata: { generateName: 'gen-' } });
    expect(made.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });
  test('does not take a status, a uid or timestamps from the caller', async () => {
    const made = await t.call<Deployment>('POST', deployments, {
      ...deployment('d1'),
      metadata: { name: 'd1', uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', generation: 9 },
      status: { replicas: 7 },
    });
    expect(made.status?.replicas).toBeUndefined();
    expect(made.metadata.uid).not.toBe('mine');
    expect(made.metadata.generation).toBe(1);
  });
  test('applies defaults', async () => {
    const made = await t.call<Deployment>('POST', deployments, deployment('d2'));
    expect(made.spec?.strategy?.rollingUpdate).toEqual({ maxSurge: '25%', maxUnavailable: '25%' });
    expect(made.spec?.template.spec?.restartPolicy).toBe('Always');
  });
  test('with dryRun=All answers as if, and stores nothing', async () => {
    const before = t.store.revision;
    const { code, body } = await t.request('POST', `${maps}?dryRun=All`, {
      body: { metadata: { name: 'dry' } },
    });
    expect(code).toBe(201);
    expect(body.metadata.uid).toBeTruthy();
    expect(t.store.revision).toBe(before);
    expect((await t.request('GET', `${maps}/dry`)).code).toBe(404);
  });
  test('takes YAML', async () => {
    const { code, body } = await t.request('POST', maps, {
      bytes: 'metadata:\n  name: yaml\ndata:\n  day: "2026-01-01"\n',
      headers: { 'content-type': 'application/yaml' },
    });
    expect(code).toBe(201);
    expect(body['data']).toEqual({ day: '2026-01-01' });
  });
  test('does not change the caller’s value', async () => {
    const body = Object.freeze({ metadata: Object.freeze({ name: 'frozen' }) });
    expect((await t.request('POST', maps, { body })).code).toBe(201);
  });
  test('two at once: one wins, the other is told', async () => {
    const both = await Promise.all(
      [1, 2].map(() => t.request('POST', maps, { body: { metadata: { name: 'race' } } })),
    );
    expect(both.map((r) => r.code).sort()).toEqual([201, 409]);
  });
});

describe('update', () => {
  test('bumps the generation when the spec changes, and only then', async () => {
    const made = await t.call<Deployment>('POST', deployments, deployment('g'));
    const labelled = await t.call<Deployment>('PUT', `${deployments}/g`, {
      ...made,
      metadata: { ...made.metadata, labels: { x: 'y' } },
    });
    expect(labelled.metadata.generation).toBe(1);
    const scaled = await t.call<Deployment>('PUT', `${deployments}/g`, {
      ...labelled,
      spec: { ...labelled.spec, replicas: 3 },
    });
    expect(scaled.metadata.generation).toBe(2);
    expect(scaled.metadata.uid).toBe(made.metadata.uid);
  });
  test('that changes nothing writes nothing', async () => {
    const made = await t.call('POST', maps, { metadata: { name: 'same' }, data: { a: '1' } });
    const before = t.store.revision;
    const again = await t.call('PUT', `${maps}/same`, { metadata: { name: 'same' }, data: { a: '1' } });
    expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    expect(t.store.revision).toBe(before);
  });
  test('of the status leaves the spec alone, of the spec leaves the status alone', async () => {
    const made = await t.call<Deployment>('POST', deployments, deployment('s'));
    const wanted = {
      ...made,
      spec: { ...made.spec, replicas: 9 },
      status: { replicas: 2, observedGeneration: 1 },
    };
    const status = await t.call<Deployment>('PUT', `${deployments}/s/status`, wanted);
    expect(status.spec?.replicas).toBe(2);
    expect(status.status?.replicas).toBe(2);
    expect(status.metadata.generation).toBe(1);
    const { metadata, spec } = status;
    const spoiled = await t.call<Deployment>('PUT', `${deployments}/s`, {
      metadata,
      spec: { ...spec, replicas: 4 },
      status: {},
    });
    expect(spoiled.spec?.replicas).toBe(4);
    expect(spoiled.status?.replicas).toBe(2);
  });
  test('of a custom resource or lease needs a resourceVersion', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    await t.call('POST', leases, { metadata: { name: 'l' }, spec: { holderIdentity: 'a' } });
    const { code, body } = await t.request('PUT', `${leases}/l`, { body: { metadata: { name: 'l' } } });
    expect(code).toBe(422);
    expect(body.message).toMatch(
      /metadata\.resourceVersion: Invalid value: .*must be specified for an update/,
    );
  });
});

describe('patch', () => {
  test('each type does what it says', async () => {
    await t.call('POST', deployments, deployment('p'));
    const patch = (type: string, body: unknown): Promise<Deployment> =>
      t.call('PATCH', `${deployments}/p`, body, { 'content-type': `application/${type}+json` });
    const merged = await patch('merge-patch', { spec: { replicas: 5 }, metadata: { labels: { a: 'b' } } });
    expect(merged).toMatchObject({ spec: { replicas: 5 }, metadata: { labels: { a: 'b' }, generation: 2 } });
    const replaced = await patch('json-patch', [{ op: 'replace', path: '/spec/replicas', value: 6 }]);
    expect(replaced.spec?.replicas).toBe(6);
    const strategic = await patch('strategic-merge-patch', {
      spec: { template: { spec: { containers: [{ name: 'side', image: 's' }] } } },
    });
    expect(strategic.spec?.template.spec?.containers.map((c) => c.name).sort()).toEqual(['c', 'side']);
  });
  test('many at once all land', async () => {
    await t.call('POST', maps, { metadata: { name: 'busy' } });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        t.call('PATCH', `${maps}/busy`, { data: { [`k${i}`]: 'v' } }, merge),
      ),
    );
    const after = await t.call('GET', `${maps}/busy`);
    expect(Object.keys(after['data'] as object)).toHaveLength(20);
  });
  test('keeps managedFields that nobody mentions', async () => {
    const managedFields = [
      {
        manager: 'm',
        operation: 'Update',
        apiVersion: 'v1',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {},
      },
    ];
    await t.call('POST', maps, { metadata: { name: 'managed', managedFields } });
    const after = await t.call('PUT', `${maps}/managed`, { metadata: { name: 'managed' }, data: { a: '1' } });
    expect(after.metadata.managedFields).toEqual(managedFields);
  });
});

describe('delete', () => {
  test('of a plain object answers a Status and removes it', async () => {
    await t.call('POST', maps, { metadata: { name: 'del' } });
    const answer = await t.call('DELETE', `${maps}/del`);
    expect(answer).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'del', kind: 'configmaps' },
    });
    expect((await t.request('GET', `${maps}/del`)).code).toBe(404);
  });
  test('waits for finalizers; the last one to go takes the object along', async () => {
    await t.call('POST', maps, {
      metadata: { name: 'held', finalizers: ['example.com/a', 'example.com/b'] },
    });
    const marked = await t.call('DELETE', `${maps}/held`);
    expect(marked.metadata.deletionTimestamp).toBeTruthy();
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(0);
    const added = await t.request('PATCH', `${maps}/held`, {
      body: { metadata: { finalizers: ['example.com/a', 'example.com/b', 'example.com/c'] } },
      headers: merge,
    });
    expect(added.body).toMatchObject({ code: 422, reason: 'Invalid' });
    await t.call('PATCH', `${maps}/held`, { metadata: { finalizers: ['example.com/b'] } }, merge);
    expect((await t.request('GET', `${maps}/held`)).code).toBe(200);
    await t.call('PATCH', `${maps}/held`, { metadata: { finalizers: null } }, merge);
    expect((await t.request('GET', `${maps}/held`)).code).toBe(404);
  });
  test.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ])(
    'with propagation %s leaves the work to the garbage collector',
    async (propagationPolicy, finalizers) => {
      const name = propagationPolicy.toLowerCase();
      await t.call('POST', deployments, deployment(name));
      const marked = await t.call('DELETE', `${deployments}/${name}?propagationPolicy=${propagationPolicy}`);
      expect(marked.metadata.finalizers).toEqual(finalizers);
      expect(marked.metadata.deletionTimestamp).toBeTruthy();
    },
  );
  test('gives a bound pod its grace period, which may only be shortened', async () => {
    const pod = (name: string): object => ({
      metadata: { name },
      spec: { nodeName: 'n', terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'i' }] },
    });
    await t.call('POST', pods, pod('graceful'));
    const marked = await t.call<Pod>('DELETE', `${pods}/graceful`);
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(30);
    const longer = await t.call<Pod>('DELETE', `${pods}/graceful`, { gracePeriodSeconds: 60 });
    expect(longer.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = await t.call<Pod>('DELETE', `${pods}/graceful`, { gracePeriodSeconds: 5 });
    expect(shorter.metadata.deletionGracePeriodSeconds).toBe(5);
    await t.call('DELETE', `${pods}/graceful`, { gracePeriodSeconds: 0 });
    expect((await t.request('GET', `${pods}/graceful`)).code).toBe(404);
  });
  test('of a pod that has no node is at once', async () => {
    await t.call('POST', pods, {
      metadata: { name: 'pending' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await t.call('DELETE', `${pods}/pending`);
    expect((await t.request('GET', `${pods}/pending`)).code).toBe(404);
  });
  test('of a collection takes what the selector chooses', async () => {
    for (const app of ['x', 'x', 'y'])
      await t.call('POST', maps, { metadata: { generateName: 'col-', labels: { app } } });
    await t.call('DELETE', `${maps}?labelSelector=app%3Dx`);
    const left = await t.call<Unstructured & { items: Unstructured[] }>('GET', `${maps}?labelSelector=app`);
    expect(left.items.map((item) => item.metadata.labels?.['app'])).toEqual(['y']);
  });
  test('with dryRun=All removes nothing', async () => {
    await t.call('POST', maps, { metadata: { name: 'stays' } });
    await t.call('DELETE', `${maps}/stays`, { dryRun: ['All'] });
    expect((await t.request('GET', `${maps}/stays`)).code).toBe(200);
  });
});

describe('namespaces', () => {
  test('are terminating until finalized', async () => {
    await t.call('POST', '/api/v1/namespaces', { metadata: { name: 'brief' } });
    const marked = await t.call('DELETE', '/api/v1/namespaces/brief');
    expect(marked).toMatchObject({ status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } });
    const { metadata } = marked;
    await t.call('PUT', '/api/v1/namespaces/brief/finalize', { metadata, spec: { finalizers: [] } });
    expect((await t.request('GET', '/api/v1/namespaces/brief')).code).toBe(404);
  });
});

test('events of the two groups are the same objects', async () => {
  const involvedObject = { kind: 'Pod', namespace: 'default', name: 'p' };
  await t.call('POST', '/api/v1/namespaces/default/events', {
    metadata: { name: 'e' },
    involvedObject,
    message: 'hello',
    reason: 'R',
    type: 'Normal',
  });
  const other = await t.call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e');
  expect(other).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'hello', regarding: involvedObject });
});

test('a kind of two versions is stored once and served in both', async () => {
  const root = '/apis/autoscaling';
  await t.call('POST', `${root}/v1/namespaces/default/horizontalpodautoscalers`, {
    metadata: { name: 'h' },
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'd' },
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 50,
    },
  });
  const v2 = await t.call('GET', `${root}/v2/namespaces/default/horizontalpodautoscalers/h`);
  expect(v2).toMatchObject({
    apiVersion: 'autoscaling/v2',
    spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu' } }] },
  });
  const v1 = await t.call('GET', `${root}/v1/namespaces/default/horizontalpodautoscalers/h`);
  expect(v1).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } });
});
