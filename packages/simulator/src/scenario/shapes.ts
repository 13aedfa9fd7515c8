/**
 * Shapes of nodes by name: `a100x8` is a node with eight A100s, `cpu64` one with 64 cores and no cards. Cores and memory for
 * each card are those of the machine in clouds that has eight of them (four for T4), so that a pod's usual share fits.
 */
import { modelAnnotation, wholeCardResource } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import { poolLabel, type NodePool } from '../model/cluster.ts';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';
import type { ShapeSpec } from './types.ts';

interface Card {
  /** As gpu-feature-discovery labels it. */
  readonly product: string;
  readonly model: string;
  readonly memoryGib: number;
  /** Of the node, for each card. */
  readonly cpu: number;
  readonly hostGib: number;
}
const card = (product: string, model: string, memoryGib: number, cpu: number, hostGib: number): Card => ({
  product,
  model,
  memoryGib,
  cpu,
  hostGib,
});

/** Sources: the machine types a2 and p4d/p4de, p5, p5en, p6-b200, p3dn, g4dn, g5, g6, g6e. */
export const cards: Readonly<Record<string, Card>> = {
  a10: card('NVIDIA-A10', 'A10', 24, 24, 96),
  a100: card('NVIDIA-A100-SXM4-80GB', 'A100', 80, 12, 144),
  'a100-40': card('NVIDIA-A100-SXM4-40GB', 'A100', 40, 12, 144),
  b200: card('NVIDIA-B200', 'B200', 180, 24, 256),
  h100: card('NVIDIA-H100-80GB-HBM3', 'H100', 80, 24, 256),
  h200: card('NVIDIA-H200', 'H200', 141, 24, 256),
  l4: card('NVIDIA-L4', 'L4', 24, 24, 96),
  l40s: card('NVIDIA-L40S', 'L40S', 48, 24, 192),
  t4: card('Tesla-T4', 'T4', 16, 12, 48),
  v100: card('Tesla-V100-SXM2-32GB', 'V100', 32, 12, 96),
};
const mostCards = 64;

export interface Shape {
  readonly name: string;
  readonly cards: number;
  readonly template: NodePool['template'];
}

/** The shape of a name, from the scenario's own or the table. Throws ScenarioError if there is none. */
export function shapeOf(name: string, own: Readonly<Record<string, ShapeSpec>> = {}): Shape {
  if (Object.hasOwn(own, name)) return custom(name, own[name]!);
  const [, kind = '', count = ''] = /^([a-z][a-z0-9-]*?)x(\d+)$/.exec(name) ?? [];
  const found = Object.hasOwn(cards, kind) ? cards[kind] : undefined;
  const many = Number(count);
  if (found && many >= 1 && many <= mostCards) {
    return {
      name,
      cards: many,
      template: template(name, String(found.cpu * many), `${found.hostGib * many}Gi`, many, {
        [modelAnnotation]: found.model,
        'nvidia.com/gpu.product': found.product,
        'nvidia.com/gpu.memory': String(found.memoryGib * 1024),
      }),
    };
  }
  const cores = Number(/^cpu(\d+)$/.exec(name)?.[1] ?? 0);
  if (cores > 0) return { name, cards: 0, template: template(name, String(cores), `${cores * 4}Gi`, 0, {}) };
  throw new ScenarioError(
    `there is no shape "${name}": a shape is a card and how many (a100x8; cards: ${Object.keys(cards).join(', ')}), ` +
      `or cores (cpu64)${Object.keys(own).length > 0 ? `, or one of your own: ${Object.keys(own).join(', ')}` : ''}` +
      didYouMean(name, [...Object.keys(own), ...Object.keys(cards).map((c) => `${c}x${many || 8}`)]),
  );
}

function custom(name: string, spec: ShapeSpec): Shape {
  const { cards: count = 0, model, cardMemory, labels = {} } = spec;
  const about: Record<string, string> = { ...labels };
  if (count > 0 && model !== undefined) about[modelAnnotation] = model;
  if (count > 0 && cardMemory !== undefined) {
    about['nvidia.com/gpu.memory'] = String(Math.floor(bytesOf(cardMemory) / 2 ** 20));
  }
  return { name, cards: count, template: template(name, String(spec.cpu), spec.memory, count, about) };
}

function bytesOf(quantity: string): number {
  const [, number = '', unit = ''] = /^([0-9.]+)([KMGT]i)$/.exec(quantity) ?? [];
  const power = ['Ki', 'Mi', 'Gi', 'Ti'].indexOf(unit) + 1;
  return Number(number) * 2 ** (10 * power);
}

function template(
  shape: string,
  cpu: string,
  memory: string,
  count: number,
  labels: Readonly<Record<string, string>>,
): NodePool['template'] {
  const resources: Record<string, string> = { cpu, memory, pods: '110' };
  if (count > 0) resources[wholeCardResource] = String(count);
  return {
    metadata: {
      labels: {
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'node.kubernetes.io/instance-type': shape,
        ...labels,
      },
    },
    spec: {},
    status: { capacity: resources, allocatable: resources },
  } as unknown as NodePool['template'];
}

/** A pool of equal nodes. */
export function poolOf(name: string, shape: Shape, count: number): NodePool {
  return { name, template: shape.template, count };
}

/** Node number `index` of a pool: `NAME-0007`. */
export function nodeOfPool(pool: Pick<NodePool, 'name' | 'template'>, index: number): Node {
  const name = `${pool.name}-${String(index).padStart(4, '0')}`;
  const { metadata, spec, status } = pool.template;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      ...metadata,
      name,
      uid: name,
      labels: { ...metadata?.labels, [poolLabel]: pool.name, 'kubernetes.io/hostname': name },
    },
    ...(spec ? { spec } : {}),
    ...(status ? { status } : {}),
  } as Node;
}
