/**
 * One scheduling decision: which node is best for this pod, or why none will do.
 *
 * Nodes are visited from where the last search ended, in batches, in an order that mixes them (nodes made one after the
 * other are often of one zone; where only some are looked at, they should not all be). Row-local plugins keep their verdicts
 * (evaluation.ts); cluster-wide ones run on what those let through. The search stops when enough nodes fit
 * (percentageOfNodesToScore, as kube-scheduler samples); the best of them wins, equals by lot.
 */
import { Cycle } from './cycle.ts';
import { batchSize } from './batch-size.ts';
import { Evaluation, prepareScores, type NamedScore, type Unplaced } from './evaluation.ts';
import { Nominations } from './nominations.ts';
import type { Pod } from '@coracle/machinery/api';
import type { PodInfo } from './pod-info.ts';
import { isGate, isRepair, isReserve, type Repair, type Gate, type Profile } from './plugin.ts';
import {
  noReservations,
  releaseAll,
  type Reservation,
  type ReservePlugin,
  type Taker,
} from './reservation.ts';
import type { RowSet } from './row-set.ts';
import type { Snapshot } from './snapshot.ts';
import { placeOf, rowAfter, RowWalk, visitOrder, type VisitOrder } from './visit-order.ts';
import { Trial } from './trial.ts';

export interface FrameworkOptions {
  readonly profile: Profile;
  readonly snapshot: Snapshot;
  /** Uniform in [0, 1): breaks ties. The same numbers give the same placements. */
  readonly random: () => number;
  /** Shared by the profiles of one scheduler. */
  readonly nominations?: Nominations;
  /** Verdicts (kinds of pods x nodes) that are kept, about 40 bytes each. Default 2^19. */
  readonly maxVerdicts?: number;
}

export interface PlacementOptions {
  /** Consider only these rows (a topology domain). */
  readonly within?: RowSet;
  /** The rows of `within`: no others are visited. */
  readonly rows?: Int32Array;
  /** Only whether it fits is asked: the diagnosis may be empty. */
  readonly briefly?: boolean;
}

const noDiagnosis: Unplaced = {
  fits: false,
  diagnosis: { nodeCount: 0, reasons: new Map(), plugins: new Set(), resolvable: [] },
};

export interface Placed {
  readonly fits: true;
  readonly row: number;
  readonly nodeName: string;
  /** Nodes that fit among which it was chosen. */
  readonly feasible: number;
  /** What the pod has taken: with decisions that were carried out (scheduleOne). */
  readonly reservations?: readonly Reservation[];
}
export type Decision = Placed | Unplaced;

/** At fewer nodes all are scored; never fewer feasible ones than these are sought. kube-scheduler's figures. */
const minFeasibleNodes = 100;
/** Kinds of pods whose verdicts are kept: at least so many, and more where there are few nodes (verdicts in all). */
const minEvaluations = 64;
const maxVerdicts = 2 ** 19;
/** Nodes kept for nominated pods, each looked at for every decision, that cost less than a walk. */
const maxKeptNodes = 64;
const noRows: readonly number[] = [];

export interface Probe {
  /** True if plugins that look at the whole cluster have a say. */
  readonly clusterWide: boolean;
  /** Why the pod cannot run on the row as things are; undefined if it can. */
  rejection(row: number): string | undefined;
  /** The same if `gone` were not on the row, without making it so. Undefined: that cannot be said. */
  imagine(row: number, gone: readonly PodInfo[]): string | typeof fits | undefined;
}
/** What a probe that only imagines answers if the pod can run. */
export const fits = Symbol('fits');

export class Framework implements Taker {
  readonly profile: Profile;
  readonly snapshot: Snapshot;
  readonly nominations: Nominations;
  readonly #random: () => number;
  readonly #reservers: readonly ReservePlugin[];
  readonly #maxVerdicts: number;
  /** By signature; when there are too many the least recently used goes. */
  readonly #evaluations = new Map<string, Evaluation>();
  #uses = 0;
  /** Row where the next search begins. */
  #next = 0;
  #mixed = visitOrder(0);
  #straight = visitOrder(0);
  readonly #rowWalk = new RowWalk();
  #feasible = new Int32Array(0);
  #totals = new Float64Array(0);
  #part = new Float64Array(0);
  readonly #batch = new Int32Array(batchSize);

  constructor(options: FrameworkOptions) {
    this.profile = options.profile;
    this.snapshot = options.snapshot;
    this.#random = options.random;
    this.nominations = options.nominations ?? new Nominations();
    this.#maxVerdicts = options.maxVerdicts ?? maxVerdicts;
    this.#reservers = this.profile.plugins.map(({ plugin }) => plugin).filter((plugin) => isReserve(plugin));
  }

  /** Row where the next search begins: with the snapshot, all that decisions depend on. For a run that is saved and resumed. */
  get searchStart(): number {
    return this.#next;
  }
  set searchStart(row: number) {
    this.#next = row;
  }

  /** Decides for one pod. Changes nothing but the place where the next search begins. */
  schedule(pod: PodInfo, options: PlacementOptions = {}): Decision {
    const cycle = this.#begin(pod);
    const known = cycle.local.unplaced;
    if (known?.at === this.snapshot.generation && this.#simple(cycle, options)) return known.unplaced;
    if (!cycle.rejection) {
      const nominated = this.nominations.nodeOf(pod.uid);
      const row = nominated === undefined ? undefined : this.snapshot.rowOf(nominated);
      // The node whose victims left for this pod is taken at once if it fits.
      if (row !== undefined && allowed(options, row) && this.#fits(cycle, row)) {
        return this.#placed(row, 1);
      }
      const decision = this.#search(cycle, options);
      if (decision) return decision;
    }
    if (options.briefly) return noDiagnosis;
    const all = options.within === undefined && options.rows === undefined;
    const diagnosis = (all && cycle.diagnoseByCounts()) || cycle.diagnose(options.within);
    const unplaced: Unplaced = { fits: false, diagnosis };
    if (this.#simple(cycle, options)) cycle.local.unplaced = { at: this.snapshot.generation, unplaced };
    return unplaced;
  }

  /** Why the pod need not be tried yet. Undefined: it may be. */
  gate(pod: Pod): (Gate & { readonly plugin: string }) | undefined {
    for (const { plugin } of this.profile.plugins) {
      const gate = isGate(plugin) ? plugin.gate(pod, this.snapshot) : undefined;
      if (gate) return { ...gate, plugin: plugin.name };
    }
    return undefined;
  }

  reserve(pod: PodInfo, row: number): readonly Reservation[] {
    let result: Reservation[] | undefined;
    try {
      for (const plugin of this.#reservers) {
        const reservation = plugin.reserve(pod, row, this.snapshot);
        if (reservation) (result ??= []).push(reservation);
      }
    } catch (error) {
      if (result) releaseAll(result);
      throw error;
    }
    return result ?? noReservations;
  }

  /** What plugins could mend for a pod that fits nowhere. */
  repairs(pod: PodInfo): readonly Repair[] {
    return this.profile.plugins.flatMap(({ plugin }) =>
      isRepair(plugin) ? (plugin.repair(pod, this.snapshot) ?? []) : [],
    );
  }

  /** True if something on the row is still held for pods that are gone. */
  freeing(row: number): boolean {
    return this.#reservers.some((plugin) => plugin.freeing?.(row, this.snapshot) ?? false);
  }

  leave(pod: PodInfo, row: number): readonly (() => void)[] {
    return this.#reservers.flatMap((plugin) => plugin.leave?.(pod, row, this.snapshot) ?? []);
  }

  /** True if the decision depends on the pod's signature and the snapshot only. */
  #simple(cycle: Cycle, options: PlacementOptions): boolean {
    return !cycle.clusterWide && this.nominations.size === 0 && options.within === undefined;
  }

  /** Judges single rows for one pod, again and again, while pods come and go on the snapshot. Keeps nothing. */
  probe(pod: PodInfo): Probe {
    const cycle = this.#begin(pod);
    const { snapshot, nominations } = this;
    const newTrial = (): Trial => new Trial(snapshot, this);
    const imaginable = !cycle.clusterWide && !cycle.rejection && !cycle.only && cycle.local.imaginable;
    return {
      clusterWide: cycle.clusterWide,
      imagine(row, gone) {
        if (!imaginable) return undefined;
        let ahead = noPods;
        if (nominations.size > 0 && nominations.anyOn(snapshot.nameOf(row))) {
          ahead = nominations.ahead(snapshot.nameOf(row), pod).filter(({ uid }) => !snapshot.pod(uid));
          // Whom they want near or far is for plugins that look further than one node.
          if (ahead.some(({ terms }) => terms)) return undefined;
        }
        const found =
          cycle.local.imagine(row, gone, ahead) ??
          // And without them: they may never come, and the pod must not need them.
          (ahead.length > 0 ? cycle.local.imagine(row, gone, noPods) : undefined);
        return found ? found.by.filter.reasons(found.code, row)[0] : fits;
      },
      rejection(row) {
        if (cycle.rejection) return cycle.rejection.message;
        if (!cycle.considers(row)) return 'not a node the pod asks for';
        const name = snapshot.nameOf(row);
        const ahead = nominations.size === 0 ? [] : nominations.ahead(name, pod);
        const trial = newTrial();
        for (const info of ahead) if (!snapshot.pod(info.uid)) trial.imagine(info, name);
        let found = cycle.look(row, ahead);
        const reason = found && found.by.filter.reasons(found.code, row)[0];
        trial.rollback();
        if (found || ahead.length === 0) return reason;
        // And without them: they may never come, and the pod must not need them.
        found = cycle.look(row, ahead);
        return found && found.by.filter.reasons(found.code, row)[0];
      },
    };
  }

  /** True if the pod fits on the row, pods nominated to it that go first reckoned with. */
  fitsOn(pod: PodInfo, row: number): boolean {
    // Asked whenever a victim leaves; mostly others must follow.
    if (this.#evaluations.get(pod.signature)?.rejects(this.snapshot, row)) return false;
    const cycle = this.#begin(pod);
    return !cycle.rejection && this.#fits(cycle, row);
  }

  /** True if the row may be of use to the pod: it fits, or evicting others there could make it fit. */
  mayHelp(pod: PodInfo, row: number): boolean {
    const cycle = this.#begin(pod);
    if (cycle.rejection) return false;
    if (this.#fits(cycle, row)) return true;
    return (
      cycle.resolvable(row) && this.snapshot.podsOn(row).some(({ info }) => info.priority < pod.priority)
    );
  }

  /**
   * Sets `room[i]` to the number of pods like this one that `rows[i]` could take, by what plugins that look at one node say
   * and by the amounts that are free: never too few, perhaps too many. `resolvable[i]`: none, but evictions may help.
   */
  room(pod: PodInfo, rows: Int32Array, count: number, room: Int32Array, resolvable?: Uint8Array): void {
    const cycle = this.#begin(pod);
    if (cycle.rejection) {
      room.fill(0, 0, count);
      resolvable?.fill(0, 0, count);
      return;
    }
    const { local } = cycle;
    for (let from = 0; from < count; from += batchSize) {
      const part = rows.subarray(from, Math.min(from + batchSize, count));
      local.refresh(this.snapshot, part, part.length);
    }
    local.room.read(this.snapshot, pod, local, rows, count, room);
    const only = cycle.only && new Set(cycle.only.rows);
    for (let i = 0; i < count && only; i++) if (!only.has(rows[i]!)) room[i] = 0;
    for (let i = 0; i < count && resolvable; i++) {
      const by = local.rejectedBy[rows[i]!]!;
      const may = by > 0 && local.filters[by - 1]!.filter.resolvable(local.code[rows[i]!]!);
      resolvable[i] = may && (!only || only.has(rows[i]!)) ? 1 : 0;
    }
  }

  #placed(row: number, feasible: number): Placed {
    return { fits: true, row, nodeName: this.snapshot.nameOf(row), feasible };
  }

  #begin(pod: PodInfo): Cycle {
    const { profile, snapshot } = this;
    let local = this.#evaluations.get(pod.signature);
    if (!local) {
      let worn: Evaluation | undefined;
      if (
        this.#evaluations.size >= Math.max(minEvaluations, this.#maxVerdicts / this.snapshot.alive.length)
      ) {
        let [oldest] = this.#evaluations;
        for (const entry of this.#evaluations) if (entry[1].usedAt < oldest![1].usedAt) oldest = entry;
        worn = oldest![1];
        this.#evaluations.delete(oldest![0]);
      }
      local = new Evaluation(profile, pod, snapshot, worn);
      this.#evaluations.set(pod.signature, local);
    }
    local.usedAt = ++this.#uses;
    return new Cycle(profile, snapshot, pod, local);
  }

  /** Visits nodes until enough fit; undefined if none does. */
  #search(cycle: Cycle, options: PlacementOptions): Placed | undefined {
    const { snapshot } = this;
    if (this.#feasible.length < snapshot.alive.length) this.#growScratch(snapshot.alive.length);
    const { alive } = snapshot;
    const { local } = cycle;
    const { within } = options;
    const rows = cycle.only?.rows ?? options.rows;
    const total = rows?.length ?? snapshot.rowCount;
    const wanted = rows ? total : this.nodesToFind;
    // Only where some nodes are left out does it matter where a search begins.
    const sampled = !rows && wanted < snapshot.nodeCount;
    const reserved = this.nominations.size > 0;
    const batch = this.#batch;
    let found = 0;
    let keeps = true;
    if (rows) {
      for (let at = 0; at < total;) {
        let count = 0;
        for (; at < total && count < batchSize; at++) {
          const row = rows[at]!;
          if (alive[row] !== 0 && (!within || within.has(row))) batch[count++] = row;
        }
        found = this.#collect(cycle, batch, count, reserved, found);
      }
    } else {
      local.searched(snapshot.generation);
      const order = this.#orderOf(total, sampled);
      const start = sampled ? this.#next % Math.max(1, order.places) : 0;
      // Where the row says everything, the best of those that fit is known without a walk.
      if (!within && !cycle.clusterWide && this.nominations.nodeCount <= maxKeptNodes) {
        const placed = this.#known(cycle, sampled, order, start, wanted);
        if (placed) return placed;
      }
      const few = within ? undefined : this.#fewFree(cycle.local, wanted);
      if (few) {
        // In the order in which a search comes by.
        if (sampled) sortByVisit(few, order, start);
        else few.sort();
        batch.set(few);
        found = this.#collect(cycle, batch, few.length, reserved, 0);
      } else {
        // If more rows change between two walks than a walk looks at, most have changed before they are looked at again.
        keeps = reserved || cycle.clusterWide || local.changes * local.fitting <= wanted;
        found = this.#walk(cycle, order, start, wanted, reserved, within, keeps);
        // Why it does not fit anywhere is asked of what is kept.
        if (found === 0 && !keeps && !options.briefly)
          found = this.#walk(cycle, order, start, wanted, reserved, within, true);
      }
      found = Math.min(found, wanted);
      if (sampled && found > 0) this.#next = rowAfter(order, this.#feasible[found - 1]!);
    }
    if (found === 0) return undefined;
    return this.#placed(this.#best(cycle, found, reserved, reserved || cycle.clusterWide, keeps), found);
  }

  /** Collects rows that fit until there are as many as wanted, or a few more. `keeps`: with what is kept of them. */
  #walk(
    cycle: Cycle,
    order: VisitOrder,
    start: number,
    wanted: number,
    reserved: boolean,
    within: RowSet | undefined,
    keeps: boolean,
  ): number {
    const { local } = cycle;
    const { alive } = this.snapshot;
    const walk = this.#rowWalk;
    const batch = this.#batch;
    walk.begin(order, start);
    let found = 0;
    let looked = 0;
    while (walk.left > 0 && found < wanted) {
      // As many as it should take, by how many of them fitted such pods the last time.
      const likely = Math.ceil((wanted - found) / local.fitting);
      const count = walk.take(batch, Math.max(smallBatch, Math.min(likely, batchSize)), alive, within);
      looked += count;
      if (keeps) {
        found = this.#collect(cycle, batch, count, reserved, found);
        continue;
      }
      const kept = local.pick(batch, count, this.#totals, found);
      for (let i = 0; i < kept; i++) this.#feasible[found + i] = batch[i]!;
      found += kept;
    }
    local.fitting = Math.max(leastFitting, found / Math.max(1, looked));
    return found;
  }

  /**
   * The rows that no row-local filter rejects, if that is known without a look at all rows and if they are so few that every one
   * would be looked for.
   */
  #fewFree(local: Evaluation, wanted: number): Int32Array | undefined {
    const { tally } = local;
    if (!tally.holds || !tally.catchUp(this.snapshot, local, false)) return undefined;
    if (tally.freeCount < Math.min(wanted, maxFree)) return tally.freeRows.slice(0, tally.freeCount);
    // Such pods fit in many places again: counting all rows would cost more than the search.
    if (tally.freeCount >= maxFree) tally.forget();
    return undefined;
  }

  /** What the walk would find, by what is kept for such pods; undefined: it takes a walk. */
  #known(
    cycle: Cycle,
    sampled: boolean,
    order: VisitOrder,
    start: number,
    wanted: number,
  ): Placed | undefined {
    const { local } = cycle;
    const { bests } = local;
    if (local.scoredWide || local.differs.includes(true)) return undefined;
    if (!bests.ready(this.snapshot, local, order) || local.differs.includes(true)) return undefined;
    if (prepareScores(this.profile, cycle.pod, this.snapshot, true).length > 0) return undefined;
    const kept = this.nominations.size > 0 ? this.#keptRows(cycle) : noRows;
    for (const row of kept) bests.leaveOut(row);
    const row = bests.choose(start, wanted, this.#random);
    for (const row of kept) {
      // Judged with others in place it had another verdict.
      local.refreshRow(this.snapshot, row);
      bests.putBack(row, local);
    }
    if (row < 0) return undefined;
    if (sampled) this.#next = rowAfter(order, bests.last);
    return this.#placed(row, bests.found);
  }

  /** Rows that fit by themselves but are kept for nominated pods. */
  #keptRows(cycle: Cycle): number[] {
    const { snapshot } = this;
    const { bests } = cycle.local;
    const kept: number[] = [];
    for (const name of this.nominations.nodeNames()) {
      const row = snapshot.rowOf(name);
      if (row !== undefined && bests.fits(row) && !this.#fits(cycle, row)) kept.push(row);
    }
    return kept;
  }

  #orderOf(rows: number, sampled: boolean): VisitOrder {
    const known = sampled ? this.#mixed : this.#straight;
    if (known.rows === rows) return known;
    const order = visitOrder(rows, !sampled);
    if (sampled) this.#mixed = order;
    else this.#straight = order;
    return order;
  }

  /** Appends those of the batch that fit to `#feasible`. Returns how many there are now. */
  #collect(cycle: Cycle, batch: Int32Array, count: number, reserved: boolean, found: number): number {
    const { local } = cycle;
    local.refresh(this.snapshot, batch, count);
    const { rejectedBy } = local;
    const feasible = this.#feasible;
    if (!reserved && !cycle.clusterWide) {
      const { base } = local;
      const totals = this.#totals;
      let end = found;
      for (let i = 0; i < count; i++) {
        const row = batch[i]!;
        feasible[end] = row;
        // On the way, for `#best`.
        totals[end] = base[row]!;
        end += rejectedBy[row] === 0 ? 1 : 0;
      }
      return end;
    }
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const row = batch[i]!;
      if (rejectedBy[row] !== 0) continue;
      // Nominated pods that go first must find their place, too.
      if (reserved && this.nominations.anyOn(this.snapshot.nameOf(row)) && !this.#fits(cycle, row)) continue;
      batch[kept++] = row;
    }
    kept = cycle.filterWide(batch, kept);
    for (let i = 0; i < kept; i++) feasible[found + i] = batch[i]!;
    return found + kept;
  }

  /** Judges one row, with the nominated pods that go first in place. */
  #fits(cycle: Cycle, row: number): boolean {
    if (!cycle.considers(row)) return false;
    if (this.nominations.size === 0) return cycle.judge(row);
    const name = this.snapshot.nameOf(row);
    const ahead = this.nominations.ahead(name, cycle.pod).filter(({ uid }) => !this.snapshot.pod(uid));
    if (ahead.length === 0) return cycle.judge(row);
    const { nominated } = cycle.local;
    const generation = this.snapshot.rowGeneration[row]!;
    const known = cycle.clusterWide ? undefined : nominated.get(row);
    if (known?.generation === generation && sameItems(known.ahead, ahead)) return cycle.recall(row, known);
    const trial = new Trial(this.snapshot, this);
    for (const info of ahead) trial.imagine(info, name);
    // What is kept of this verdict carries the generation of the trial: `local` will look again.
    cycle.prepareAgain(ahead);
    const fits = cycle.judge(row);
    // What pods take besides room may depend on more than the row.
    if (trial.plain && !cycle.clusterWide) {
      if (nominated.size >= maxNominated) nominated.clear();
      nominated.set(row, { generation, ahead, rejection: fits ? undefined : cycle.verdictOn(row) });
    } else nominated.delete(row);
    trial.rollback();
    cycle.prepareAgain(ahead);
    // It must fit without them too: they may never come, and pods that it wants near would be missing.
    return fits && (!cycle.clusterWide || cycle.judge(row));
  }

  /** A search ends when so many nodes fit. */
  get nodesToFind(): number {
    const nodes = this.snapshot.nodeCount;
    let percentage = this.profile.percentageOfNodesToScore ?? 0;
    if (nodes < minFeasibleNodes || percentage >= 100) return nodes;
    if (percentage === 0) percentage = Math.max(5, 50 - Math.floor(nodes / 125));
    return Math.max(minFeasibleNodes, Math.floor((nodes * percentage) / 100));
  }

  /**
   * The feasible row with the highest total; equals by lot. `stale`: some rows were touched after they were judged. `open`: `#totals`
   * lacks what is kept of each row. `keeps` false: nothing is.
   */
  #best(cycle: Cycle, count: number, stale: boolean, open: boolean, keeps: boolean): number {
    const rows = this.#feasible;
    if (count === 1) return rows[0]!;
    const { local } = cycle;
    const staleCount = stale ? count : 0;
    for (let i = 0; i < staleCount; i += batchSize) {
      const part = rows.subarray(i, Math.min(i + batchSize, count));
      local.refresh(this.snapshot, part, part.length);
    }
    const { base } = local;
    const totals = this.#totals;
    for (let i = 0; open && i < count; i++) totals[i] = base[rows[i]!]!;
    for (let s = 0; s < local.relative.length; s++) {
      const part = this.#part;
      const { score } = local.relative[s]!;
      // All nodes alike: normalized they are alike too, and the choice does not depend on it.
      if (keeps ? !local.differs[s] : score.idle?.()) continue;
      if (!keeps) {
        score.score(rows, count, part);
        if (local.seeDifference(s, part, count)) this.#addPart(local.relative[s]!, count);
        continue;
      }
      const raw = local.raw[s]!;
      for (let i = 0; i < count; i++) part[i] = raw[rows[i]!]!;
      this.#addPart(local.relative[s]!, count);
    }
    const wide = prepareScores(this.profile, cycle.pod, this.snapshot, true);
    local.scoredWide = wide.length > 0;
    for (const named of wide) {
      named.score.score(rows, count, this.#part);
      this.#addPart(named, count);
    }
    return rows[this.#pick(totals, count)]!;
  }

  /** Index of the largest; among equals by lot. */
  #pick(totals: Float64Array, count: number): number {
    let best = totals[0]!;
    let first = 0;
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const total = totals[i]!;
      if (total > best) {
        best = total;
        first = i;
        ties = 1;
      } else if (total === best) ties++;
    }
    if (ties === 1) return first;
    let skip = Math.min(ties - 1, Math.floor(this.#random() * ties));
    let i = first;
    for (; ; i++) if (totals[i] === best && skip-- === 0) return i;
  }

  /** Normalizes `#part` and adds it, weighted, to the totals. */
  #addPart({ score, weight }: NamedScore, count: number): void {
    const part = this.#part;
    score.normalize?.(part, count, this.#feasible);
    for (let i = 0; i < count; i++) this.#totals[i]! += weight * part[i]!;
  }

  #growScratch(capacity: number): void {
    this.#feasible = new Int32Array(capacity + batchSize);
    this.#totals = new Float64Array(capacity + batchSize);
    this.#part = new Float64Array(capacity + batchSize);
  }
}

/** Where a kind of pod fits on more rows than these, it is searched for. Not more than a batch. */
const maxFree = 128;
const noPods: readonly PodInfo[] = [];
/** A batch has a price of its own. */
const smallBatch = 32;
/** So small a part of the rows fits that whole batches are looked at. */
const leastFitting = 0.01;
/** Rows of which a pod's verdict with nominated pods is kept. */
const maxNominated = 8192;

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function sortByVisit(rows: Int32Array, order: VisitOrder, start: number): void {
  const { places } = order;
  const first = placeOf(order, start);
  const visit = (row: number): number => (placeOf(order, row) - first + places) % places;
  rows.sort((a, b) => visit(a) - visit(b));
}

function allowed(options: PlacementOptions, row: number): boolean {
  return options.within?.has(row) ?? true;
}

/** A framework runs one profile's plugins over one snapshot. */
export function createFramework(options: FrameworkOptions): Framework {
  return new Framework(options);
}
