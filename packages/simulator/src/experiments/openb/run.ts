/** The openb experiment for many policies, workloads and seeds, the published figures beside ours. */
import type { GpuPolicy } from '@coracle/scheduler/core';
import { runTasks } from '../threads.ts';
import type { Done } from '../task.ts';
import { openbPolicies, type OpenbOutcome } from './experiment.ts';
import { openbCells } from './files.ts';
import type { OpenbCell } from './published.ts';

export interface OpenbExperimentOptions {
  /** Where the traces are, and `published.csv`. */
  readonly folder: string;
  /** Default: the six that are published. */
  readonly policies?: readonly GpuPolicy[];
  /** Default: `default`. */
  readonly workloads?: readonly string[];
  /** Default: the authors' ten, 42 to 51. */
  readonly seeds?: readonly number[];
  /** Default 1. */
  readonly threads?: number;
  readonly finished?: (done: number, of: number) => void;
}

/** A published figure and ours: the mean over the seeds. */
export interface ComparedCell extends OpenbCell {
  readonly ours: number;
}

export interface OpenbExperiment {
  readonly cells: readonly ComparedCell[];
  /** In the order of workloads, policies, seeds. */
  readonly runs: readonly OpenbRun[];
}

export interface OpenbRun extends OpenbOutcome {
  readonly workload: string;
  readonly policy: GpuPolicy;
  readonly seed: number;
  readonly cpuMs: number;
}

export async function runOpenbExperiment(options: OpenbExperimentOptions): Promise<OpenbExperiment> {
  const { folder, policies = openbPolicies, workloads = ['default'], threads = 1 } = options;
  const seeds = options.seeds ?? Array.from({ length: 10 }, (_, i) => 42 + i);
  const published = openbCells(folder);
  const tasks = workloads.flatMap((workload) =>
    policies.flatMap((policy) =>
      seeds.map((seed) => ({ experiment: 'openb', folder, workload, policy, seed }) as const),
    ),
  );
  let count = 0;
  const done = await runTasks(tasks, threads, () => options.finished?.(++count, tasks.length));
  const runs = tasks.map((task, i) => runOf(task, done[i]!));
  const cells = published.flatMap((cell) => {
    const ours = runs.filter((run) => run.workload === cell.workload && run.policy === cell.policy);
    if (ours.length === 0) return [];
    const sum = ours.reduce((total, { demand }) => total + (demand[cell.metric][cell.demand] ?? NaN), 0);
    return [{ ...cell, ours: sum / ours.length }];
  });
  return { cells, runs };
}

function runOf(
  {
    workload,
    policy,
    seed,
  }: { readonly workload: string; readonly policy: GpuPolicy; readonly seed: number },
  { openb, cpuMs }: Done,
): OpenbRun {
  return { workload, policy, seed, cpuMs, ...openb! };
}
