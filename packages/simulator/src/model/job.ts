/** What is run in a simulation: jobs, made of sets of equal pods. */
import type { PodSpec } from '@coracle/machinery/api';

/**
 * What equal pods share. Jobs that ask for the same share one template by reference: the scheduler core reads each once.
 * Cards, models and parts of cards are asked for as docs/gpus.md says (resources and annotations), so that a pod of a
 * recording and one of a trace are the same thing.
 */
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

export interface PodSet {
  /** Unique in the job: `worker`, `launcher`. */
  readonly name: string;
  /** Pods of it, at least 1. */
  readonly count: number;
  readonly template: PodTemplate;
}

/** How a job changes its speed with the number of its pods. Only for jobs of one pod set. */
export interface Elasticity {
  /** It starts with as few pods as this, and is shrunk no further. */
  readonly min: number;
  readonly max: number;
  /** Part of the work that does not get faster with more pods (Amdahl), 0 to 1. Default 0: speed is proportional to pods. */
  readonly serial?: number;
}

/**
 * All pods of a job start together or none does. Pods that need not wait for each other are jobs of their own. Times are
 * milliseconds; a time may be a fraction.
 */
export interface Job {
  /** Unique in the workload. */
  readonly id: string;
  /** Who asked for it: a user, a team, a namespace. */
  readonly tenant: string;
  /** Since the start of the workload. */
  readonly submitMs: number;
  /** Shared by equal jobs. At least one. */
  readonly podSets: readonly PodSet[];
  /**
   * How long it takes with all its pods if nothing gets in its way, on nodes of the reference speed (`RunSpec.speeds`). Infinity:
   * it never ends by itself.
   */
  readonly runMs: number;
  /** How long its owner said it would take (what backfill reckons with). Default: `runMs`. */
  readonly estimateMs?: number;
  /** As a PriorityClass's value. Default 0. */
  readonly priority?: number;
  /** What each start costs before work goes on: images, process groups, loading a checkpoint. Default 0. */
  readonly startMs?: number;
  /**
   * Work is saved each time so much of it has been done (as much as it does in this time at the reference speed, as one that
   * saves every so many steps does); what is interrupted goes on from there. 0: nothing is ever lost. Default
   * (undefined): interrupted work is lost whole.
   */
  readonly checkpointMs?: number;
  /** Work that each interruption undoes besides, at most all that was done since the last start. Default 0. */
  readonly stopMs?: number;
  /** How it ends by itself after `runMs`. Default `succeeded`. */
  readonly ends?: 'succeeded' | 'failed' | 'cancelled';
  readonly elastic?: Elasticity;
  /** What the input knew besides, for policies and reports: the model of a training job, a queue. */
  readonly about?: Readonly<Record<string, string | number>>;
}

/** Odd rows of an input: counted and told, never dropped in silence. */
export interface InputNote {
  /** `skipped`: there is no job for the row. `mended`: there is, with what `why` says. */
  readonly what: 'skipped' | 'mended';
  readonly why: string;
  readonly count: number;
  /** Of the first few, from 1. */
  readonly lines: readonly number[];
}

export interface RecordedWaits {
  /** Of how many it is known. */
  readonly jobs: number;
  readonly meanMs: number;
  readonly p95Ms: number;
}

export interface Workload {
  readonly name: string;
  /** In the order of `submitMs`. Every call gives equal jobs from the first on. */
  jobs(): Iterable<Job>;
  /** How many there are, if that is known before they are read. */
  readonly count?: number;
  /** Jobs with a priority that is not 0, if that is known. Of jobs that are made at random: 1 if there are any. */
  readonly prioritised?: number;
  /** What its jobs waited in truth, where the input says it. */
  readonly recorded?: RecordedWaits;
  readonly notes: readonly InputNote[];
}
