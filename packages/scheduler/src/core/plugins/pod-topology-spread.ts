import type { TopologySpreadConstraint } from '@coracle/machinery/api';
import { compileLabels, compileTerms } from '../node-selector.ts';
import type { PodInfo } from '../pod-info.ts';
import type { PodQuery } from '../pod-query.ts';
import { maxNodeScore, type FilterPlugin, type ScorePlugin } from '../plugin.ts';
import type { Snapshot } from '../snapshot.ts';
import { firstUntolerated } from '../taints.ts';

const missingLabel = 1;
const tooSkewed = 2;
const hostname = 'kubernetes.io/hostname';

export interface PodTopologySpreadArgs {
  /** `System` (default): kube-scheduler's own two constraints; `List`: those in `defaultConstraints`. */
  readonly defaultingType?: 'System' | 'List';
  /** For pods without constraints of their own; without selectors: those come from what selects the pod. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
}

const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly query: PodQuery;
  /** Rows whose pods and domains count (nodeAffinityPolicy, nodeTaintsPolicy); undefined: all. */
  readonly include: Uint8Array | undefined;
}

/** Spreads the pods a selector matches evenly over zones, racks, hosts. */
export function podTopologySpread(args: PodTopologySpreadArgs = {}): FilterPlugin & ScorePlugin {
  const system = args.defaultingType !== 'List';
  const defaults = system ? systemDefaults : (args.defaultConstraints ?? []);
  return {
    name: 'PodTopologySpread',
    clusterWide: true,
    prepareFilter(pod, snapshot) {
      const constraints = constraintsOf(pod, snapshot, 'DoNotSchedule', defaults);
      if (constraints.length === 0) return undefined;
      const columns = (): Int32Array[] => constraints.map((c) => snapshot.labelColumn(c.topologyKey));
      const states = constraints.map((constraint) => domainsOf(constraint, constraints, snapshot));
      const self = constraints.map(({ query }) => (snapshot.podIndex.matches(query, pod.pod) ? 1 : 0));
      return {
        filter(rows, count, codes) {
          const values = columns();
          for (let i = 0; i < count; i++) {
            let code = 0;
            for (let c = 0; c < constraints.length && code === 0; c++) {
              const value = values[c]![rows[i]!]!;
              if (value === 0) code = missingLabel;
              else {
                const { counts, min } = states[c]!;
                const skew = counts[value]! + self[c]! - min;
                if (skew > constraints[c]!.maxSkew) code = tooSkewed;
              }
            }
            codes[i] = code;
          }
        },
        reasons: (code) => [
          code === missingLabel
            ? "node(s) didn't match pod topology spread constraints (missing required label)"
            : "node(s) didn't match pod topology spread constraints",
        ],
        resolvable: (code) => code !== missingLabel,
      };
    },
    prepareScore(pod, snapshot) {
      const constraints = constraintsOf(pod, snapshot, 'ScheduleAnyway', defaults);
      if (constraints.length === 0) return undefined;
      // The system's own constraints also spread over nodes that have no zone.
      const needAll = !system || (pod.pod.spec?.topologySpreadConstraints?.length ?? 0) > 0;
      /** Of the last rows scored: those that lack a topology label, which score 0. */
      let ignored = new Uint8Array(0);
      return {
        score(rows, count, scores) {
          const columns = constraints.map((c) => snapshot.labelColumn(c.topologyKey));
          ignored = new Uint8Array(count);
          for (let i = 0; needAll && i < count; i++) {
            if (columns.some((column) => column[rows[i]!] === 0)) ignored[i] = 1;
          }
          scores.fill(0, 0, count);
          constraints.forEach((constraint, c) =>
            addScore(constraint, columns[c]!, needAll ? columns : [], ignored, rows, count, scores, snapshot),
          );
          for (let i = 0; i < count; i++) scores[i] = Math.round(scores[i]!);
        },
        normalize(scores, count) {
          let min = Number.POSITIVE_INFINITY;
          let max = 0;
          for (let i = 0; i < count; i++) {
            if (ignored[i] !== 0) continue;
            min = Math.min(min, scores[i]!);
            max = Math.max(max, scores[i]!);
          }
          for (let i = 0; i < count; i++) {
            if (ignored[i] !== 0) scores[i] = 0;
            else
              scores[i] =
                max === 0 ? maxNodeScore : Math.trunc((maxNodeScore * (max + min - scores[i]!)) / max);
          }
        },
      };
    },
  };
}

function constraintsOf(
  pod: PodInfo,
  snapshot: Snapshot,
  whenUnsatisfiable: string,
  defaults: readonly TopologySpreadConstraint[],
): Constraint[] {
  const own = pod.pod.spec?.topologySpreadConstraints ?? [];
  const wanted = (own.length > 0 ? own : defaults).filter((c) => c.whenUnsatisfiable === whenUnsatisfiable);
  if (wanted.length === 0) return [];
  const selector = own.length > 0 ? undefined : snapshot.selectors.of(pod.pod);
  if (own.length === 0 && !selector) return [];
  return wanted.map((c) => ({
    topologyKey: c.topologyKey,
    maxSkew: c.maxSkew,
    minDomains: c.minDomains ?? 1,
    query: snapshot.queries.ofSpread(pod.pod, selector ?? c.labelSelector, selector ? [] : c.matchLabelKeys),
    include: includedRows(pod, c, snapshot),
  }));
}

/** Pods by domain (id of the label's value) over the rows that count, and the fewest in any (0 if domains are too few). */
function domainsOf(
  { topologyKey, minDomains, query, include }: Constraint,
  all: readonly Constraint[],
  snapshot: Snapshot,
): { counts: Int32Array; min: number } {
  const columns = all.map((c) => snapshot.labelColumn(c.topologyKey));
  const column = snapshot.labelColumn(topologyKey);
  const matching = snapshot.matching(query);
  const counts = new Int32Array(snapshot.labels.values.size + 1);
  const seen = new Uint8Array(counts.length);
  const domains: number[] = [];
  for (let row = 0; row < snapshot.rowCount; row++) {
    const value = column[row]!;
    if (value === 0 || snapshot.alive[row] === 0 || include?.[row] === 0) continue;
    // A node counts only if it has the labels of all constraints.
    if (columns.length > 1 && columns.some((c) => c[row] === 0)) continue;
    counts[value]! += matching[row]!;
    if (seen[value] === 0) {
      seen[value] = 1;
      domains.push(value);
    }
  }
  let min = Number.POSITIVE_INFINITY;
  for (const value of domains) min = Math.min(min, counts[value]!);
  return { counts, min: domains.length < minDomains || domains.length === 0 ? 0 : min };
}

function addScore(
  { topologyKey, maxSkew, query, include }: Constraint,
  column: Int32Array,
  columns: readonly Int32Array[],
  ignored: Uint8Array,
  rows: Int32Array,
  count: number,
  scores: Float64Array,
  snapshot: Snapshot,
): void {
  const matching = snapshot.matching(query);
  const perHost = topologyKey === hostname;
  const sums = perHost ? undefined : sumsOf(column, columns, matching, include, snapshot);
  const seen = new Uint8Array(perHost ? 0 : snapshot.labels.values.size + 1);
  let domains = 0;
  for (let i = 0; i < count; i++) {
    if (ignored[i] !== 0) continue;
    const value = column[rows[i]!]!;
    if (perHost) domains++;
    else if (seen[value] === 0) {
      seen[value] = 1;
      domains++;
    }
  }
  // Upstream: the more domains, the more a pod in one of them weighs.
  const weight = Math.log(domains + 2);
  for (let i = 0; i < count; i++) {
    if (ignored[i] !== 0) continue;
    const row = rows[i]!;
    // Without the label (only where not all are needed) nothing is counted.
    if (column[row] === 0) continue;
    const present = sums ? sums[column[row]!]! : matching[row]!;
    scores[i]! += present * weight + (maxSkew - 1);
  }
}

/** Pods by domain (id of the label's value) over the rows that count and have all of `columns`. */
function sumsOf(
  column: Int32Array,
  columns: readonly Int32Array[],
  matching: Int32Array,
  include: Uint8Array | undefined,
  snapshot: Snapshot,
): Int32Array {
  const sums = new Int32Array(snapshot.labels.values.size + 1);
  const { alive, rowCount } = snapshot;
  for (let row = 0; row < rowCount; row++) {
    const present = matching[row]!;
    if (present === 0 || alive[row] === 0 || include?.[row] === 0) continue;
    let complete = true;
    for (let c = 0; c < columns.length; c++) if (columns[c]![row] === 0) complete = false;
    if (complete) sums[column[row]!]! += present;
  }
  return sums;
}

/** nodeAffinityPolicy (default Honor) and nodeTaintsPolicy (default Ignore). */
function includedRows(
  pod: PodInfo,
  constraint: TopologySpreadConstraint,
  snapshot: Snapshot,
): Uint8Array | undefined {
  const { nodeSelector, affinity, tolerations = [] } = pod.pod.spec ?? {};
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const selects = (nodeSelector !== undefined && Object.keys(nodeSelector).length > 0) || terms !== undefined;
  const byAffinity = constraint.nodeAffinityPolicy !== 'Ignore' && selects;
  const byTaints = constraint.nodeTaintsPolicy === 'Honor';
  if (!byAffinity && !byTaints) return undefined;
  const count = snapshot.rowCount;
  const rows = new Int32Array(count).map((_, row) => row);
  const include = new Uint8Array(count).fill(1);
  const narrow = (matches: Uint8Array): void => include.forEach((_, row) => (include[row]! &= matches[row]!));
  const matches = new Uint8Array(count);
  if (byAffinity && nodeSelector) {
    compileLabels(nodeSelector, snapshot)(rows, count, matches);
    if (Object.keys(nodeSelector).length > 0) narrow(matches);
  }
  if (byAffinity && terms) {
    compileTerms(terms, snapshot)(rows, count, matches);
    narrow(matches);
  }
  if (byTaints) {
    const verdicts = new Map<number, number>();
    for (let row = 0; row < count; row++) {
      const set = snapshot.taintSet[row]!;
      let verdict = verdicts.get(set);
      if (verdict === undefined) {
        const taint = firstUntolerated(snapshot.taintSets[set]!, tolerations, ['NoSchedule', 'NoExecute']);
        verdicts.set(set, (verdict = taint ? 0 : 1));
      }
      include[row]! &= verdict;
    }
  }
  return include;
}
