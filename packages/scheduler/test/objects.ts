/** Short ways to write nodes, pods and pod groups in tests. */
import type { Node, Pod, PodGroup, PodSpec } from '@coracle/machinery/api';

type Quantities = Record<string, string>;

export interface NodeOptions {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  allocatable?: Quantities;
  spec?: Node['spec'];
  images?: { names: string[]; sizeBytes: number }[];
}

export function node(name: string, options: NodeOptions = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `node-${name}`,
      labels: { 'kubernetes.io/hostname': name, ...options.labels },
      ...(options.annotations ? { annotations: options.annotations } : {}),
    },
    ...(options.spec ? { spec: options.spec } : {}),
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...options.allocatable },
      ...(options.images ? { images: options.images } : {}),
    },
  } as unknown as Node;
}

export interface PodOptions {
  namespace?: string;
  requests?: Quantities;
  priority?: number;
  nodeName?: string;
  group?: string;
  labels?: Record<string, string>;
  spec?: Partial<PodSpec>;
}

export function pod(name: string, options: PodOptions = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: options.namespace ?? 'default',
      uid: `pod-${name}`,
      ...(options.labels ? { labels: options.labels } : {}),
    },
    spec: {
      containers: [{ name: 'c', image: 'x', resources: { requests: options.requests ?? { cpu: '1' } } }],
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.nodeName === undefined ? {} : { nodeName: options.nodeName }),
      ...(options.group === undefined ? {} : { schedulingGroup: { podGroupName: options.group } }),
      ...options.spec,
    },
    status: { phase: options.nodeName ? 'Running' : 'Pending' },
  } as unknown as Pod;
}

export function podGroup(name: string, minCount: number, topologyKey?: string): PodGroup {
  return {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { name, namespace: 'default', uid: `group-${name}` },
    spec: {
      schedulingPolicy: { gang: { minCount } },
      ...(topologyKey ? { schedulingConstraints: { topology: [{ key: topologyKey }] } } : {}),
    },
  } as unknown as PodGroup;
}
