/**
 * Node pools that grow while jobs wait whom their nodes would help, and shrink when nodes are idle. Each waiting kind of job is
 * asked for in the first pool whose nodes could hold one of its pods; how many nodes that takes is reckoned from how many of
 * its pods an empty node holds.
 */
import type { Node } from '@coracle/machinery/api';
import { poolLabel, type NodePool } from '../model/cluster.ts';
import type { Autoscaling } from '../model/run.ts';
import { eventKind } from './event-heap.ts';
import type { JobKind, SimPod } from './job-kind.ts';
import { join, leave } from './node-events.ts';
import type { Pass } from './passes/pass.ts';
import type { RunState } from './run-state.ts';
import type { SimJob } from './sim-job.ts';

interface Pool {
  readonly rule: Autoscaling;
  readonly pool: NodePool;
  /** Numbers of its nodes that have ever been. */
  readonly members: number[];
  booting: number;
}

export class Pools {
  readonly #state: RunState;
  readonly #pools: Pool[] = [];
  /** Pods of a kind's set that an empty node of the pool holds, by pool, kind and set; from the core. */
  readonly #holds = new Map<string, number>();

  constructor(state: RunState) {
    this.#state = state;
    const { autoscaling = [], cluster } = state.spec;
    for (const rule of autoscaling) {
      const pool = cluster.pools.find(({ name }) => name === rule.pool);
      if (!pool) throw new Error(`autoscaling: the cluster has no pool "${rule.pool}"`);
      if (!(rule.max >= rule.min && rule.min >= 0))
        throw new Error(
          `autoscaling: from ${rule.min} to ${rule.max} nodes of "${rule.pool}" is not possible`,
        );
      const members = state.nodes.list.flatMap((node, i) => (node.pool === rule.pool ? [i] : []));
      this.#pools.push({ rule, pool, members, booting: 0 });
    }
  }

  /** Nodes that are there, also those that have failed and come back. */
  #size({ members }: Pool): number {
    return members.filter((number) => !this.#state.nodes.list[number]!.absent).length;
  }

  /** After a pass: asks for nodes for those who wait, and looks for idle ones. */
  run(pass: Pass): void {
    if (this.#pools.length === 0) return;
    if (this.#state.waiting > 0) this.#askFor(pass.waiting());
    for (const pool of this.#pools) this.#watchIdle(pool);
  }

  #askFor(waiting: Iterable<SimJob>): void {
    const wanted = this.#pools.map(() => 0);
    const counts = new Map<JobKind, number>();
    for (const { kind } of waiting) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const [kind, jobs] of counts) {
      for (const [set, sample] of kind.samples.entries()) {
        const pods = jobs * (kind.sets.length === 1 ? kind.least : kind.sets[set]!.count);
        const at = this.#pools.findIndex((pool) => this.#holdsOf(pool, kind, set, sample) > 0);
        if (at >= 0) wanted[at]! += pods / this.#holdsOf(this.#pools[at]!, kind, set, sample);
      }
    }
    for (const [i, pool] of this.#pools.entries()) {
      const { rule } = pool;
      const room = rule.max - this.#size(pool) - pool.booting;
      const more = Math.min(room, Math.ceil(wanted[i]! - 1e-9) - pool.booting);
      for (let n = 0; n < more; n++) this.#boot(pool, i);
    }
  }

  #boot(pool: Pool, i: number): void {
    const { events, nowMs } = this.#state;
    pool.booting++;
    this.#state.nodesBooting++;
    events.push(nowMs + pool.rule.bootMs, eventKind.nodeReady, i, 0);
  }

  /** A node of the pool is ready. */
  ready(i: number): void {
    const state = this.#state;
    const pool = this.#pools[i]!;
    pool.booting--;
    state.nodesBooting--;
    state.counts.nodesAdded++;
    // A name that was given up is used again, so that reports do not grow with every node that comes and goes.
    const again = pool.members.find((number) => state.nodes.list[number]!.absent);
    const number = again ?? this.#make(pool);
    join(state, number);
    this.#watch(number, pool.rule.idleMs);
  }

  #make({ pool, members }: Pool): number {
    const { nodes } = this.#state;
    let n = members.length;
    while (nodes.numberOf(nameOf(pool, n)) !== undefined) n++;
    nodes.add(nodeOf(pool, nameOf(pool, n)), pool.name);
    const number = nodes.list.length - 1;
    members.push(number);
    return number;
  }

  /** The node may have been idle since now: looked at again when that has been so for long enough. */
  #watch(number: number, idleMs: number): void {
    const { nodes, events, nowMs } = this.#state;
    const node = nodes.list[number]!;
    node.idleSinceMs = nowMs;
    events.push(nowMs + idleMs, eventKind.nodeIdle, number, node.version);
  }

  #watchIdle({ rule, members }: Pool): void {
    const { nodes } = this.#state;
    for (const number of members) {
      const node = nodes.list[number]!;
      if (node.pods > 0) node.idleSinceMs = NaN;
      else if (node.row >= 0 && Number.isNaN(node.idleSinceMs)) this.#watch(number, rule.idleMs);
    }
  }

  /** An idle time may be over. */
  idle(pass: Pass, number: number, version: number): void {
    const state = this.#state;
    const node = state.nodes.list[number]!;
    const pool = this.#pools.find(({ members }) => members.includes(number))!;
    // Half a millisecond: sums of times are rounded.
    const idle = state.nowMs - node.idleSinceMs >= pool.rule.idleMs - 0.5;
    if (node.version !== version || node.row < 0 || node.pods > 0 || !idle) return;
    if (this.#size(pool) <= pool.rule.min) {
      this.#watch(number, pool.rule.idleMs);
      return;
    }
    leave(state, pass, number);
    node.absent = true;
    state.counts.nodesRemoved++;
  }

  /** How many such pods an empty node of the pool holds. */
  #holdsOf({ pool }: Pool, kind: JobKind, set: number, sample: SimPod): number {
    const key = `${pool.name} ${kind.id} ${set}`;
    let holds = this.#holds.get(key);
    if (holds === undefined) this.#holds.set(key, (holds = this.#tryOn(pool, sample)));
    return holds;
  }

  #tryOn(pool: NodePool, sample: SimPod): number {
    const { snapshot, framework } = this.#state;
    const name = 'a node of the pool';
    const row = snapshot.setNode(nodeOf(pool, name));
    const room = new Int32Array(1);
    framework.room(sample, Int32Array.of(row), 1, room);
    snapshot.removeNode(name);
    this.#state.nodes.tried(row);
    return room[0]!;
  }

  save(): unknown {
    return this.#pools.map(({ members, booting }) => ({ members: members.slice(), booting }));
  }
  restore(saved: unknown): void {
    const later: [number: number, pool: Pool][] = [];
    for (const [i, { members, booting }] of (saved as { members: number[]; booting: number }[]).entries()) {
      const pool = this.#pools[i]!;
      pool.booting = booting;
      for (const number of members.slice(pool.members.length)) later.push([number, pool]);
    }
    // As they were added, whichever pool they are of.
    for (const [, pool] of later.toSorted(([a], [b]) => a - b)) this.#make(pool);
  }
}

function nameOf(pool: NodePool, n: number): string {
  return `${pool.name}-${n}`;
}

function nodeOf(pool: NodePool, name: string): Node {
  const { metadata, spec, status } = pool.template;
  const labels = { ...metadata.labels, [poolLabel]: pool.name, 'kubernetes.io/hostname': name };
  return { apiVersion: 'v1', kind: 'Node', metadata: { ...metadata, name, labels }, spec, status } as Node;
}
