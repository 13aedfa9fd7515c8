import type { Carried } from '../pod-index.ts';
import type { AffinityTerm } from '../pod-query.ts';
import { maxNodeScore, type FilterPlugin, type ScorePlugin } from '../plugin.ts';
import type { Snapshot } from '../snapshot.ts';
import { sumByDomain } from '../topology.ts';

export interface InterPodAffinityArgs {
  /** What a required affinity of a pod that runs already is worth to the pods it wants; default 1. */
  readonly hardPodAffinityWeight?: number;
  /** Preferences of running pods do not count, unless the pod has some of its own. */
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

const affinityCode = 1;
const antiAffinityCode = 2;
const existingCode = 3;
const texts: Record<number, string> = {
  [affinityCode]: "node(s) didn't match pod affinity rules",
  [antiAffinityCode]: "node(s) didn't match pod anti-affinity rules",
  [existingCode]: "node(s) didn't satisfy existing pods anti-affinity rules",
};

/** Amounts by topology key, then by the id of the label's value. Index 0 (no such label) stays 0. */
type Domains = Map<string, Float64Array>;

/** Keeps pods near those they want near and apart from those they (or that) want them apart. */
export function interPodAffinity(args: InterPodAffinityArgs = {}): FilterPlugin & ScorePlugin {
  const hardWeight = args.hardPodAffinityWeight ?? 1;
  return {
    name: 'InterPodAffinity',
    clusterWide: true,
    prepareFilter(pod, snapshot) {
      // Neither it nor any other pod says anything: so it is with most.
      if (!pod.terms && snapshot.podIndex.carriers.requiredAnti.size === 0) return undefined;
      const { required = [], requiredAnti = [] } = pod.terms ?? {};
      const existing: Domains = new Map();
      for (const carried of snapshot.podIndex.carriers.requiredAnti.values()) {
        if (snapshot.podIndex.matches(carried.term.query, pod.pod))
          addCarried(existing, carried, 1, snapshot);
      }
      if (required.length + requiredAnti.length + existing.size === 0) return undefined;
      const wanted = matchingAll(required, snapshot);
      const unwanted = requiredAnti.map((term) => ({
        term,
        sums: sumByDomain(snapshot, term.topologyKey, snapshot.matching(term.query)),
      }));
      // The first of a group that wants its own kind near: nobody is there yet, itself will do.
      const first =
        !wanted.some(({ any }) => any) &&
        required.every(({ query }) => snapshot.podIndex.matches(query, pod.pod));
      return {
        filter(rows, count, codes) {
          codes.fill(0, 0, count);
          if (wanted.length > 0) filterWanted(rows, count, codes, wanted, first, snapshot);
          for (const { term, sums } of unwanted) {
            const column = snapshot.labelColumn(term.topologyKey);
            for (let i = 0; i < count; i++) {
              if (codes[i] === 0 && sums[column[rows[i]!]!]! > 0) codes[i] = antiAffinityCode;
            }
          }
          for (const [key, sums] of existing) {
            const column = snapshot.labelColumn(key);
            for (let i = 0; i < count; i++) {
              if (codes[i] === 0 && sums[column[rows[i]!]!]! > 0) codes[i] = existingCode;
            }
          }
        },
        reasons: (code) => [texts[code]!],
        resolvable: (code) => code !== affinityCode,
      };
    },
    prepareScore(pod, snapshot) {
      const { preferred = [], preferredAnti = [] } = pod.terms ?? {};
      // Upstream's letter: then nothing of running pods counts, what they require neither.
      if (args.ignorePreferredTermsOfExistingPods && preferred.length + preferredAnti.length === 0)
        return undefined;
      const { carriers } = snapshot.podIndex;
      if (!pod.terms && carriers.required.size + carriers.preferred.size + carriers.preferredAnti.size === 0)
        return undefined;
      const scores: Domains = new Map();
      const own = (terms: readonly AffinityTerm[], sign: number): void => {
        for (const term of terms)
          addCounts(scores, term, snapshot.matching(term.query), sign * term.weight, snapshot);
      };
      own(preferred, 1);
      own(preferredAnti, -1);
      const theirs = (all: Map<string, Carried>, weight: (term: AffinityTerm) => number): void => {
        for (const carried of all.values()) {
          if (!snapshot.podIndex.matches(carried.term.query, pod.pod)) continue;
          addCarried(scores, carried, weight(carried.term), snapshot);
        }
      };
      if (hardWeight > 0) theirs(carriers.required, () => hardWeight);
      theirs(carriers.preferred, (term) => term.weight);
      theirs(carriers.preferredAnti, (term) => -term.weight);
      if (scores.size === 0) return undefined;
      return {
        score(rows, count, out) {
          out.fill(0, 0, count);
          for (const [key, sums] of scores) {
            const column = snapshot.labelColumn(key);
            for (let i = 0; i < count; i++) out[i]! += sums[column[rows[i]!]!]!;
          }
        },
        normalize(out, count) {
          let min = Number.POSITIVE_INFINITY;
          let max = Number.NEGATIVE_INFINITY;
          for (let i = 0; i < count; i++) {
            min = Math.min(min, out[i]!);
            max = Math.max(max, out[i]!);
          }
          const spread = max - min;
          for (let i = 0; i < count; i++) {
            out[i] = spread > 0 ? Math.trunc(maxNodeScore * ((out[i]! - min) / spread)) : 0;
          }
        },
      };
    },
  };
}

/** For each required affinity term, the pods by domain that match *all* terms, and whether there are any. */
function matchingAll(
  terms: readonly AffinityTerm[],
  snapshot: Snapshot,
): { term: AffinityTerm; sums: Int32Array; any: boolean }[] {
  if (terms.length === 0) return [];
  let counts: Int32Array;
  const [first] = terms;
  if (terms.every((term) => term.query === first!.query)) counts = snapshot.matching(first!.query);
  else {
    // Several terms: only pods that match each of them count. Rare, so by a walk over the pods.
    counts = new Int32Array(snapshot.alive.length);
    for (const { info, row } of snapshot.pods()) {
      if (row >= 0 && terms.every(({ query }) => snapshot.podIndex.matches(query, info.pod))) counts[row]!++;
    }
  }
  return terms.map((term) => {
    const sums = sumByDomain(snapshot, term.topologyKey, counts);
    return { term, sums, any: sums.some((sum) => sum > 0) };
  });
}

function filterWanted(
  rows: Int32Array,
  count: number,
  codes: Int32Array,
  wanted: ReturnType<typeof matchingAll>,
  first: boolean,
  snapshot: Snapshot,
): void {
  for (const { term, sums } of wanted) {
    const column = snapshot.labelColumn(term.topologyKey);
    for (let i = 0; i < count; i++) {
      const value = column[rows[i]!]!;
      if (value === 0 || (!first && sums[value]! <= 0)) codes[i] = affinityCode;
    }
  }
}

function addCarried(domains: Domains, { term, rows }: Carried, weight: number, snapshot: Snapshot): void {
  const column = snapshot.labelColumn(term.topologyKey);
  const sums = sumsOf(domains, term.topologyKey, snapshot);
  for (const [row, count] of rows) sums[column[row]!]! += weight * count;
  sums[0] = 0;
}

function addCounts(
  domains: Domains,
  term: AffinityTerm,
  counts: Int32Array,
  weight: number,
  snapshot: Snapshot,
): void {
  const column = snapshot.labelColumn(term.topologyKey);
  const sums = sumsOf(domains, term.topologyKey, snapshot);
  for (let row = 0; row < snapshot.rowCount; row++) sums[column[row]!]! += weight * counts[row]!;
  sums[0] = 0;
}

/** The column of the key must have been asked for before: then all its values have their ids. */
function sumsOf(domains: Domains, key: string, snapshot: Snapshot): Float64Array {
  let sums = domains.get(key);
  if (!sums) domains.set(key, (sums = new Float64Array(snapshot.labels.values.size + 1)));
  return sums;
}
