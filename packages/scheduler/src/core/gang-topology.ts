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

/** The domains of a level; without keys, all nodes are one. `nodes`: only domains of these, if any of them is known. */
export function domainsOf(snapshot: Snapshot, keys: readonly string[], nodes: readonly string[]): Domain[] {
  const { rowCount, alive } = snapshot;
  const columns = keys.map((key) => snapshot.labelColumn(key));
  // A row's domain is a number, made one key at a time; -1: it lacks a key.
  const domainOf = new Int32Array(rowCount);
  let count = 1;
  for (const column of columns) {
    const ids = new Map<number, number>();
    for (let row = 0; row < rowCount; row++) {
      const value = column[row]!;
      const before = domainOf[row]!;
      if (before < 0 || value === 0) {
        domainOf[row] = -1;
        continue;
      }
      const pair = before * 2 ** 26 + value;
      let id = ids.get(pair);
      if (id === undefined) ids.set(pair, (id = ids.size));
      domainOf[row] = id;
    }
    count = ids.size;
  }
  const wanted = new Set<number>();
  for (const name of keys.length > 0 ? nodes : []) {
    const row = snapshot.rowOf(name);
    if (row !== undefined && domainOf[row]! >= 0) wanted.add(domainOf[row]!);
  }
  const sizes = new Int32Array(count);
  for (let row = 0; row < rowCount; row++) {
    if (alive[row] === 0) domainOf[row] = -1;
    else if (domainOf[row]! >= 0) sizes[domainOf[row]!]!++;
  }
  const rowsOf: (Int32Array | undefined)[] = [];
  const filled = new Int32Array(count);
  const domains: Domain[] = [];
  for (let row = 0; row < rowCount; row++) {
    const id = domainOf[row]!;
    if (id < 0 || (wanted.size > 0 && !wanted.has(id))) continue;
    let rows = rowsOf[id];
    if (!rows) {
      rowsOf[id] = rows = new Int32Array(sizes[id]!);
      const name = keys.map((key, k) => `${key}=${snapshot.labels.values.text(columns[k]![row]!)}`).join(',');
      domains.push({ rows, name });
    }
    rows[filled[id]!++] = row;
  }
  return domains;
}

/** Judges domains by their room for the gang's shapes; the best to try comes first. */
export function rank(
  framework: Framework,
  domains: readonly Domain[],
  shapes: readonly Shape[],
  first: ReadonlySet<number>,
): Candidate[] {
  const total = shapes.reduce((sum, { count }) => sum + count, 0);
  let size = 0;
  for (const { rows } of domains) size = Math.max(size, rows.length);
  const room = new Int32Array(size);
  const candidates = domains.map((domain) => {
    const { rows } = domain;
    let holds = 0;
    let spare = 0;
    shapes.forEach(({ pod, count }, s) => {
      framework.room(pod, rows, rows.length, room);
      let sum = 0;
      for (let i = 0; i < rows.length; i++) sum += room[i]!;
      holds += Math.min(count, sum);
      if (s === 0) spare = sum - count;
    });
    const nominated = first.size > 0 && rows.some((row) => first.has(row));
    return { domain, holds, spare, nominated };
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
  const within = new Uint8Array(snapshot.alive.length);
  for (const row of rows) within[row] = 1;
  return { within, rows };
}
