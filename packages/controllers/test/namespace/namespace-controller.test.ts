import { describe, expect, test } from 'vitest';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { ConfigMap, Namespace, Pod, Secret } from '@coracle/machinery/api';
import { namespaceConditions } from '../../src/namespace/conditions.ts';
import { namespaceController } from '../../src/index.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const types = [ConfigMap, Pod, Secret] as ResourceType<KubeObject>[];
const discover = async () => ({ resources: types.map((type) => ({ ...type, verbs })), failures: [] });

const namespace = (deleting: boolean) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: 'team',
    // The fake server knows finalizers of metadata only: this one stands for those of spec.
    ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['fake/spec'] } : {}),
  },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: deleting ? 'Terminating' : 'Active' },
});
const object = (kind: string, name: string, more: object = {}, where = 'team') => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: where, ...more },
});
const there = (l: Lab) => l.cluster.object(Namespace, 'team');
const finalized = (l: Lab) => there(l)?.spec?.finalizers?.length === 0;
const broken = async () => ({
  resources: [],
  failures: [{ groupVersion: 'metrics.k8s.io/v1beta1', error: new Error('no endpoints') }],
});
const conditionsOf = (l: Lab) =>
  Object.fromEntries(
    (there(l)?.status?.conditions ?? []).map((c) => [c.type, [c.status, c.reason, c.message]]),
  );

describe('namespace controller', () => {
  test('empties a namespace that is being deleted, and only that', async () => {
    const l = lab({
      objects: [
        namespace(true),
        object('ConfigMap', 'a'),
        object('Pod', 'p'),
        object('Secret', 's', {}, 'other'),
      ],
    });
    await l.start(namespaceController(l.deps, { discover }));
    await l.until(() => finalized(l));
    expect(l.cluster.objects(ConfigMap)).toEqual([]);
    expect(l.cluster.objects(Pod)).toEqual([]);
    expect(l.cluster.objects(Secret)).toHaveLength(1);
  });

  test('a namespace in use is left alone', async () => {
    const l = lab({ objects: [namespace(false), object('ConfigMap', 'a')] });
    await l.start(namespaceController(l.deps, { discover }));
    await l.rest();
    expect(l.cluster.writes()).toEqual([]);
  });

  test('other content waits until no pod is left', async () => {
    const l = lab({
      objects: [
        namespace(true),
        object('Secret', 's'),
        object('Pod', 'p', { finalizers: ['example.com/hold'] }),
      ],
    });
    await l.start(namespaceController(l.deps, { discover }));
    await l.until(() => conditionsOf(l)['NamespaceContentRemaining']?.[0] === 'True');
    expect(conditionsOf(l)).toMatchObject({
      NamespaceContentRemaining: [
        'True',
        'SomeResourcesRemain',
        'Some resources are remaining: pods. has 1 resource instances',
      ],
      NamespaceFinalizersRemaining: [
        'True',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ],
      NamespaceDeletionDiscoveryFailure: [
        'False',
        'ResourcesDiscovered',
        'All resources successfully discovered',
      ],
    });
    expect(l.cluster.objects(Secret)).toHaveLength(1);
    await l.cluster.client.patch(Pod, 'p', 'merge', { metadata: { finalizers: [] } }, { namespace: 'team' });
    await l.clock.advance(10_000);
    await l.until(() => finalized(l));
    expect(l.cluster.objects(Secret)).toEqual([]);
  });

  test('a group that cannot be discovered holds it up, with the reason', async () => {
    const l = lab({ objects: [namespace(true)] });
    await l.start(namespaceController(l.deps, { discover: broken }));
    await l.until(() => conditionsOf(l)['NamespaceDeletionDiscoveryFailure']?.[0] === 'True');
    expect(conditionsOf(l)['NamespaceDeletionDiscoveryFailure']).toEqual([
      'True',
      'DiscoveryFailed',
      'Discovery failed for some groups, 1 failing: metrics.k8s.io/v1beta1: no endpoints',
    ]);
    expect(finalized(l)).toBe(false);
  });

  test('transition times change only with the status', () => {
    const report = {
      discoveryFailures: [],
      contentFailures: [],
      remaining: new Map(),
      finalizers: new Map(),
    };
    const first = namespaceConditions([], { ...report, remaining: new Map([['pods.', 2]]) }, 0);
    const second = namespaceConditions(first, report, 60_000);
    const time = (list: typeof first, type: string) => list.find((c) => c.type === type)?.lastTransitionTime;
    expect(time(second, 'NamespaceContentRemaining')).toBe('1970-01-01T00:01:00Z');
    expect(time(second, 'NamespaceDeletionContentFailure')).toBe('1970-01-01T00:00:00Z');
  });
});
