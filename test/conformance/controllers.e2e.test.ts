/** Conformance tests that need controllers: quotas, garbage collection, namespaces, workloads, services. Pods run on virtual nodes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import {
  ConfigMap,
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Endpoints,
  EndpointSlice,
  Job,
  Lease,
  Namespace,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
} from '@coracle/machinery/api';
import type { Client } from '@coracle/client';
import { testEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/until.ts';

let engine: TestEngine;
let client: Client;
beforeAll(async () => {
  engine = await testEngine({ virtualNodes: 3, nodeName: false, fakeGpus: 0 });
  client = engine.admin;
});
afterAll(() => engine?.close());

// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;
let count = 0;
async function newNamespace(): Promise<string> {
  const name = `conformance-${++count}`;
  await client.create(Namespace, { metadata: { name } } as Any);
  await until('the service account', () =>
    client.get(ServiceAccount, 'default', { namespace: name }).catch(() => undefined),
  );
  return name;
}
const names = async (type: ResourceType<Any>, namespace: string, labelSelector?: string): Promise<string[]> =>
  (await client.list<KubeObject>(type, { namespace, labelSelector })).items.map((o) => o.metadata.name);
const gone = (type: ResourceType<Any>, namespace: string, name: string): Promise<unknown> =>
  until(`${type.kind} ${name} gone`, async () => !(await names(type, namespace)).includes(name), 15_000);
const containers = [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }];
const labels = { app: 'x' };
const template = { metadata: { labels }, spec: { containers } };
const selector = { matchLabels: labels };
const workload = (name: string, spec: object = {}): Any => ({
  metadata: { name },
  spec: { replicas: 2, selector, template, ...spec },
});
const controller = (name: string, replicas = 2): Any => ({
  metadata: { name },
  spec: { replicas, selector: labels, template },
});
const pod = (name: string, spec: object = {}, metadata: object = {}): Any => ({
  metadata: { name, ...metadata },
  spec: { containers, ...spec },
});

describe('ResourceQuota', () => {
  const used = async (namespace: string, name: string, expected: Record<string, string>): Promise<void> => {
    let last: unknown;
    await until(
      'the quota’s usage',
      async () => {
        last = (await client.get(ResourceQuota, name, { namespace })).status?.used;
        return Object.entries(expected).every(([k, v]) => (last as Any)?.[k] === v);
      },
      10_000,
    ).catch((error: unknown) => {
      throw new Error(`used ${JSON.stringify(last)}, expected ${JSON.stringify(expected)}`, { cause: error });
    });
  };
  test('object count quota: service, secret, configmap, pod, replicationController, replicaSet, resourcequotas', async () => {
    const namespace = await newNamespace();
    const base = { secrets: (await names(Secret, namespace)).length };
    await until('root CA', async () => (await names(ConfigMap, namespace)).includes('kube-root-ca.crt'));
    await client.create(
      ResourceQuota,
      {
        metadata: { name: 'q' },
        spec: {
          hard: {
            pods: '5',
            services: '10',
            'services.nodeports': '1',
            'services.loadbalancers': '1',
            replicationcontrollers: '10',
            resourcequotas: '1',
            secrets: '10',
            configmaps: '10',
            'count/replicasets.apps': '5',
            cpu: '1',
            memory: '500Mi',
          },
        },
      } as Any,
      { namespace },
    );
    await used(namespace, 'q', {
      resourcequotas: '1',
      pods: '0',
      configmaps: '1',
      secrets: String(base.secrets),
    });
    await client.create(ConfigMap, { metadata: { name: 'a' } } as Any, { namespace });
    await client.create(Secret, { metadata: { name: 'a' } } as Any, { namespace });
    await client.create(ReplicationController, controller('rc', 0), { namespace });
    await client.create(ReplicaSet, workload('rs', { replicas: 0 }), { namespace });
    await client.create(Service, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } } as Any, {
      namespace,
    });
    await client.create(
      Service,
      { metadata: { name: 'np' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } } as Any,
      { namespace },
    );
    const resources = { requests: { cpu: '500m', memory: '252Mi' } };
    await client.create(Pod, pod('p', { containers: [{ ...containers[0], resources }] }), { namespace });
    await used(namespace, 'q', {
      configmaps: '2',
      secrets: String(base.secrets + 1),
      replicationcontrollers: '1',
      'count/replicasets.apps': '1',
      services: '2',
      'services.nodeports': '1',
      pods: '1',
      cpu: '500m',
      memory: '252Mi',
    });
    const second = client.create(
      Service,
      { metadata: { name: 'np2' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } } as Any,
      { namespace },
    );
    await expect(second).rejects.toThrow(/exceeded quota/);
    await expect(
      client.create(ResourceQuota, { metadata: { name: 'q2' }, spec: {} } as Any, { namespace }),
    ).rejects.toThrow(/exceeded quota/);
    await client.delete(ReplicaSet, 'rs', { namespace });
    await client.delete(ReplicationController, 'rc', { namespace, propagationPolicy: 'Background' });
    await client.delete(Pod, 'p', { namespace, gracePeriodSeconds: 0 });
    await client.delete(Service, 'np', { namespace });
    await client.delete(ConfigMap, 'a', { namespace });
    await used(namespace, 'q', {
      configmaps: '1',
      replicationcontrollers: '0',
      'count/replicasets.apps': '0',
      services: '1',
      'services.nodeports': '0',
      pods: '0',
      cpu: '0',
    });
  });
  test('object count quota, a kind that only this quota counts', async () => {
    const namespace = await newNamespace();
    await client.create(
      ResourceQuota,
      { metadata: { name: 'q' }, spec: { hard: { 'count/leases.coordination.k8s.io': '5' } } } as Any,
      { namespace },
    );
    const counted = (n: number): Promise<void> =>
      used(namespace, 'q', { 'count/leases.coordination.k8s.io': String(n) });
    await counted(0);
    await client.create(Lease, { metadata: { name: 'l' }, spec: {} } as Any, { namespace });
    await counted(1);
    await client.delete(Lease, 'l', { namespace });
    await counted(0);
  });
  test('quota scope, BestEffort and NotBestEffort, Terminating and NotTerminating scope', async () => {
    const namespace = await newNamespace();
    for (const scope of ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating'])
      await client.create(
        ResourceQuota,
        { metadata: { name: scope.toLowerCase() }, spec: { hard: { pods: '5' }, scopes: [scope] } } as Any,
        { namespace },
      );
    const scopes = async (values: [number, number, number, number]): Promise<void> => {
      for (const [i, name] of ['besteffort', 'notbesteffort', 'terminating', 'notterminating'].entries())
        await used(namespace, name, { pods: String(values[i]) });
    };
    await scopes([0, 0, 0, 0]);
    await client.create(Pod, pod('be'), { namespace });
    await scopes([1, 0, 0, 1]);
    await client.create(
      Pod,
      pod('nbe', {
        activeDeadlineSeconds: 3600,
        containers: [{ ...containers[0], resources: { requests: { cpu: '100m' } } }],
      }),
      { namespace },
    );
    await scopes([1, 1, 1, 1]);
    await client.delete(Pod, 'nbe', { namespace, gracePeriodSeconds: 0 });
    await scopes([1, 0, 0, 1]);
  });
  test('ResourceQuota, manage lifecycle of a ResourceQuota', async () => {
    const namespace = await newNamespace();
    const made = await client.create(
      ResourceQuota,
      { metadata: { name: 'q', labels: { e: 'x' } }, spec: { hard: { cpu: '500', memory: '500Gi' } } } as Any,
      { namespace },
    );
    await used(namespace, 'q', { cpu: '0', memory: '0' });
    await client.patch(
      ResourceQuota,
      'q',
      'strategic',
      { spec: { hard: { memory: '750Gi' } } },
      { namespace },
    );
    await until(
      'hard',
      async () => (await client.get(ResourceQuota, 'q', { namespace })).status?.hard?.['memory'] === '750Gi',
    );
    await client.deleteCollection(ResourceQuota, { namespace, labelSelector: 'e=x' });
    await gone(ResourceQuota, namespace, made.metadata.name);
  });
});

describe('Garbage collector', () => {
  const running = (type: ResourceType<Any>, namespace: string, wanted: number): Promise<unknown> =>
    until(`${wanted} ${type.kind}s`, async () => (await names(type, namespace)).length === wanted, 20_000);
  test('delete replication controller, propagation policy background', async () => {
    const namespace = await newNamespace();
    await client.create(ReplicationController, controller('rc'), { namespace });
    await running(Pod, namespace, 2);
    await client.delete(ReplicationController, 'rc', { namespace, propagationPolicy: 'Background' });
    await running(Pod, namespace, 0);
  });
  test('delete replication controller, propagation policy orphan', async () => {
    const namespace = await newNamespace();
    await client.create(ReplicationController, controller('rc'), { namespace });
    await running(Pod, namespace, 2);
    await client.delete(ReplicationController, 'rc', { namespace, propagationPolicy: 'Orphan' });
    await gone(ReplicationController, namespace, 'rc');
    const { items } = await client.list(Pod, { namespace });
    expect(items.map((p) => [p.metadata.ownerReferences ?? [], p.metadata.deletionTimestamp])).toEqual([
      [[], undefined],
      [[], undefined],
    ]);
  });
  test('delete replication controller, after owned pods', async () => {
    const namespace = await newNamespace();
    await client.create(ReplicationController, controller('rc', 5), { namespace });
    await running(Pod, namespace, 5);
    await client.delete(ReplicationController, 'rc', { namespace, propagationPolicy: 'Foreground' });
    await gone(ReplicationController, namespace, 'rc');
    expect(await names(Pod, namespace)).toEqual([]);
  });
  test('multiple owners', async () => {
    const namespace = await newNamespace();
    await client.create(ReplicationController, controller('rc1', 4), { namespace });
    await running(Pod, namespace, 4);
    const second = await client.create(
      ReplicationController,
      {
        metadata: { name: 'rc2' },
        spec: {
          replicas: 0,
          selector: { other: 'y' },
          template: { metadata: { labels: { other: 'y' } }, spec: { containers } },
        },
      } as Any,
      { namespace },
    );
    const half = (await names(Pod, namespace)).slice(0, 2);
    for (const name of half)
      await client.patch(
        Pod,
        name,
        'strategic',
        {
          metadata: {
            ownerReferences: [
              { apiVersion: 'v1', kind: 'ReplicationController', name: 'rc2', uid: second.metadata.uid },
            ],
          },
        },
        { namespace },
      );
    await client.delete(ReplicationController, 'rc1', { namespace, propagationPolicy: 'Foreground' });
    await gone(ReplicationController, namespace, 'rc1');
    const left = await client.list(Pod, { namespace });
    expect(left.items.map((p) => p.metadata.name).sort()).toEqual(half.sort());
    for (const p of left.items) {
      expect(p.metadata.deletionTimestamp).toBeUndefined();
      expect(p.metadata.ownerReferences?.map((o) => o.name)).toEqual(['rc2']);
    }
  });
  test('dependency cycle', async () => {
    const namespace = await newNamespace();
    const made: Any[] = [];
    for (const name of ['pod1', 'pod2', 'pod3'])
      made.push(await client.create(Pod, pod(name), { namespace }));
    for (const [i, owner] of [2, 0, 1].entries())
      await client.patch(
        Pod,
        made[i].metadata.name,
        'strategic',
        {
          metadata: {
            ownerReferences: [
              {
                apiVersion: 'v1',
                kind: 'Pod',
                name: made[owner].metadata.name,
                uid: made[owner].metadata.uid,
                controller: true,
                blockOwnerDeletion: true,
              },
            ],
          },
        },
        { namespace },
      );
    await client.delete(Pod, 'pod1', { namespace, propagationPolicy: 'Foreground', gracePeriodSeconds: 0 });
    await running(Pod, namespace, 0);
  });
  test('delete deployment, propagation policy background and orphan', async () => {
    const namespace = await newNamespace();
    await client.create(Deployment, workload('d'), { namespace });
    await running(ReplicaSet, namespace, 1);
    await client.delete(Deployment, 'd', { namespace, propagationPolicy: 'Background' });
    await running(ReplicaSet, namespace, 0);
    await running(Pod, namespace, 0);
    await client.create(Deployment, workload('o'), { namespace });
    await running(ReplicaSet, namespace, 1);
    await running(Pod, namespace, 2);
    await client.delete(Deployment, 'o', { namespace, propagationPolicy: 'Orphan' });
    await gone(Deployment, namespace, 'o');
    const [left] = (await client.list(ReplicaSet, { namespace })).items;
    expect([left?.metadata.ownerReferences ?? [], left?.metadata.deletionTimestamp]).toEqual([[], undefined]);
    expect(await names(Pod, namespace)).toHaveLength(2);
  });
});

describe('Namespaces', () => {
  test('namespace-deletion-removes-pods, -services; Ordered Namespace Deletion', async () => {
    const namespace = await newNamespace();
    await client.create(Pod, pod('held', {}, { finalizers: ['e2e.example.com/finalizer'] }), { namespace });
    await client.create(Service, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } } as Any, {
      namespace,
    });
    await client.create(ConfigMap, { metadata: { name: 'cm' } } as Any, { namespace });
    await client.delete(Namespace, namespace);
    await until(
      'the pod is being deleted',
      async () => (await client.get(Pod, 'held', { namespace })).metadata.deletionTimestamp,
    );
    await until('the namespace says so', async () => {
      const { status } = await client.get(Namespace, namespace);
      return (
        status?.phase === 'Terminating' &&
        status.conditions?.some((c) => c.type === 'NamespaceFinalizersRemaining' && c.status === 'True')
      );
    });
    // Pods go before everything else.
    expect(await names(ConfigMap, namespace)).toContain('cm');
    await expect(
      client.create(ConfigMap, { metadata: { name: 'late' } } as Any, { namespace }),
    ).rejects.toThrow(/because it is being terminated/);
    await client.patch(Pod, 'held', 'merge', { metadata: { finalizers: null } }, { namespace });
    await until(
      'the namespace is gone',
      async () => !(await client.list(Namespace)).items.some((n) => n.metadata.name === namespace),
      20_000,
    );
    expect(await names(Service, namespace)).toEqual([]);
  });
});

describe('Workloads', () => {
  test('Replica Set, adopt matching pods and release non matching pods', async () => {
    const namespace = await newNamespace();
    await client.create(Pod, pod('orphan', {}, { labels }), { namespace });
    await client.create(ReplicaSet, workload('rs', { replicas: 1 }), { namespace });
    await until(
      'adopted',
      async () =>
        (await client.get(Pod, 'orphan', { namespace })).metadata.ownerReferences?.[0]?.name === 'rs',
    );
    await client.patch(Pod, 'orphan', 'merge', { metadata: { labels: { app: 'other' } } }, { namespace });
    await until(
      'released',
      async () => !(await client.get(Pod, 'orphan', { namespace })).metadata.ownerReferences?.length,
    );
  });
  test('Replication Controller, check for issues like exceeding allocated quota', async () => {
    const namespace = await newNamespace();
    await client.create(
      ResourceQuota,
      { metadata: { name: 'condition-test' }, spec: { hard: { pods: '2' } } } as Any,
      { namespace },
    );
    await until(
      'quota',
      async () => (await client.get(ResourceQuota, 'condition-test', { namespace })).status?.hard,
    );
    await client.create(ReplicationController, controller('rc', 3), { namespace });
    await until('ReplicaFailure', async () =>
      (await client.get(ReplicationController, 'rc', { namespace })).status?.conditions?.some(
        (c) => c.type === 'ReplicaFailure' && c.status === 'True',
      ),
    );
    await client.patch(
      ReplicationController,
      'rc',
      'merge',
      { spec: { replicas: 2 } },
      { namespace, subresource: 'scale' },
    );
    await until(
      'no ReplicaFailure',
      async () =>
        !(await client.get(ReplicationController, 'rc', { namespace })).status?.conditions?.some(
          (c) => c.type === 'ReplicaFailure',
        ),
    );
  });
  test('Deployment, completes the lifecycle of a Deployment; Deployment Recreate; RevisionHistoryLimit', async () => {
    const namespace = await newNamespace();
    await client.create(
      Deployment,
      workload('d', { revisionHistoryLimit: 0, strategy: { type: 'Recreate' } }),
      { namespace },
    );
    const ready = (): Promise<unknown> =>
      until(
        'available',
        async () => {
          const { status, metadata } = await client.get(Deployment, 'd', { namespace });
          return (
            status?.observedGeneration === metadata.generation &&
            status?.updatedReplicas === 2 &&
            status?.availableReplicas === 2 &&
            status.replicas === 2
          );
        },
        30_000,
      );
    await ready();
    await client.patch(
      Deployment,
      'd',
      'strategic',
      { spec: { template: { spec: { containers: [{ name: 'c', image: 'other' }] } } } },
      { namespace },
    );
    await ready();
    expect(
      (await client.get(Deployment, 'd', { namespace })).metadata.annotations?.[
        'deployment.kubernetes.io/revision'
      ],
    ).toBe('2');
    await until(
      'old replica sets are cleaned up',
      async () => (await names(ReplicaSet, namespace)).length === 1,
    );
  });
  test('StatefulSet, Scaling; Rolling Update; list, patch and delete a collection', async () => {
    const namespace = await newNamespace();
    await client.create(StatefulSet, workload('ss', { serviceName: 's', replicas: 2 }), { namespace });
    const ready = (n: number): Promise<unknown> =>
      until(
        `${n} ready`,
        async () => {
          const { status, metadata } = await client.get(StatefulSet, 'ss', { namespace });
          return (
            status?.observedGeneration === metadata.generation &&
            status?.readyReplicas === n &&
            status?.replicas === n &&
            status.updateRevision === status.currentRevision
          );
        },
        30_000,
      );
    await ready(2);
    expect((await names(Pod, namespace)).sort()).toEqual(['ss-0', 'ss-1']);
    await client.patch(
      StatefulSet,
      'ss',
      'strategic',
      { spec: { template: { spec: { containers: [{ name: 'c', image: 'other' }] } } } },
      { namespace },
    );
    await ready(2);
    expect((await client.get(Pod, 'ss-0', { namespace })).spec?.containers[0]?.image).toBe('other');
    expect(await names(ControllerRevision, namespace)).toHaveLength(2);
    await client.patch(
      StatefulSet,
      'ss',
      'merge',
      { spec: { replicas: 3 } },
      { namespace, subresource: 'scale' },
    );
    await ready(3);
    await client.deleteCollection(StatefulSet, { namespace });
    await until('gone', async () => (await names(Pod, namespace)).length === 0, 30_000);
  });
  test('DaemonSet-Creation; DaemonSet-RollingUpdate; list and delete a collection of DaemonSets', async () => {
    const namespace = await newNamespace();
    await client.create(DaemonSet, { metadata: { name: 'ds' }, spec: { selector, template } } as Any, {
      namespace,
    });
    const ready = (): Promise<unknown> =>
      until(
        'on every node',
        async () => {
          const { status, metadata } = await client.get(DaemonSet, 'ds', { namespace });
          return (
            status?.observedGeneration === metadata.generation &&
            status?.desiredNumberScheduled === 3 &&
            status?.updatedNumberScheduled === 3 &&
            status?.numberAvailable === 3
          );
        },
        30_000,
      );
    await ready();
    await client.patch(
      DaemonSet,
      'ds',
      'strategic',
      { spec: { template: { spec: { containers: [{ name: 'c', image: 'other' }] } } } },
      { namespace },
    );
    await ready();
    await client.deleteCollection(DaemonSet, { namespace });
    await until('gone', async () => (await names(Pod, namespace)).length === 0, 30_000);
  });
  test('PodDisruptionBudget: Status updates', async () => {
    const namespace = await newNamespace();
    await client.create(
      PodDisruptionBudget,
      { metadata: { name: 'b' }, spec: { selector, minAvailable: 1 } } as Any,
      { namespace },
    );
    await client.create(ReplicaSet, workload('rs', { replicas: 2 }), { namespace });
    await until(
      'one disruption is allowed',
      async () =>
        (await client.get(PodDisruptionBudget, 'b', { namespace })).status?.disruptionsAllowed === 1,
      30_000,
    );
  });
  test('Jobs, orphan pods, re-adoption', async () => {
    const namespace = await newNamespace();
    await client.create(
      Job,
      {
        metadata: { name: 'j' },
        spec: {
          parallelism: 1,
          completions: 1,
          template: { ...template, spec: { containers, restartPolicy: 'Never' } },
        },
      } as Any,
      { namespace },
    );
    const first = await until('a pod', async () => (await names(Pod, namespace, 'job-name=j'))[0]);
    await client.patch(Pod, first, 'merge', { metadata: { ownerReferences: null } }, { namespace });
    await until('adopted again', async () => {
      const found = await client.get(Pod, first, { namespace });
      return found.metadata.ownerReferences?.[0]?.name === 'j';
    });
  });
  test('CronJob Suspend', async () => {
    const namespace = await newNamespace();
    await client.create(
      CronJob,
      {
        metadata: { name: 'c' },
        spec: {
          schedule: '*/1 * * * *',
          suspend: true,
          jobTemplate: { spec: { template: { spec: { containers, restartPolicy: 'OnFailure' } } } },
        },
      } as Any,
      { namespace },
    );
    expect((await client.get(CronJob, 'c', { namespace })).spec?.suspend).toBe(true);
    expect(await names(Job, namespace)).toEqual([]);
  });
});

describe('Endpoints', () => {
  test('EndpointSlice, creation/deletion; Endpoints, creation/deletion; "empty" Service', async () => {
    const namespace = await newNamespace();
    await client.create(
      Service,
      {
        metadata: { name: 'empty' },
        spec: { selector: { does: 'not-match' }, ports: [{ name: 'example', port: 80, targetPort: 3000 }] },
      } as Any,
      { namespace },
    );
    await until(
      'both',
      async () =>
        (await names(Endpoints, namespace)).includes('empty') &&
        (await names(EndpointSlice, namespace, 'kubernetes.io/service-name=empty')).length > 0,
    );
    const [slice] = (
      await client.list(EndpointSlice, { namespace, labelSelector: 'kubernetes.io/service-name=empty' })
    ).items;
    expect([
      slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
      slice?.metadata.ownerReferences?.[0]?.name,
    ]).toEqual(['endpointslice-controller.k8s.io', 'empty']);
    await client.delete(Service, 'empty', { namespace });
    await gone(Endpoints, namespace, 'empty');
    await until('slices go', async () => (await names(EndpointSlice, namespace)).length === 0);
  });
  test('Service, endpoints with multiple ports', async () => {
    const namespace = await newNamespace();
    const ports = (n: number): Any => ({
      containers: [{ ...containers[0], ports: [{ name: `p${n}`, containerPort: 100 + n }] }],
    });
    await client.create(
      Service,
      {
        metadata: { name: 's' },
        spec: {
          selector: labels,
          ports: [
            { name: 'portname1', port: 80, targetPort: 'p1' },
            { name: 'portname2', port: 81, targetPort: 'p2' },
          ],
        },
      } as Any,
      { namespace },
    );
    await client.create(Pod, pod('pod1', ports(1), { labels }), { namespace });
    await client.create(Pod, pod('pod2', ports(2), { labels }), { namespace });
    const seen = async (): Promise<string[]> =>
      ((await client.get(Endpoints, 's', { namespace })).subsets ?? [])
        .flatMap((s) =>
          (s.addresses ?? []).flatMap((a) =>
            (s.ports ?? []).map((p) => `${a.targetRef?.name}:${p.name}:${p.port}`),
          ),
        )
        .sort();
    const wait = (wanted: string[]): Promise<unknown> =>
      until('endpoints', async () => JSON.stringify(await seen()) === JSON.stringify(wanted), 20_000);
    await wait(['pod1:portname1:101', 'pod2:portname2:102']);
    await client.delete(Pod, 'pod1', { namespace, gracePeriodSeconds: 0 });
    await wait(['pod2:portname2:102']);
    await client.delete(Pod, 'pod2', { namespace, gracePeriodSeconds: 0 });
    await wait([]);
  });
  test('EndpointSlice Mirroring', async () => {
    const namespace = await newNamespace();
    await client.create(
      Service,
      { metadata: { name: 'custom' }, spec: { ports: [{ name: 'example', port: 80 }] } } as Any,
      { namespace },
    );
    await client.create(
      Endpoints,
      {
        metadata: { name: 'custom' },
        subsets: [{ ports: [{ port: 80 }], addresses: [{ ip: '10.1.2.3' }] }],
      } as Any,
      { namespace },
    );
    const slices = async () =>
      (await client.list(EndpointSlice, { namespace, labelSelector: 'kubernetes.io/service-name=custom' }))
        .items;
    await until(
      'mirrored',
      async () => (await slices())[0]?.endpoints?.[0]?.addresses[0] === '10.1.2.3',
      10_000,
    );
    await client.patch(
      Endpoints,
      'custom',
      'merge',
      { subsets: [{ ports: [{ port: 80 }], addresses: [{ ip: '10.2.3.4' }] }] },
      { namespace },
    );
    await until(
      'changed',
      async () => (await slices())[0]?.endpoints?.[0]?.addresses[0] === '10.2.3.4',
      10_000,
    );
    await client.delete(Endpoints, 'custom', { namespace });
    await until('gone', async () => (await slices()).length === 0, 10_000);
  });
  test('kubernetes.default Endpoints and EndpointSlices', async () => {
    const namespace = 'default';
    expect(
      (await client.get(Endpoints, 'kubernetes', { namespace })).subsets?.[0]?.addresses?.length,
    ).toBeGreaterThan(0);
    const { items } = await client.list(EndpointSlice, {
      namespace,
      labelSelector: 'kubernetes.io/service-name=kubernetes',
    });
    expect(items[0]?.endpoints?.length).toBeGreaterThan(0);
  });
});

describe('Service accounts and pods', () => {
  test('RootCA ConfigMap test', async () => {
    const namespace = await newNamespace();
    const name = 'kube-root-ca.crt';
    const read = (): Promise<Any> => client.get(ConfigMap, name, { namespace }).catch(() => undefined);
    const first = await until('published', read);
    await client.delete(ConfigMap, name, { namespace });
    await until(
      'published again',
      async () => (await read())?.metadata.uid !== first.metadata.uid && (await read()),
    );
    await client.patch(ConfigMap, name, 'merge', { data: { 'ca.crt': '' } }, { namespace });
    await until('put right', async () => (await read())?.data['ca.crt'] === first.data['ca.crt']);
  });
  test('Pods, lifecycle', async () => {
    const namespace = await newNamespace();
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of client.watch(Pod, {
        namespace,
        labelSelector: 'time=1',
        signal: stop.signal,
      })) {
        seen.push(event.type);
        if (event.type === 'DELETED') return;
      }
    })();
    await client.create(Pod, pod('p', {}, { labels: { time: '1' } }), { namespace });
    await until(
      'running',
      async () => (await client.get(Pod, 'p', { namespace })).status?.phase === 'Running',
      20_000,
    );
    expect((await client.get(Pod, 'p', { namespace })).status?.hostIP).toBeTruthy();
    const deleting = await client.delete(Pod, 'p', { namespace });
    expect((deleting as Any)?.metadata.deletionTimestamp).toBeTruthy();
    await watching;
    stop.abort();
    expect([seen[0], seen.at(-1)]).toEqual(['ADDED', 'DELETED']);
    expect(await names(Pod, namespace)).toEqual([]);
  });
});
