/** Asking an engine why pods wait: over its API, with kubectl's way of creating things, and `coracle explain`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isReason } from '@coracle/machinery';
import { Namespace, Pod, RoleBinding } from '@coracle/machinery/api';
import { SchedulingReview } from '@coracle/scheduler';
import { testEngine, type TestEngine } from './support/engine.ts';
import { until } from './support/until.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await testEngine({ nodeName: false, virtualNodes: 3 });
  await engine.admin.create(Namespace, { metadata: { name: 'other' } });
});
afterAll(() => engine?.close());

const namespace = 'default';
const make = (name: string, cpu: string, where = namespace) =>
  engine.admin.create(
    Pod,
    {
      metadata: { name, namespace: where },
      spec: { containers: [{ name: 'main', image: 'none', resources: { requests: { cpu } } }] },
    } as never,
    { namespace: where },
  );

test('a SchedulingReview is answered from the live scheduler, and not stored', async () => {
  await make('big', '40');
  const review = await until('the scheduler has tried', async () => {
    const answer = await engine.admin.create(
      SchedulingReview,
      { metadata: {}, spec: { pod: { name: 'big' }, trace: true } },
      { namespace },
    );
    return answer.status?.explanation.queue?.attempts === 1 && answer;
  });
  expect(review.status?.explanation).toMatchObject({
    state: 'Waiting',
    summary: 'Insufficient cpu on all 3 nodes',
  });
  const pod = await until('its status says so', async () => {
    const now = await engine.admin.get(Pod, 'big', { namespace });
    return now.status?.conditions?.some((c) => c.type === 'PodScheduled') && now;
  });
  expect(pod.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message).toBe(
    review.status?.explanation.message,
  );
  expect(review.status?.trace?.nodes).toHaveLength(3);
  const discovery = await engine.admin.getPath<{ resources: { name: string; verbs: string[] }[] }>(
    '/apis/coracle.dev/v1alpha1',
  );
  expect(discovery.resources).toMatchObject([{ name: 'schedulingreviews', verbs: ['create'] }]);
});

test('who may look at pods may ask, others may not, and only of namespaces they may see are pods named', async () => {
  await Promise.all([0, 1, 2].map((i) => make(`holder-${i}`, '20', 'other')));
  await until('they run', async () =>
    (await engine.admin.list(Pod, { namespace: 'other' })).items.every(({ spec }) => spec?.nodeName),
  );
  await make('mid', '15');
  const ada = engine.clientFor({
    kind: 'trusted',
    user: { username: 'ada', groups: ['system:authenticated'] },
  });
  const ask = (client = ada) =>
    client.create(SchedulingReview, { metadata: {}, spec: { pod: { name: 'mid' } } }, { namespace });
  await expect(ask()).rejects.toSatisfy((error) => isReason(error, 'Forbidden'));
  await engine.admin.create(
    RoleBinding,
    {
      metadata: { name: 'ada', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ada' }],
    },
    { namespace },
  );
  const seen = await until('ada may ask', () => ask().catch(() => undefined));
  expect(JSON.stringify(seen.status)).toContain('a pod of another namespace');
  expect(JSON.stringify(seen.status)).not.toContain('holder-');
  expect(JSON.stringify((await ask(engine.admin)).status)).toContain('other/holder-');
});

test('questions that make no sense are refused', async () => {
  const ask = (spec: object) =>
    engine.admin.create(SchedulingReview, { metadata: {}, spec: spec as never }, { namespace });
  await expect(ask({})).rejects.toThrow('exactly one of pod, podGroup and template must be set');
  await expect(ask({ pod: { name: 'nobody' } })).rejects.toThrow('pods "nobody" not found');
  await expect(ask({ podGroup: { name: 'nobody' } })).rejects.toThrow(
    'podgroups.scheduling.k8s.io "nobody" not found',
  );
});
