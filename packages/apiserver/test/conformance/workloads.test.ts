/** Workload kinds and pods: scale, status, pod subresources, disruption budgets; the parts that need no controller. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../../src/testing.ts';
import { type Any, eventOf, jsonPatch, type List, merge, namesOf, nextEvent, strategic } from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

const labels = { app: 'web' };
const template = {
  metadata: { labels },
  spec: { containers: [{ name: 'web', image: 'registry.k8s.io/pause:3.10' }] },
};
const scalable: [string, string, object][] = [
  [
    'Deployment, completes the scaling of a Deployment subresource',
    '/apis/apps/v1/namespaces/default/deployments',
    {},
  ],
  [
    'ReplicaSet, completes the scaling of a ReplicaSet subresource',
    '/apis/apps/v1/namespaces/default/replicasets',
    {},
  ],
  [
    'StatefulSet resource Replica scaling',
    '/apis/apps/v1/namespaces/default/statefulsets',
    { serviceName: 's' },
  ],
  [
    'Replication Controller, get and update ReplicationController scale',
    '/api/v1/namespaces/default/replicationcontrollers',
    { selector: labels },
  ],
];

describe('scale', () => {
  test.each(scalable)('%s', async (_, path, extra) => {
    await t.call('POST', path, {
      metadata: { name: 'scaled' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template, ...extra },
    });
    const scale = await t.call<Any>('GET', `${path}/scaled/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'scaled', namespace: 'default' },
      spec: { replicas: 1 },
      status: { selector: 'app=web' },
    });
    const change = structuredClone(scale);
    change.spec.replicas = 2;
    expect((await t.call<Any>('PUT', `${path}/scaled/scale`, change)).spec.replicas).toBe(2);
    const patched = await t.call<Any>('PATCH', `${path}/scaled/scale`, { spec: { replicas: 4 } }, strategic);
    expect(patched.spec.replicas).toBe(4);
    const object = await t.call<Any>('GET', `${path}/scaled`);
    expect([object.spec.replicas, object.metadata.generation]).toEqual([4, 3]);
    const negative = await t.request('PATCH', `${path}/scaled/scale`, {
      body: { spec: { replicas: -1 } },
      headers: merge,
    });
    expect([negative.code, negative.body.reason]).toEqual([422, 'Invalid']);
  });
});

describe('Pods', () => {
  const pods = '/api/v1/namespaces/default/pods';
  const make = (name: string, spec: object = {}, metadata: object = {}): Promise<Any> =>
    t.call('POST', pods, {
      metadata: { name, ...metadata },
      spec: { containers: [{ name: 'web', image: 'registry.k8s.io/pause:3.10' }], ...spec },
    });
  test('Pods, QOS', async () => {
    const amounts = { cpu: '100m', memory: '100Mi' };
    const made = await make('qos', {
      containers: [{ name: 'web', image: 'i', resources: { requests: amounts, limits: amounts } }],
    });
    expect(made.status).toMatchObject({ phase: 'Pending', qosClass: 'Guaranteed' });
    expect(made.metadata.generation).toBe(1);
  });
  test('Pods, ActiveDeadlineSeconds', async () => {
    await make('deadline');
    const path = `${pods}/deadline`;
    const set = (value: number | null): Promise<{ code: number }> =>
      t.request('PATCH', path, { body: { spec: { activeDeadlineSeconds: value } }, headers: merge });
    expect((await set(30)).code).toBe(200);
    expect((await set(5)).code).toBe(200);
    expect((await set(60)).code).toBe(422);
    expect((await set(null)).code).toBe(422);
    expect((await t.call<Any>('GET', path)).spec.activeDeadlineSeconds).toBe(5);
  });
  test('Pods, update', async () => {
    const made = await make('update', {}, { labels: { time: '1' } });
    const change = structuredClone(made);
    change.metadata.labels.time = '2';
    await t.call('PUT', `${pods}/update`, change);
    expect(namesOf(await t.call<List>('GET', `${pods}?labelSelector=time%3D2`))).toEqual(['update']);
    const image = await t.call<Any>(
      'PATCH',
      `${pods}/update`,
      { spec: { containers: [{ name: 'web', image: 'other' }] } },
      strategic,
    );
    expect([image.spec.containers[0].image, image.metadata.generation]).toEqual(['other', 2]);
    const fixed = await t.request('PATCH', `${pods}/update`, {
      body: { spec: { nodeSelector: { a: 'b' } } },
      headers: merge,
    });
    expect([fixed.code, fixed.body.message]).toEqual([
      422,
      expect.stringContaining('pod updates may not change fields other than'),
    ]);
    // Tolerations may be added.
    const tolerated = await t.request('PATCH', `${pods}/update`, {
      body: [
        {
          op: 'add',
          path: '/spec/tolerations/-',
          value: { key: 'k', operator: 'Exists', effect: 'NoSchedule' },
        },
      ],
      headers: jsonPatch,
    });
    expect([tolerated.code, (tolerated.body as Any).metadata.generation]).toEqual([200, 3]);
  });
  test('Pods, completes the lifecycle of a Pod and the PodStatus; Pods, patching status', async () => {
    await make('status', {}, { labels: { 'test-pod-static': 'true' } });
    const read = await t.call<Any>('GET', `${pods}/status/status`);
    const change = structuredClone(read);
    change.status.conditions = [{ type: 'Ready', status: 'False' }];
    const replaced = await t.call<Any>('PUT', `${pods}/status/status`, change);
    expect(replaced.status.conditions.map((c: Any) => [c.type, c.status])).toEqual([['Ready', 'False']]);
    const patched = await t.call<Any>(
      'PATCH',
      `${pods}/status/status`,
      {
        metadata: { annotations: { 'patched-status': 'true' } },
        status: { message: 'Patched by e2e test', reason: 'E2E' },
      },
      strategic,
    );
    expect([patched.status.message, patched.status.reason]).toEqual(['Patched by e2e test', 'E2E']);
    expect(patched.metadata.generation).toBe(1);
    await t.call('DELETE', `${pods}?labelSelector=test-pod-static%3Dtrue&gracePeriodSeconds=0`);
    expect((await t.request('GET', `${pods}/status`)).code).toBe(404);
  });
  test('Pods Generation, updates', async () => {
    const made = await make('generation', { nodeName: 'somewhere' });
    const expectGeneration = async (n: number): Promise<void> =>
      expect((await t.call<Any>('GET', `${pods}/generation`)).metadata.generation).toBe(n);
    expect(made.metadata.generation).toBe(1);
    await t.call(
      'PATCH',
      `${pods}/generation`,
      { spec: { containers: [{ name: 'web', image: 'x' }] } },
      strategic,
    );
    await expectGeneration(2);
    await t.call('PATCH', `${pods}/generation`, { metadata: { labels: { a: 'b' } } }, strategic);
    await expectGeneration(2);
    await t.call('PATCH', `${pods}/generation`, { spec: { activeDeadlineSeconds: 5000 } }, strategic);
    await expectGeneration(3);
    await t.call(
      'PATCH',
      `${pods}/generation/resize`,
      { spec: { containers: [{ name: 'web', resources: {} }] } },
      strategic,
    );
    await expectGeneration(3);
    await t.call(
      'PATCH',
      `${pods}/generation/ephemeralcontainers`,
      { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } },
      strategic,
    );
    await expectGeneration(4);
    // Pods Generation, graceful delete
    const deleting = await t.call<Any>('DELETE', `${pods}/generation`);
    expect(deleting.metadata.deletionGracePeriodSeconds).toBe(30);
    await expectGeneration(5);
    await t.call('DELETE', `${pods}/generation?gracePeriodSeconds=0`);
  });
  test('Pods Generation, 500 updates', async () => {
    await make('many');
    for (let i = 0; i < 499; i++)
      await t.call(
        'PATCH',
        `${pods}/many`,
        { spec: { containers: [{ name: 'web', image: `i${i}` }] } },
        strategic,
      );
    expect((await t.call<Any>('GET', `${pods}/many`)).metadata.generation).toBe(500);
  });
  test('Ephemeral Container, update ephemeral containers', async () => {
    await make('ephemeral');
    const path = `${pods}/ephemeral/ephemeralcontainers`;
    const one = await t.call<Any>(
      'PATCH',
      path,
      {
        spec: {
          ephemeralContainers: [
            { name: 'debugger', image: 'busybox', command: ['sleep', '9'], targetContainerName: 'web' },
          ],
        },
      },
      strategic,
    );
    expect(one.spec.ephemeralContainers[0]).toMatchObject({
      name: 'debugger',
      targetContainerName: 'web',
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    });
    const change = structuredClone(await t.call<Any>('GET', path));
    change.spec.ephemeralContainers.push({ name: 'debugger-2', image: 'busybox', command: ['sleep', '9'] });
    expect((await t.call<Any>('PUT', path, change)).spec.ephemeralContainers).toHaveLength(2);
    const refused = async (container: object): Promise<unknown[]> => {
      const { code, body } = await t.request('PATCH', path, {
        body: { spec: { ephemeralContainers: [container] } },
        headers: strategic,
      });
      return [code, body.reason];
    };
    expect(await refused({ name: 'p', image: 'i', ports: [{ containerPort: 80 }] })).toEqual([
      422,
      'Invalid',
    ]);
    expect(await refused({ name: 'p', image: 'i', resources: { limits: { cpu: '1' } } })).toEqual([
      422,
      'Invalid',
    ]);
    expect(await refused({ name: 'p', image: 'i', targetContainerName: 'nobody' })).toEqual([422, 'Invalid']);
    expect(await refused({ name: 'web', image: 'i' })).toEqual([422, 'Invalid']);
    expect(await refused({ name: 'p' })).toEqual([422, 'Invalid']);
    expect(await refused({ name: 'debugger', image: 'changed' })).toEqual([422, 'Invalid']);
    // Not by the pod's own path, neither new nor at its creation.
    const main = await t.request('PATCH', `${pods}/ephemeral`, {
      body: { spec: { ephemeralContainers: [{ name: 'third', image: 'i' }] } },
      headers: strategic,
    });
    expect(main.code).toBe(422);
    const created = await t.request('POST', pods, {
      body: {
        metadata: { name: 'with' },
        spec: { containers: [{ name: 'c', image: 'i' }], ephemeralContainers: [{ name: 'e', image: 'i' }] },
      },
    });
    expect(created.code).toBe(422);
  });
  test('In-place Pod Resize, read and replace endpoints', async () => {
    const amounts = (cpu: string): object => ({
      requests: { cpu, memory: '100Mi' },
      limits: { cpu, memory: '100Mi' },
    });
    const containers = (cpu: string): object[] => [{ name: 'web', image: 'i', resources: amounts(cpu) }];
    await make('resize', { containers: containers('100m') });
    const path = `${pods}/resize/resize`;
    const change = structuredClone(await t.call<Any>('GET', path));
    change.spec.containers[0].resources = amounts('200m');
    await t.call('PUT', path, change);
    const resized = await t.call<Any>('GET', `${pods}/resize`);
    expect(resized.spec.containers[0].resources).toEqual(amounts('200m'));
    expect(resized.metadata.generation).toBe(2);
    expect((await t.call<Any>('GET', path)).spec).toEqual(resized.spec);
    const refused = async (resources: object | undefined, rest: object = {}): Promise<unknown[]> => {
      const { code, body } = await t.request('PATCH', path, {
        body: { spec: { containers: [{ name: 'web', ...(resources ? { resources } : {}), ...rest }] } },
        headers: strategic,
      });
      return [code, body.reason];
    };
    // The class of service stays, requests stay below limits, only cpu and memory change.
    expect(await refused({ requests: { cpu: '100m' } })).toEqual([422, 'Invalid']);
    expect(await refused({ requests: { cpu: '300m' } })).toEqual([422, 'Invalid']);
    expect(await refused({ limits: { 'ephemeral-storage': '1Gi' } })).toEqual([422, 'Invalid']);
    expect(await refused(undefined, { name: 'another', image: 'other' })).toEqual([422, 'Invalid']);
    // What is not about resources is dropped.
    expect(await refused(undefined, { image: 'other' })).toEqual([200, undefined]);
    expect((await t.call<Any>('GET', `${pods}/resize`)).spec.containers[0].image).toBe('i');
    // Not by the pod's own path.
    const main = await t.request('PATCH', `${pods}/resize`, {
      body: { spec: { containers: [{ name: 'web', resources: amounts('300m') }] } },
      headers: strategic,
    });
    expect([main.code, main.body.reason]).toEqual([422, 'Invalid']);
  });
  test('Pods, delete a collection', async () => {
    for (const n of [1, 2, 3]) await make(`test-pod-${n}`, {}, { labels: { type: 'Testing' } });
    await t.call('DELETE', `${pods}?labelSelector=type%3DTesting`, { gracePeriodSeconds: 1 });
    // Nobody runs them: pods without a node go at once.
    expect((await t.call<List>('GET', `${pods}?labelSelector=type%3DTesting`)).items).toEqual([]);
  });
});

describe('Deletion', () => {
  test('answers with the last state of a pod, and with a Status for most other kinds', async () => {
    const make = { metadata: { name: 'last' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await t.call('POST', '/api/v1/namespaces/default/pods', make);
    const pod = await t.call<Any>('DELETE', '/api/v1/namespaces/default/pods/last');
    expect([pod.kind, pod.metadata.name]).toEqual(['Pod', 'last']);
    await t.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'last' } });
    const status = await t.call<Any>('DELETE', '/api/v1/namespaces/default/configmaps/last');
    expect([status.kind, status.status, status.details.name]).toEqual(['Status', 'Success', 'last']);
    const { paths } = await t.call<Any>('GET', '/openapi/v2');
    const answer = (path: string): string => JSON.stringify(paths[path].delete.responses['200'].schema);
    expect(answer('/api/v1/namespaces/{namespace}/pods/{name}')).toContain('core.v1.Pod"');
    expect(answer('/api/v1/namespaces/{namespace}/configmaps/{name}')).toContain('meta.v1.Status"');
  });
});

describe('PodDisruptionBudget', () => {
  test('PodDisruptionBudget: block an eviction until the PDB is updated to allow it', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
    await t.call('POST', pods, {
      metadata: { name: 'victim', labels: { foo: 'bar' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    });
    await t.call(
      'PATCH',
      `${pods}/victim/status`,
      { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
      merge,
    );
    await t.call('POST', budgets, {
      metadata: { name: 'foo' },
      spec: { selector: { matchLabels: { foo: 'bar' } }, minAvailable: 1 },
    });
    await t.call(
      'PATCH',
      `${budgets}/foo/status`,
      {
        status: {
          observedGeneration: 1,
          currentHealthy: 1,
          desiredHealthy: 1,
          expectedPods: 1,
          disruptionsAllowed: 0,
        },
      },
      merge,
    );
    const evict = (): Promise<Any> =>
      t.request('POST', `${pods}/victim/eviction`, {
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'victim' } },
      });
    const blocked = await evict();
    expect([blocked.code, blocked.body.reason, blocked.body.message]).toEqual([
      429,
      'TooManyRequests',
      "Cannot evict pod as it would violate the pod's disruption budget.",
    ]);
    expect(blocked.body.details.causes[0].reason).toBe('DisruptionBudget');
    await t.call('PATCH', `${budgets}/foo/status`, { status: { disruptionsAllowed: 1 } }, merge);
    expect((await evict()).code).toBe(201);
    const after = await t.call<Any>('GET', `${budgets}/foo`);
    expect([after.status.disruptionsAllowed, Object.keys(after.status.disruptedPods)]).toEqual([
      0,
      ['victim'],
    ]);
    expect((await t.call<Any>('GET', `${pods}/victim`)).status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }),
    );
  });
});

describe('ControllerRevision', () => {
  test('ControllerRevision, resource lifecycle: the data is fixed', async () => {
    const path = '/apis/apps/v1/namespaces/default/controllerrevisions';
    await t.call('POST', path, { metadata: { name: 'r' }, data: { a: 1 }, revision: 1 });
    expect((await t.call<Any>('PATCH', `${path}/r`, { revision: 3 }, strategic)).revision).toBe(3);
    const changed = await t.request('PATCH', `${path}/r`, { body: { data: { a: 2 } }, headers: merge });
    expect([changed.code, changed.body.reason]).toEqual([422, 'Invalid']);
  });
});

describe('Jobs', () => {
  test('Jobs, apply changes to status', async () => {
    const path = '/apis/batch/v1/namespaces/default/jobs';
    const made = await t.call<Any>('POST', path, {
      metadata: { name: 'j' },
      spec: { suspend: true, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
    });
    expect(made.spec.template.metadata.labels).toMatchObject({
      'batch.kubernetes.io/job-name': 'j',
      'batch.kubernetes.io/controller-uid': made.metadata.uid,
    });
    const condition = {
      type: 'CustomConditionType',
      status: 'True',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      lastProbeTime: '2026-01-01T00:00:00Z',
      message: 'm',
      reason: 'E2E',
    };
    const patched = await t.call<Any>(
      'PATCH',
      `${path}/j/status`,
      { metadata: { annotations: { patchedstatus: 'true' } }, status: { conditions: [condition] } },
      merge,
    );
    expect(patched.status.conditions).toEqual([condition]);
    expect(patched.metadata.annotations.patchedstatus).toBe('true');
    const watch = await t.watch(`${path}?watch=1&resourceVersion=${patched.metadata.resourceVersion}`);
    // Without a word on it, a job's pods stay for the collector to orphan.
    const deleted = await t.request('DELETE', `${path}/j`, {});
    expect(deleted.headers['warning']).toContain('child pods are preserved by default when jobs are deleted');
    expect((await nextEvent(watch)).object.metadata.finalizers).toContain('orphan');
    await t.call('PATCH', `${path}/j`, { metadata: { finalizers: null } }, merge);
    await eventOf(watch, 'DELETED', 'j');
    watch.stop();
  });
});
