/** Random clusters for the rules that need more than nodes and pods: storage, owners, images, resizes, other profiles. */
import type {
  CSINode,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  TopologySpreadConstraint,
} from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { node, pod } from './objects.ts';
import type { Storage } from './reference-storage.ts';
import type { Selecting, Settings } from './reference.ts';

const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';
const mebi = 1024 * 1024;
const perhaps = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

const images = [
  { names: ['small:latest', 'registry/small'], sizeBytes: 20 * mebi },
  { names: ['registry/middle:v1'], sizeBytes: 400 * mebi },
  { names: ['registry:5000/large:latest'], sizeBytes: 1800 * mebi },
];
const imageNames = ['small', 'registry/middle:v1', 'registry:5000/large', 'absent'];

export const worldNodes: fc.Arbitrary<Node[]> = fc
  .array(
    fc.record({
      zone: perhaps(fc.constantFrom('a', 'b')),
      cpu: fc.constantFrom('2', '4'),
      gpus: fc.constantFrom(undefined, '2'),
      images: fc.subarray(images),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) =>
    list.map((n, i) =>
      node(`n${i}`, {
        labels: n.zone ? { [zone]: n.zone } : {},
        allocatable: { cpu: n.cpu, memory: '8Gi', ...(n.gpus && { 'nvidia.com/gpu': n.gpus }) },
        images: n.images,
      }),
    ),
  );

const meta = (name: string, more: object = {}): object => ({
  name,
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});
const driver = 'csi.example.com';

const classes: StorageClass[] = [
  { name: 'wait', provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' },
  { name: 'made', provisioner: driver, volumeBindingMode: 'WaitForFirstConsumer' },
  {
    name: 'zonal',
    provisioner: 'other.example.com',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: ['a'] }] }],
  },
  { name: 'now', provisioner: driver, volumeBindingMode: 'Immediate' },
].map(
  ({ name, ...rest }) =>
    ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: meta(name),
      ...rest,
    }) as StorageClass,
);

/** Claims `c0`.. and volumes `v0`.., the first of each perhaps bound to one another. */
const storage: fc.Arbitrary<Storage> = fc
  .record({
    volumes: fc.array(
      fc.record({
        storageClassName: fc.constantFrom('wait', 'made'),
        host: fc.constantFrom(undefined, undefined, 0, 1, 2, 3),
        zones: fc.constantFrom(undefined, undefined, 'a', 'b', 'a__b'),
        inZone: fc.constantFrom(undefined, undefined, 'a', 'b'),
        csi: fc.boolean(),
        access: fc.constantFrom('ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'),
        taken: fc.constantFrom(true, false, false, false, false),
      }),
      { minLength: 2, maxLength: 6 },
    ),
    claims: fc.array(
      fc.record({
        storageClassName: fc.constantFrom(
          'wait',
          'wait',
          'wait',
          'wait',
          'made',
          'made',
          'zonal',
          'now',
          'unknown',
        ),
        size: fc.integer({ min: 1, max: 3 }),
        access: fc.constantFrom('ReadWriteOnce', 'ReadWriteOnce', 'ReadWriteOncePod'),
        bound: fc.boolean(),
        node: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, 'n0', 'n1'),
        trouble: fc.constantFrom(...Array<undefined>(9).fill(undefined), 'lost', 'deleting', 'gone'),
      }),
      { minLength: 4, maxLength: 6 },
    ),
    limits: fc.array(fc.constantFrom(undefined, undefined, 0, 1, 2), { minLength: 6, maxLength: 6 }),
  })
  .map((o) => {
    const claimBound = (i: number): boolean => (o.claims[i]?.bound ?? false) && i < o.volumes.length;
    const volumes = o.volumes.map((v, i) => {
      const key = v.host === undefined ? undefined : hostname;
      const value = key ? `n${v.host}` : v.inZone;
      const affinity = {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: key ?? zone, operator: 'In', values: [value, 'nowhere'] }] },
          ],
        },
      };
      const claim = claimBound(i) ? `c${i}` : v.taken ? 'somebody' : undefined;
      return {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: meta(`v${i}`, v.zones ? { labels: { [zone]: v.zones } } : {}),
        spec: {
          // No two alike: which of equals is chosen is nobody's promise.
          capacity: { storage: `${i + 1}Gi` },
          accessModes: [v.access, 'ReadWriteOnce'],
          storageClassName: v.storageClassName,
          ...(value === undefined ? {} : { nodeAffinity: affinity }),
          ...(v.csi ? { csi: { driver, volumeHandle: `h${i % 3}` } } : {}),
          ...(claim ? { claimRef: { namespace: 'default', name: claim, uid: claim } } : {}),
        },
        status: { phase: claim ? 'Bound' : 'Available' },
      } as unknown as PersistentVolume;
    });
    const claims = o.claims.map((c, i) => {
      const annotations = {
        ...(claimBound(i) ? { 'pv.kubernetes.io/bind-completed': 'yes' } : {}),
        ...(!claimBound(i) && c.node ? { 'volume.kubernetes.io/selected-node': c.node } : {}),
      };
      return {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: meta(`c${i}`, {
          namespace: 'default',
          annotations,
          ...(c.trouble === 'deleting' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
        }),
        spec: {
          storageClassName: c.storageClassName,
          accessModes: [c.access],
          resources: { requests: { storage: `${c.size}Gi` } },
          ...(claimBound(i) ? { volumeName: c.trouble === 'gone' ? 'gone' : `v${i}` } : {}),
        },
        status: {
          phase: c.trouble === 'lost' && claimBound(i) ? 'Lost' : claimBound(i) ? 'Bound' : 'Pending',
        },
      } as unknown as PersistentVolumeClaim;
    });
    const csiNodes = o.limits.map(
      (count, i) =>
        ({
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSINode',
          metadata: meta(`n${i}`),
          spec: {
            drivers: [
              { name: driver, nodeID: `n${i}`, ...(count === undefined ? {} : { allocatable: { count } }) },
            ],
          },
        }) as unknown as CSINode,
    );
    return { claims, volumes, classes, csiNodes };
  });

const selectors: fc.Arbitrary<Selecting[]> = fc.subarray([
  { namespace: 'default', kind: 'Service', name: 's', matchLabels: { app: 'a' } },
  { namespace: 'default', kind: 'Service', name: 't', matchLabels: { app: 'a', tier: 'x' } },
  { namespace: 'default', kind: 'ReplicaSet', name: 'web', matchLabels: { app: 'b' } },
]);

const point = fc.record({
  utilization: fc.integer({ min: 0, max: 100 }),
  score: fc.integer({ min: 0, max: 10 }),
});
const defaults: TopologySpreadConstraint[] = [
  { topologyKey: zone, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 1 },
  { topologyKey: hostname, whenUnsatisfiable: 'DoNotSchedule', maxSkew: 2 },
];
const weight = fc.integer({ min: 1, max: 10 });
export const settings: fc.Arbitrary<Settings> = fc.record(
  {
    strategy: fc.constantFrom('LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'),
    shape: fc
      .uniqueArray(point, { selector: (p) => p.utilization, minLength: 1, maxLength: 4 })
      .map((points) => points.toSorted((a, b) => a.utilization - b.utilization)),
    resources: fc.subarray(
      [
        { name: 'cpu', weight: 1 },
        { name: 'memory', weight: 3 },
        { name: 'nvidia.com/gpu', weight: 5 },
        { name: 'ephemeral-storage', weight: 2 },
      ],
      { minLength: 1 },
    ),
    ignored: fc.constant(['nvidia.com/gpu']),
    hardWeight: fc.integer({ min: 0, max: 100 }),
    added: fc.record({ zones: fc.subarray(['a', 'b'], { minLength: 1 }), rather: fc.constantFrom('a', 'b') }),
    ignorePreferred: fc.boolean(),
    defaultConstraints: fc.constantFrom(defaults, defaults.slice(0, 1), []),
    weights: fc.record(
      { TaintToleration: weight, NodeResourcesFit: weight, PodTopologySpread: weight, ImageLocality: weight },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['strategy', 'shape'] },
) as unknown as fc.Arbitrary<Settings>;

const amounts = fc.record(
  { cpu: fc.constantFrom('100m', '500m', '1'), memory: fc.constantFrom('128Mi', '1Gi') },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;

export const worldPods: fc.Arbitrary<Pod> = fc
  .record({
    labels: fc.constantFrom({ app: 'a' }, { app: 'b' }, { app: 'a', tier: 'x' }, {}),
    owned: fc.boolean(),
    containers: fc.array(fc.record({ requests: amounts, image: fc.constantFrom(...imageNames) }), {
      minLength: 1,
      maxLength: 2,
    }),
    gpus: fc.constantFrom(undefined, undefined, '1'),
    sidecarPort: fc.constantFrom(undefined, undefined, undefined, 80),
    podLevel: fc.constantFrom(undefined, undefined, undefined, { cpu: '1' }, { cpu: '1', memory: '1Gi' }),
    claims: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
    matchKeys: fc.boolean(),
    near: perhaps(
      fc.record({
        wish: fc.boolean(),
        kind: fc.constantFrom('podAffinity', 'podAntiAffinity'),
        weight: fc.integer({ min: 1, max: 100 }),
        topologyKey: fc.constantFrom(zone, hostname),
      }),
    ),
  })
  .map((o) =>
    pod('p', {
      labels: o.labels,
      spec: {
        containers: o.containers.map((c, i) => ({
          name: `c${i}`,
          image: c.image,
          resources: {
            requests: { ...c.requests, ...(i === 0 && o.gpus ? { 'nvidia.com/gpu': o.gpus } : {}) },
          },
        })),
        ...(o.sidecarPort
          ? {
              initContainers: [
                {
                  name: 'side',
                  image: 'small',
                  restartPolicy: 'Always',
                  ports: [{ containerPort: 80, hostPort: o.sidecarPort }],
                },
              ],
            }
          : {}),
        ...(o.podLevel ? { resources: { requests: o.podLevel } } : {}),
        ...(o.matchKeys
          ? {
              topologySpreadConstraints: [
                {
                  topologyKey: zone,
                  maxSkew: 1,
                  whenUnsatisfiable: 'ScheduleAnyway',
                  labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
                  matchLabelKeys: ['tier'],
                },
              ],
            }
          : {}),
        ...(o.near ? { affinity: affinityOf(o.near) } : {}),
        volumes: o.claims.map((i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName: `c${i}` } })),
      } as never,
    }),
  )
  .chain((p) => fc.boolean().map((owned) => (owned ? withOwner(p) : p)));

function affinityOf(o: { wish: boolean; kind: string; weight: number; topologyKey: string }): object {
  const labelSelector = { matchLabels: { app: 'a' } };
  const term = { topologyKey: o.topologyKey, labelSelector };
  const terms = o.wish
    ? { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: o.weight, podAffinityTerm: term }] }
    : { requiredDuringSchedulingIgnoredDuringExecution: [term] };
  return { [o.kind]: terms };
}

function withOwner(p: Pod): Pod {
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'web', controller: true },
  ];
  return { ...p, metadata: { ...p.metadata, ownerReferences } };
}

/** Pods that run already, some in the middle of a resize. */
export const runningPods: fc.Arbitrary<{ pod: Pod; nodeName: string }[]> = fc.array(
  fc
    .record({
      spec: amounts,
      allocated: perhaps(amounts),
      actual: perhaps(amounts),
      infeasible: fc.boolean(),
      leaving: fc.constantFrom(false, false, true),
      on: fc.integer({ min: 0, max: 5 }),
      labels: fc.constantFrom({ app: 'a' }, { app: 'b' }),
    })
    .map((o) => {
      const nodeName = `n${o.on}`;
      const running = pod('r', {
        nodeName,
        labels: o.labels,
        requests: o.spec,
      });
      const containerStatuses = [
        {
          name: 'c',
          ...(o.allocated ? { allocatedResources: o.allocated } : {}),
          ...(o.actual ? { resources: { requests: o.actual } } : {}),
        },
      ];
      const conditions = o.infeasible
        ? [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }]
        : [];
      const metadata = o.leaving
        ? { ...running.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
        : running.metadata;
      return {
        pod: {
          ...running,
          metadata,
          status: { phase: 'Running', containerStatuses, conditions },
        } as unknown as Pod,
        nodeName,
      };
    }),
  { maxLength: 4 },
);

export interface World {
  nodes: Node[];
  storage: Storage;
  selectors: Selecting[];
  running: { pod: Pod; nodeName: string }[];
  settings: Settings;
}
export const worlds: fc.Arbitrary<World> = fc.record({
  nodes: worldNodes,
  storage,
  selectors,
  running: runningPods,
  settings: fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: settings }),
});
