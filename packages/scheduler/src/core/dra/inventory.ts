/**
 * Which devices each node can use, out of all resource slices. A node's view is put together when it is first asked for and
 * kept until its slices change; its row's stamp changes with every change of its devices or their use, so whoever kept a
 * verdict knows by one compare whether it still holds.
 */
import type { DeviceTaintRule, Node, NodeSelector, ResourceSlice } from '@coracle/machinery/api';
import { compileTerms, type RowTest } from '../node-selector.ts';
import type { Snapshot } from '../snapshot.ts';
import type { PoolDevice } from './device.ts';
import { Pool } from './pool.ts';
import { Uses } from './uses.ts';

export interface NodeView {
  readonly row: number;
  readonly pools: readonly PoolView[];
  /** Devices of all pools that can be allocated from, in the order in which they are tried. */
  readonly candidates: readonly PoolDevice[];
}

/** The part of a pool that one node sees. */
export interface PoolView {
  readonly pool: Pool;
  readonly devices: readonly PoolDevice[];
  readonly incomplete: boolean;
  readonly invalid: boolean;
}

export class Inventory {
  readonly uses: Uses;
  /** By row of the snapshot: a number never used before with every change; 0 where nothing is known. */
  stamps = new Float64Array(0);
  readonly #snapshot: Snapshot;
  readonly #pools = new Map<string, Pool>();
  /** Slices of one node, by its name; of others. */
  readonly #local = new Map<string, Set<ResourceSlice>>();
  readonly #remote = new Set<ResourceSlice>();
  readonly #rules = new Map<string, DeviceTaintRule>();
  readonly #slices = new Map<string, ResourceSlice>();
  /** By row of the snapshot. */
  readonly #views: (NodeView | undefined)[] = [];
  #stamps = 0;
  readonly #selectors = new Map<string, RowTest>();
  readonly #one = new Int32Array(1);
  readonly #match = new Uint8Array(1);

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.uses = new Uses((id) => this.#usesChanged(id));
  }

  get empty(): boolean {
    return this.#slices.size === 0;
  }

  slices(): Iterable<ResourceSlice> {
    return this.#slices.values();
  }

  setSlice(slice: ResourceSlice): void {
    const before = this.#slices.get(slice.metadata.name);
    if (before) this.removeSlice(before);
    this.#slices.set(slice.metadata.name, slice);
    const { nodeName } = slice.spec;
    if (nodeName) {
      let local = this.#local.get(nodeName);
      if (!local) this.#local.set(nodeName, (local = new Set()));
      local.add(slice);
    } else this.#remote.add(slice);
    const id = poolId(slice);
    let pool = this.#pools.get(id);
    if (!pool) this.#pools.set(id, (pool = new Pool(id)));
    pool.slices.set(slice.metadata.name, slice);
    this.#sliceChanged(slice, pool);
    // Read one by one as they come, rather than hundreds in the first decision that looks at them.
    if (slice.spec.pool.resourceSliceCount === 1) pool.content(this.uses, [...this.#rules.values()]);
  }

  removeSlice({ metadata }: ResourceSlice): void {
    const slice = this.#slices.get(metadata.name);
    if (!slice) return;
    this.#slices.delete(metadata.name);
    this.#remote.delete(slice);
    const { nodeName } = slice.spec;
    if (nodeName) {
      const local = this.#local.get(nodeName);
      local?.delete(slice);
      if (local?.size === 0) this.#local.delete(nodeName);
    }
    const pool = this.#pools.get(poolId(slice));
    if (!pool) return;
    pool.slices.delete(metadata.name);
    if (pool.slices.size === 0) this.#pools.delete(pool.id);
    this.#sliceChanged(slice, pool);
  }

  /** Undefined: the rule is gone. */
  setTaintRule(name: string, rule: DeviceTaintRule | undefined): void {
    if (rule) this.#rules.set(name, rule);
    else this.#rules.delete(name);
    for (const pool of this.#pools.values()) {
      pool.changed();
      this.#forgetViewers(pool);
    }
  }

  pool(id: string): Pool | undefined {
    return this.#pools.get(id);
  }

  /** Rows of the nodes that have the pool to themselves; undefined: others may see it as well. */
  rowsOf(id: string): readonly number[] | undefined {
    const rows: number[] = [];
    for (const { spec } of this.#pools.get(id)?.slices.values() ?? []) {
      if (!spec.nodeName) return undefined;
      const row = this.#snapshot.rowOf(spec.nodeName);
      if (row !== undefined && !rows.includes(row)) rows.push(row);
    }
    return rows;
  }

  /** What the node in the row can use. */
  view(row: number): NodeView {
    const known = this.#views[row];
    if (known) return known;
    const view = this.#look(row, this.#snapshot.node(row)!);
    this.#views[row] = view;
    for (const { pool } of view.pools) pool.viewers.add(view);
    if (row >= this.stamps.length) this.#grow(row);
    this.stamps[row] = ++this.#stamps;
    return view;
  }

  /** The node in the row is new, another, or gone. */
  nodeChanged(row: number): void {
    const view = this.#views[row];
    if (view) this.#forget(view);
  }

  /** True if the selector holds for the node in the row. */
  nodeMatches(selector: NodeSelector, row: number): boolean {
    const key = JSON.stringify(selector);
    let test = this.#selectors.get(key);
    if (!test) {
      if (this.#selectors.size >= 1_000) this.#selectors.clear();
      this.#selectors.set(key, (test = compileTerms(selector.nodeSelectorTerms, this.#snapshot)));
    }
    this.#one[0] = row;
    test(this.#one, 1, this.#match);
    return this.#match[0] === 1;
  }

  #look(row: number, node: Node): NodeView {
    const { name } = node.metadata;
    const slices = new Map<Pool, Set<ResourceSlice['spec']>>();
    const add = (slice: ResourceSlice): void => {
      const pool = this.#pools.get(poolId(slice))!;
      let specs = slices.get(pool);
      if (!specs) slices.set(pool, (specs = new Set()));
      specs.add(slice.spec);
    };
    for (const slice of this.#local.get(name) ?? []) add(slice);
    for (const slice of this.#remote) if (this.#reaches(slice.spec, row, name)) add(slice);
    const rules = [...this.#rules.values()];
    const found: (PoolView & { readonly late: boolean })[] = [];
    for (const [pool, specs] of slices) {
      const content = pool.content(this.uses, rules);
      const devices = content.devices.filter(
        ({ slice, spec }) =>
          specs.has(slice) && (!slice.perDeviceNodeSelection || this.#selects(spec, row, name)),
      );
      const { incomplete, invalid, hasBindingConditions: late } = content;
      // Slices of an older generation only: the driver is replacing them, and those for this node are not there yet.
      if (devices.length > 0 || [...specs].some((spec) => isCurrent(spec, pool))) {
        found.push({ pool, devices, incomplete, invalid, late });
      }
    }
    found.sort((a, b) => Number(a.late) - Number(b.late) || (a.pool.id < b.pool.id ? -1 : 1));
    return {
      row,
      pools: found,
      candidates: found.flatMap(({ devices, incomplete, invalid }) => (incomplete || invalid ? [] : devices)),
    };
  }

  /** True if the slice may have devices for the node. */
  #reaches(spec: ResourceSlice['spec'], row: number, name: string): boolean {
    if (spec.allNodes) return true;
    if (spec.nodeSelector) return this.nodeMatches(spec.nodeSelector, row);
    if (!spec.perDeviceNodeSelection) return false;
    return (spec.devices ?? []).some((device) => this.#selects(device, row, name));
  }

  #selects(
    device: {
      nodeName?: string | undefined;
      allNodes?: boolean | undefined;
      nodeSelector?: NodeSelector | undefined;
    },
    row: number,
    name: string,
  ): boolean {
    if (device.nodeName) return device.nodeName === name;
    if (device.allNodes) return true;
    return device.nodeSelector !== undefined && this.nodeMatches(device.nodeSelector, row);
  }

  #sliceChanged(slice: ResourceSlice, pool: Pool): void {
    pool.changed();
    this.#forgetViewers(pool);
    const { nodeName } = slice.spec;
    if (nodeName) {
      const row = this.#snapshot.rowOf(nodeName);
      if (row !== undefined) this.nodeChanged(row);
    } else for (const view of this.#views) if (view) this.#forget(view);
  }

  #forgetViewers(pool: Pool): void {
    for (const view of Array.from(pool.viewers)) this.#forget(view);
  }

  #forget(view: NodeView): void {
    for (const { pool } of view.pools) pool.viewers.delete(view);
    this.stamps[view.row] = 0;
    this.#views[view.row] = undefined;
  }

  #grow(row: number): void {
    const stamps = new Float64Array(Math.max(16, 2 ** Math.ceil(Math.log2(row + 1))));
    stamps.set(this.stamps);
    this.stamps = stamps;
  }

  #usesChanged(id: string): void {
    const pool = this.#pools.get(id);
    if (!pool) return;
    pool.usesChanged();
    for (const { row } of pool.viewers) this.stamps[row] = ++this.#stamps;
  }
}

function poolId({ spec }: ResourceSlice): string {
  return `${spec.driver}/${spec.pool.name}`;
}

function isCurrent(spec: ResourceSlice['spec'], pool: Pool): boolean {
  for (const other of pool.slices.values()) {
    if (other.spec.pool.generation > spec.pool.generation) return false;
  }
  return true;
}
