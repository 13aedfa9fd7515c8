/**
 * The cluster as columns: one row a node, typed arrays by property. Adding and removing a pod or changing a node touches
 * one row, so the snapshot is kept up to date by events and never rebuilt.
 *
 * Invariants:
 * - `requested[d][row]` is the sum of `requests` over the pods on the row; amounts are whole numbers below 2^53, so adding
 *   and removing in any order is exact. That is what makes a trial (place, look, take back) free of drift.
 * - every change of a row gives it a new `rowGeneration`, never used before: whoever kept something computed for a row
 *   knows by one compare whether it still holds.
 * - rows of removed nodes are free and are used again; `alive[row]` is 0 there.
 *
 * Pods on nodes that are not known (yet) are kept aside and take their place when the node appears.
 */
import type { Node, Pod, Taint } from '@coracle/machinery/api';
import type { CardRequest } from './cards/card-request.ts';
import { oneAccount } from './cards/one-account.ts';
import { CardColumns } from './cards/card-columns.ts';
import { DefaultSelectors } from './default-selectors.ts';
import { DraState } from './dra/dra-state.ts';
import { UsedPorts } from './host-ports.ts';
import { ImageTable } from './images.ts';
import { Interner } from './interner.ts';
import { LabelColumns } from './label-columns.ts';
import { PodReader, firstDimensions, podsDimension, type PodInfo, type PodInfoOptions } from './pod-info.ts';
import { PodIndex } from './pod-index.ts';
import { PodQueries, type Labels, type PodQuery } from './pod-query.ts';
import { amountOf } from './resources.ts';
import { RowLog } from './row-log.ts';
import { VolumeState } from './volumes/volume-state.ts';

/** A pod that occupies a node, or will when its node appears. */
export interface PlacedPod {
  readonly info: PodInfo;
  readonly nodeName: string;
  /** -1 while the node is unknown. */
  readonly row: number;
}

interface Placement extends PlacedPod {
  info: PodInfo;
  row: number;
  /** Index in the row's list of pods. */
  slot: number;
  /** A trial imagines it gone. */
  lifted: boolean;
}

export class Snapshot {
  /** Resource names; dimension = id - 1. */
  readonly resources = new Interner();
  readonly labels = new LabelColumns();
  readonly images = new ImageTable();
  readonly cards = new CardColumns();
  readonly queries = new PodQueries();
  /** Devices and claims. */
  readonly devices = new DraState(this);
  readonly #reader = new PodReader(this.resources, this.queries);
  readonly podIndex = new PodIndex();
  readonly selectors = new DefaultSelectors();
  readonly volumes = new VolumeState();
  /** Invariant: a row whose `rowGeneration` is another than it was is noted here since. */
  readonly log = new RowLog();

  /** Rows in use are below this; some may be free. */
  rowCount = 0;
  nodeCount = 0;
  /** Nodes that are cordoned, and nodes with taints. */
  cordoned = 0;
  tainted = 0;
  /** Another with every change; the same only if everything is the same. */
  generation = 0;

  alive = new Uint8Array(0);
  unschedulable = new Uint8Array(0);
  /** Index into `taintSets`: equal lists of taints share one. */
  taintSet = new Int32Array(0);
  nonZeroCpu = new Float64Array(0);
  nonZeroMemory = new Float64Array(0);
  rowGeneration = new Float64Array(0);
  /** By dimension, then row. `pods` counts pods. */
  readonly allocatable: Float64Array[] = [];
  readonly requested: Float64Array[] = [];
  /** What is left: `allocatable` less `requested`, below 0 where somebody gave too much. Searches ask for nothing else so often. */
  readonly free: Float64Array[] = [];
  readonly taintSets: (readonly Taint[])[] = [[]];

  /** Changes so far: generations are never given out twice. */
  #changes = 0;
  readonly #taintSetIds = new Map<string, number>([['[]', 0]]);
  readonly #nodes: (Node | undefined)[] = [];
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #ports: (UsedPorts | undefined)[] = [];
  readonly #podsOnRow: Placement[][] = [];
  readonly #pods = new Map<string, Placement>();
  /** Priority -> pods on known nodes that have it. */
  readonly #priorities = new Map<number, number>();
  /** Pods whose node is not known, by node name. */
  readonly #homeless = new Map<string, Set<Placement>>();

  constructor() {
    for (const name of firstDimensions) this.dimensionOf(name);
    oneAccount(this.cards, this.devices.inventory.uses, (row) => this.#touch(row));
  }

  /** Reads a pod against this snapshot's resource dimensions. */
  describe(pod: Pod, options?: PodInfoOptions): PodInfo {
    const info = this.#reader.read(pod, options);
    this.#addColumns();
    return info;
  }

  rowOf(nodeName: string): number | undefined {
    return this.#rows.get(nodeName);
  }
  node(row: number): Node | undefined {
    return this.#nodes[row];
  }
  nameOf(row: number): string {
    return this.#nodes[row]?.metadata.name ?? '';
  }
  ports(row: number): UsedPorts | undefined {
    return this.#ports[row];
  }
  podsOn(row: number): readonly PlacedPod[] {
    return this.#podsOnRow[row] ?? [];
  }
  pod(uid: string): PlacedPod | undefined {
    const placement = this.#pods.get(uid);
    return placement?.lifted ? undefined : placement;
  }
  pods(): Iterable<PlacedPod> {
    return this.#pods.values();
  }
  get podCount(): number {
    return this.#pods.size;
  }
  /** True if some pod on a known node has a lower priority. */
  hasPodsBelow(priority: number): boolean {
    for (const present of this.#priorities.keys()) if (present < priority) return true;
    return false;
  }
  /** Label values by row, as ids of `labels.values`; 0 where absent. Fetch again after any change. */
  labelColumn(key: string): Int32Array {
    return this.labels.column(key, this.#nodes, this.alive.length);
  }
  /** Pods by row that the query matches. Fetch again after any change. */
  matching(query: PodQuery): Int32Array {
    return this.podIndex.counts(query, this.alive.length, () => this.#pods.values());
  }
  /** Labels of a namespace (undefined: it is gone), for affinity terms that select namespaces by label. */
  setNamespace(name: string, labels: Labels | undefined): void {
    this.podIndex.setNamespace(name, labels);
    this.generation = ++this.#changes;
  }
  /** The dimension of a resource, given out now if it is new. */
  dimensionOf(name: string): number {
    const dimension = this.resources.id(name) - 1;
    this.#addColumns();
    return dimension;
  }
  resourceName(dimension: number): string {
    return this.resources.text(dimension + 1);
  }

  /** Adds the node, or takes over its new state. Returns its row. */
  setNode(node: Node): number {
    const name = node.metadata.name ?? '';
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = this.#free.pop() ?? this.rowCount++;
      if (row >= this.alive.length) this.#grow();
      this.#rows.set(name, row);
      this.alive[row] = 1;
      this.nodeCount++;
    }
    this.#nodes[row] = node;
    this.devices.inventory.nodeChanged(row);
    this.#readNode(row, node);
    this.#touch(row);
    const waiting = this.#homeless.get(name);
    if (waiting) {
      this.#homeless.delete(name);
      for (const placement of waiting) this.#settle(placement, row);
    }
    return row;
  }

  /** Removes the node; its pods are kept aside until they are removed or the node comes back. */
  removeNode(name: string): void {
    const row = this.#rows.get(name);
    if (row === undefined) return;
    const pods = this.#podsOnRow[row] ?? [];
    for (let placement = pods.at(-1); placement; placement = pods.at(-1)) {
      this.#unsettle(placement);
      this.#setAside(placement);
    }
    this.#rows.delete(name);
    this.#nodes[row] = undefined;
    this.devices.inventory.nodeChanged(row);
    this.alive[row] = 0;
    this.nodeCount--;
    for (const column of this.allocatable) column[row] = 0;
    this.#setFree(row);
    this.#setRules(row, 0, 0);
    this.labels.update(row, undefined);
    this.images.update(row, undefined);
    this.cards.setNode(row, undefined);
    this.#touch(row);
    this.#free.push(row);
  }

  /** Puts the pod on the node; a pod already here (same uid) is moved or taken over. */
  addPod(info: PodInfo, nodeName: string): void {
    this.removePod(info.uid);
    const placement: Placement = { info, nodeName, row: -1, slot: -1, lifted: false };
    this.#pods.set(info.uid, placement);
    const row = this.#rows.get(nodeName);
    if (row === undefined) this.#setAside(placement);
    else this.#settle(placement, row);
  }

  /** A newer reading of a pod that is here; touches the row only if it holds other amounts or ports than before. */
  refreshPod(info: PodInfo): void {
    const placement = this.#pods.get(info.uid);
    if (!placement) return;
    const held = this.cards.heldBy(info.uid);
    if (!sameClaims(placement.info, info, held)) this.addPod(info, placement.nodeName);
    else {
      if (placement.row >= 0 && !sameToOthers(placement.info.pod, info.pod)) {
        this.podIndex.remove(placement.info, placement.row);
        this.podIndex.add(info, placement.row);
      }
      placement.info = info;
    }
  }

  /** Takes the pod away. Returns where it was; undefined if it was not here. */
  removePod(uid: string): PlacedPod | undefined {
    const placement = this.#pods.get(uid);
    if (!placement) return undefined;
    this.#pods.delete(uid);
    placement.lifted = false;
    const before: PlacedPod = { info: placement.info, nodeName: placement.nodeName, row: placement.row };
    if (placement.row >= 0) this.#unsettle(placement);
    else {
      const waiting = this.#homeless.get(placement.nodeName);
      waiting?.delete(placement);
      if (waiting?.size === 0) this.#homeless.delete(placement.nodeName);
    }
    return before;
  }

  /** For Trial: takes a pod, as `pod` answers it, off its row; `putBack` brings it back, `removePod` makes it stay away. */
  lift(pod: PlacedPod): void {
    this.#unsettle(pod as Placement);
    (pod as Placement).lifted = true;
  }

  /** For Trial: makes the lifted pod be on its row again, whatever was done with it since. */
  putBack(pod: PlacedPod, row: number): void {
    const placement = pod as Placement;
    const { uid } = placement.info;
    if (this.#pods.get(uid) !== placement) {
      this.removePod(uid);
      this.#pods.set(uid, placement);
    }
    if (placement.row < 0) this.#settle(placement, row);
    placement.lifted = false;
  }

  #settle(placement: Placement, row: number): void {
    const pods = (this.#podsOnRow[row] ??= []);
    placement.row = row;
    placement.slot = pods.length;
    pods.push(placement);
    this.podIndex.add(placement.info, row);
    if (placement.info.volumes) this.volumes.use(placement.info.volumes, row, 1);
    if (placement.info.cards) this.cards.add(placement.info.uid, placement.info.cards, row);
    this.#count(placement.info, row, 1);
    for (const port of placement.info.ports) (this.#ports[row] ??= new UsedPorts()).add(port);
  }

  #unsettle(placement: Placement): void {
    const { row, slot, info } = placement;
    const pods = this.#podsOnRow[row]!;
    const last = pods.pop()!;
    if (last !== placement) {
      pods[slot] = last;
      last.slot = slot;
    }
    this.podIndex.remove(info, row);
    if (info.volumes) this.volumes.use(info.volumes, row, -1);
    if (info.cards) this.cards.remove(info.uid);
    this.#count(info, row, -1);
    for (const port of info.ports) this.#ports[row]?.remove(port);
    placement.row = -1;
  }

  #count(info: PodInfo, row: number, sign: 1 | -1): void {
    const { dimensions, requests } = info;
    for (let i = 0; i < dimensions.length; i++) {
      const amount = sign * requests[i]!;
      this.requested[dimensions[i]!]![row]! += amount;
      this.free[dimensions[i]!]![row]! -= amount;
    }
    this.requested[podsDimension]![row]! += sign;
    this.free[podsDimension]![row]! -= sign;
    this.nonZeroCpu[row]! += sign * info.nonZeroCpu;
    this.nonZeroMemory[row]! += sign * info.nonZeroMemory;
    const count = (this.#priorities.get(info.priority) ?? 0) + sign;
    if (count === 0) this.#priorities.delete(info.priority);
    else this.#priorities.set(info.priority, count);
    this.#touch(row);
  }

  #setAside(placement: Placement): void {
    let waiting = this.#homeless.get(placement.nodeName);
    if (!waiting) this.#homeless.set(placement.nodeName, (waiting = new Set()));
    waiting.add(placement);
  }

  #readNode(row: number, node: Node): void {
    for (const column of this.allocatable) column[row] = 0;
    const offered = node.status?.allocatable ?? {};
    for (const name in offered) {
      this.allocatable[this.dimensionOf(name)]![row] = amountOf(name, offered[name]!);
    }
    this.#setFree(row);
    const taints = node.spec?.taints ?? [];
    const text = JSON.stringify(taints.map((t) => [t.key, t.value ?? '', t.effect]));
    let set = this.#taintSetIds.get(text);
    if (set === undefined) {
      set = this.taintSets.length;
      this.taintSets.push(taints);
      this.#taintSetIds.set(text, set);
    }
    this.#setRules(row, node.spec?.unschedulable ? 1 : 0, set);
    this.labels.update(row, node);
    this.images.update(row, node);
    this.cards.setNode(row, node);
  }

  #setFree(row: number): void {
    for (let d = 0; d < this.free.length; d++)
      this.free[d]![row] = this.allocatable[d]![row]! - this.requested[d]![row]!;
  }

  #setRules(row: number, unschedulable: 0 | 1, taintSet: number): void {
    this.cordoned += unschedulable - this.unschedulable[row]!;
    this.tainted += Math.min(1, taintSet) - Math.min(1, this.taintSet[row]!);
    this.unschedulable[row] = unschedulable;
    this.taintSet[row] = taintSet;
  }

  /** What every row is judged by has changed. */
  touchAll(): void {
    for (let row = 0; row < this.rowCount; row++) this.#touch(row);
  }

  #touch(row: number): void {
    this.generation = ++this.#changes;
    this.rowGeneration[row] = this.generation;
    this.log.note(row);
  }

  /** Nothing kept for any row holds any more: a plugin judges by other rules from now on. */
  forgetVerdicts(): void {
    for (let row = 0; row < this.rowCount; row++) if (this.alive[row] !== 0) this.#touch(row);
  }

  /** For Trial: the row is again exactly what it was at that generation. */
  restoreRow(row: number, rowGeneration: number): void {
    this.rowGeneration[row] = rowGeneration;
    this.log.note(row);
  }
  /** For Trial: everything is again exactly what it was at that generation. */
  restore(generation: number): void {
    this.generation = generation;
  }

  /** Invariant after it: a column for every resource name seen. */
  #addColumns(): void {
    while (this.allocatable.length < this.resources.size) {
      this.allocatable.push(new Float64Array(this.alive.length));
      this.requested.push(new Float64Array(this.alive.length));
      this.free.push(new Float64Array(this.alive.length));
    }
  }

  #grow(): void {
    const capacity = Math.max(16, this.alive.length * 2);
    const wider = (column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(capacity);
      next.set(column);
      return next;
    };
    for (let d = 0; d < this.allocatable.length; d++) {
      this.allocatable[d] = wider(this.allocatable[d] as Float64Array<ArrayBuffer>);
      this.requested[d] = wider(this.requested[d] as Float64Array<ArrayBuffer>);
      this.free[d] = wider(this.free[d] as Float64Array<ArrayBuffer>);
    }
    this.nonZeroCpu = wider(this.nonZeroCpu);
    this.nonZeroMemory = wider(this.nonZeroMemory);
    this.rowGeneration = wider(this.rowGeneration);
    const alive = new Uint8Array(capacity);
    alive.set(this.alive);
    this.alive = alive;
    const unschedulable = new Uint8Array(capacity);
    unschedulable.set(this.unschedulable);
    this.unschedulable = unschedulable;
    const taintSet = new Int32Array(capacity);
    taintSet.set(this.taintSet);
    this.taintSet = taintSet;
  }
}

/** `held`: the cards `a` is known to have, whether the API says so yet or not. */
function sameClaims(a: PodInfo, b: PodInfo, held: readonly number[] | undefined): boolean {
  return (
    a.priority === b.priority &&
    a.nonZeroCpu === b.nonZeroCpu &&
    a.nonZeroMemory === b.nonZeroMemory &&
    sameNumbers(a.dimensions, b.dimensions) &&
    sameNumbers(a.requests, b.requests) &&
    sameCards(a.cards, b.cards, held) &&
    a.ports.length === b.ports.length &&
    a.ports.every((p, i) => p.port === b.ports[i]!.port && p.ip === b.ports[i]!.ip)
  );
}

function sameCards(
  a: CardRequest | undefined,
  b: CardRequest | undefined,
  held: readonly number[] | undefined,
): boolean {
  if (a?.key !== b?.key) return false;
  const told = b?.indices ?? [];
  return sameNumbers(a?.indices ?? [], told) || (held !== undefined && sameNumbers(held, told));
}

/** True if rules of other pods see no difference. */
function sameToOthers(a: Pod, b: Pod): boolean {
  if ((a.metadata.deletionTimestamp === undefined) !== (b.metadata.deletionTimestamp === undefined))
    return false;
  const [x, y] = [a.metadata.labels ?? {}, b.metadata.labels ?? {}];
  const keys = Object.keys(x);
  return keys.length === Object.keys(y).length && keys.every((key) => x[key] === y[key]);
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}

/** An empty cluster. */
export function createSnapshot(): Snapshot {
  return new Snapshot();
}
