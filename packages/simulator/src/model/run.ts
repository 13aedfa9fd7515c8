/** What is asked of one run. A run is a function of this and of nothing else. */
import type { Profile, WeightedShape } from '@coracle/scheduler/core';
import type { OrderingPolicy } from '../ordering/policy.ts';
import type { Cluster } from './cluster.ts';
import type { Workload } from './job.ts';

/** Nodes fail at random and come back. Times in milliseconds of virtual time. */
export interface NodeFailures {
  /** Mean time a node works between two failures (exponential). */
  readonly meanUpMs: number;
  /** Mean time it is away (exponential). */
  readonly meanDownMs: number;
}

/** Jobs fail at random while they run and are started again, from their last checkpoint. */
export interface JobFailures {
  /** Mean time a pod runs until it fails (exponential): a job of many pods fails more often. */
  readonly meanPodUpMs: number;
  /** After so many failures the job has failed for good. Default 6, as `backoffLimit`. */
  readonly limit?: number;
}

export interface Maintenance {
  readonly fromMs: number;
  readonly toMs: number;
  /** Names of nodes, or a pool. */
  readonly nodes: readonly string[] | { readonly pool: string };
  /** `drain`: jobs are interrupted when it begins. `cordon`: they run on, nothing new starts. */
  readonly mode: 'drain' | 'cordon';
}

/** Nodes of a pool are added while jobs wait that they would help, and taken away when idle. */
export interface Autoscaling {
  readonly pool: string;
  readonly min: number;
  readonly max: number;
  /** From the decision to a ready node. */
  readonly bootMs: number;
  /** A node idle for so long is taken away. */
  readonly idleMs: number;
}

export interface RunSpec {
  readonly cluster: Cluster;
  readonly workload: Workload;
  /** Name of the placement for reports, and the profile of the scheduler core that does it. */
  readonly placement: { readonly name: string; readonly profile: () => Profile };
  readonly ordering: OrderingPolicy;
  readonly seed: number;
  /** The run ends then, whatever still runs. Default: when nothing is left to happen. */
  readonly untilMs?: number;
  /** What does not fit when it arrives is dropped and counted instead of waiting (the GPU-sharing experiment). */
  readonly dropUnplaced?: boolean;
  /** Waiting jobs of higher priority evict running ones of lower. Default false. */
  readonly preemption?: boolean;
  readonly nodeFailures?: NodeFailures;
  readonly jobFailures?: JobFailures;
  readonly maintenance?: readonly Maintenance[];
  readonly autoscaling?: readonly Autoscaling[];
  /**
   * How fast jobs run on nodes with cards of a model (`engine/speed.ts` says which nodes those are) against the reference that
   * `runMs` is of: 2 halves the run time. A job runs at the speed of its slowest pod with cards; pods without cards do not
   * count, and nodes of other models have 1. What starts cost is not divided. Default: all have 1.
   */
  readonly speeds?: Readonly<Record<string, number>>;
  /** Which of equally good nodes is taken: one at random, or the first in the cluster's order. Default `random`. */
  readonly ties?: 'random' | 'first';
  /** Every start of every job is told, with the nodes. Default false: they may be millions. */
  readonly stays?: boolean;
  /** The requests for which fragmentation is measured. Default: the popular ones among the workload's first 100,000 jobs. */
  readonly popular?: readonly WeightedShape[];
  /** How many points in time the series and the heat map have at most, and how many stretches the gantt chart. Defaults 1,000, 200, 5,000. */
  readonly points?: { readonly series?: number; readonly heat?: number; readonly gantt?: number };
}
