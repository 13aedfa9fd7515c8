/**
 * One scheduling decision: which node is best for this pod, or why none will do.
 *
 * Nodes are visited in row order from where the last search ended, in batches. Row-local plugins keep their verdicts
 * (evaluation.ts); cluster-wide ones run on what those let through. The search stops when enough nodes fit
 * (percentageOfNodesToScore, as kube-scheduler samples); the best of them wins, equals by lot.
 */
import type { Diagnosis } from './diagnosis.ts';
import {
  batchSize,
  Evaluation,
  prepareFilters,
  prepareScores,
  type NamedFilter,
  type NamedScore,
  type Unplaced,
} from './evaluation.ts';
import { Nominations } from './nominations.ts';
import type { PodInfo } from './pod-info.ts';
import type { Profile } from './plugin.ts';
import type { Snapshot } from './snapshot.ts';
import { Trial } from './trial.ts';

export interface FrameworkOptions {
  readonly profile: Profile;
  readonly snapshot: Snapshot;
  /** Uniform in [0, 1): breaks ties. The same numbers give the same placements. */
  readonly random: () => number;
  /** Shared by the profiles of one scheduler. */
  readonly nominations?: Nominations;
}

export interface PlacementOptions {
  /** Consider only rows whose byte is not 0 (a topology domain). */
  readonly within?: Uint8Array;
}

export interface Placed {
  readonly fits: true;
  readonly row: number;
  readonly nodeName: string;
  /** Nodes looked at, and those of them that fit. */
  readonly evaluated: number;
  readonly feasible: number;
}
export type Decision = Placed | Unplaced;

/** At fewer nodes all are scored; never fewer feasible ones than these are sought. kube-scheduler's figures. */
const minFeasibleNodes = 100;
/** Kinds of pods whose verdicts are kept. */
const maxEvaluations = 64;
const noReasons: ReadonlyMap<string, number> = new Map();

interface Verdict {
  readonly by: NamedFilter;
  readonly code: number;
}

export interface Probe {
  /** True if plugins that look at the whole cluster have a say. */
  readonly clusterWide: boolean;
  /** Why the pod cannot run on the row as things are; undefined if it can. */
  rejection(row: number): string | undefined;
}

/** A pod on its way through one decision. */
interface Cycle {
  readonly pod: PodInfo;
  readonly local: Evaluation;
  readonly wideFilters: readonly NamedFilter[];
  readonly rejection: { readonly plugin: string; readonly message: string } | undefined;
  /** Rows that may be looked at, and the plugins that say so; undefined: all. */
  readonly only: { readonly plugins: readonly string[]; readonly rows: readonly number[] } | undefined;
  /** Verdicts made with nominated pods in place; `local` does not keep those. */
  readonly rejected: Map<number, Verdict>;
}

export class Framework {
  readonly profile: Profile;
  readonly snapshot: Snapshot;
  readonly nominations: Nominations;
  readonly #random: () => number;
  /** Least recently used first. */
  readonly #evaluations = new Map<string, Evaluation>();
  /** Row where the next search begins. */
  #next = 0;
  #feasible = new Int32Array(0);
  #totals = new Float64Array(0);
  #part = new Float64Array(0);
  readonly #batch = new Int32Array(batchSize);
  readonly #codes = new Int32Array(batchSize);
  readonly #one = new Int32Array(1);

  constructor(options: FrameworkOptions) {
    this.profile = options.profile;
    this.snapshot = options.snapshot;
    this.#random = options.random;
    this.nominations = options.nominations ?? new Nominations();
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
        return this.#placed(row, 1, 1);
      }
      const decision = this.#search(cycle, options);
      if (decision) return decision;
    }
    const unplaced: Unplaced = { fits: false, diagnosis: this.#diagnose(cycle, options) };
    if (this.#simple(cycle, options)) cycle.local.unplaced = { at: this.snapshot.generation, unplaced };
    return unplaced;
  }

  /** True if the decision depends on the pod's signature and the snapshot only. */
  #simple(cycle: Cycle, options: PlacementOptions): boolean {
    return cycle.wideFilters.length === 0 && this.nominations.size === 0 && options.within === undefined;
  }

  /** Judges single rows for one pod, again and again, while pods come and go on the snapshot. Keeps nothing. */
  probe(pod: PodInfo): Probe {
    const cycle = this.#begin(pod);
    const { snapshot, nominations, profile } = this;
    const verdict = (row: number): Verdict | undefined => {
      const local = cycle.local.judge(row);
      if (local || cycle.wideFilters.length === 0) return local;
      // Pods may have moved since the last question.
      const one = Int32Array.of(row);
      for (const by of prepareFilters(profile, pod, snapshot, true)) {
        by.filter.filter(one, 1, this.#codes);
        if (this.#codes[0] !== 0) return { by, code: this.#codes[0]! };
      }
      return undefined;
    };
    return {
      clusterWide: cycle.wideFilters.length > 0,
      rejection(row) {
        if (cycle.rejection) return cycle.rejection.message;
        if (cycle.only && !cycle.only.rows.includes(row)) return 'not a node the pod asks for';
        const name = snapshot.nameOf(row);
        const ahead = nominations.size === 0 ? [] : nominations.ahead(name, pod);
        const trial = new Trial(snapshot);
        for (const info of ahead) if (!snapshot.pod(info.uid)) trial.place(info, name);
        const found = verdict(row);
        const reason = found && found.by.filter.reasons(found.code, row)[0];
        trial.rollback();
        return reason;
      },
    };
  }

  /** True if the row may be of use to the pod: it fits, or evicting others there could make it fit. */
  mayHelp(pod: PodInfo, row: number): boolean {
    const cycle = this.#begin(pod);
    if (cycle.rejection) return false;
    if (this.#fits(cycle, row)) return true;
    return (
      this.#resolvable(cycle, row) &&
      this.snapshot.podsOn(row).some(({ info }) => info.priority < pod.priority)
    );
  }

  #placed(row: number, evaluated: number, feasible: number): Placed {
    return { fits: true, row, nodeName: this.snapshot.nameOf(row), evaluated, feasible };
  }

  #begin(pod: PodInfo): Cycle {
    const { profile, snapshot } = this;
    let local = this.#evaluations.get(pod.signature);
    if (local) this.#evaluations.delete(pod.signature);
    else {
      let worn: Evaluation | undefined;
      if (this.#evaluations.size >= maxEvaluations) {
        const [oldest] = this.#evaluations;
        worn = oldest![1];
        this.#evaluations.delete(oldest![0]);
      }
      local = new Evaluation(profile, pod, snapshot, worn);
    }
    this.#evaluations.set(pod.signature, local);
    const wideFilters = prepareFilters(profile, pod, snapshot, true);
    let rejection: Cycle['rejection'];
    let names: ReadonlySet<string> | undefined;
    const plugins: string[] = [];
    for (const { name, filter } of [...local.filters, ...wideFilters]) {
      if (filter.rejection !== undefined) rejection ??= { plugin: name, message: filter.rejection };
      if (!filter.onlyNodes) continue;
      names = intersect(names, filter.onlyNodes);
      plugins.push(name);
    }
    const rows = names && [...names].map((name) => snapshot.rowOf(name)).filter((row) => row !== undefined);
    const only = rows && { plugins: plugins.sort(), rows };
    return { pod, local, wideFilters, rejection, only, rejected: new Map() };
  }

  /** Visits nodes until enough fit; undefined if none does. */
  #search(cycle: Cycle, options: PlacementOptions): Placed | undefined {
    const { snapshot } = this;
    if (this.#feasible.length < snapshot.alive.length) this.#growScratch(snapshot.alive.length);
    const rows = cycle.only?.rows;
    const total = rows?.length ?? snapshot.rowCount;
    const wanted = rows ? total : this.#nodesToFind();
    const start = rows ? 0 : this.#next % Math.max(1, total);
    const reserved = this.#reservedRows(cycle.pod);
    const { alive } = snapshot;
    const { within } = options;
    const batch = this.#batch;
    let found = 0;
    let evaluated = 0;
    let at = start;
    for (let left = total; left > 0 && found < wanted;) {
      let count = 0;
      for (; left > 0 && count < batchSize; left--) {
        const row = rows ? rows[at]! : at;
        if (++at === total) at = 0;
        if (alive[row] !== 0 && (within === undefined || within[row] !== 0)) batch[count++] = row;
      }
      evaluated += count;
      found = this.#collect(cycle, batch, count, reserved, found);
    }
    if (found === 0) return undefined;
    found = Math.min(found, wanted);
    if (!rows) this.#next = (this.#feasible[found - 1]! + 1) % total;
    return this.#placed(this.#best(cycle, found, reserved !== undefined), evaluated, found);
  }

  /** Appends those of the batch that fit to `#feasible`. Returns how many there are now. */
  #collect(
    cycle: Cycle,
    batch: Int32Array,
    count: number,
    reserved: ReadonlySet<number> | undefined,
    found: number,
  ): number {
    const { local } = cycle;
    local.refresh(this.snapshot, batch, count);
    const { rejectedBy } = local;
    const feasible = this.#feasible;
    if (reserved === undefined && cycle.wideFilters.length === 0) {
      let end = found;
      for (let i = 0; i < count; i++) {
        feasible[end] = batch[i]!;
        if (rejectedBy[batch[i]!] === 0) end++;
      }
      return end;
    }
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const row = batch[i]!;
      if (rejectedBy[row] !== 0) continue;
      if (reserved?.has(row) && !this.#fits(cycle, row)) continue;
      batch[kept++] = row;
    }
    kept = this.#filterWide(cycle, batch, kept);
    for (let i = 0; i < kept; i++) feasible[found + i] = batch[i]!;
    return found + kept;
  }

  /** Runs cluster-wide filters; what passes is moved to the front. Returns how many that are. */
  #filterWide(
    cycle: Cycle,
    rows: Int32Array,
    count: number,
    rejected?: (row: number, by: NamedFilter, code: number) => void,
  ): number {
    const codes = this.#codes;
    let left = count;
    for (const by of cycle.wideFilters) {
      if (left === 0) break;
      by.filter.filter(rows, left, codes);
      let kept = 0;
      for (let i = 0; i < left; i++) {
        if (codes[i] === 0) rows[kept++] = rows[i]!;
        else rejected?.(rows[i]!, by, codes[i]!);
      }
      left = kept;
    }
    return left;
  }

  /** Judges one row, with the nominated pods that go first in place. */
  #fits(cycle: Cycle, row: number): boolean {
    if (this.snapshot.alive[row] === 0) return false;
    if (cycle.only && !cycle.only.rows.includes(row)) return false;
    if (this.nominations.size === 0) return this.#judge(cycle, row);
    const name = this.snapshot.nameOf(row);
    const trial = new Trial(this.snapshot);
    for (const info of this.nominations.ahead(name, cycle.pod)) {
      if (!this.snapshot.pod(info.uid)) trial.place(info, name);
    }
    // What is kept of this verdict carries the generation of the trial: `local` will look again.
    const fits = this.#judge(this.#again(cycle), row);
    trial.rollback();
    return fits;
  }

  /** Cluster-wide plugins prepared again: pods have moved. */
  #again(cycle: Cycle): Cycle {
    const wideFilters = prepareFilters(this.profile, cycle.pod, this.snapshot, true);
    return wideFilters.length + cycle.wideFilters.length === 0 ? cycle : { ...cycle, wideFilters };
  }

  #judge(cycle: Cycle, row: number): boolean {
    const { local, rejected } = cycle;
    const one = this.#one;
    one[0] = row;
    local.refresh(this.snapshot, one, 1);
    const by = local.rejectedBy[row]!;
    if (by === 0) {
      const reject = (_row: number, wide: NamedFilter, code: number): void => {
        rejected.set(row, { by: wide, code });
      };
      return this.#filterWide(cycle, one, 1, reject) === 1;
    }
    rejected.set(row, { by: local.filters[by - 1]!, code: local.code[row]! });
    return false;
  }

  /** Rows on which nominated pods must be reckoned with. */
  #reservedRows(pod: PodInfo): ReadonlySet<number> | undefined {
    if (this.nominations.size === 0) return undefined;
    const rows = new Set<number>();
    for (const name of this.nominations.nodes()) {
      const row = this.snapshot.rowOf(name);
      if (row !== undefined && this.nominations.ahead(name, pod).length > 0) rows.add(row);
    }
    return rows;
  }

  #nodesToFind(): number {
    const nodes = this.snapshot.nodeCount;
    let percentage = this.profile.percentageOfNodesToScore ?? 0;
    if (nodes < minFeasibleNodes || percentage >= 100) return nodes;
    if (percentage === 0) percentage = Math.max(5, 50 - Math.floor(nodes / 125));
    return Math.max(minFeasibleNodes, Math.floor((nodes * percentage) / 100));
  }

  /** The feasible row with the highest total; equals by lot. `stale`: some rows were touched after they were judged. */
  #best(cycle: Cycle, count: number, stale: boolean): number {
    const rows = this.#feasible;
    if (count === 1) return rows[0]!;
    const { local } = cycle;
    for (let i = 0; stale && i < count; i += batchSize) {
      const part = rows.subarray(i, Math.min(i + batchSize, count));
      local.refresh(this.snapshot, part, part.length);
    }
    const { base } = local;
    const totals = this.#totals;
    for (let i = 0; i < count; i++) totals[i] = base[rows[i]!]!;
    for (let s = 0; s < local.relative.length; s++) {
      // All nodes alike: normalized they are alike too, and the choice does not depend on it.
      if (!local.differs[s]) continue;
      const part = this.#part;
      const raw = local.raw[s]!;
      for (let i = 0; i < count; i++) part[i] = raw[rows[i]!]!;
      this.#addPart(local.relative[s]!, count);
    }
    for (const named of prepareScores(this.profile, cycle.pod, this.snapshot, true)) {
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

  #resolvable(cycle: Cycle, row: number): boolean {
    if (cycle.only && !cycle.only.rows.includes(row)) return false;
    const wide = cycle.rejected.get(row);
    if (wide) return wide.by.filter.resolvable(wide.code);
    const by = cycle.local.rejectedBy[row]!;
    return by === 0 || cycle.local.filters[by - 1]!.filter.resolvable(cycle.local.code[row]!);
  }

  /** What stands in the way, after a search that found nothing: every row in question has its verdict. */
  #diagnose(cycle: Cycle, options: PlacementOptions): Diagnosis {
    const { snapshot } = this;
    const nodeCount = snapshot.nodeCount;
    if (cycle.rejection) {
      const { plugin, message } = cycle.rejection;
      return {
        nodeCount,
        reasons: noReasons,
        rejection: message,
        plugins: new Set([plugin]),
        resolvable: [],
      };
    }
    const reasons = new Map<string, number>();
    const plugins = new Set<string>();
    const resolvable: number[] = [];
    const tally = (reason: string, count: number): void => {
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    };
    // Verdicts of one plugin and code have one text: counted first, worded once.
    const verdicts = new Map<NamedFilter, Map<number, { row: number; count: number }>>();
    const count = (row: number, by: NamedFilter, code: number): void => {
      let codes = verdicts.get(by);
      if (!codes) verdicts.set(by, (codes = new Map()));
      const seen = codes.get(code);
      if (seen) seen.count++;
      else codes.set(code, { row, count: 1 });
      if (by.filter.resolvable(code)) resolvable.push(row);
    };
    const rows = cycle.only?.rows;
    const total = rows?.length ?? snapshot.rowCount;
    /** Rows that only cluster-wide filters reject. */
    const others = this.#batch;
    let open = 0;
    for (let i = 0; i < total; i++) {
      const row = rows ? rows[i]! : i;
      if (snapshot.alive[row] === 0) continue;
      const nominated = cycle.rejected.get(row);
      const index = cycle.local.rejectedBy[row]!;
      if (!allowed(options, row)) tally('node(s) were outside the topology domain of the pod group', 1);
      else if (nominated) count(row, nominated.by, nominated.code);
      else if (index > 0) count(row, cycle.local.filters[index - 1]!, cycle.local.code[row]!);
      else {
        others[open++] = row;
        if (open < batchSize) continue;
        this.#filterWide(cycle, others, open, count);
        open = 0;
      }
    }
    this.#filterWide(cycle, others, open, count);
    resolvable.sort((a, b) => a - b);
    for (const [{ name, filter }, codes] of verdicts) {
      plugins.add(name);
      for (const [code, seen] of codes) {
        for (const reason of filter.reasons(code, seen.row)) tally(reason, seen.count);
      }
    }
    if (cycle.only && total < nodeCount) {
      for (const plugin of cycle.only.plugins) plugins.add(plugin);
      tally(`node(s) didn't satisfy plugin(s) [${cycle.only.plugins.join(' ')}]`, nodeCount - total);
    }
    return { nodeCount, reasons, plugins, resolvable };
  }

  #growScratch(capacity: number): void {
    this.#feasible = new Int32Array(capacity + batchSize);
    this.#totals = new Float64Array(capacity + batchSize);
    this.#part = new Float64Array(capacity + batchSize);
  }
}

function intersect(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  return a ? new Set([...a].filter((name) => b.has(name))) : b;
}

function allowed(options: PlacementOptions, row: number): boolean {
  return options.within === undefined || (options.within[row] ?? 0) !== 0;
}

/** A framework runs one profile's plugins over one snapshot. */
export function createFramework(options: FrameworkOptions): Framework {
  return new Framework(options);
}
