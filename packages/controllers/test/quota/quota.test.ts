import { describe, expect, test } from 'vitest';
import { Pod, ResourceQuota } from '@coracle/machinery/api';
import { resourceQuotaController } from '../../src/index.ts';
import { quotaUsage, resourcesOf } from '../../src/quota/usage.ts';
import { lab } from '../lab.ts';

const quota = (hard: Record<string, string>, more: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard, ...more },
  }) as unknown as ResourceQuota;
const container = (requests: object, limits: object = {}) => ({ name: 'c', resources: { requests, limits } });
const pod = (name: string, spec: object, phase = 'Running') =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [], ...spec },
    status: { phase },
  }) as unknown as Pod;
const used = (q: ResourceQuota, pods: Pod[]) => quotaUsage(q, [{ resource: 'pods', objects: pods }]);

const cpu = (spec: object) => used(quota({ cpu: '9' }), [pod('a', spec)])['cpu'];

describe('usage of a quota', () => {
  test('pods: sums of requests and limits, extended resources too; finished pods only count as objects', () => {
    const pods = [
      pod('a', {
        containers: [
          container({ cpu: '500m', memory: '1Gi', 'nvidia.com/gpu': '2' }, { cpu: '1' }),
          container({ cpu: '250m' }),
        ],
      }),
      pod('b', { containers: [container({ cpu: '1', memory: '512Mi' })] }),
      pod('c', { containers: [container({ cpu: '8' })] }, 'Succeeded'),
    ];
    const hard = [
      'pods',
      'count/pods',
      'cpu',
      'requests.cpu',
      'requests.memory',
      'limits.cpu',
      'requests.nvidia.com/gpu',
    ];
    expect(used(quota(Object.fromEntries(hard.map((name) => [name, '9']))), pods)).toEqual({
      pods: '2',
      'count/pods': '3',
      cpu: '1750m',
      'requests.cpu': '1750m',
      'requests.memory': '1536Mi',
      'limits.cpu': '1',
      'requests.nvidia.com/gpu': '2',
    });
  });
  test('an init container counts when it asks for more than all others together; sidecars run beside them', () => {
    const init = (cpu: string, restartPolicy?: string) => ({
      ...container({ cpu }),
      ...(restartPolicy ? { restartPolicy } : {}),
    });
    const containers = [container({ cpu: '1' })];
    expect(cpu({ containers, initContainers: [init('3')] })).toBe('3');
    expect(cpu({ containers, initContainers: [init('1', 'Always')] })).toBe('2');
    expect(cpu({ containers, initContainers: [init('1', 'Always'), init('3')] })).toBe('4');
    expect(cpu({ containers, overhead: { cpu: '100m' } })).toBe('1100m');
  });
  test.each([
    [{ scopes: ['Terminating'] }, '1'],
    [{ scopes: ['NotTerminating'] }, '2'],
    [{ scopes: ['BestEffort'] }, '1'],
    [{ scopes: ['NotBestEffort'] }, '2'],
    [
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
        },
      },
      '1',
    ],
  ])('%o', (scopes, count) => {
    const pods = [
      pod('a', { containers: [container({ cpu: '1' })], activeDeadlineSeconds: 5 }),
      pod('b', { containers: [container({ cpu: '1' })], priorityClassName: 'high' }),
      pod('c', { containers: [container({})] }),
    ];
    expect(used(quota({ pods: '9' }, scopes), pods)['pods']).toBe(count);
  });
  test('objects are counted by name and by count/; storage by size and class', () => {
    const claim = {
      metadata: {},
      spec: { storageClassName: 'fast', resources: { requests: { storage: '10Gi' } } },
    };
    const q = quota({
      configmaps: '9',
      'count/jobs.batch': '9',
      'services.nodeports': '9',
      'requests.storage': '9',
      'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '9',
    });
    expect(resourcesOf(q)).toEqual(['configmaps', 'jobs.batch', 'services', 'persistentvolumeclaims']);
    const objects = [{}, {}] as never[];
    expect(
      quotaUsage(q, [
        { resource: 'configmaps', objects },
        { resource: 'jobs.batch', objects },
        { resource: 'services', objects: [{ spec: { type: 'NodePort', ports: [{}, {}] } }] as never[] },
        { resource: 'persistentvolumeclaims', objects: [claim] as never[] },
      ]),
    ).toEqual({
      configmaps: '2',
      'count/jobs.batch': '2',
      'services.nodeports': '2',
      'requests.storage': '10Gi',
      'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    });
  });
});

describe('resource quota controller on a cluster', () => {
  test('keeps used as pods come and end', async () => {
    const l = lab({
      objects: [
        quota({ pods: '5', 'requests.cpu': '8' }),
        pod('a', { containers: [container({ cpu: '2' })] }),
      ],
    });
    const status = () => l.cluster.object(ResourceQuota, 'q', 'default')?.status;
    await l.start(resourceQuotaController(l.deps));
    await l.until(() => status()?.used?.['requests.cpu'] === '2');
    expect(status()?.hard).toEqual({ pods: '5', 'requests.cpu': '8' });
    l.cluster.seed(pod('b', { containers: [container({ cpu: '500m' })] }));
    await l.rest();
    await l.clock.advance(100);
    await l.until(() => status()?.used?.['requests.cpu'] === '2500m');
    await l.cluster.client.patch(
      Pod,
      'a',
      'merge',
      { status: { phase: 'Failed' } },
      { namespace: 'default', subresource: 'status' },
    );
    await l.rest();
    await l.clock.advance(100);
    await l.until(() => status()?.used?.['pods'] === '1');
  });
});
