/** Asking an engine why pods wait: over its API, with kubectl's way of creating things, and `coracle explain`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isReason } from '@coracle/machinery';
import { Job, Namespace, Pod, PodGroup, ResourceQuota, RoleBinding } from '@coracle/machinery/api';
import { SchedulingReview } from '@coracle/scheduler';
import { fileURLToPath } from 'node:url';
import { command, isThere } from './support/command.ts';
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

const main = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url));
const coracle = (...words: string[]) =>
  command(process.execPath, [main, ...words, '--kubeconfig', engine.kubeconfigPath!]);

test('coracle explain shows what the scheduler says, its queue too, of a pod and of a gang', async () => {
  const pod = await coracle('explain', 'pod', 'big', '--trace');
  expect(pod.code, pod.stderr).toBe(0);
  expect(pod.stderr).toBe('');
  for (const part of ['Insufficient cpu on all 3 nodes', 'Queue\n  tried ', 'What would help', 'REJECTED BY'])
    expect(pod.stdout).toContain(part);
  await engine.admin.create(
    PodGroup,
    { metadata: { name: 'wide', namespace }, spec: { schedulingPolicy: { gang: { minCount: 4 } } } } as never,
    { namespace },
  );
  for (let i = 0; i < 4; i++) {
    await engine.admin.create(
      Pod,
      {
        metadata: { name: `wide-${i}`, namespace },
        spec: {
          schedulingGroup: { podGroupName: 'wide' },
          containers: [{ name: 'main', image: 'none', resources: { requests: { cpu: '11' } } }],
        },
      } as never,
      { namespace },
    );
  }
  const gang = await until('the gang was tried', async () => {
    const { stdout } = await coracle('explain', 'podgroup', 'wide');
    return stdout.includes('tried once') && stdout;
  });
  expect(gang).toContain('needs 4 members together; 4 exist, 0 have nodes, 4 wait, 3 of those fit now');
});

test('coracle explain job names the quota that keeps its pods from being made', async () => {
  await engine.admin.create(
    ResourceQuota,
    { metadata: { name: 'team', namespace: 'other' }, spec: { hard: { 'requests.cpu': '61' } } },
    { namespace: 'other' },
  );
  await until('the quota counts', async () => {
    const quota = await engine.admin.get(ResourceQuota, 'team', { namespace: 'other' });
    return quota.status?.used?.['requests.cpu'] === '60';
  });
  await engine.admin.create(
    Job,
    {
      metadata: { name: 'more', namespace: 'other' },
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'main', image: 'none', resources: { requests: { cpu: '2' } } }],
          },
        },
      },
    } as never,
    { namespace: 'other' },
  );
  const text = await until('the controller has said so', async () => {
    const { stdout } = await coracle('explain', 'job/more', '-n', 'other');
    return stdout.includes('FailedCreate') && stdout;
  });
  expect(text).toContain('it has no pods: job/more: FailedCreate: ');
  expect(text).toContain('- raise the quota team (limited to requests.cpu=61)');
});

test('kubectl can ask', async () => {
  if (!(await isThere('kubectl', ['version', '--client']))) return;
  const review = {
    apiVersion: 'coracle.dev/v1alpha1',
    kind: 'SchedulingReview',
    metadata: { generateName: 'why-' },
    spec: { pod: { name: 'big' }, trace: true, limit: 2 },
  };
  const asked = await command(
    'kubectl',
    ['--kubeconfig', engine.kubeconfigPath!, 'create', '-o', 'json', '-f', '-'],
    { input: JSON.stringify(review) },
  );
  expect(asked.stderr).toBe('');
  const { status } = JSON.parse(asked.stdout) as {
    status: { trace: { nodes: object[] }; explanation: object };
  };
  expect(status.trace.nodes).toHaveLength(2);
  expect(status.explanation).toMatchObject({ state: 'Waiting' });
});
