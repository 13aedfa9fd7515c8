/**
 * A scenario: what is to be simulated, as its file says it (schema.ts describes each field; docs/simulator.md tells users).
 * It is plain data, so that it goes to worker threads and into reports as it is. Lengths of time are texts such as `30d`.
 */

/** A shape of node that is not in the table, or is to be different. */
export interface ShapeSpec {
  readonly cpu: string | number;
  readonly memory: string;
  readonly cards?: number;
  readonly model?: string;
  readonly cardMemory?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PoolSpec {
  /** Default: the shape. */
  readonly name?: string;
  readonly shape: string;
  readonly count: number;
}

export interface ClusterSpec {
  readonly name?: string;
  readonly pools?: readonly PoolSpec[];
  /** A file of nodes: Node objects as YAML or JSON, a recording, or the node list of a trace. */
  readonly from?: string;
}

export interface WorkloadSpec {
  readonly from?: string;
  /** Default: found by the file's content. */
  readonly format?: string;
  /** Of a generic CSV: which column is what. */
  readonly mapping?: Readonly<Record<string, unknown>>;
  /** Rows that cannot be read are skipped and counted instead of ending the reading. */
  readonly lenient?: boolean;
  /** Where the trace does not say how jobs are spread over nodes. Default: those of the cluster; of cards, else 8. */
  readonly cardsPerNode?: number;
  readonly coresPerNode?: number;
  readonly machines?: 'machine' | 'nodes';
  readonly stillRunning?: 'forever' | 'observed';
  readonly cardTypes?: boolean;
  readonly tenant?: 'vc' | 'user';
  readonly generate?: Readonly<Record<string, unknown>>;
  /** Jobs arrive so many times as fast. Default 1. */
  readonly arrivals?: number;
  /** Jobs take so many times as long. Default 1. */
  readonly durations?: number;
  /** Only so many of the first jobs. */
  readonly jobs?: number;
  /** Stretches of this length are drawn from it anew for every seed: other weeks like this one. */
  readonly resample?: string;
  /** All jobs save their work each time they have run so long, whatever the input says. */
  readonly checkpoint?: string;
  /** Each start of a job costs so much, whatever the input says. */
  readonly start?: string;
}

export interface NodeFailuresSpec {
  readonly meanUp: string;
  readonly meanDown: string;
}
export interface JobFailuresSpec {
  readonly meanPodUp: string;
  readonly limit?: number;
}
export interface MaintenanceSpec {
  readonly from: string;
  readonly to: string;
  readonly pool?: string;
  readonly nodes?: readonly string[];
  readonly mode?: 'drain' | 'cordon';
}
export interface AutoscalingSpec {
  readonly pool: string;
  readonly min: number;
  readonly max: number;
  readonly boot?: string;
  readonly idle?: string;
}

/** What may be different in a variant. */
export interface Changes {
  readonly add?: readonly { readonly shape: string; readonly count: number }[];
  readonly remove?: readonly { readonly pool: string; readonly count: number }[];
  readonly swap?: readonly { readonly pool: string; readonly shape: string; readonly count?: number }[];
  readonly arrivals?: number;
  readonly durations?: number;
  readonly checkpoint?: string;
  readonly start?: string;
  readonly placement?: string;
  readonly ordering?: string;
  readonly preemption?: boolean;
  readonly speeds?: Readonly<Record<string, number>>;
  readonly nodeFailures?: NodeFailuresSpec;
  readonly jobFailures?: JobFailuresSpec;
  readonly maintenance?: readonly MaintenanceSpec[];
  readonly autoscaling?: readonly AutoscalingSpec[];
}
export interface Variant extends Changes {
  /** Default: made from the changes. */
  readonly name?: string;
}

/** The smallest number of nodes of a shape, besides those there are, that keeps a metric under (or over) a bound. */
export interface FindSpec {
  readonly shape: string;
  /** `p95-wait < 1h`. */
  readonly goal: string;
  /** Default 0. */
  readonly min?: number;
  /** Default: found by doubling, 1024 at most. */
  readonly max?: number;
}

export interface ScenarioSpec {
  readonly cluster: ClusterSpec;
  readonly shapes?: Readonly<Record<string, ShapeSpec>>;
  readonly workload: WorkloadSpec;
  readonly placement?: readonly string[];
  readonly ordering?: readonly string[];
  /** How many. Default 1. */
  readonly seeds?: number;
  /** Default 1. */
  readonly firstSeed?: number;
  readonly until?: string;
  readonly preemption?: boolean;
  readonly dropUnplaced?: boolean;
  /** By the model of cards. */
  readonly speeds?: Readonly<Record<string, number>>;
  readonly nodeFailures?: NodeFailuresSpec;
  readonly jobFailures?: JobFailuresSpec;
  readonly maintenance?: readonly MaintenanceSpec[];
  readonly autoscaling?: readonly AutoscalingSpec[];
  readonly points?: { readonly series?: number; readonly heat?: number; readonly gantt?: number };
  readonly variants?: readonly Variant[];
  readonly find?: FindSpec;
}

export interface Scenario {
  readonly name: string;
  readonly spec: ScenarioSpec;
}
