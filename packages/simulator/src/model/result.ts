/**
 * What a run says, as columns: typed arrays and shared lists of names, so that a million jobs are a few dozen megabytes and
 * cross threads without a copy. All times are milliseconds of virtual time; NaN: it never came to that.
 */

export const outcomes = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'dropped'] as const;
export type Outcome = (typeof outcomes)[number];

/** One entry a job, in the order of submission. */
export interface JobColumns {
  readonly ids: readonly string[];
  readonly tenants: readonly string[];
  /** Index into `tenants`. */
  readonly tenant: Uint32Array;
  readonly submitMs: Float64Array;
  /** First start. */
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** What it would have taken alone: `runMs` and one start, at the reference speed. */
  readonly idealMs: Float64Array;
  /** Time it waited altogether, also after interruptions. */
  readonly waitMs: Float64Array;
  /** Work done and lost again by interruptions (time at the reference speed), and the time of starts beyond the first. */
  readonly lostMs: Float64Array;
  /** All its pods together, when it asks for most. */
  readonly gpuMilli: Float64Array;
  readonly cpuMilli: Float64Array;
  readonly pods: Uint32Array;
  /** Starts beyond the first. */
  readonly restarts: Uint32Array;
  /** Index into `outcomes`. */
  readonly outcome: Uint8Array;
}

/** Means over equal stretches of time, weighted by time. Stretch i begins at `fromMs + i * stepMs`. */
export interface Series {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly length: number;
  /** Capacity of the nodes that are up. */
  readonly gpuMilliUp: Float64Array;
  readonly cpuMilliUp: Float64Array;
  readonly nodesUp: Float64Array;
  readonly gpuMilliUsed: Float64Array;
  readonly cpuMilliUsed: Float64Array;
  /** Of that, what did work that counts in the end: not starts, not work lost later. */
  readonly gpuMilliGood: Float64Array;
  readonly cpuMilliGood: Float64Array;
  /** Free cards that no popular request could use (the FGD measure), in thousandths. Zero without GPUs. */
  readonly gpuMilliFragmented: Float64Array;
  readonly jobsWaiting: Float64Array;
  readonly jobsRunning: Float64Array;
  /** What waiting jobs ask for. */
  readonly gpuMilliWaiting: Float64Array;
  readonly cpuMilliWaiting: Float64Array;
}

/** Where time goes on every node: rows are nodes, columns are equal stretches of time. */
export interface HeatMap {
  readonly nodes: readonly string[];
  readonly fromMs: number;
  readonly stepMs: number;
  readonly columns: number;
  /** Row by row: percent of the node's cards (of its CPU where it has none) in use; 255: the node was not there. */
  readonly percent: Uint8Array;
}

/** Stretches in which jobs ran on nodes, for a gantt chart; bounded. */
export interface Gantt {
  /** Index of the job. */
  readonly job: Uint32Array;
  /** Index into `nodes` of the heat map. */
  readonly node: Uint32Array;
  readonly fromMs: Float64Array;
  readonly toMs: Float64Array;
  readonly gpuMilli: Float64Array;
  /** Of cores, on nodes without cards; on others 0. */
  readonly cpuMilli: Float64Array;
  /** Stretches that are not here because there were too many. */
  readonly left: number;
}

/** How the cards were given out against how much had been asked for, by whole percent of the cluster's cards. */
export interface DemandCurve {
  readonly allocatedPercent: readonly number[];
  readonly fragmentedPercent: readonly number[];
  readonly fragmentedOfIdlePercent: readonly number[];
}

/** One start of a job. */
export interface Stay {
  /** In the order of submission, from 0. */
  readonly job: number;
  readonly fromMs: number;
  /** When it ended or was interrupted; NaN: it runs still. */
  readonly toMs: number;
  /** Of each pod, as they were placed at the start. */
  readonly nodes: readonly string[];
}

export interface RunResult {
  readonly placement: string;
  readonly ordering: string;
  readonly seed: number;
  readonly cluster: string;
  readonly workload: string;
  /** Virtual time of the last event. */
  readonly endMs: number;
  readonly jobs: JobColumns;
  readonly series: Series;
  readonly heat: HeatMap;
  readonly gantt: Gantt;
  /** With `dropUnplaced`. */
  readonly demand?: DemandCurve;
  /** With `stays`: in the order of the starts. */
  readonly stays?: readonly Stay[];
  readonly counts: {
    readonly events: number;
    /** Decisions of the scheduler core. */
    readonly decisions: number;
    readonly preemptions: number;
    readonly nodeFailures: number;
    readonly jobFailures: number;
    readonly nodesAdded: number;
    readonly nodesRemoved: number;
  };
  /** Why jobs that still wait at the end do, by kube-scheduler's words, with how many. */
  readonly unplaced: readonly { readonly why: string; readonly count: number }[];
}

/** How far a run is, for progress. */
export interface Progress {
  readonly nowMs: number;
  readonly events: number;
  readonly jobsSeen: number;
  readonly jobsEnded: number;
  readonly jobsWaiting: number;
  readonly jobsRunning: number;
}
