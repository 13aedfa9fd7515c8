/** What an explanation says. Plain data: it is the status of a SchedulingReview, and what `-o json` prints. */

/** Nodes that one plugin rejects first, as kube-scheduler counts them: each node once. */
export interface Rejection {
  readonly plugin: string;
  /** In kube-scheduler's words. */
  readonly reason: string;
  readonly nodes: number;
  /** Some of them, by name. */
  readonly examples: readonly string[];
}

/** An amount that a node is short of. Amounts are text as in manifests (`1500m`, `12Gi`, `8`). */
export interface Shortage {
  readonly resource: string;
  readonly wanted: string;
  readonly free: string;
  readonly allocatable: string;
  readonly missing: string;
  /** Who holds it, the largest first; those the asker may not see are counted only. */
  readonly holders: readonly { readonly pod: string; readonly amount: string; readonly priority: number }[];
}

/** A node that would do but for what is said here. */
export interface NearNode {
  readonly node: string;
  readonly rejections: readonly { readonly plugin: string; readonly reasons: readonly string[] }[];
  readonly shortages: readonly Shortage[];
  /** What the node lacks, in one sentence. */
  readonly text: string;
}

/** Something that would let the pod run, or more nearly so; the smallest change first. */
export interface Remedy {
  readonly action:
    | 'FreeResources'
    | 'LowerRequest'
    | 'AddNode'
    | 'TolerateTaint'
    | 'Uncordon'
    | 'LabelNode'
    | 'RelaxAffinity'
    | 'CreateMissing'
    | 'RemoveGate'
    | 'Wait'
    | 'RaisePriority'
    | 'RaiseQuota'
    | 'Resume'
    | 'Other';
  readonly text: string;
}

export interface PreemptionReport {
  /** True if evicting others was considered. */
  readonly tried: boolean;
  /** What came of it. */
  readonly text: string;
  readonly node?: string;
  readonly victims?: readonly string[];
}

/** Where it waits in the scheduler that was asked. */
export interface QueueReport {
  readonly state: 'active' | 'backoff' | 'unschedulable' | 'gated';
  /** Units before it among those that are due; 0: it is next. */
  readonly ahead?: number;
  readonly attempts: number;
  /** RFC 3339. */
  readonly since: string;
  /** When its back-off ends, or when it is tried again whatever happens. */
  readonly retryAt?: string;
  readonly text: string;
}

export interface GangReport {
  readonly group: string;
  readonly kind: string;
  readonly minCount: number;
  /** Members that exist, have a node (or had one to their end), and wait. */
  readonly members: number;
  readonly scheduled: number;
  readonly waiting: number;
  /** Waiting members that could be placed now, all together. */
  readonly placeable: number;
  /** The domain that came closest; '' without topology. */
  readonly domain: string;
  readonly domains?: { readonly keys: readonly string[]; readonly count: number; readonly most: number };
}

export interface Explanation {
  readonly subject: { readonly kind: string; readonly namespace: string; readonly name: string };
  /**
   * `Scheduled`: it has a node. `Feasible`: it would get one now. `Waiting`: nothing fits. `Gated`: it need not be tried yet.
   * `Finished`: it needs no node any more. `Foreign`: another scheduler places it; what follows is what this one would do.
   */
  readonly state: 'Scheduled' | 'Feasible' | 'Waiting' | 'Gated' | 'Finished' | 'Foreign';
  /** The dominant reason, in a sentence for people. */
  readonly summary: string;
  /** kube-scheduler's message, as in the condition and the event. */
  readonly message?: string;
  readonly dominant?: { readonly plugin: string; readonly reason: string };
  readonly nodes: { readonly total: number; readonly feasible: number };
  readonly rejections: readonly Rejection[];
  readonly nearest: readonly NearNode[];
  readonly remedies: readonly Remedy[];
  readonly preemption?: PreemptionReport;
  readonly queue?: QueueReport;
  readonly gang?: GangReport;
  /** Where it is, or would go now. */
  readonly node?: string;
  readonly notes: readonly string[];
}

/** A node in the trace: every filter's verdict, and for feasible nodes every score. */
export interface NodeTrace {
  readonly node: string;
  readonly feasible: boolean;
  /** By filter plugin: `ok`, or why not. */
  readonly filters: Readonly<Record<string, string>>;
  /** By score plugin; only of feasible nodes. */
  readonly scores?: Readonly<Record<string, ScoreTrace>>;
  readonly total?: number;
}
export interface ScoreTrace {
  /** As the plugin gave it. */
  readonly raw: number;
  /** 0..100. */
  readonly normalized: number;
  readonly weight: number;
  readonly weighted: number;
}
export interface Trace {
  readonly schedulerName: string;
  /** In the order in which they are asked; those with nothing to say of this pod are left out. */
  readonly filters: readonly string[];
  readonly scores: readonly { readonly plugin: string; readonly weight: number }[];
  /** Feasible nodes by total, best first, then the others, nearest first. */
  readonly nodes: readonly NodeTrace[];
  /** Nodes left out by the limit. */
  readonly omitted: number;
}

export interface ExplainOptions {
  /** Nodes shown in detail; default 5. */
  readonly nearest?: number;
  /** May the asker know of pods of this namespace? Default: of all. */
  readonly visible?: (namespace: string) => boolean;
}
