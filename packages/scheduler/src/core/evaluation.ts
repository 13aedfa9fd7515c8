/**
 * What the plugins that look at one node only have said about every node, for one kind of pod (equal signatures). Verdicts
 * and scores are kept until their row changes, so the second of a thousand equal pods costs one row, not all of them.
 *
 * Invariant: verdict and scores of `row` hold if `evaluatedAt[row] === snapshot.rowGeneration[row]`.
 */
import { batchSize } from './batch-size.ts';
import { BestTree } from './best-tree.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { PodInfo } from './pod-info.ts';
import {
  isClusterWide,
  isFilter,
  isScore,
  type FilterPlugin,
  type PreparedFilter,
  type PreparedScore,
  type Profile,
  type ScorePlugin,
} from './plugin.ts';
import { RoomColumn } from './room.ts';
import type { Snapshot } from './snapshot.ts';
import { VerdictTally } from './verdict-tally.ts';

export interface NamedFilter {
  readonly name: string;
  readonly filter: PreparedFilter;
}
export interface NamedScore {
  readonly name: string;
  readonly weight: number;
  readonly score: PreparedScore;
}

/** A profile's plugins by what they prepare and whether they are cluster-wide: sorted once, as every pod is asked about. */
interface Sorted {
  readonly filters: Readonly<Record<'wide' | 'local', readonly FilterPlugin[]>>;
  readonly scores: Readonly<Record<'wide' | 'local', readonly WeighedPlugin[]>>;
}
interface WeighedPlugin {
  readonly plugin: ScorePlugin;
  readonly weight: number;
}
const sorted = new WeakMap<Profile, Sorted>();

function sortedOf(profile: Profile): Sorted {
  let known = sorted.get(profile);
  if (known) return known;
  const filters = { wide: [] as FilterPlugin[], local: [] as FilterPlugin[] };
  const scores = { wide: [] as WeighedPlugin[], local: [] as WeighedPlugin[] };
  for (const { plugin, weight = 1 } of profile.plugins) {
    const reach = isClusterWide(plugin) ? 'wide' : 'local';
    if (isFilter(plugin)) filters[reach].push(plugin);
    if (isScore(plugin) && weight !== 0) scores[reach].push({ plugin, weight });
  }
  sorted.set(profile, (known = { filters, scores }));
  return known;
}

/** What a profile's plugins (only the cluster-wide ones, or only the others) prepare; those with nothing to say left out. */
export function prepareFilters(
  profile: Profile,
  pod: PodInfo,
  snapshot: Snapshot,
  clusterWide: boolean,
): NamedFilter[] {
  const result: NamedFilter[] = [];
  for (const plugin of sortedOf(profile).filters[clusterWide ? 'wide' : 'local']) {
    const filter = plugin.prepareFilter(pod, snapshot);
    if (filter) result.push({ name: plugin.name, filter });
  }
  return result;
}

export function prepareScores(
  profile: Profile,
  pod: PodInfo,
  snapshot: Snapshot,
  clusterWide: boolean,
): NamedScore[] {
  const result: NamedScore[] = [];
  for (const { plugin, weight } of sortedOf(profile).scores[clusterWide ? 'wide' : 'local']) {
    const score = plugin.prepareScore(pod, snapshot);
    if (score) result.push({ name: plugin.name, weight, score });
  }
  return result;
}

/** No node will do. */
export interface Unplaced {
  readonly fits: false;
  readonly diagnosis: Diagnosis;
}

/** Holds while the row is of that generation and the same pods are to be left room for. */
export interface NominatedVerdict {
  readonly generation: number;
  readonly ahead: readonly PodInfo[];
  /** Undefined: the pod fits. */
  readonly rejection: { readonly by: NamedFilter; readonly code: number } | undefined;
}

/** Between two searches: more are as good as these. */
const mostChanges = 4096;

/** What no generation is. */
const never = -1;

export class Evaluation {
  /** Row-local filters in profile order. */
  readonly filters: readonly NamedFilter[];
  /** Row-local scores which must be normalized over the nodes compared. */
  readonly relative: readonly NamedScore[];
  /** True if `imagine` can be asked. */
  readonly imaginable: boolean;
  /** Index + 1 into `filters` of the first that rejects the row; 0: none does. */
  rejectedBy = new Uint8Array(0);
  /** That filter's code. */
  code = new Int32Array(0);
  /** Weighted sum of the scores that need no normalizing. */
  base = new Float64Array(0);
  /** Raw scores of `relative`, by index then row. */
  readonly raw: Float64Array[];

  /** By index into `relative`: false while all raw scores seen are 0, so that nothing comes of normalizing them, nor is it kept. */
  readonly differs: boolean[];
  /** Such pods each row could take; filled when gangs ask. */
  readonly room = new RoomColumn();
  /** The last search for such a pod that found nothing, and the snapshot's generation then: equal pods need not search. */
  unplaced: { readonly at: number; readonly unplaced: Unplaced } | undefined;

  /** All rows' verdicts, counted: from the first such pod on that fits nowhere until many rows fit one. */
  readonly tally = new VerdictTally();

  /** The rows by score, for kinds of pods of which there are many. */
  readonly bests = new BestTree();
  /** Plugins that look further than one node had scores for the last such pod: the row does not say everything. */
  scoredWide = false;

  /** Of the rows that the last walk looked at, the part that fitted: a guess how many the next will have to look at. */
  fitting = 1;

  /** A filter has a say whatever the nodes, or for some nodes only. */
  readonly restricted: boolean;
  /** Number of the framework's last decision for such a pod. */
  usedAt = 0;

  /** Changes of the snapshot from one search to the next, a mean of the last ones. */
  changes = 0;

  /** By row: what came of judging it with nominated pods in place. */
  readonly nominated = new Map<number, NominatedVerdict>();

  readonly #absolute: readonly NamedScore[];
  /** The snapshot's generation at the last search. */
  #searchedAt: number;
  #evaluatedAt = new Float64Array(0);
  readonly #rows: Int32Array;
  readonly #scores: Float64Array;
  /** Scratch, for cycles too: holds nothing between calls. */
  readonly codes: Int32Array;
  readonly one: Int32Array;

  /** `worn` is one no longer needed: its arrays are used again. */
  constructor(profile: Profile, pod: PodInfo, snapshot: Snapshot, worn?: Evaluation) {
    const scores = prepareScores(profile, pod, snapshot, false);
    this.filters = prepareFilters(profile, pod, snapshot, false);
    this.restricted = this.filters.some(({ filter }) => filter.rejection !== undefined || filter.onlyNodes);
    this.imaginable = this.filters.every(({ filter }) => filter.ofNode || filter.imagine);
    this.#absolute = scores.filter(({ score }) => !score.normalize);
    this.relative = scores.filter(({ score }) => score.normalize);
    if (worn) {
      this.#evaluatedAt = worn.#evaluatedAt.fill(never);
      this.rejectedBy = worn.rejectedBy;
      this.code = worn.code;
      this.base = worn.base;
    }
    this.#rows = worn ? worn.#rows : new Int32Array(batchSize);
    this.#scores = worn ? worn.#scores : new Float64Array(batchSize);
    this.codes = worn ? worn.codes : new Int32Array(batchSize);
    this.one = worn ? worn.one : new Int32Array(1);
    const capacity = this.#evaluatedAt.length;
    this.raw = this.relative.map((_, i) => worn?.raw[i] ?? new Float64Array(capacity));
    this.differs = this.relative.map(() => false);
    this.#searchedAt = snapshot.generation;
  }

  /** Makes the verdicts of `rows[0..count)` hold. At most `batchSize` rows. */
  refresh(snapshot: Snapshot, rows: Int32Array, count: number): void {
    if (this.#evaluatedAt.length < snapshot.alive.length) this.#grow(snapshot.alive.length);
    const generations = snapshot.rowGeneration;
    const evaluatedAt = this.#evaluatedAt;
    const stale = this.#rows;
    let left = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (evaluatedAt[row] !== generations[row]) {
        evaluatedAt[row] = generations[row]!;
        stale[left++] = row;
      }
    }
    if (left === 0) return;
    left = this.#filter(stale, left);
    if (left > 0) this.#score(stale, left);
  }

  /** True if the row rejects such pods as it is; with nominated pods in place it could not but do so, too. */
  rejects(snapshot: Snapshot, row: number): boolean {
    if (snapshot.alive[row] === 0) return true;
    this.refreshRow(snapshot, row);
    return this.rejectedBy[row] !== 0;
  }

  /** Makes the verdict of one row hold. */
  refreshRow(snapshot: Snapshot, row: number): void {
    this.one[0] = row;
    this.refresh(snapshot, this.one, 1);
  }

  /** Judges one row without keeping anything. Undefined: it will do. */
  judge(row: number): { by: NamedFilter; code: number } | undefined {
    const one = this.#rows;
    const codes = this.codes;
    one[0] = row;
    for (const by of this.filters) {
      by.filter.filter(one, 1, codes);
      if (codes[0] !== 0) return { by, code: codes[0]! };
    }
    return undefined;
  }

  /** Judges one row as if `gone` were not on it and `come` were, keeping nothing. Undefined: it will do. */
  imagine(
    row: number,
    gone: readonly PodInfo[],
    come: readonly PodInfo[],
  ): { by: NamedFilter; code: number } | undefined {
    const { one, codes } = this;
    for (const by of this.filters) {
      let code: number;
      if (by.filter.imagine) code = by.filter.imagine(row, gone, come);
      else {
        one[0] = row;
        by.filter.filter(one, 1, codes);
        code = codes[0]!;
      }
      if (code !== 0) return { by, code };
    }
    return undefined;
  }

  /** Runs the filters; feasible rows are moved to the front of `rows`. Returns how many there are. */
  #filter(rows: Int32Array, count: number): number {
    const codes = this.codes;
    let left = count;
    for (let f = 0; f < this.filters.length && left > 0; f++) {
      const { filter } = this.filters[f]!;
      if (filter.idle?.()) continue;
      filter.filter(rows, left, codes);
      let kept = 0;
      for (let i = 0; i < left; i++) {
        const row = rows[i]!;
        if (codes[i] === 0) rows[kept++] = row;
        else {
          this.rejectedBy[row] = f + 1;
          this.code[row] = codes[i]!;
        }
      }
      left = kept;
    }
    for (let i = 0; i < left; i++) this.rejectedBy[rows[i]!] = 0;
    return left;
  }

  #score(rows: Int32Array, count: number): void {
    const { base } = this;
    const scores = this.#scores;
    for (let i = 0; i < count; i++) base[rows[i]!] = 0;
    for (const { score, weight } of this.#absolute) {
      score.score(rows, count, scores);
      for (let i = 0; i < count; i++) base[rows[i]!]! += weight * scores[i]!;
    }
    for (let s = 0; s < this.relative.length; s++) {
      const { score } = this.relative[s]!;
      const idle = score.idle?.() ?? false;
      if (idle && !this.differs[s]) continue;
      if (idle) scores.fill(0, 0, count);
      else score.score(rows, count, scores);
      const raw = this.raw[s]!;
      if (!this.differs[s] && !this.seeDifference(s, scores, count)) continue;
      for (let i = 0; i < count; i++) raw[rows[i]!] = scores[i]!;
    }
  }

  /** Answers whether not all scores of a plugin are 0, and takes note of it. `s`: index into `relative`. */
  seeDifference(s: number, scores: Float64Array, count: number): boolean {
    let differs = false;
    for (let i = 0; i < count; i++) differs ||= scores[i] !== 0;
    if (!differs || this.differs[s]) return differs;
    this.differs[s] = true;
    this.raw[s]!.fill(0);
    return true;
  }

  /**
   * Judges rows as `refresh` does, but for this search only: those that fit come to the front of `rows`, what they score without the
   * relative plugins to `totals` from `at` on. Returns how many they are.
   */
  pick(rows: Int32Array, count: number, totals: Float64Array, at: number): number {
    const { codes } = this;
    let left = count;
    for (const { filter } of this.filters) {
      if (left === 0) return 0;
      if (filter.idle?.()) continue;
      filter.filter(rows, left, codes);
      let kept = 0;
      for (let i = 0; i < left; i++) {
        rows[kept] = rows[i]!;
        kept += codes[i] === 0 ? 1 : 0;
      }
      left = kept;
    }
    const scores = this.#scores;
    for (let i = 0; i < left; i++) totals[at + i] = 0;
    for (const { score, weight } of this.#absolute) {
      score.score(rows, left, scores);
      for (let i = 0; i < left; i++) totals[at + i]! += weight * scores[i]!;
    }
    return left;
  }

  /** There is a search at that generation of the snapshot. */
  searched(generation: number): void {
    const changes = Math.min(generation - this.#searchedAt, mostChanges);
    this.#searchedAt = generation;
    // Now and then two searches are near each other, or far.
    this.changes += (changes - this.changes) / 8;
  }

  #grow(capacity: number): void {
    const evaluatedAt = new Float64Array(capacity).fill(never);
    evaluatedAt.set(this.#evaluatedAt);
    this.#evaluatedAt = evaluatedAt;
    const rejectedBy = new Uint8Array(capacity);
    rejectedBy.set(this.rejectedBy);
    this.rejectedBy = rejectedBy;
    const code = new Int32Array(capacity);
    code.set(this.code);
    this.code = code;
    const base = new Float64Array(capacity);
    base.set(this.base);
    this.base = base;
    for (let s = 0; s < this.raw.length; s++) {
      const raw = new Float64Array(capacity);
      raw.set(this.raw[s]!);
      this.raw[s] = raw;
    }
  }
}
