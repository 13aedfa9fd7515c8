/** What the main thread and its workers say to each other. */
import type { InputNote, RecordedWaits } from '../model/job.ts';
import type { Progress, RunResult } from '../model/result.ts';
import type { RunSummary } from '../report/summary.ts';
import type { RunningRun } from '../report/terminal/progress.ts';
import type { RunPlan } from '../scenario/plan.ts';

export interface SweepTask {
  readonly plan: RunPlan;
  /** Send the whole result and not only its figures. */
  readonly detail: boolean;
}

/** What one run gave. */
export interface RunOutcome {
  readonly summary: RunSummary;
  /** Where the run was when it ended. */
  readonly progress: Progress;
  /** Odd rows of the workload. */
  readonly notes: readonly InputNote[];
  /** Jobs of the workload with a priority that is not 0, if known. */
  readonly prioritised?: number;
  /** What the jobs waited in truth, if the input says it. */
  readonly recorded?: RecordedWaits;
  /** Models of the cluster's cards, as labels say them. */
  readonly models?: readonly string[];
  /** With `detail`. */
  readonly result?: RunResult;
}

export type ToWorker = { readonly index: number; readonly task: SweepTask };
export type FromWorker =
  | { readonly kind: 'progress'; readonly index: number; readonly running: RunningRun }
  | { readonly kind: 'done'; readonly index: number; readonly outcome: RunOutcome }
  /** `user`: the scenario or a file is wrong, and the message says how; else it is a bug and the message is a stack. */
  | { readonly kind: 'error'; readonly index: number; readonly message: string; readonly user: boolean };
