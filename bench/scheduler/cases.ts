/**
 * The workloads of `npm run bench -- scheduler`. Shapes and numbers are those of kube-scheduler's own performance test
 * (`test/integration/scheduler_perf`) where it has the case; its published floor is named with it. Gangs are ours.
 */
import type { Client } from '@coracle/client';
import {
  DeviceClass,
  Node,
  Pod,
  PodGroup,
  ResourceClaimTemplate,
  ResourceSlice,
  Service,
} from '@coracle/machinery/api';

/** A pod as the API takes it, less what every pod here has. */
export interface PodShape {
  readonly name: string;
  readonly labels?: Record<string, string>;
  readonly requests?: Record<string, string>;
  readonly spec?: object;
}

export interface Case {
  readonly name: string;
  readonly what: string;
  readonly nodes: number;
  /** Pods a second that upstream's own test asks of kube-scheduler, and what is asked of ours. */
  readonly upstream?: number;
  readonly target?: number;
  readonly capacity: Record<string, string>;
  /** The nodes start the pods at once and say so. Else they are taken up and no more: upstream's test has no nodes at all. */
  readonly starts?: boolean;
  labels(index: number): Record<string, string>;
  /** Makes what must be there before any pod. */
  prepare?(client: Client): Promise<void>;
  /** Pods that must be bound before the clock starts. */
  readonly before?: readonly PodShape[];
  /** Pods whose binding is timed. */
  readonly measured: readonly PodShape[];
  /** What goes on beside, until `signal` aborts. */
  beside?(client: Client, signal: AbortSignal): Promise<void>;
}

const smallNode = { cpu: '4', memory: '32Gi', pods: '110' };
const gpuNode = { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': '8' };
const small = { cpu: '100m', memory: '500Mi' };
const zoneLabel = 'topology.kubernetes.io/zone';
const rackLabel = 'topology.coracle.dev/rack';

function many(
  count: number,
  shape: (index: number) => Omit<PodShape, 'name'>,
  prefix = 'measured',
): PodShape[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${prefix}-${index}`, ...shape(index) }));
}
const plain = (count: number): PodShape[] => many(count, () => ({ requests: small }), 'before');

const affinityTo = (color: string, topologyKey: string): object[] => [
  { labelSelector: { matchLabels: { color } }, topologyKey, namespaces: ['default'] },
];
const withAffinity = (): Omit<PodShape, 'name'> => ({
  labels: { color: 'blue' },
  requests: small,
  spec: {
    affinity: {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: affinityTo('blue', zoneLabel) },
    },
  },
});
const withAntiAffinity = (): Omit<PodShape, 'name'> => ({
  labels: { color: 'green' },
  requests: small,
  spec: {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: affinityTo('green', 'kubernetes.io/hostname'),
      },
    },
  },
});
const inZones = (): Omit<PodShape, 'name'> => ({
  requests: small,
  spec: {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: zoneLabel, operator: 'In', values: ['zone1', 'zone2'] }] },
          ],
        },
      },
    },
  },
});
const spread = (): Omit<PodShape, 'name'> => ({
  labels: { color: 'blue' },
  requests: small,
  spec: {
    topologySpreadConstraints: [
      {
        maxSkew: 5,
        topologyKey: zoneLabel,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { color: 'blue' } },
      },
    ],
  },
});

const zones =
  (count: number) =>
  (index: number): Record<string, string> => ({
    [zoneLabel]: `zone${(index % count) + 1}`,
  });
const racks = (index: number): Record<string, string> => ({ [rackLabel]: `rack-${Math.floor(index / 16)}` });

/** As many gangs of `size` as make about 5,000 pods, a card each, every gang in one rack of 16 nodes with 8 cards. */
function gangs(size: number): Case {
  const count = Math.floor(5000 / size);
  return {
    name: `gangs-${size}`,
    what: `gangs of ${size}, each in one rack`,
    nodes: 5000,
    capacity: gpuNode,
    labels: racks,
    prepare: (client) =>
      inParallel(count, (index) =>
        client.create(PodGroup, group(`gang-${index}`, size, { topology: [{ key: rackLabel }] }), {
          namespace: 'default',
        }),
      ),
    measured: many(count * size, (index) => member(`gang-${Math.floor(index / size)}`, '1')),
  };
}

function group(name: string, minCount: number, schedulingConstraints?: object, priority?: number): PodGroup {
  return {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { name, namespace: 'default' },
    spec: {
      schedulingPolicy: { gang: { minCount } },
      disruptionMode: 'PodGroup',
      ...(schedulingConstraints && { schedulingConstraints }),
      ...(priority !== undefined && { priorityClassName: 'bench-high' }),
    },
  } as unknown as PodGroup;
}
const member = (podGroupName: string, gpus: string, spec: object = {}): Omit<PodShape, 'name'> => ({
  requests: { cpu: '1', 'nvidia.com/gpu': gpus },
  spec: { schedulingGroup: { podGroupName }, ...spec },
});

/** Runs `count` tasks, so many at a time. */
export async function inParallel(
  count: number,
  task: (index: number) => Promise<unknown>,
  width = 100,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let index = next++; index < count; index = next++) await task(index);
    }),
  );
}

const cardsPerNode = 8;
async function devices(client: Client): Promise<void> {
  await client.create(DeviceClass, {
    metadata: { name: 'bench-gpu' },
    spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.bench.example"' } }] },
  } as unknown as DeviceClass);
  await client.create(
    ResourceClaimTemplate,
    {
      metadata: { name: 'one-card', namespace: 'default' },
      spec: {
        spec: {
          devices: { requests: [{ name: 'card', exactly: { deviceClassName: 'bench-gpu' } }] },
        },
      },
    } as unknown as ResourceClaimTemplate,
    { namespace: 'default' },
  );
  const { items } = await client.list(Node);
  await inParallel(items.length, (index) => {
    const { name } = items[index]!.metadata;
    return client.create(ResourceSlice, {
      metadata: { name: `${name}-cards` },
      spec: {
        driver: 'gpu.bench.example',
        nodeName: name,
        pool: { name, generation: 1, resourceSliceCount: 1 },
        devices: Array.from({ length: cardsPerNode }, (_, card) => ({
          name: `card-${card}`,
          attributes: { model: { string: 'bench' }, index: { int: card } },
          capacity: { memory: { value: '80Gi' } },
        })),
      },
    } as unknown as ResourceSlice);
  });
}

/** Every second one node, one pod that is too large and one Service come and go, as upstream's churn does. */
async function churn(client: Client, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const name = `churn-${round}`;
    const namespace = 'default';
    await Promise.allSettled([
      client.create(Node, {
        metadata: { name },
        status: { capacity: smallNode, allocatable: smallNode },
      } as unknown as Node),
      client.create(
        Pod,
        podOf({ name, requests: { cpu: '100' }, spec: { priorityClassName: 'bench-high' } }),
        {
          namespace,
        },
      ),
      client.create(Service, { metadata: { name, namespace }, spec: { ports: [{ port: 80 }] } } as Service, {
        namespace,
      }),
    ]);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve(undefined)), { once: true });
    });
    await Promise.allSettled([
      client.delete(Node, name),
      client.delete(Pod, name, { namespace, gracePeriodSeconds: 0 }),
      client.delete(Service, name, { namespace }),
    ]);
  }
}

/** Four of them leave a small node with room for plain pods, and a preemptor needs the place of three. */
const replaceable = many(20_000, () => ({ requests: { cpu: '900m', memory: '500Mi' } }), 'before');
const preemptor: Omit<PodShape, 'name'> = {
  requests: { cpu: '3000m', memory: '500Mi' },
  spec: { priorityClassName: 'bench-high' },
};

/**
 * Preemptors come while other pods are placed: upstream's `PreemptionAsync`, the case its published floor is for. There they come every
 * 200 ms; here ten times as often, so that at ten times the floor there are as many to a plain pod.
 */
async function preemptors(client: Client, signal: AbortSignal): Promise<void> {
  const created: Promise<unknown>[] = [];
  const began = performance.now();
  while (!signal.aborted) {
    const due = began + created.length * 20;
    if (performance.now() >= due) {
      const name = `preemptor-${created.length}`;
      created.push(client.create(Pod, podOf({ name, ...preemptor }), { namespace: 'default' }));
    } else await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
  }
  await Promise.all(created);
}

/** Extended resources are asked for by limits as well. */
function resourcesOf(requests: Record<string, string>): object {
  const limits = Object.fromEntries(Object.entries(requests).filter(([name]) => name.includes('/')));
  return { requests, ...(Object.keys(limits).length > 0 && { limits }) };
}

export function podOf({ name, labels, requests, spec }: PodShape, starts = false): Pod {
  const annotations = starts ? undefined : { 'coracle.dev/start-seconds': '3600' };
  return {
    metadata: { name, namespace: 'default', ...(annotations && { annotations }), ...(labels && { labels }) },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'none', ...(requests && { resources: resourcesOf(requests) }) }],
      ...spec,
    },
  } as unknown as Pod;
}

const reclaimed = 1000;
export const cases: readonly Case[] = [
  {
    name: 'basic',
    what: '10,000 plain pods',
    nodes: 5000,
    upstream: 270,
    target: 2700,
    capacity: smallNode,
    labels: () => ({}),
    before: plain(1000),
    measured: many(10_000, () => ({ requests: small })),
  },
  {
    name: 'basic-started',
    what: '10,000 plain pods, which their nodes start meanwhile',
    nodes: 5000,
    capacity: smallNode,
    starts: true,
    labels: () => ({}),
    before: plain(1000),
    measured: many(10_000, () => ({ requests: small })),
  },
  {
    name: 'node-affinity',
    what: '10,000 pods that ask for one of two zones of three',
    nodes: 5000,
    capacity: smallNode,
    labels: zones(3),
    before: plain(1000),
    measured: many(10_000, inZones),
  },
  {
    name: 'pod-affinity',
    what: '5,000 pods beside 5,000, all bound to one another by zone',
    nodes: 5000,
    upstream: 35,
    target: 350,
    capacity: smallNode,
    labels: zones(1),
    before: many(5000, withAffinity, 'before'),
    measured: many(5000, withAffinity),
  },
  {
    name: 'pod-anti-affinity',
    what: '2,000 pods beside 1,000, no two on one node',
    nodes: 5000,
    upstream: 60,
    target: 600,
    capacity: smallNode,
    labels: () => ({}),
    before: many(1000, withAntiAffinity, 'before'),
    measured: many(2000, withAntiAffinity),
  },
  {
    name: 'spread',
    what: '5,000 pods beside 5,000, spread over three zones',
    nodes: 5000,
    capacity: smallNode,
    labels: zones(3),
    before: plain(5000),
    measured: many(5000, spread),
  },
  {
    name: 'preemption-async',
    what: '5,000 plain pods while others come, 50 a second, that each take the place of three of 20,000',
    nodes: 5000,
    upstream: 160,
    target: 1600,
    capacity: smallNode,
    labels: () => ({}),
    before: replaceable,
    measured: many(5000, () => ({ requests: small })),
    beside: preemptors,
  },
  {
    name: 'preemption',
    what: '5,000 pods, each in the place of three of 20,000',
    nodes: 5000,
    capacity: smallNode,
    labels: () => ({}),
    before: replaceable,
    measured: many(5000, () => preemptor),
  },
  {
    name: 'churn',
    what: '10,000 pods while nodes, pods and Services come and go',
    nodes: 5000,
    upstream: 265,
    capacity: smallNode,
    labels: () => ({}),
    measured: many(10_000, () => ({ requests: small })),
    beside: churn,
  },
  {
    name: 'dra',
    what: '5,000 pods, each with a claim of its own for one of 40,000 devices',
    nodes: 5000,
    upstream: 50,
    target: 500,
    capacity: smallNode,
    labels: () => ({}),
    prepare: devices,
    measured: many(5000, () => ({
      requests: small,
      spec: {
        resourceClaims: [{ name: 'card', resourceClaimTemplateName: 'one-card' }],
        containers: [
          { name: 'main', image: 'none', resources: { requests: small, claims: [{ name: 'card' }] } },
        ],
      },
    })),
  },
  gangs(8),
  gangs(64),
  {
    name: 'gang-reclaim',
    what: 'one gang of 64 whole nodes takes its place from gangs that fill 1,000 nodes',
    nodes: reclaimed,
    capacity: gpuNode,
    labels: racks,
    prepare: async (client) => {
      await inParallel(reclaimed / 8, (index) =>
        client.create(PodGroup, group(`low-${index}`, 8), { namespace: 'default' }),
      );
      await client.create(PodGroup, group('high', 64, undefined, 1000), { namespace: 'default' });
    },
    before: many(reclaimed, (index) => member(`low-${Math.floor(index / 8)}`, '8'), 'before'),
    measured: many(64, () => member('high', '8', { priorityClassName: 'bench-high' })),
  },
];
