/** Namespaces, quotas, limits, secrets, config maps, events, nodes, priority classes: the conformance tests of their API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../../src/testing.ts';
import {
  type Any,
  eventOf,
  jsonPatch,
  type List,
  merge,
  namesOf,
  newNamespace,
  strategic,
} from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());
const refusal = async (method: string, path: string, body?: unknown, headers = {}): Promise<unknown[]> => {
  const answer = await t.request(method, path, { body, headers });
  return [answer.code, answer.body.reason];
};
const pod = (name: string, resources: object = {}, spec: object = {}): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10', resources }], ...spec },
});

describe('Namespaces', () => {
  test('Namespace patching', async () => {
    await t.call('POST', '/api/v1/namespaces', { metadata: { name: 'nspatch' } });
    const patched = await t.call<Any>(
      'PATCH',
      '/api/v1/namespaces/nspatch',
      { metadata: { labels: { testLabel: 'testValue' } } },
      strategic,
    );
    expect(patched.metadata.labels).toEqual({
      testLabel: 'testValue',
      'kubernetes.io/metadata.name': 'nspatch',
    });
  });
  test('Namespace, apply changes to a namespace status', async () => {
    await t.call('POST', '/api/v1/namespaces', { metadata: { name: 'nsstatus' } });
    const path = '/api/v1/namespaces/nsstatus/status';
    const read = await t.call<Any>('GET', path);
    expect(read.status.phase).toBe('Active');
    const condition = {
      type: 'StatusPatch',
      status: 'True',
      reason: 'E2E',
      message: 'Patched by an e2e test',
    };
    const patched = await t.call<Any>(
      'PATCH',
      path,
      {
        metadata: { annotations: { 'e2e-patched-ns-status': 'nsstatus' } },
        status: { conditions: [condition] },
      },
      merge,
    );
    expect(patched.metadata.annotations['e2e-patched-ns-status']).toBe('nsstatus');
    expect(patched.status).toMatchObject({ phase: 'Active', conditions: [condition] });
    const change = structuredClone(patched);
    change.status.conditions.push({ ...condition, type: 'StatusUpdate' });
    const updated = await t.call<Any>('PUT', path, change);
    expect(updated.status.conditions).toHaveLength(2);
  });
  test('Namespace, apply update to a namespace', async () => {
    const made = await t.call<Any>('POST', '/api/v1/namespaces', { metadata: { name: 'nsupdate' } });
    const change = structuredClone(made);
    change.metadata.labels['nsupdate'] = 'updated';
    const updated = await t.call<Any>('PUT', '/api/v1/namespaces/nsupdate', change);
    expect(updated.metadata.labels['nsupdate']).toBe('updated');
  });
  test('Namespace, apply finalizer to a namespace', async () => {
    const made = await t.call<Any>('POST', '/api/v1/namespaces', { metadata: { name: 'nsfinalizer' } });
    expect(made.spec.finalizers).toEqual(['kubernetes']);
    const change = structuredClone(made);
    change.spec.finalizers = ['kubernetes', 'e2e.example.com/fakeFinalizer'];
    const updated = await t.call<Any>('PUT', '/api/v1/namespaces/nsfinalizer/finalize', change);
    expect(updated.spec.finalizers).toEqual(['kubernetes', 'e2e.example.com/fakeFinalizer']);
    const back = structuredClone(updated);
    back.spec.finalizers = ['kubernetes'];
    expect(
      (await t.call<Any>('PUT', '/api/v1/namespaces/nsfinalizer/finalize', back)).spec.finalizers,
    ).toEqual(['kubernetes']);
    // Its own path leaves finalizers as they are.
    const ignored = structuredClone(await t.call<Any>('GET', '/api/v1/namespaces/nsfinalizer'));
    ignored.spec.finalizers = [];
    expect((await t.call<Any>('PUT', '/api/v1/namespaces/nsfinalizer', ignored)).spec.finalizers).toEqual([
      'kubernetes',
    ]);
  });
});

describe('ConfigMap and Secret', () => {
  test('ConfigMap, with empty-key', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    expect(await refusal('POST', path, { metadata: { name: 'empty' }, data: { '': 'value' } })).toEqual([
      422,
      'Invalid',
    ]);
    expect(
      await refusal('POST', path, {
        metadata: { name: 'both' },
        data: { a: 'x' },
        binaryData: { a: 'eA==' },
      }),
    ).toEqual([422, 'Invalid']);
  });
  test('Secrets, with empty-key', async () => {
    const path = '/api/v1/namespaces/default/secrets';
    expect(await refusal('POST', path, { metadata: { name: 'empty' }, data: { '': 'dmFsdWU=' } })).toEqual([
      422,
      'Invalid',
    ]);
  });
  test('ConfigMap Update', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const made = await t.call<Any>('POST', path, {
      metadata: { name: 'update' },
      data: { 'data-1': 'value-1' },
    });
    const change = structuredClone(made);
    change.data['data-1'] = 'value-2';
    expect((await t.call<Any>('PUT', `${path}/update`, change)).data).toEqual({ 'data-1': 'value-2' });
  });
  test.each(['configmaps', 'secrets'])('%s are immutable if immutable is set', async (resource) => {
    const path = `/api/v1/namespaces/default/${resource}`;
    const made = await t.call<Any>('POST', path, {
      metadata: { name: 'immutable' },
      data: { a: 'dmFsdWU=' },
    });
    const one = structuredClone(made);
    one.data.b = 'dmFsdWU=';
    const two = structuredClone(await t.call<Any>('PUT', `${path}/immutable`, one));
    two.immutable = true;
    const locked = await t.call<Any>('PUT', `${path}/immutable`, two);
    const free = structuredClone(locked);
    delete free.immutable;
    expect(await refusal('PUT', `${path}/immutable`, free)).toEqual([422, 'Invalid']);
    const other = structuredClone(locked);
    other.data.a = 'b3RoZXI=';
    expect(await refusal('PUT', `${path}/immutable`, other)).toEqual([422, 'Invalid']);
    const labelled = structuredClone(locked);
    labelled.metadata.labels = { label1: 'value1' };
    expect((await t.call<Any>('PUT', `${path}/immutable`, labelled)).metadata.labels.label1).toBe('value1');
    await t.call('DELETE', `${path}/immutable`);
  });
  test('Secret patching: stringData is written, never read; the type is fixed', async () => {
    const path = '/api/v1/namespaces/default/secrets';
    const made = await t.call<Any>('POST', path, { metadata: { name: 's' }, stringData: { key: 'value' } });
    expect([made.type, made.data, made.stringData]).toEqual(['Opaque', { key: 'dmFsdWU=' }, undefined]);
    const patched = await t.call<Any>(
      'PATCH',
      `${path}/s`,
      { metadata: { labels: { testsecret: 'true' } }, data: { key: 'dmFsdWUx' } },
      strategic,
    );
    expect([patched.metadata.labels, patched.data]).toEqual([{ testsecret: 'true' }, { key: 'dmFsdWUx' }]);
    expect(await refusal('PATCH', `${path}/s`, { type: 'other' }, merge)).toEqual([422, 'Invalid']);
    await t.call('DELETE', `${path}?labelSelector=testsecret%3Dtrue`);
    expect(namesOf(await t.call<List>('GET', path))).not.toContain('s');
  });
});

describe('Events', () => {
  const core = '/api/v1/namespaces/default/events';
  const events = '/apis/events.k8s.io/v1/namespaces/default/events';
  test('Event, manage lifecycle of an Event', async () => {
    await t.call('POST', core, {
      metadata: { name: 'event-test', labels: { 'testevent-constant': 'true' } },
      message: 'This is a test event',
      reason: 'Test',
      type: 'Normal',
      count: 1,
      involvedObject: { namespace: 'default' },
    });
    expect(
      namesOf(await t.call<List>('GET', '/api/v1/events?labelSelector=testevent-constant%3Dtrue')),
    ).toEqual(['event-test']);
    await t.call('PATCH', `${core}/event-test`, { message: 'This is a test event - patched' }, strategic);
    const read = await t.call<Any>('GET', `${core}/event-test`);
    expect(read.message).toBe('This is a test event - patched');
    const change = structuredClone(read);
    change.series = { count: 100, lastObservedTime: '2026-01-01T00:00:00.000000Z' };
    expect((await t.call<Any>('PUT', `${core}/event-test`, change)).series.count).toBe(100);
    // The same event under the other group.
    const other = await t.call<Any>('GET', `${events}/event-test`);
    expect([other.apiVersion, other.note, other.regarding.namespace]).toEqual([
      'events.k8s.io/v1',
      'This is a test event - patched',
      'default',
    ]);
    await t.call('DELETE', `${core}/event-test`);
  });
  test('Event, delete a collection', async () => {
    for (const n of [1, 2, 3])
      await t.call('POST', core, {
        metadata: { name: `test-event-${n}`, labels: { 'testevent-set': 'true' } },
        message: `This is test-event-${n}`,
        reason: 'Test',
        type: 'Normal',
        count: 1,
        involvedObject: { namespace: 'default' },
      });
    const selector = 'labelSelector=testevent-set%3Dtrue';
    expect((await t.call<List>('GET', `${core}?${selector}`)).items).toHaveLength(3);
    await t.call('DELETE', `${core}?${selector}`);
    expect((await t.call<List>('GET', `${core}?${selector}`)).items).toEqual([]);
  });
  const body = (name: string, namespace = 'default', label = 'single'): object => ({
    metadata: { name, labels: { 'testevent-new': label } },
    regarding: { kind: 'Pod', name: `pod-${name}`, namespace },
    eventTime: '2026-01-01T00:00:00.000000Z',
    note: 'This is test event',
    reason: 'Test',
    action: 'Do',
    type: 'Normal',
    reportingController: 'test-controller',
    reportingInstance: 'test-node',
  });
  test('New Event resource lifecycle, testing a single event', async () => {
    const made = await t.call<Any>('POST', events, body('single'));
    expect(made.eventTime).toBe('2026-01-01T00:00:00.000000Z');
    expect(
      namesOf(
        await t.call<List>('GET', `/apis/events.k8s.io/v1/events?labelSelector=testevent-new%3Dsingle`),
      ),
    ).toEqual(['single']);
    expect(
      namesOf(
        await t.call<List>(
          'GET',
          `${events}?fieldSelector=${encodeURIComponent('reportingController=test-controller,reason=Test,type=Normal,regarding.name=pod-single')}`,
        ),
      ),
    ).toEqual(['single']);
    const series = { series: { count: 2, lastObservedTime: '2026-01-01T00:00:05.000000Z' } };
    const patched = await t.call<Any>('PATCH', `${events}/single`, series, merge);
    expect(patched.series).toEqual(series.series);
    const change = structuredClone(patched);
    change.series = { count: 3, lastObservedTime: '2026-01-01T00:00:06.000000Z' };
    expect((await t.call<Any>('PUT', `${events}/single`, change)).series.count).toBe(3);
    await t.call('DELETE', `${events}/single`);
    expect(namesOf(await t.call<List>('GET', events))).not.toContain('single');
  });
  test('New Event resource lifecycle, testing a list of events', async () => {
    for (const n of ['1', '2', '3']) await t.call('POST', events, body(`set-${n}`, 'default', 'set'));
    await t.call('DELETE', `${events}?labelSelector=testevent-new%3Dset`);
    expect((await t.call<List>('GET', `${events}?labelSelector=testevent-new%3Dset`)).items).toEqual([]);
  });
});

describe('Priority classes', () => {
  test('Scheduler, Verify PriorityClass endpoints', async () => {
    const path = '/apis/scheduling.k8s.io/v1/priorityclasses';
    for (const [n, value] of [
      [1, 7],
      [2, 8],
    ] as const)
      await t.call('POST', path, { metadata: { name: `p${n}` }, value });
    const immutable = await t.request('PATCH', `${path}/p1`, {
      body: [{ op: 'replace', path: '/value', value: 9 }],
      headers: jsonPatch,
    });
    expect([immutable.code, immutable.body.reason, immutable.body.message]).toEqual([
      422,
      'Invalid',
      'PriorityClass.scheduling.k8s.io "p1" is invalid: value: Forbidden: may not be changed in an update.',
    ]);
    const change = structuredClone(await t.call<Any>('GET', `${path}/p2`));
    change.description = 'updated';
    expect((await t.call<Any>('PUT', `${path}/p2`, change)).description).toBe('updated');
    const wrong = structuredClone(await t.call<Any>('GET', `${path}/p2`));
    wrong.preemptionPolicy = 'Never';
    expect(await refusal('PUT', `${path}/p2`, wrong)).toEqual([422, 'Invalid']);
    expect(namesOf(await t.call<List>('GET', path))).toEqual(
      expect.arrayContaining(['p1', 'p2', 'system-cluster-critical', 'system-node-critical']),
    );
  });
});

describe('LimitRange', () => {
  test('LimitRange, resources', async () => {
    await newNamespace(t, 'limits');
    const limits = '/api/v1/namespaces/limits/limitranges';
    const pods = '/api/v1/namespaces/limits/pods';
    const made = await t.call<Any>('POST', limits, {
      metadata: { name: 'limit-range' },
      spec: {
        limits: [
          {
            type: 'Container',
            min: { cpu: '50m', memory: '100Mi', 'ephemeral-storage': '100Gi' },
            max: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
            default: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
            defaultRequest: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
          },
        ],
      },
    });
    const none = await t.call<Any>('POST', pods, pod('no-resources'));
    expect(none.spec.containers[0].resources).toEqual({
      requests: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
      limits: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
    });
    const partial = await t.call<Any>(
      'POST',
      pods,
      pod('partial', {
        requests: { memory: '150Mi', 'ephemeral-storage': '150Gi' },
        limits: { cpu: '300m' },
      }),
    );
    // As upstream: a limit given without its request is the request.
    expect(partial.spec.containers[0].resources).toEqual({
      requests: { cpu: '300m', memory: '150Mi', 'ephemeral-storage': '150Gi' },
      limits: { cpu: '300m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
    });
    const few = { requests: { cpu: '10m', memory: '50Mi', 'ephemeral-storage': '50Gi' } };
    expect(await refusal('POST', pods, pod('too-little', few))).toEqual([403, 'Forbidden']);
    const many = { limits: { cpu: '600m', memory: '600Mi', 'ephemeral-storage': '600Gi' } };
    expect(await refusal('POST', pods, pod('too-much', many))).toEqual([403, 'Forbidden']);
    const lower = structuredClone(made);
    lower.spec.limits[0].min = { cpu: '9m', memory: '49Mi', 'ephemeral-storage': '49Gi' };
    await t.call('PUT', `${limits}/limit-range`, lower);
    await t.call('POST', pods, pod('now-enough', few));
    expect(await refusal('POST', pods, pod('still-too-much', many))).toEqual([403, 'Forbidden']);
    await t.call('DELETE', `${limits}/limit-range?gracePeriodSeconds=30`);
    await t.call('POST', pods, pod('unlimited', many));
  });
});

describe('LimitRange validation', () => {
  test('limits that contradict each other are refused', async () => {
    const path = '/api/v1/namespaces/default/limitranges';
    const contradicting: [object, string][] = [
      [{ min: { cpu: '2' }, max: { cpu: '1' } }, 'spec.limits[0].min[cpu]'],
      [
        { min: { cpu: '2' }, max: { cpu: '4' }, defaultRequest: { cpu: '1' } },
        'spec.limits[0].defaultRequest[cpu]',
      ],
      [{ max: { cpu: '1' }, default: { cpu: '2' } }, 'spec.limits[0].default[cpu]'],
      [{ maxLimitRequestRatio: { cpu: '500m' } }, 'spec.limits[0].maxLimitRequestRatio[cpu]'],
    ];
    for (const [item, field] of contradicting) {
      const { code, body } = await t.request('POST', path, {
        body: { metadata: { name: 'x' }, spec: { limits: [{ type: 'Container', ...item }] } },
      });
      expect([code, body.details?.causes?.map((cause) => cause.field)]).toEqual([
        422,
        expect.arrayContaining([field]),
      ]);
    }
  });
});

describe('RuntimeClass', () => {
  test('Pod with the non-existing and with the deleted RuntimeClass is rejected', async () => {
    const path = '/apis/node.k8s.io/v1/runtimeclasses';
    await t.call('POST', path, {
      metadata: { name: 'rc' },
      handler: 'h',
      overhead: { podFixed: { cpu: '10m', memory: '1Mi' } },
    });
    const made = await t.call<Any>(
      'POST',
      '/api/v1/namespaces/default/pods',
      pod('with-rc', {}, { runtimeClassName: 'rc' }),
    );
    expect(made.spec.overhead).toEqual({ cpu: '10m', memory: '1Mi' });
    expect(await refusal('POST', path, { metadata: { name: 'bad' }, handler: 'Not_A_Label' })).toEqual([
      422,
      'Invalid',
    ]);
    await t.call('DELETE', `${path}/rc`);
    for (const name of ['rc', 'never'])
      expect(
        await refusal(
          'POST',
          '/api/v1/namespaces/default/pods',
          pod('without-rc', {}, { runtimeClassName: name }),
        ),
      ).toEqual([403, 'Forbidden']);
  });
});

describe('ResourceQuota', () => {
  test('ResourceQuota, update and delete', async () => {
    await newNamespace(t, 'quota');
    const path = '/api/v1/namespaces/quota/resourcequotas';
    const made = await t.call<Any>('POST', path, {
      metadata: { name: 'test-quota' },
      spec: { hard: { cpu: '1', memory: '500Mi' } },
    });
    expect(made.spec.hard).toEqual({ cpu: '1', memory: '500Mi' });
    const change = structuredClone(made);
    change.spec.hard = { cpu: '2', memory: '1Gi' };
    expect((await t.call<Any>('PUT', `${path}/test-quota`, change)).spec.hard).toEqual({
      cpu: '2',
      memory: '1Gi',
    });
    await t.call('DELETE', `${path}/test-quota`);
    expect((await t.request('GET', `${path}/test-quota`)).code).toBe(404);
  });
  test('scopes are fixed, and fit what they limit', async () => {
    const path = '/api/v1/namespaces/quota/resourcequotas';
    const quota = (name: string, spec: object): object => ({ metadata: { name }, spec });
    const made = await t.call<Any>(
      'POST',
      path,
      quota('be', { hard: { pods: '5' }, scopes: ['BestEffort'] }),
    );
    const change = structuredClone(made);
    change.spec.scopes = ['NotBestEffort'];
    expect(await refusal('PUT', `${path}/be`, change)).toEqual([422, 'Invalid']);
    expect(await refusal('POST', path, quota('x', { hard: { cpu: '5' }, scopes: ['BestEffort'] }))).toEqual([
      422,
      'Invalid',
    ]);
    expect(
      await refusal(
        'POST',
        path,
        quota('x', { hard: { pods: '5' }, scopes: ['BestEffort', 'NotBestEffort'] }),
      ),
    ).toEqual([422, 'Invalid']);
    const selected = (operator: string, values: string[]): object => ({
      hard: { pods: '5' },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] },
    });
    await t.call('POST', path, quota('high', selected('In', ['high'])));
    expect(await refusal('POST', path, quota('x', selected('In', [])))).toEqual([422, 'Invalid']);
    expect(await refusal('POST', path, quota('x', selected('Exists', ['high'])))).toEqual([422, 'Invalid']);
    await t.call('DELETE', `${path}/be`);
  });
  test('a pod that goes past the limit is refused with the figures', async () => {
    await newNamespace(t, 'quota-exceeded');
    const path = '/api/v1/namespaces/quota-exceeded';
    const quota = await t.call<Any>('POST', `${path}/resourcequotas`, {
      metadata: { name: 'q' },
      spec: { hard: { cpu: '1', pods: '5', 'requests.example.com/dongle': '3' } },
    });
    const ready = structuredClone(quota);
    ready.status = {
      hard: ready.spec.hard,
      used: { cpu: '0', pods: '0', 'requests.example.com/dongle': '0' },
    };
    await t.call('PUT', `${path}/resourcequotas/q/status`, ready);
    const dongle = 'example.com/dongle';
    await t.call(
      'POST',
      `${path}/pods`,
      pod('a', { requests: { cpu: '500m', [dongle]: '2' }, limits: { [dongle]: '2' } }),
    );
    const over = await t.request('POST', `${path}/pods`, { body: pod('b', { requests: { cpu: '600m' } }) });
    expect([over.code, over.body.reason, over.body.message]).toEqual([
      403,
      'Forbidden',
      'pods "b" is forbidden: exceeded quota: q, requested: cpu=600m, used: cpu=500m, limited: cpu=1',
    ]);
    const dongles = await t.request('POST', `${path}/pods`, {
      body: pod('c', { requests: { cpu: '100m', [dongle]: '2' }, limits: { [dongle]: '2' } }),
    });
    expect(dongles.code).toBe(403);
    const missing = await t.request('POST', `${path}/pods`, { body: pod('d') });
    expect([missing.code, missing.body.message]).toEqual([
      403,
      'pods "d" is forbidden: failed quota: q: must specify cpu for: pause',
    ]);
  });
});

describe('Nodes', () => {
  test('Node, resource lifecycle', async () => {
    const path = '/api/v1/nodes';
    const watch = await t.watch(`${path}?watch=1&fieldSelector=metadata.name%3De2e-fake-node`);
    await t.call('POST', path, {
      metadata: { name: 'e2e-fake-node' },
      status: { phase: 'Running', capacity: { cpu: '500m', memory: '500Mi' } },
    });
    await t.call(
      'PATCH',
      `${path}/e2e-fake-node`,
      { metadata: { labels: { 'e2e-fake-node': 'patched' } } },
      strategic,
    );
    expect(namesOf(await t.call<List>('GET', `${path}?labelSelector=e2e-fake-node%3Dpatched`))).toEqual([
      'e2e-fake-node',
    ]);
    await t.call('DELETE', `${path}/e2e-fake-node`);
    await eventOf(watch, 'DELETED', 'e2e-fake-node');
    watch.stop();
  });
});
