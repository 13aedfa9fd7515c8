import { describe, expect, test } from 'vitest';
import { PodDisruptionBudget, ReplicaSet } from '@coracle/machinery/api';
import type { Pod } from '@coracle/machinery/api';
import { budgetStatus, scaled } from '../../src/disruption/budget.ts';
import { disruptionController } from '../../src/index.ts';
import { lab } from '../lab.ts';

const none = async () => ({ resources: [], failures: [] });
const now = Date.UTC(2026, 0, 1);
const budget = (spec: object, status?: object) =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'default', generation: 3 },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    ...(status ? { status } : {}),
  }) as unknown as PodDisruptionBudget;
const pod = (name: string, ready = true, more: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' }, ...more },
    spec: { containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }) as unknown as Pod;
const status = (spec: object, pods: Pod[], scale = pods.length, old?: object) =>
  budgetStatus({ budget: budget(spec, old), pods, scale, now });

describe('PodDisruptionBudget status', () => {
  const three = [pod('a'), pod('b'), pod('c')];
  test.each([
    [{ minAvailable: 2 }, three, 3, { desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1 }],
    [{ minAvailable: '50%' }, three, 3, { desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1 }],
    [{ maxUnavailable: 1 }, three, 5, { desiredHealthy: 4, expectedPods: 5, disruptionsAllowed: 0 }],
    [{ maxUnavailable: '34%' }, three, 3, { desiredHealthy: 1, expectedPods: 3, disruptionsAllowed: 2 }],
    [{ maxUnavailable: 9 }, three, 3, { desiredHealthy: 0, expectedPods: 3, disruptionsAllowed: 3 }],
    [{ minAvailable: 0 }, [], 0, { desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0 }],
  ])('%o', (spec, pods, scale, expected) => {
    expect(status(spec, pods, scale).status).toMatchObject(expected);
  });
  test('healthy are those ready, not being deleted, and not already granted to an eviction', () => {
    const pods = [pod('a'), pod('b', false), pod('c', true, { deletionTimestamp: 'x' }), pod('d'), pod('e')];
    const granted = {
      disruptedPods: { d: '2025-12-31T23:59:00Z', e: '2025-12-31T23:00:00Z', gone: '2025-12-31T23:59:59Z' },
    };
    const result = status({ minAvailable: 1 }, pods, 5, granted);
    expect(result.status).toMatchObject({
      currentHealthy: 2,
      disruptionsAllowed: 1,
      disruptedPods: { d: '2025-12-31T23:59:00Z' },
      observedGeneration: 3,
    });
    expect(result.status.disruptedPods).not.toHaveProperty('e');
    expect(result.again).toBe(now + 60_000);
  });
  test('the condition says why', () => {
    const [two, all] = [2, 3].map((min) => status({ minAvailable: min }, three).status.conditions?.[0]);
    expect(two).toMatchObject({ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' });
    expect(all).toMatchObject({ status: 'False', reason: 'InsufficientPods' });
  });
  test('percentages are rounded up; other text is refused', () => {
    expect([scaled('10%', 5), scaled('0%', 5), scaled('100%', 5), scaled(7, 5)]).toEqual([1, 0, 5, 7]);
    expect(() => scaled('x', 5)).toThrow('invalid value for IntOrString: "x"');
  });
});

describe('disruption controller on a cluster', () => {
  const verbs = ['get', 'list', 'watch'];
  const discover = async () => ({ resources: [{ ...ReplicaSet, verbs }], failures: [] });
  const owned = {
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs-uid', controller: true },
    ],
  };
  test('follows pods, and asks the scale of their controller', async () => {
    const l = lab({
      objects: [
        budget({ maxUnavailable: 1 }),
        pod('a', true, owned),
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: { name: 'rs', uid: 'rs-uid' },
          spec: { replicas: 2 },
        },
      ],
    });
    l.cluster.intercept(async ({ path }) =>
      path === '/apis/apps/v1/namespaces/default/replicasets/rs/scale'
        ? { kind: 'object', code: 200, headers: {}, value: { kind: 'Scale', spec: { replicas: 2 } } }
        : undefined,
    );
    const now_ = () => l.cluster.object(PodDisruptionBudget, 'b', 'default')?.status;
    await l.start(disruptionController(l.deps, { discover }));
    await l.until(() => now_()?.expectedPods === 2);
    expect(now_()).toMatchObject({ currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0 });
    l.cluster.seed(pod('b', true, owned));
    await l.until(() => now_()?.disruptionsAllowed === 1);
  });
  test('a controller without scale: nothing is allowed, and why', async () => {
    const l = lab({ objects: [budget({ maxUnavailable: 1 }), pod('a', true, owned)] });
    await l.start(disruptionController(l.deps, { discover: none }));
    await l.until(() => l.cluster.object(PodDisruptionBudget, 'b', 'default')?.status?.conditions);
    expect(l.cluster.object(PodDisruptionBudget, 'b', 'default')?.status).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ reason: 'SyncFailed' }],
    });
  });
});
