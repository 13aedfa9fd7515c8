/** The nodes of a run, by number: those at the start in their order, then those that were added. */
import type { Node } from '@coracle/machinery/api';
import type { Snapshot } from '@coracle/scheduler/core';
import { CardMasks } from './card-masks.ts';
import { speedOfNode } from './speed.ts';
import type { HeatRecorder } from './recorders/heat-recorder.ts';

interface SimNode {
  readonly name: string;
  readonly node: Node;
  readonly pool: string;
  /** On the snapshot; -1: it is away. */
  row: number;
  cordons: number;
  pods: number;
  gpuMilliUsed: number;
  cpuMilliUsed: number;
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  /** Of jobs on its cards. */
  readonly speed: number;
  /** Of its events. */
  version: number;
  /** How often it has failed. */
  failures: number;
  /** Failed; it comes back unless it is removed. */
  down: boolean;
  /** No longer (or not yet) part of the cluster. */
  absent: boolean;
  /** No pod since then; NaN: not known to be so. */
  idleSinceMs: number;
}
export type { SimNode };

export class Nodes {
  readonly list: SimNode[] = [];
  readonly #numbers = new Map<string, number>();
  gpuMilliUp = 0;
  cpuMilliUp = 0;
  up = 0;
  /** Speed of the slowest node there ever was, 1 at most. */
  slowest = 1;
  /** Counts changes of what nodes there are and may be used. */
  changes = 0;
  /** Rows on which room was made since the last look; more than that are not told apart. */
  readonly freed: number[] = [];
  /** Room was made in more places, or in other ways, than `freed` says. */
  freedAnywhere = true;
  readonly masks: CardMasks;
  readonly #snapshot: Snapshot;
  readonly #heat: HeatRecorder;
  readonly #speeds: Readonly<Record<string, number>> | undefined;
  /** Number of the node on each row. */
  readonly #onRow: number[] = [];
  /** As the snapshot's own: the last freed is used next. */
  readonly freeRows: number[] = [];

  constructor(snapshot: Snapshot, heat: HeatRecorder, speeds?: Readonly<Record<string, number>>) {
    this.#snapshot = snapshot;
    this.masks = new CardMasks(snapshot);
    this.#heat = heat;
    this.#speeds = speeds;
  }

  /** A node that the cluster did not have before. It is away until `join`. */
  add(node: Node, pool: string): SimNode {
    const name = node.metadata.name ?? '';
    if (this.#numbers.has(name)) throw new Error(`the cluster has two nodes called "${name}"`);
    // Read through the core, so that both mean the same.
    const row = this.#snapshot.setNode(node);
    const gpuMilli = this.#snapshot.cards.count[row]! * 1000;
    const cpuMilli = this.#snapshot.allocatable[0]![row]!;
    this.#snapshot.removeNode(name);
    this.tried(row);
    const made: SimNode = {
      name,
      node,
      pool,
      row: -1,
      cordons: 0,
      pods: 0,
      gpuMilliUsed: 0,
      cpuMilliUsed: 0,
      gpuMilli,
      cpuMilli,
      speed: this.#speeds ? speedOfNode(node, this.#speeds) : 1,
      version: 0,
      failures: 0,
      down: false,
      absent: true,
      idleSinceMs: NaN,
    };
    this.slowest = Math.min(this.slowest, made.speed);
    this.#heat.add(name);
    this.#numbers.set(name, this.list.length);
    this.list.push(made);
    return made;
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }
  numberOnRow(row: number): number {
    return this.#onRow[row]!;
  }
  hasCards(number: number): boolean {
    return this.list[number]!.gpuMilli > 0;
  }

  /** A node has been on the row and is gone again. */
  tried(row: number): void {
    if (this.freeRows.at(-1) !== row) this.freeRows.push(row);
  }

  /** The node is there from now on. */
  join(number: number, nowMs: number): void {
    const node = this.list[number]!;
    this.changes++;
    node.row = this.#snapshot.setNode(node.cordons > 0 ? cordoned(node.node) : node.node);
    if (this.freeRows.at(-1) === node.row) this.freeRows.pop();
    this.#onRow[node.row] = number;
    this.masks.update(node.row);
    node.absent = false;
    node.down = false;
    this.gpuMilliUp += node.gpuMilli;
    this.cpuMilliUp += node.cpuMilli;
    this.up++;
    this.#heat.setUp(number, nowMs, true);
    this.made(node.row);
  }

  /** The node is away. Its pods must have been taken from it. */
  leave(number: number, nowMs: number): void {
    const node = this.list[number]!;
    this.changes++;
    this.#snapshot.removeNode(node.name);
    this.freeRows.push(node.row);
    this.masks.update(node.row);
    node.row = -1;
    this.gpuMilliUp -= node.gpuMilli;
    this.cpuMilliUp -= node.cpuMilli;
    this.up--;
    this.#heat.setUp(number, nowMs, false);
  }

  cordon(number: number, by: 1 | -1): void {
    const node = this.list[number]!;
    node.cordons += by;
    if (node.row < 0) return;
    this.changes++;
    this.#snapshot.setNode(node.cordons > 0 ? cordoned(node.node) : node.node);
    if (node.cordons === 0) this.made(node.row);
  }

  /** A pod has come to (1) or left (-1) the row. */
  hold(row: number, gpuMilli: number, cpuMilli: number, sign: 1 | -1, nowMs: number): void {
    const number = this.#onRow[row]!;
    const node = this.list[number]!;
    node.pods += sign;
    node.gpuMilliUsed += sign * gpuMilli;
    node.cpuMilliUsed += sign * cpuMilli;
    const part =
      node.gpuMilli > 0
        ? node.gpuMilliUsed / node.gpuMilli
        : node.cpuMilli > 0
          ? node.cpuMilliUsed / node.cpuMilli
          : 0;
    this.#heat.use(number, nowMs, part);
    this.masks.update(row);
    if (sign < 0) this.made(row);
  }

  /** There is more room on the row than there was. */
  made(row: number): void {
    if (this.freedAnywhere) return;
    if (this.freed.length >= 64) this.freedAnywhere = true;
    else if (!this.freed.includes(row)) this.freed.push(row);
  }
  /** What was made has been looked at. */
  looked(): void {
    this.freed.length = 0;
    this.freedAnywhere = false;
  }

  save(): unknown {
    const { gpuMilliUp, cpuMilliUp, up, changes, freed, freedAnywhere, freeRows } = this;
    const list = this.list.map((node) => ({ ...node, node: undefined }));
    const totals = { gpuMilliUp, cpuMilliUp, up, changes, freedAnywhere };
    return {
      list,
      totals,
      freed: freed.slice(),
      freeRows: freeRows.slice(),
      onRow: this.#onRow.slice(),
      rows: this.#snapshot.rowCount,
    };
  }

  /** All nodes have been added, and none has joined. */
  restore(saved: unknown): void {
    const { list, totals, freed, freeRows, onRow, rows } = saved as {
      list: (Omit<SimNode, 'node'> & { node: undefined })[];
      totals: Pick<Nodes, 'gpuMilliUp' | 'cpuMilliUp' | 'up' | 'changes' | 'freedAnywhere'>;
      freed: number[];
      freeRows: number[];
      onRow: number[];
      rows: number;
    };
    for (const [i, { node: _, ...values }] of list.entries()) Object.assign(this.list[i]!, values);
    // Every row is taken once, by its node or by nobody, so that the free ones can be freed in the order they were.
    const free = new Set(freeRows);
    for (let row = 0; row < rows; row++) {
      const node = this.list[onRow[row]!];
      const here = free.has(row) || !node ? nobody(row) : node.cordons > 0 ? cordoned(node.node) : node.node;
      this.#snapshot.setNode(here);
      if (node) this.#onRow[row] = onRow[row]!;
    }
    for (const row of freeRows) this.#snapshot.removeNode(nobody(row).metadata.name!);
    this.freeRows.length = 0;
    this.freeRows.push(...freeRows);
    Object.assign(this, totals);
    this.freed.length = 0;
    this.freed.push(...freed);
  }
}

function nobody(row: number): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `nobody ${row}` },
    status: {},
  } as unknown as Node;
}

function cordoned(node: Node): Node {
  return { ...node, spec: { ...node.spec, unschedulable: true } } as Node;
}
