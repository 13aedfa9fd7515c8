/**
 * One pod on its way through one decision: which filters have a say, which rows they leave, and what they said. Row-local
 * verdicts live in the Evaluation that equal pods share; everything else ends with the cycle.
 */
import type { Diagnosis } from './diagnosis.ts';
import { HelpfulRows } from './helpful-rows.ts';
import { batchSize } from './batch-size.ts';
import { prepareFilters, type Evaluation, type NamedFilter, type NominatedVerdict } from './evaluation.ts';
import type { PodInfo } from './pod-info.ts';
import type { Profile } from './plugin.ts';
import type { RowSet } from './row-set.ts';
import type { Snapshot } from './snapshot.ts';

export interface Verdict {
  readonly by: NamedFilter;
  readonly code: number;
}

const noReasons: ReadonlyMap<string, number> = new Map();
const outsideDomain = 'node(s) were outside the topology domain of the pod group';

export class Cycle {
  readonly pod: PodInfo;
  readonly local: Evaluation;
  /** A plugin rejects the pod whatever the nodes. */
  readonly rejection: { readonly plugin: string; readonly message: string } | undefined;
  /** Rows that may be looked at, and the plugins that say so; undefined: all. */
  readonly only: { readonly plugins: readonly string[]; readonly rows: readonly number[] } | undefined;

  readonly #profile: Profile;
  readonly #snapshot: Snapshot;
  #wide: readonly NamedFilter[];
  /** They had a say when the cycle began: while pods are imagined gone they may have none for a while. */
  readonly #wideAtFirst: boolean;
  /** Verdicts of `judge`: some were made with nominated pods in place, and `local` does not keep those. */
  #rejected: Map<number, Verdict> | undefined;
  /** The first row that `judge` rejected. */
  #first: number | undefined;

  constructor(profile: Profile, snapshot: Snapshot, pod: PodInfo, local: Evaluation) {
    this.#profile = profile;
    this.#snapshot = snapshot;
    this.pod = pod;
    this.local = local;
    this.#wide = prepareFilters(profile, pod, snapshot, true);
    this.#wideAtFirst = this.#wide.length > 0;
    if (!this.#wideAtFirst && !local.restricted) return;
    let names: ReadonlySet<string> | undefined;
    const plugins: string[] = [];
    for (const filters of [local.filters, this.#wide]) {
      for (const { name, filter } of filters) {
        if (filter.rejection !== undefined) this.rejection ??= { plugin: name, message: filter.rejection };
        if (!filter.onlyNodes) continue;
        names = intersect(names, filter.onlyNodes);
        plugins.push(name);
      }
    }
    if (!names) return;
    const rows = [...names].map((name) => snapshot.rowOf(name)).filter((row) => row !== undefined);
    this.only = { plugins: plugins.toSorted(), rows };
  }

  /** True if cluster-wide plugins have a say. */
  get clusterWide(): boolean {
    return this.#wide.length > 0;
  }

  /** Prepares cluster-wide filters again: pods have moved. `others`: those that moved. */
  prepareAgain(others: readonly PodInfo[]): void {
    // Those that had no say get one only by the rules of pods that come.
    if (!this.#wideAtFirst && this.#wide.length === 0 && !others.some(({ terms }) => terms)) return;
    this.#wide = prepareFilters(this.#profile, this.pod, this.#snapshot, true);
  }

  /** False if the row is none the pod may be on at all. */
  considers(row: number): boolean {
    return this.#snapshot.alive[row] !== 0 && (this.only?.rows.includes(row) ?? true);
  }

  /** Runs cluster-wide filters; what passes is moved to the front. Returns how many that are. */
  filterWide(
    rows: Int32Array,
    count: number,
    rejected?: (row: number, by: NamedFilter, code: number) => void,
  ): number {
    const codes = this.local.codes;
    let left = count;
    for (const by of this.#wide) {
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

  /** Judges one row, keeping what is row-local. Answers whether the pod fits. */
  judge(row: number): boolean {
    const { local } = this;
    const { one } = local;
    one[0] = row;
    local.refresh(this.#snapshot, one, 1);
    const by = local.rejectedBy[row]!;
    if (by === 0) {
      const reject = (_row: number, wide: NamedFilter, code: number): void => {
        this.#reject(row, { by: wide, code });
      };
      return this.filterWide(one, 1, reject) === 1;
    }
    this.#reject(row, { by: local.filters[by - 1]!, code: local.code[row]! });
    return false;
  }

  /** Takes over what `judge` said when things were the same. Answers whether the pod fits. */
  recall(row: number, { rejection }: NominatedVerdict): boolean {
    if (rejection) this.#reject(row, rejection);
    return rejection === undefined;
  }

  /** What `judge` said against the row; undefined: nothing. */
  verdictOn(row: number): Verdict | undefined {
    return this.#rejected?.get(row);
  }

  /**
   * Judges one row as things are this moment, keeping nothing. Undefined: it will do. `others`: pods imagined there that
   * were not when the cycle began.
   */
  look(row: number, others: readonly PodInfo[] = []): Verdict | undefined {
    const found = this.local.judge(row);
    if (found) return found;
    this.prepareAgain(others);
    if (this.#wide.length === 0) return undefined;
    let verdict: Verdict | undefined;
    this.local.one[0] = row;
    this.filterWide(this.local.one, 1, (_row, by, code) => {
      verdict = { by, code };
    });
    return verdict;
  }

  #reject(row: number, verdict: Verdict): void {
    this.#first ??= row;
    (this.#rejected ??= new Map()).set(row, verdict);
  }

  /** True if evictions from a row that `judge` rejected could help. */
  resolvable(row: number): boolean {
    const verdict = this.#rejected?.get(row);
    return verdict !== undefined && verdict.by.filter.resolvable(verdict.code);
  }

  /**
   * The same as `diagnose` from the counts that are kept, at the cost of the rows that changed; undefined where it takes a
   * look at every row.
   */
  diagnoseByCounts(): Diagnosis | undefined {
    const { local } = this;
    if (this.rejection || this.only || this.#wide.length > 0) return undefined;
    const snapshot = this.#snapshot;
    local.tally.catchUp(snapshot, local, true);
    const { tallies, freeRows, freeCount } = local.tally;
    const reasons = new Map<string, number>();
    const plugins = new Set<string>();
    const count = ({ name, filter }: NamedFilter, code: number, row: number, rows: number): void => {
      if (rows === 0) return;
      plugins.add(name);
      for (const reason of filter.reasons(code, row)) reasons.set(reason, (reasons.get(reason) ?? 0) + rows);
    };
    // What the first row is rejected for counts as it was judged: it may be the one the pod is nominated to.
    const first = this.#first;
    const firstBy = first === undefined ? 0 : local.rejectedBy[first]!;
    for (let f = 0; f < tallies.length; f++) {
      for (const { code, row, count: rows } of tallies[f]!.values()) {
        const less = firstBy === f + 1 && local.code[first!] === code ? 1 : 0;
        count(local.filters[f]!, code, row, rows - less);
      }
    }
    const others: number[] = [];
    if (firstBy > 0) others.push(first!);
    for (let i = 0; i < freeCount; i++) others.push(freeRows[i]!);
    others.sort((a, b) => a - b);
    const helps: boolean[] = [];
    for (const row of others) {
      const { by, code } = this.#rejected!.get(row)!;
      count(by, code, row, 1);
      helps.push(by.filter.resolvable(code));
    }
    const helpful = new HelpfulRows(local.tally.resolvable(), snapshot.rowCount, others, helps);
    return {
      nodeCount: snapshot.nodeCount,
      reasons,
      plugins,
      get resolvable() {
        return helpful.list();
      },
      helpful,
    };
  }

  /** What stands in the way, after a search that found nothing: every row in question has its verdict. */
  diagnose(within: RowSet | undefined): Diagnosis {
    const snapshot = this.#snapshot;
    const nodeCount = snapshot.nodeCount;
    if (this.rejection) {
      const { plugin, message } = this.rejection;
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
    // Neighbours mostly have the same verdict: it need not be looked up again.
    let last:
      | { by: NamedFilter; code: number; seen: { row: number; count: number }; help: boolean }
      | undefined;
    const count = (row: number, by: NamedFilter, code: number): void => {
      if (last?.code !== code || last.by !== by) {
        let codes = verdicts.get(by);
        if (!codes) verdicts.set(by, (codes = new Map()));
        let seen = codes.get(code);
        if (!seen) codes.set(code, (seen = { row, count: 0 }));
        last = { by, code, seen, help: by.filter.resolvable(code) };
      }
      last.seen.count++;
      if (last.help) resolvable.push(row);
    };
    const rows = this.only?.rows;
    const total = rows?.length ?? snapshot.rowCount;
    /** Rows that only cluster-wide filters reject. */
    const others = new Int32Array(batchSize);
    let open = 0;
    let outside = 0;
    const { alive } = snapshot;
    const { rejectedBy, code: codes } = this.local;
    const rejected = this.#rejected;
    for (let i = 0; i < total; i++) {
      const row = rows ? rows[i]! : i;
      if (alive[row] === 0) continue;
      if (within && !within.has(row)) {
        outside++;
        continue;
      }
      const index = rejectedBy[row]!;
      // A row that is rejected as it is was not judged, but for the first: it may be the one the pod is nominated to.
      const nominated = index > 0 && row !== this.#first ? undefined : rejected?.get(row);
      if (nominated) count(row, nominated.by, nominated.code);
      else if (index > 0) count(row, this.local.filters[index - 1]!, codes[row]!);
      else {
        others[open++] = row;
        if (open < batchSize) continue;
        this.filterWide(others, open, count);
        open = 0;
      }
    }
    this.filterWide(others, open, count);
    if (outside > 0) tally(outsideDomain, outside);
    if (rows || this.#wide.length > 0) resolvable.sort((a, b) => a - b);
    for (const [{ name, filter }, codes] of verdicts) {
      plugins.add(name);
      for (const [code, seen] of codes) {
        for (const reason of filter.reasons(code, seen.row)) tally(reason, seen.count);
      }
    }
    if (this.only && total < nodeCount) {
      for (const plugin of this.only.plugins) plugins.add(plugin);
      tally(`node(s) didn't satisfy plugin(s) [${this.only.plugins.join(' ')}]`, nodeCount - total);
    }
    const unfinished = this.#wide.some(({ filter }) => filter.unfinished?.() ?? false);
    return { nodeCount, reasons, plugins, resolvable, ...(unfinished ? { unfinished } : {}) };
  }
}

function intersect(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  return a ? new Set([...a].filter((name) => b.has(name))) : b;
}
