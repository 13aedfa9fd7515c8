/** Random clusters and pods: few values, so that they often meet. */
import type { Node, NodeSelectorTerm, Pod, PodSpec } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { node, pod } from './objects.ts';

const zones = ['a', 'b', 'c'];
const taint = fc.record(
  {
    key: fc.constantFrom('dedicated', 'gpu'),
    value: fc.constantFrom('x', 'y'),
    effect: fc.constantFrom(
      'NoSchedule',
      'PreferNoSchedule',
      'PreferNoSchedule',
      'PreferNoSchedule',
      'NoExecute',
    ),
  },
  { requiredKeys: ['key', 'effect'] },
);
const toleration = fc.record(
  {
    key: fc.constantFrom('dedicated', 'gpu', 'node.kubernetes.io/unschedulable'),
    operator: fc.constantFrom('Equal', 'Exists'),
    value: fc.constantFrom('x', 'y'),
    effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
  },
  { requiredKeys: ['key', 'operator'] },
);
const expression = fc.oneof(
  fc.record({
    key: fc.constantFrom('zone', 'disk'),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom(...zones, 'ssd'), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    key: fc.constantFrom('zone', 'disk', 'gen'),
    operator: fc.constantFrom('Exists', 'DoesNotExist'),
  }),
  fc.record({
    key: fc.constantFrom('gen', 'zone'),
    operator: fc.constantFrom('Gt', 'Lt'),
    values: fc.constantFrom(['1'], ['2'], ['3']),
  }),
);
const term = fc.record(
  {
    matchExpressions: fc.array(expression, { maxLength: 2 }),
    matchFields: fc.constantFrom(
      [{ key: 'metadata.name', operator: 'NotIn', values: ['n0', 'n1'] }],
      [{ key: 'metadata.name', operator: 'NotIn', values: ['n2'] }],
    ),
  },
  { requiredKeys: [] },
) as unknown as fc.Arbitrary<NodeSelectorTerm>;

export const nodes: fc.Arbitrary<Node[]> = fc
  .array(
    fc.record({
      zone: fc.option(fc.constantFrom(...zones), { nil: undefined }),
      disk: fc.option(fc.constantFrom('ssd', 'b'), { nil: undefined }),
      gen: fc.option(fc.constantFrom('1', '2', '3', 'new'), { nil: undefined }),
      cpu: fc.constantFrom('1', '2', '1500m', '4'),
      memory: fc.constantFrom('1Gi', '2Gi', '4G'),
      gpus: fc.constantFrom(undefined, undefined, '1', '4'),
      pods: fc.constantFrom('2', '4', '110'),
      taints: fc.array(taint, { maxLength: 2 }),
      unschedulable: fc.constantFrom(false, false, false, false, false, true),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((list) =>
    list.map(({ zone, disk, gen, cpu, memory, gpus, pods, taints, unschedulable }, i) =>
      node(`n${i}`, {
        labels: { ...(zone && { zone }), ...(disk && { disk }), ...(gen && { gen }) },
        allocatable: { cpu, memory, pods, ...(gpus && { 'nvidia.com/gpu': gpus }) },
        spec: { taints, unschedulable },
      }),
    ),
  );

const requests = fc.record(
  {
    cpu: fc.constantFrom('100m', '250m', '1', '0'),
    memory: fc.constantFrom('128Mi', '512Mi', '1Gi'),
    'nvidia.com/gpu': fc.constantFrom('1', '2'),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;

const labelSets = fc.constantFrom({ app: 'a' }, { app: 'b' }, { app: 'a', tier: 'x' }, {});
const selector = fc.constantFrom(
  { matchLabels: { app: 'a' } },
  { matchLabels: { app: 'b' } },
  { matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
  { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['b'] }] },
  {},
);
const topologyKey = fc.constantFrom('zone', 'zone', 'kubernetes.io/hostname', 'disk');
/** Two namespaces; `other` has the label team=x. */
export const namespaces = { default: {}, other: { team: 'x' } };
const affinityTerm = fc.record(
  {
    topologyKey,
    labelSelector: selector,
    namespaces: fc.constantFrom(['other'], ['default', 'other']),
    namespaceSelector: fc.constantFrom({}, { matchLabels: { team: 'x' } }),
  },
  { requiredKeys: ['topologyKey', 'labelSelector'] },
);
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<T[]>([]) },
    { weight: 1, arbitrary: fc.array(arbitrary, { maxLength: 2 }) },
  );
const weighted = fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: affinityTerm });
const podAffinities = fc.record({ required: rarely(affinityTerm), preferred: rarely(weighted) }).map((a) => ({
  requiredDuringSchedulingIgnoredDuringExecution: a.required,
  preferredDuringSchedulingIgnoredDuringExecution: a.preferred,
}));
const spread = fc.record(
  {
    topologyKey,
    maxSkew: fc.integer({ min: 1, max: 2 }),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: selector,
    minDomains: fc.integer({ min: 1, max: 3 }),
    nodeAffinityPolicy: fc.constantFrom('Honor', 'Ignore'),
    nodeTaintsPolicy: fc.constantFrom('Honor', 'Ignore'),
  },
  { requiredKeys: ['topologyKey', 'maxSkew', 'whenUnsatisfiable', 'labelSelector'] },
);

export const podSpecs: fc.Arbitrary<Pod> = fc
  .record({
    namespace: fc.constantFrom('default', 'default', 'other'),
    labels: labelSets,
    podAffinity: podAffinities,
    podAntiAffinity: podAffinities,
    spreads: rarely(spread),
    containers: fc.array(requests, { minLength: 1, maxLength: 2 }),
    inits: fc.array(fc.record({ requests, sidecar: fc.boolean() }), { maxLength: 2 }),
    hostPort: fc.constantFrom(undefined, undefined, 80, 443),
    hostIP: fc.constantFrom(undefined, '10.0.0.1', '10.0.0.2'),
    nodeSelector: fc.constantFrom(undefined, undefined, { zone: 'a' }, { disk: 'ssd' }),
    required: fc.option(fc.array(term, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
    preferred: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }), {
      maxLength: 2,
    }),
    tolerations: fc.array(toleration, { maxLength: 3 }),
    overhead: fc.constantFrom(undefined, undefined, { cpu: '50m' }),
  })
  .map((o) => {
    const nodeAffinity = {
      ...(o.required && {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: o.required },
      }),
      preferredDuringSchedulingIgnoredDuringExecution: o.preferred,
    };
    return pod('p', {
      namespace: o.namespace,
      labels: o.labels,
      spec: {
        topologySpreadConstraints: o.spreads as NonNullable<PodSpec['topologySpreadConstraints']>,
        containers: o.containers.map((r, i) => ({
          name: `c${i}`,
          resources: { requests: r },
          ...(i === 0 && o.hostPort
            ? { ports: [{ containerPort: 80, hostPort: o.hostPort, ...(o.hostIP && { hostIP: o.hostIP }) }] }
            : {}),
        })),
        initContainers: o.inits.map((init, i) => ({
          name: `i${i}`,
          resources: { requests: init.requests },
          ...(init.sidecar && { restartPolicy: 'Always' }),
        })),
        ...(o.nodeSelector && { nodeSelector: o.nodeSelector }),
        ...(o.overhead && { overhead: o.overhead }),
        tolerations: o.tolerations,
        affinity: {
          nodeAffinity,
          podAffinity: o.podAffinity,
          podAntiAffinity: o.podAntiAffinity,
        } as unknown as NonNullable<PodSpec['affinity']>,
      },
    });
  });

/** Roomy nodes without taints: where a pod goes is a matter of scores only. */
export const roomyNodes: fc.Arbitrary<Node[]> = fc
  .array(
    fc.record({
      zone: fc.constantFrom('a', 'b', 'c', undefined),
      cpu: fc.constantFrom('64', '96'),
      soft: fc.constantFrom(true, false, false),
    }),
    { minLength: 2, maxLength: 8 },
  )
  .map((list) =>
    list.map(({ zone, cpu, soft }, i) =>
      node(`n${i}`, {
        labels: zone ? { zone } : {},
        allocatable: { cpu, memory: '256Gi' },
        spec: { taints: soft ? [{ key: 'gpu', value: 'x', effect: 'PreferNoSchedule' }] : [] },
      }),
    ),
  );

/** Pods that only wish: preferred affinities and spread, nothing required but affinity to those that are there. */
export const wishfulPods: fc.Arbitrary<Pod> = fc
  .record({
    namespace: fc.constantFrom('default', 'other'),
    labels: labelSets,
    cpu: fc.constantFrom('100m', '1'),
    near: fc.array(weighted, { maxLength: 2 }),
    apart: fc.array(weighted, { maxLength: 2 }),
    spreads: fc.array(spread, { maxLength: 2 }),
    preferred: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }), {
      maxLength: 2,
    }),
  })
  .map((o) =>
    pod('p', {
      namespace: o.namespace,
      labels: o.labels,
      requests: { cpu: o.cpu },
      spec: {
        topologySpreadConstraints: o.spreads.map((s) => ({
          ...s,
          whenUnsatisfiable: 'ScheduleAnyway',
        })) as unknown as NonNullable<PodSpec['topologySpreadConstraints']>,
        affinity: {
          nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: o.preferred },
          podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: o.near },
          podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: o.apart },
        } as unknown as NonNullable<PodSpec['affinity']>,
      },
    }),
  );

/** The same spec under another name. */
export function named(template: Pod, name: string): Pod {
  return { ...template, metadata: { ...template.metadata, name, uid: `pod-${name}` } };
}
