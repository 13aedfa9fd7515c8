/**
 * The sets of nodes a gang may be placed in, and which of them to try first.
 *
 * A domain is all nodes that agree in some label (a rack, a block, an NVLink domain). All members must agree in every
 * `required` key; of the `preferred` keys, which go from the most wanted level to the least, the first level that has a
 * domain with room for the whole gang is used, and if none has, only the required ones count. A gang part of which runs
 * already stays in the domains of that part.
 *
 * Among the domains of a level the one that is left with the least room is tried first (best fit), and among equals the
 * smallest: large and empty domains stay whole for gangs that need them. A domain whose room, counted by columns, is too
 * small is not tried at all.
 */
import type { Framework, PlacementOptions } from './framework.ts';
import type { Gang } from './gang.ts';
import type { PodInfo } from './pod-info.ts';
import { RowSet } from './row-set.ts';
import type { Snapshot } from './snapshot.ts';

export interface GangTopology {
  /** Node labels all members must agree in. */
  readonly required: readonly string[];
  /** Node labels in which the members should agree, the most wanted first. */
  readonly preferred?: readonly string[];
}

/** Nodes that agree in the keys of a level. */
export interface Domain {
  readonly rows: Int32Array;
  /** Values of the level's keys: `rack=r1`. '' for the whole cluster. */
  readonly name: string;
}

/** A domain with what it could hold of a gang; `holds` and `spare` are upper bounds. */
export interface Candidate {
  readonly domain: Domain;
  /** Members it has room for. */
  readonly holds: number;
  /** Room left for such pods when the gang is in. */
  readonly spare: number;
}

/** Equal members. */
export interface Shape {
  readonly pod: PodInfo;
  readonly count: number;
}

export function shapesOf(pods: readonly PodInfo[]): Shape[] {
  const shapes = new Map<string, { pod: PodInfo; count: number }>();
  for (const pod of pods) {
    const shape = shapes.get(pod.signature);
    if (shape) shape.count++;
    else shapes.set(pod.signature, { pod, count: 1 });
  }
  return [...shapes.values()].sort((a, b) => b.count - a.count);
}

/** The levels to try, one after the other, as label keys. The last one holds only what is required. */
export function levelsOf({ topology }: Gang): readonly (readonly string[])[] {
  const required = topology?.required ?? [];
  const levels = (topology?.preferred ?? [])
    .filter((key) => !required.includes(key))
    .map((key) => [...required, key]);
  return [...levels, required];
}

interface Partition {
  /** `labels.version` and `keys` it was made for. */
  readonly version: number;
  readonly domains: readonly Domain[];
  /** Index into `domains` by row; -1: in none. */
  readonly domainOf: Int32Array;
}

/** Partitions by keys, the latest few: they change with the nodes only, and gangs ask for the same again and again. */
const partitions = new WeakMap<Snapshot, Map<string, Partition>>();
const maxPartitions = 8;

/** The domains of a level; without keys, all nodes are one. `nodes`: only domains of these, if any of them is known. */
export function domainsOf(
  snapshot: Snapshot,
  keys: readonly string[],
  nodes: readonly string[],
): readonly Domain[] {
  const { domains, domainOf } = partitionBy(snapshot, keys);
  if (keys.length === 0 || nodes.length === 0) return domains;
  const wanted = new Set<number>();
  for (const name of nodes) {
    const row = snapshot.rowOf(name);
    if (row !== undefined && domainOf[row]! >= 0) wanted.add(domainOf[row]!);
  }
  return wanted.size === 0 ? domains : domains.filter((_, i) => wanted.has(i));
}

function partitionBy(snapshot: Snapshot, keys: readonly string[]): Partition {
  let known = partitions.get(snapshot);
  if (!known) partitions.set(snapshot, (known = new Map()));
  const name = keys.join('\n');
  const { version } = snapshot.labels;
  let partition = known.get(name);
  if (partition?.version !== version) {
    known.delete(name);
    if (known.size >= maxPartitions) known.delete(known.keys().next().value!);
    known.set(name, (partition = { version, ...split(snapshot, keys) }));
  }
  return partition!;
}

function split(snapshot: Snapshot, keys: readonly string[]): Omit<Partition, 'version'> {
  const { rowCount, alive } = snapshot;
  const columns = keys.map((key) => snapshot.labelColumn(key));
  const domainOf = new Int32Array(rowCount).map((_, row) => (alive[row] === 0 ? -1 : 0));
  let count = 1;
  for (const column of columns) {
    const ids = new Map<number, number>();
    for (let row = 0; row < rowCount; row++) {
      const before = domainOf[row]!;
      const value = column[row]!;
      domainOf[row] = -1;
      if (before < 0 || value === 0) continue;
      const pair = before * 2 ** 26 + value;
      let id = ids.get(pair);
      if (id === undefined) ids.set(pair, (id = ids.size));
      domainOf[row] = id;
    }
    count = ids.size;
  }
  const sizes = new Int32Array(count);
  for (let row = 0; row < rowCount; row++) if (domainOf[row]! >= 0) sizes[domainOf[row]!]!++;
  const domains: Domain[] = [];
  const filled = new Int32Array(count);
  for (let row = 0; row < rowCount; row++) {
    const id = domainOf[row]!;
    if (id < 0) continue;
    // Numbers were given out in the order of the rows, so the domains are made in the order of their numbers.
    domains[id] ??= {
      rows: new Int32Array(sizes[id]!),
      name: keys.map((key, k) => `${key}=${snapshot.labels.values.text(columns[k]![row]!)}`).join(','),
    };
    domains[id].rows[filled[id]!++] = row;
  }
  return { domains, domainOf };
}

/** Judges domains by their room for the gang's shapes; the best to try comes first. */
export function rank(
  framework: Framework,
  domains: readonly Domain[],
  shapes: readonly Shape[],
  first: ReadonlySet<number>,
): Candidate[] {
  const total = shapes.reduce((sum, { count }) => sum + count, 0);
  const rows = new Int32Array(domains.reduce((sum, domain) => sum + domain.rows.length, 0));
  let end = 0;
  for (const domain of domains) {
    rows.set(domain.rows, end);
    end += domain.rows.length;
  }
  const room = new Int32Array(rows.length);
  const holds = new Float64Array(domains.length);
  const spare = new Float64Array(domains.length);
  shapes.forEach(({ pod, count }, s) => {
    framework.room(pod, rows, rows.length, room);
    let at = 0;
    for (let d = 0; d < domains.length; d++) {
      let sum = 0;
      for (const last = at + domains[d]!.rows.length; at < last; at++) sum += room[at]!;
      holds[d]! += Math.min(count, sum);
      if (s === 0) spare[d] = sum - count;
    }
  });
  const candidates = domains.map((domain, d) => {
    const nominated = first.size > 0 && domain.rows.some((row) => first.has(row));
    return { domain, holds: holds[d]!, spare: spare[d]!, nominated };
  });
  return candidates.sort((a, b) => {
    // Those kept for the gang by a preemption, then those that take all of it.
    if (a.nominated !== b.nominated) return a.nominated ? -1 : 1;
    const [allA, allB] = [a.holds >= total, b.holds >= total];
    if (allA !== allB) return allA ? -1 : 1;
    if (!allA && a.holds !== b.holds) return b.holds - a.holds;
    return a.spare - b.spare || a.domain.rows.length - b.domain.rows.length;
  });
}

/** Where to look for nodes: only in the domain. */
export function inside(snapshot: Snapshot, { rows, name }: Domain): PlacementOptions {
  if (name === '') return {};
  return { within: RowSet.of(snapshot.alive.length, rows), rows };
}
