/**
 * Conformance tests of sig-scheduling, each by its name there, and what else only shows through the real API: volumes that
 * wait for the scheduler, several profiles. Pods run on virtual nodes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PriorityClass,
  ReplicaSet,
  ServiceAccount,
  StorageClass,
} from '@coracle/machinery/api';
import type { Client } from '@coracle/client';
import { parseConfiguration, profilesFrom } from '@coracle/scheduler';
import { testEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/until.ts';

const configuration = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packed
  pluginConfig:
  - name: NodeResourcesFit
    args: { scoringStrategy: { type: MostAllocated } }
  plugins:
    multiPoint:
      disabled: [{ name: NodeResourcesBalancedAllocation }, { name: PodTopologySpread }]
`;

let engine: TestEngine;
let client: Client;
let nodes: string[];
beforeAll(async () => {
  engine = await testEngine({
    virtualNodes: 3,
    nodeName: false,
    fakeGpus: 0,
    scheduler: profilesFrom(parseConfiguration(configuration)),
  });
  client = engine.admin;
  const ready = async (): Promise<boolean> => {
    const { items } = await client.list(Node);
    nodes = items.map(({ metadata }) => metadata.name);
    return items.length === 3 && items.every(({ spec }) => !spec?.taints?.length);
  };
  await until('the nodes', ready);
});
afterAll(() => engine?.close());

// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;
let count = 0;
async function newNamespace(): Promise<string> {
  const name = `scheduling-${++count}`;
  await client.create(Namespace, { metadata: { name } } as Any);
  await until('the service account', () =>
    client.get(ServiceAccount, 'default', { namespace: name }).catch(() => undefined),
  );
  return name;
}

const image = 'registry.k8s.io/pause:3.10';
const pod = (name: string, spec: Any = {}, metadata: Any = {}): Any => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image, ...spec.container }], ...spec, container: undefined },
});
const wanting = (resources: Record<string, string>): Any => ({
  resources: { requests: resources, limits: resources },
});
const fake = 'example.com/fakecpu';
const on = (nodeName: string): Any => ({ nodeSelector: { 'kubernetes.io/hostname': nodeName } });

const get = (namespace: string, name: string): Promise<Pod | undefined> =>
  client.get(Pod, name, { namespace }).catch(() => undefined);
async function running(namespace: string, name: string): Promise<Pod> {
  return (await until(`${name} runs`, async () => {
    const found = await get(namespace, name);
    return found?.status?.phase === 'Running' ? found : undefined;
  })) as Pod;
}
async function waiting(namespace: string, name: string): Promise<string> {
  return (await until(`${name} waits`, async () => {
    const condition = (await get(namespace, name))?.status?.conditions?.find(
      (c) => c.type === 'PodScheduled',
    );
    return condition?.reason === 'Unschedulable' ? condition.message : undefined;
  })) as string;
}
const remove = (namespace: string): Promise<unknown> =>
  client.delete(Namespace, namespace).then(() =>
    until('the namespace gone', async () => {
      const { items } = await client.list(Pod, { namespace });
      return items.length === 0;
    }),
  );

/** Gives the node so much of an extended resource for the test's time. */
async function withResource(nodeName: string, amount: string, run: () => Promise<void>): Promise<void> {
  const set = (value: string | null): Promise<unknown> => {
    const amounts = { [fake]: value };
    const patch = { status: { capacity: amounts, allocatable: amounts } };
    return client.patch(Node, nodeName, 'strategic', patch, { subresource: 'status' });
  };
  await set(amount);
  try {
    await run();
  } finally {
    await set(null);
  }
}

async function withPriorities(values: Record<string, number>, run: () => Promise<void>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    await client.create(PriorityClass, { metadata: { name }, value } as Any);
  }
  try {
    await run();
  } finally {
    for (const name of Object.keys(values)) await client.delete(PriorityClass, name);
  }
}

describe('SchedulerPredicates', () => {
  test('validates resource limits of pods that are allowed to run', async () => {
    const namespace = await newNamespace();
    const [node] = nodes;
    await withResource(node!, '10', async () => {
      const spec = (amount: string): Any => ({ container: wanting({ [fake]: amount }) });
      await client.create(Pod, pod('filler', spec('7')), { namespace });
      await running(namespace, 'filler');
      await client.create(Pod, pod('additional', spec('4')), { namespace });
      expect(await waiting(namespace, 'additional')).toContain(`3 Insufficient ${fake}`);
      await client.delete(Pod, 'filler', { namespace, gracePeriodSeconds: 0 });
      expect((await running(namespace, 'additional')).spec!.nodeName).toBe(node);
      await remove(namespace);
    });
  });

  test('validates that NodeSelector is respected if matching', async () => {
    const namespace = await newNamespace();
    const key = 'kubernetes.io/e2e-label';
    await client.patch(Node, nodes[1]!, 'merge', { metadata: { labels: { [key]: '42' } } });
    await client.create(Pod, pod('with-labels', { nodeSelector: { [key]: '42' } }), { namespace });
    expect((await running(namespace, 'with-labels')).spec!.nodeName).toBe(nodes[1]);
    await client.patch(Node, nodes[1]!, 'merge', { metadata: { labels: { [key]: null } } });
  });

  test('validates that NodeSelector is respected if not matching', async () => {
    const namespace = await newNamespace();
    await client.create(Pod, pod('restricted', { nodeSelector: { label: 'nonempty' } }), { namespace });
    expect(await waiting(namespace, 'restricted')).toBe(
      "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. " +
        'preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    );
    // A node that gets the label wakes it.
    await client.patch(Node, nodes[0]!, 'merge', { metadata: { labels: { label: 'nonempty' } } });
    await running(namespace, 'restricted');
    await client.patch(Node, nodes[0]!, 'merge', { metadata: { labels: { label: null } } });
  });

  test('validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP', async () => {
    const namespace = await newNamespace();
    const port = (hostIP?: string): Any => ({
      ...on(nodes[2]!),
      container: {
        ports: [{ containerPort: 5555, hostPort: 54322, protocol: 'TCP', ...(hostIP && { hostIP }) }],
      },
    });
    await client.create(Pod, pod('pod4', port()), { namespace });
    await running(namespace, 'pod4');
    await client.create(Pod, pod('pod5', port('127.0.0.1')), { namespace });
    expect(await waiting(namespace, 'pod5')).toContain(
      "1 node(s) didn't have free ports for the requested pod ports",
    );
    await remove(namespace);
  });
});

describe('SchedulerPreemption', () => {
  const classes = { 'conformance-low': 1, 'conformance-medium': 100, 'conformance-high': 1000 };
  const spec = (priorityClassName: string, amount: string, more: Any = {}): Any => ({
    priorityClassName,
    container: wanting({ [fake]: amount }),
    terminationGracePeriodSeconds: 0,
    ...more,
  });

  test('validates basic preemption works', async () => {
    const namespace = await newNamespace();
    await withPriorities(classes, () =>
      withResource(nodes[0]!, '5', () =>
        withResource(nodes[1]!, '5', async () => {
          const victims = ['pod0-sched-preemption-low-priority', 'pod1-sched-preemption-medium-priority'];
          await client.create(Pod, pod(victims[0]!, spec('conformance-low', '5')), { namespace });
          await running(namespace, victims[0]!);
          await client.create(Pod, pod(victims[1]!, spec('conformance-medium', '5')), { namespace });
          await running(namespace, victims[1]!);
          await client.create(Pod, pod('preemptor-pod', spec('conformance-high', '5')), { namespace });
          const node = (await running(namespace, victims[1]!)).spec!.nodeName;
          expect((await running(namespace, 'preemptor-pod')).spec!.nodeName).not.toBe(node);
          expect(await get(namespace, victims[0]!)).toBeUndefined();
          await remove(namespace);
        }),
      ),
    );
  });

  test('validates lower priority pod preemption by critical pod', async () => {
    const namespace = await newNamespace();
    const name = 'critical-pod';
    await withPriorities(classes, () =>
      withResource(nodes[0]!, '5', async () => {
        await client.create(Pod, pod('low', spec('conformance-low', '5')), { namespace });
        await running(namespace, 'low');
        const critical = pod(name, spec('system-cluster-critical', '5'));
        await client.create(Pod, critical, { namespace: 'kube-system' });
        await running('kube-system', name);
        expect(await get(namespace, 'low')).toBeUndefined();
        await client.delete(Pod, name, { namespace: 'kube-system', gracePeriodSeconds: 0 });
      }),
    );
  });

  test('validates pod disruption condition is added to the preempted pod', async () => {
    const namespace = await newNamespace();
    await withPriorities(classes, () =>
      withResource(nodes[0]!, '1', async () => {
        const finalizers = ['example.com/test-finalizer'];
        await client.create(Pod, pod('victim-pod', spec('conformance-low', '1'), { finalizers }), {
          namespace,
        });
        await running(namespace, 'victim-pod');
        await client.create(Pod, pod('preemptor-pod', spec('conformance-high', '1')), { namespace });
        const victim = (await until('the victim is told to go', async () => {
          const found = await get(namespace, 'victim-pod');
          return found?.metadata.deletionTimestamp ? found : undefined;
        })) as Pod;
        expect(victim.status!.conditions).toContainEqual(
          expect.objectContaining({
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'PreemptionByScheduler',
          }),
        );
        await client.patch(Pod, 'victim-pod', 'merge', { metadata: { finalizers: null } }, { namespace });
        await running(namespace, 'preemptor-pod');
        await remove(namespace);
      }),
    );
  });

  test('a nominated pod keeps its place against others of its priority', async () => {
    const namespace = await newNamespace();
    await withPriorities(classes, () =>
      withResource(nodes[0]!, '1', async () => {
        const finalizers = ['example.com/test-finalizer'];
        await client.create(Pod, pod('victim', spec('conformance-low', '1'), { finalizers }), { namespace });
        await running(namespace, 'victim');
        await client.create(Pod, pod('first', spec('conformance-high', '1')), { namespace });
        await until('the nomination', async () => (await get(namespace, 'first'))?.status?.nominatedNodeName);
        await client.create(Pod, pod('second', spec('conformance-high', '1')), { namespace });
        await waiting(namespace, 'second');
        await client.patch(Pod, 'victim', 'merge', { metadata: { finalizers: null } }, { namespace });
        await running(namespace, 'first');
        expect((await get(namespace, 'second'))!.spec!.nodeName).toBeUndefined();
        await remove(namespace);
      }),
    );
  });

  test('a pod that a disruption budget protects is spared where another can go', async () => {
    const namespace = await newNamespace();
    await withPriorities(classes, () =>
      withResource(nodes[0]!, '2', async () => {
        for (const app of ['kept', 'spare']) {
          await client.create(Pod, pod(app, spec('conformance-low', '1'), { labels: { app } }), {
            namespace,
          });
          await running(namespace, app);
        }
        const budget = {
          metadata: { name: 'b' },
          spec: { minAvailable: 1, selector: { matchLabels: { app: 'kept' } } },
        };
        await client.create(PodDisruptionBudget, budget as Any, { namespace });
        await until('the budget is counted', async () => {
          const { status } = await client.get(PodDisruptionBudget, 'b', { namespace });
          return status?.currentHealthy === 1;
        });
        await client.create(Pod, pod('important', spec('conformance-high', '1')), { namespace });
        await running(namespace, 'important');
        expect(await get(namespace, 'kept')).toBeDefined();
        expect(await get(namespace, 'spare')).toBeUndefined();
        await remove(namespace);
      }),
    );
  });

  test('PreemptionExecutionPath runs ReplicaSets to verify preemption running path', async () => {
    const namespace = await newNamespace();
    const priorities = { p1: 1, p2: 2, p3: 3, p4: 4 };
    await withPriorities(priorities, () =>
      withResource(nodes[0]!, '1000', async () => {
        const set = (name: string, amount: string): Promise<unknown> => {
          const labels = { name };
          const template = { metadata: { labels }, spec: pod('', spec(name, amount, on(nodes[0]!))).spec };
          const rs = {
            metadata: { name },
            spec: { replicas: 1, selector: { matchLabels: labels }, template },
          };
          return client.create(ReplicaSet, rs as Any, { namespace });
        };
        const runs = (name: string): Promise<unknown> =>
          until(`a pod of ${name} runs`, async () => {
            const { items } = await client.list(Pod, { namespace, labelSelector: `name=${name}` });
            return items.some((p) => p.status?.phase === 'Running' && !p.metadata.deletionTimestamp);
          });
        for (const [name, amount] of [
          ['p1', '200'],
          ['p2', '300'],
          ['p3', '450'],
        ] as const) {
          await set(name, amount);
          await runs(name);
        }
        const before = await client.list(Pod, { namespace, labelSelector: 'name=p3' });
        await set('p4', '500');
        await runs('p4');
        const after = await client.list(Pod, { namespace, labelSelector: 'name=p3' });
        expect(after.items.map((p) => p.metadata.uid)).toEqual(before.items.map((p) => p.metadata.uid));
        for (const name of ['p1', 'p2', 'p3', 'p4']) {
          const { items } = await client.list(Pod, { namespace, labelSelector: `name=${name}` });
          expect(items.filter((p) => !p.metadata.deletionTimestamp)).toHaveLength(1);
        }
        await client.deleteCollection(ReplicaSet, { namespace });
        await remove(namespace);
      }),
    );
  });

  test('PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods', async () => {
    await withPriorities({ e1: 1, e2: 2 }, async () => {
      const { items } = await client.list(PriorityClass);
      expect(items.map((c) => c.metadata.name)).toEqual(expect.arrayContaining(['e1', 'e2']));
      for (const name of ['e1', 'e2']) {
        const refused = client.patch(PriorityClass, name, 'json', [
          { op: 'replace', path: '/value', value: 7 },
        ]);
        await expect(refused).rejects.toMatchObject({ reason: 'Invalid' });
        const described = await client.patch(PriorityClass, name, 'json', [
          { op: 'add', path: '/description', value: 'updated description' },
        ]);
        const updated = await client.update(PriorityClass, { ...described, description: 'again' } as Any);
        expect(updated).toMatchObject({ description: 'again' });
        await expect(client.update(PriorityClass, { ...updated, value: 9 } as Any)).rejects.toMatchObject({
          reason: 'Invalid',
        });
      }
    });
  });
});

describe('LimitRange', () => {
  const amounts = (cpu: string, memory: string, storage: string): Any => ({
    cpu,
    memory,
    'ephemeral-storage': storage,
  });
  const range = (name: string, labels: Any = {}): Any => ({
    metadata: { name, labels },
    spec: {
      limits: [
        {
          type: 'Container',
          min: amounts('50m', '100Mi', '100Gi'),
          max: amounts('500m', '500Mi', '500Gi'),
          default: amounts('500m', '500Mi', '500Gi'),
          defaultRequest: amounts('100m', '200Mi', '200Gi'),
        },
      ],
    },
  });
  const creates = (namespace: string, name: string, resources: Any): Promise<Pod> =>
    client.create(Pod, pod(name, { container: { resources } }), { namespace });

  test('should create a LimitRange with defaults and ensure pod has those defaults applied', async () => {
    const namespace = await newNamespace();
    await client.create(LimitRange, range('limit-range'), { namespace });
    const plain = await creates(namespace, 'pod-no-resources', {});
    expect(plain.spec!.containers[0]!.resources).toEqual({
      requests: amounts('100m', '200Mi', '200Gi'),
      limits: amounts('500m', '500Mi', '500Gi'),
    });
    const some = { requests: { cpu: '300m' }, limits: { cpu: '300m', memory: '250Mi' } };
    const partial = await creates(namespace, 'pod-partial-resources', some);
    expect(partial.spec!.containers[0]!.resources).toEqual({
      requests: amounts('300m', '250Mi', '200Gi'),
      limits: amounts('300m', '250Mi', '500Gi'),
    });
    await expect(creates(namespace, 'below', { requests: { cpu: '10m' } })).rejects.toMatchObject({
      reason: 'Forbidden',
    });
    await expect(creates(namespace, 'above', { limits: { cpu: '600m' } })).rejects.toMatchObject({
      reason: 'Forbidden',
    });
    const wider = [
      { op: 'replace', path: '/spec/limits/0/min/cpu', value: '9m' },
      { op: 'replace', path: '/spec/limits/0/min/memory', value: '49Mi' },
    ];
    await client.patch(LimitRange, 'limit-range', 'json', wider, { namespace });
    await creates(namespace, 'below-now', { requests: { cpu: '10m' } });
    await expect(creates(namespace, 'still-above', { limits: { cpu: '600m' } })).rejects.toMatchObject({
      reason: 'Forbidden',
    });
    await client.delete(LimitRange, 'limit-range', { namespace });
    await creates(namespace, 'as-large', { requests: { cpu: '600m' } });
  });

  test('should list, patch and delete a LimitRange by collection', async () => {
    const [a, b] = [await newNamespace(), await newNamespace()];
    const labels = { 'e2e-limitrange': 'two' };
    const labelSelector = 'e2e-limitrange=two';
    for (const namespace of [a, b]) await client.create(LimitRange, range('lr', labels), { namespace });
    const everywhere = await client.list(LimitRange, { labelSelector });
    expect(everywhere.items.map((l) => l.metadata.namespace).toSorted()).toEqual([a, b].toSorted());
    const patch = {
      metadata: { labels: { lr: 'patched' } },
      spec: {
        limits: [{ type: 'Container', min: { cpu: '60m' }, max: { cpu: '1' }, default: { cpu: '200m' } }],
      },
    };
    const patched = await client.patch(LimitRange, 'lr', 'merge', patch, { namespace: a });
    expect(patched.metadata.labels).toEqual({ ...labels, lr: 'patched' });
    expect(patched.spec!.limits[0]).toMatchObject({ min: { cpu: '60m' } });
    await client.deleteCollection(LimitRange, { namespace: a, labelSelector: 'lr=patched' });
    expect((await client.list(LimitRange, { labelSelector })).items.map((l) => l.metadata.namespace)).toEqual(
      [b],
    );
  });
});

describe('volumes', () => {
  const volume = (name: string, nodeName: string | undefined, spec: Any = {}): Any => ({
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'by-hand',
      local: { path: `/mnt/${name}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] }] },
          ],
        },
      },
      ...spec,
    },
  });
  const claim = (name: string, storageClassName = 'by-hand', spec: Any = {}): Any => ({
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName,
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
  });
  const using = (...claims: string[]): Any => ({
    volumes: claims.map((claimName, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName } })),
  });
  beforeAll(async () => {
    const types = { 'by-hand': 'kubernetes.io/no-provisioner', 'by-driver': 'example.com/disks' };
    for (const [name, provisioner] of Object.entries(types)) {
      const storageClass = { metadata: { name }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' };
      await client.create(StorageClass, storageClass as Any);
    }
  });

  test('a claim that waits for its first consumer gets a volume where its pod goes', async () => {
    const namespace = await newNamespace();
    await client.create(PersistentVolume, volume('on-second', nodes[1]!));
    await client.create(PersistentVolumeClaim, claim('data'), { namespace });
    await until('the volume is free', async () => {
      return (await client.get(PersistentVolume, 'on-second')).status?.phase === 'Available';
    });
    await client.create(Pod, pod('consumer', using('data')), { namespace });
    expect((await running(namespace, 'consumer')).spec!.nodeName).toBe(nodes[1]);
    const bound = await client.get(PersistentVolumeClaim, 'data', { namespace });
    expect(bound).toMatchObject({ spec: { volumeName: 'on-second' }, status: { phase: 'Bound' } });

    // Its node is full of claims: nobody else finds a volume, until one is made.
    await client.create(PersistentVolumeClaim, claim('more'), { namespace });
    await client.create(Pod, pod('late', using('more')), { namespace });
    expect(await waiting(namespace, 'late')).toContain(
      "3 node(s) didn't find available persistent volumes to bind",
    );
    await client.create(PersistentVolume, volume('on-third', nodes[2]!));
    expect((await running(namespace, 'late')).spec!.nodeName).toBe(nodes[2]);

    // And back: the claim goes after its pod, the volume is released.
    await client.delete(PersistentVolumeClaim, 'data', { namespace });
    expect(
      (await client.get(PersistentVolumeClaim, 'data', { namespace })).metadata.deletionTimestamp,
    ).toBeDefined();
    await client.delete(Pod, 'consumer', { namespace, gracePeriodSeconds: 0 });
    await until('the volume is released', async () => {
      return (await client.get(PersistentVolume, 'on-second')).status?.phase === 'Released';
    });
    await remove(namespace);
    await client.deleteCollection(PersistentVolume);
  });

  test('a provisioner is told the node, and the pod waits for what it makes', async () => {
    const namespace = await newNamespace();
    await client.create(PersistentVolumeClaim, claim('data', 'by-driver'), { namespace });
    await client.create(Pod, pod('consumer', { ...using('data'), ...on(nodes[0]!) }), { namespace });
    const asked = (await until('the provisioner is asked', async () => {
      const found = await client.get(PersistentVolumeClaim, 'data', { namespace });
      return found.metadata.annotations?.['volume.kubernetes.io/selected-node'] === nodes[0]
        ? found
        : undefined;
    })) as PersistentVolumeClaim;
    expect((await get(namespace, 'consumer'))!.spec!.nodeName).toBeUndefined();
    const claimRef = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace,
      name: 'data',
      uid: asked.metadata.uid,
    };
    await client.create(
      PersistentVolume,
      volume('made', nodes[0]!, { storageClassName: 'by-driver', claimRef }),
    );
    expect((await running(namespace, 'consumer')).spec!.nodeName).toBe(nodes[0]);
    await remove(namespace);
    await client.deleteCollection(PersistentVolume);
  });

  test('pods with claims that are missing or not bound wait with the reason, and go on when that changes', async () => {
    const namespace = await newNamespace();
    await client.create(Pod, pod('p', using('late-claim')), { namespace });
    expect(await waiting(namespace, 'p')).toContain('persistentvolumeclaim "late-claim" not found');
    await client.create(PersistentVolumeClaim, claim('late-claim', ''), { namespace });
    await until('another reason', async () =>
      (await waiting(namespace, 'p')).includes('pod has unbound immediate PersistentVolumeClaims'),
    );
    await client.create(PersistentVolume, volume('anywhere', nodes[0]!, { storageClassName: '' }));
    await running(namespace, 'p');
    await remove(namespace);
    await client.deleteCollection(PersistentVolume);
  });

  test('a claim that names no class gets a folder on the node of its first pod, for as long as it lives', async () => {
    const namespace = await newNamespace();
    const plain = claim('data');
    delete plain.spec.storageClassName;
    await client.create(PersistentVolumeClaim, plain, { namespace });
    await client.create(Pod, pod('consumer', { ...using('data'), ...on(nodes[2]!) }), { namespace });
    await running(namespace, 'consumer');
    const { spec } = await client.get(PersistentVolumeClaim, 'data', { namespace });
    expect(spec!.storageClassName).toBe('local');
    const made = await client.get(PersistentVolume, spec!.volumeName!);
    expect(made.spec!.hostPath!.path).toContain(engine.folder);
    // Where it is, its next pod goes.
    await client.create(Pod, pod('next', using('data')), { namespace });
    expect((await running(namespace, 'next')).spec!.nodeName).toBe(nodes[2]);
    await remove(namespace);
    await until('the volume gone', async () => {
      const { items } = await client.list(PersistentVolume);
      return !items.some(({ metadata }) => metadata.name === spec!.volumeName);
    });
  });

  test('a ReadWriteOncePod claim serves one pod at a time', async () => {
    const namespace = await newNamespace();
    const accessModes = ['ReadWriteOncePod'];
    await client.create(PersistentVolume, volume('one', nodes[0]!, { accessModes }));
    await client.create(PersistentVolumeClaim, claim('one', 'by-hand', { accessModes }), { namespace });
    await client.create(Pod, pod('first', using('one')), { namespace });
    await running(namespace, 'first');
    await client.create(Pod, pod('second', using('one')), { namespace });
    expect(await waiting(namespace, 'second')).toContain('ReadWriteOncePod access mode');
    await client.delete(Pod, 'first', { namespace, gracePeriodSeconds: 0 });
    await running(namespace, 'second');
    await remove(namespace);
    await client.deleteCollection(PersistentVolume);
  });
});

test('profiles: pods choose one by schedulerName, and unknown names are left alone', async () => {
  const namespace = await newNamespace();
  for (const name of ['a', 'b', 'c']) {
    const spec = { schedulerName: 'packed', container: wanting({ cpu: '1', memory: '1Gi' }) };
    await client.create(Pod, pod(name, spec), { namespace });
    await running(namespace, name);
  }
  const { items } = await client.list(Pod, { namespace });
  expect(new Set(items.map((p) => p.spec!.nodeName)).size).toBe(1);
  await client.create(Pod, pod('other', { schedulerName: 'nobody' }), { namespace });
  await client.create(Pod, pod('last', {}), { namespace });
  await running(namespace, 'last');
  expect((await get(namespace, 'other'))!.status!.conditions ?? []).toEqual([]);
});
