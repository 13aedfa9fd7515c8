/** From what a scenario says of nodes to a cluster: pools of shapes, nodes of files, and the changes of variants. */
import type { Node } from '@coracle/machinery/api';
import { poolLabel, type Cluster, type NodeChange, type NodePool } from '../model/cluster.ts';
import { didYouMean } from './nearest.ts';
import { cardsOf } from './node-size.ts';
import { ScenarioError } from './scenario-error.ts';
import { nodeOfPool, poolOf, shapeOf } from './shapes.ts';
import type { ClusterSpec, ScenarioSpec } from './types.ts';
import type { NodeChanges } from './variants.ts';

/** A pool and its nodes at the start. */
interface Members {
  readonly pool: NodePool;
  readonly nodes: Node[];
}

/**
 * The cluster of a spec. `found` are the nodes of the files it names, `comings` when they come and go. Throws ScenarioError where a change names a pool that is
 * not there, or takes more nodes than it has.
 */
export function clusterOf(
  {
    cluster,
    shapes,
    autoscaling = [],
  }: Pick<ScenarioSpec, 'autoscaling'> & {
    readonly cluster: ClusterSpec;
    readonly shapes?: ScenarioSpec['shapes'] | undefined;
  },
  found: readonly Node[],
  changes: NodeChanges = {},
  comings: readonly NodeChange[] = [],
): Cluster {
  const pools = new Map<string, Members>();
  for (const [name, nodes] of groups(found)) {
    const { metadata, spec, status } = nodes[0]!;
    pools.set(name, {
      pool: {
        name,
        template: {
          metadata,
          ...(spec ? { spec } : {}),
          ...(status ? { status } : {}),
        } as NodePool['template'],
        count: nodes.length,
      },
      nodes: nodes.map((node) => labelled(node, name)),
    });
  }
  const scaled = autoscaledAnew(pools, autoscaling, comings);
  const more = (name: string, shapeName: string, count: number): void => {
    const shape = shapeOf(shapeName, shapes);
    const members = pools.get(name) ?? { pool: poolOf(name, shape, 0), nodes: [] };
    const next = nextIndex(members);
    for (let i = 0; i < count; i++) members.nodes.push(nodeOfPool(members.pool, next + i));
    pools.set(name, members);
  };
  const fewer = (name: string, count: number): void => {
    const members = member(pools, name);
    if (members.nodes.length < count) {
      throw new ScenarioError(
        `pool "${name}" has ${members.nodes.length} nodes: ${count} cannot be taken away`,
      );
    }
    members.nodes.length -= count;
  };
  for (const { name, shape, count } of cluster.pools ?? []) more(name ?? shape, shape, count);
  for (const { shape, count } of changes.add ?? []) more(poolFor(pools, shape), shape, count);
  for (const { pool, shape, count } of changes.swap ?? []) {
    const many = count ?? member(pools, pool).nodes.length;
    fewer(pool, many);
    more(poolFor(pools, shape), shape, many);
  }
  for (const { pool, count } of changes.remove ?? []) fewer(pool, count);
  // Nodes of files stay in their order, which some policies go by; those of pools follow.
  const places = new Map(found.map(({ metadata }, place) => [metadata.name, place]));
  const placeOf = ({ metadata }: Node): number => places.get(metadata.name) ?? Infinity;
  const nodes = [...pools.values()]
    .flatMap((members) => members.nodes)
    .toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : placeOf(a) > placeOf(b) ? 1 : 0));
  if (nodes.length === 0) {
    throw new ScenarioError(
      'there are no nodes: say which (--nodes 16 --shape a100x8, --cluster FILE, or cluster in a scenario file)',
    );
  }
  const there = new Set(nodes.map(({ metadata }) => metadata.name));
  const changing = scaled.filter(({ node }) => there.has(node));
  return {
    name: cluster.name ?? clusterText([...pools.values()], changing),
    nodes,
    ...(changing.length > 0 && { changes: changing }),
    pools: [...pools.values()].map((members) => ({ ...members.pool, count: members.nodes.length })),
  };
}

function clusterText(pools: readonly Members[], changes: readonly NodeChange[]): string {
  const parts = pools.filter(({ nodes }) => nodes.length > 0);
  const shown = parts.slice(0, 3).map(({ pool, nodes }) => {
    const most = mostAtATime(nodes, changes);
    return `${most < nodes.length ? 'up to ' : ''}${most} ${pool.name}`;
  });
  return parts.length > 3 ? `${shown.join(', ')} and others` : shown.join(', ');
}

/** Where the scenario scales a pool itself, its nodes come and go as that says: it has those that were there at the start. */
function autoscaledAnew(
  pools: ReadonlyMap<string, Members>,
  autoscaling: readonly { readonly pool: string }[],
  comings: readonly NodeChange[],
): readonly NodeChange[] {
  const anew = new Set<string>();
  for (const { pool } of autoscaling) {
    for (const { metadata } of pools.get(pool)?.nodes ?? []) anew.add(metadata.name ?? '');
  }
  if (anew.size === 0) return comings;
  const late = new Set<string>();
  const seen = new Set<string>();
  for (const { node, what } of comings) {
    if (!seen.has(node) && what === 'joins') late.add(node);
    seen.add(node);
  }
  for (const { pool } of autoscaling) {
    const { nodes } = pools.get(pool) ?? { nodes: [] };
    const kept = nodes.filter(({ metadata }) => !late.has(metadata.name ?? ''));
    nodes.splice(0, nodes.length, ...kept);
  }
  return comings.filter(({ node }) => !anew.has(node));
}

function mostAtATime(nodes: readonly Node[], changes: readonly NodeChange[]): number {
  const names = new Set(nodes.map(({ metadata }) => metadata.name ?? ''));
  const own = changes.filter(({ node }) => names.has(node));
  const there = new Set(names);
  for (const { node, what } of own.toReversed()) {
    // What a node's first change is remains.
    if (what === 'joins') there.delete(node);
    else there.add(node);
  }
  let most = there.size;
  for (const { node, what } of own) {
    if (what === 'joins') there.add(node);
    else there.delete(node);
    most = Math.max(most, there.size);
  }
  return most;
}

/** Nodes of a shape go to the pool of its name, else to that whose nodes are of it. */
function poolFor(pools: ReadonlyMap<string, Members>, shape: string): string {
  if (pools.has(shape)) return shape;
  for (const [name, { pool }] of pools) {
    if (pool.template.metadata?.labels?.['node.kubernetes.io/instance-type'] === shape) return name;
  }
  return shape;
}

function member(pools: ReadonlyMap<string, Members>, name: string): Members {
  const members = pools.get(name);
  if (members) return members;
  const names = [...pools.keys()];
  throw new ScenarioError(
    `there is no pool "${name}"; there are ${names.join(', ')}${didYouMean(name, names)}`,
  );
}

function nextIndex({ pool, nodes }: Members): number {
  let next = nodes.length;
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  while (names.has(nodeOfPool(pool, next).metadata.name)) next++;
  return next;
}

/** Nodes without a pool are grouped by what they offer, so that there is something to add to and take from. */
function groups(nodes: readonly Node[]): Map<string, Node[]> {
  const byKey = new Map<string, Node[]>();
  for (const node of nodes) {
    const pool = node.metadata.labels?.[poolLabel];
    const key = pool === undefined ? `offers ${offer(node)}` : `pool ${pool}`;
    const known = byKey.get(key);
    if (known) known.push(node);
    else byKey.set(key, [node]);
  }
  const named = new Map<string, Node[]>();
  for (const members of byKey.values()) {
    const base = members[0]!.metadata.labels?.[poolLabel] ?? shapeText(members[0]!);
    let name = base;
    for (let i = 2; named.has(name); i++) name = `${base}-${i}`;
    named.set(name, members);
  }
  return named;
}

const modelOf = ({ metadata: { labels = {} } }: Node): string =>
  labels['alibabacloud.com/gpu-card-model'] ?? labels['nvidia.com/gpu.product'] ?? '';

function offer(node: Node): string {
  const { allocatable = {} } = node.status ?? {};
  const taints = (node.spec?.taints ?? []).map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`);
  const amounts = Object.keys(allocatable)
    .toSorted()
    .map((name) => `${name}=${String(allocatable[name])}`);
  return [modelOf(node), ...amounts, ...taints.toSorted()].join(' ');
}

/** `v100m32x8`, `cpu64`. */
function shapeText(node: Node): string {
  const count = cardsOf(node);
  if (count > 0) return `${(modelOf(node) || 'gpu').toLowerCase()}x${count}`;
  const cpu = String(node.status?.allocatable?.['cpu'] ?? '0');
  return `cpu${cpu.endsWith('m') ? Number(cpu.slice(0, -1)) / 1000 : cpu}`;
}

function labelled(node: Node, pool: string): Node {
  if (node.metadata.labels?.[poolLabel] === pool) return node;
  return { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, [poolLabel]: pool } } };
}
