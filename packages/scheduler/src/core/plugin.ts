/**
 * What a plugin is. A plugin is asked once per pod to *prepare* (kube-scheduler's PreFilter and PreScore); what it
 * prepares then judges whole batches of nodes, reading the snapshot's columns.
 *
 * Contract of what plugins that are not `clusterWide` prepare:
 * - the verdict on a row depends on that row and on the parts of the pod in its signature, nothing else. Verdicts are kept
 *   and used for equal pods until the row changes;
 * - they stay usable while the snapshot changes: fetch columns anew in each call, keep only ids.
 * `clusterWide` ones (affinity, spread, image locality) may look anywhere; they are prepared and run for every pod.
 */
import type { Pod } from '@coracle/machinery/api';
import type { PodInfo } from './pod-info.ts';
import type { ReservationIo, ReservePlugin } from './reservation.ts';
import type { Snapshot } from './snapshot.ts';

export interface PreparedFilter {
  /** Judge only these nodes (by name); all others fail with `node(s) didn't satisfy plugin(s) [...]`. */
  readonly onlyNodes?: ReadonlySet<string>;
  /** The pod fits nowhere, whatever the nodes: the message. Nothing else is asked. */
  readonly rejection?: string;
  /** Sets `codes[i]` for each i < count: 0 if the pod may run on `rows[i]`, else a positive code of the plugin's own. */
  filter(rows: Int32Array, count: number, codes: Int32Array): void;
  /** True while it rejects no row at all: then it need not be asked. */
  idle?(): boolean;
  /** The messages of a code on a row, in kube-scheduler's words. */
  reasons(code: number, row: number): readonly string[];
  /** False if no preemption on that node can change the verdict (kube-scheduler's UnschedulableAndUnresolvable). */
  resolvable(code: number): boolean;
  /** The verdict does not depend on the pods on the row. */
  readonly ofNode?: true;
  /**
   * The code that `filter` would set for the row if `gone` were not on it and `come` were. With every filter of a pod having this, or
   * `ofNode`, preemption imagines evictions by it and need not carry them out for a look.
   */
  imagine?(row: number, gone: readonly PodInfo[], come: readonly PodInfo[]): number;
  /** True if some rows were given up for want of time: asked again, the plugin goes on from there. */
  unfinished?(): boolean;
}

export interface FilterPlugin {
  readonly name: string;
  readonly clusterWide?: boolean;
  /**
   * Of a `clusterWide` plugin: a waiting pod that it rejected is looked at again where a row changed, as with row-local
   * plugins, and when the plugin's own state changes (live: `Hints.changed`). Absent: after any change.
   */
  readonly ownHints?: boolean;
  /** Undefined: the plugin has nothing to say about this pod (kube-scheduler's Skip). */
  prepareFilter(pod: PodInfo, snapshot: Snapshot): PreparedFilter | undefined;
}

export interface PreparedScore {
  /** Sets `scores[i]` for each i < count: 0..100, or any number of its own scale if `normalize` brings it there. */
  score(rows: Int32Array, count: number, scores: Float64Array): void;
  /** True while every row would get 0: then it need not be asked. */
  idle?(): boolean;
  /** Brings the scores of the nodes compared to 0..100; equal ones stay equal. Absent: they are there already. */
  normalize?(scores: Float64Array, count: number, rows: Int32Array): void;
}

export interface ScorePlugin {
  readonly name: string;
  readonly clusterWide?: boolean;
  prepareScore(pod: PodInfo, snapshot: Snapshot): PreparedScore | undefined;
}

/**
 * Keeps pods out of the queue that need not be tried yet (kube-scheduler's PreEnqueue): what they wait for is not a node.
 */
export interface GatePlugin {
  readonly name: string;
  /** Undefined: the pod may be tried. */
  gate(pod: Pod, snapshot: Snapshot): Gate | undefined;
}
export interface Gate {
  /** What the pod waits for, in kube-scheduler's words. */
  readonly reason: string;
  /** What may open the gate, besides a change of the pod: `Intake.opened(key)` asks again. */
  readonly key?: string;
}

/** Mends something outside, in the hope that a pod that fits nowhere fits then (kube-scheduler's PostFilter). */
export interface RepairPlugin {
  readonly name: string;
  /** Undefined: the plugin has nothing to do with this pod. */
  repair(pod: PodInfo, snapshot: Snapshot): Repair | undefined;
}
export interface Repair {
  /** Goes before preemption's in the pod's message. */
  readonly message: string;
  /** Writes to the API. Absent: nothing can be done. */
  act?(io: Pick<ReservationIo, 'client'>): Promise<void>;
}

/** Each has one role or several. */
export type Plugin = FilterPlugin | ScorePlugin | ReservePlugin | GatePlugin | RepairPlugin;

/** A profile: which plugins run, in filter order, and what their scores weigh. */
export interface Profile {
  /** Pods choose a profile by `spec.schedulerName`. */
  readonly schedulerName: string;
  readonly plugins: readonly { readonly plugin: Plugin; readonly weight?: number }[];
  /** 0: as kube-scheduler (50 % less 1 % per 125 nodes, at least 5 %); 100: every node is looked at. */
  readonly percentageOfNodesToScore?: number;
  /** DefaultPreemption's arguments; false: pods of this profile never preempt. Default: kube-scheduler's. */
  readonly preemption?: PreemptionSettings | false;
}

/** How many nodes preemption looks at before it chooses: the larger of the two (DefaultPreemptionArgs). */
export interface PreemptionSettings {
  /** Percent of all nodes; default 10. */
  readonly minCandidateNodesPercentage: number;
  /** Default 100. */
  readonly minCandidateNodesAbsolute: number;
}

export const maxNodeScore = 100;

/** kube-scheduler's DefaultNormalizeScore: the largest becomes 100, the others in proportion, whole numbers. */
export function normalizeToMax(scores: Float64Array, count: number, reverse: boolean): void {
  let max = 0;
  for (let i = 0; i < count; i++) if (scores[i]! > max) max = scores[i]!;
  for (let i = 0; i < count; i++) {
    const score = max === 0 ? scores[i]! : Math.floor((maxNodeScore * scores[i]!) / max);
    scores[i] = reverse ? maxNodeScore - score : score;
  }
}

export function isFilter(plugin: Plugin): plugin is FilterPlugin {
  return 'prepareFilter' in plugin;
}
export function isScore(plugin: Plugin): plugin is ScorePlugin {
  return 'prepareScore' in plugin;
}
export function isReserve(plugin: Plugin): plugin is ReservePlugin {
  return 'reserve' in plugin;
}
export function isGate(plugin: Plugin): plugin is GatePlugin {
  return 'gate' in plugin;
}
export function isRepair(plugin: Plugin): plugin is RepairPlugin {
  return 'repair' in plugin;
}
export function isClusterWide(plugin: Plugin): boolean {
  return (plugin as FilterPlugin).clusterWide ?? false;
}
