/** Muri's experiment for many traces and policies, the published figures beside ours. */
import { runTasks } from '../threads.ts';
import { muriPolicies, type MuriPolicy } from './experiment.ts';
import { muriPublished, muriTraces } from './files.ts';

export interface MuriExperimentOptions {
  /** Where the traces are, and `published.json`. */
  readonly folder: string;
  /** Default: all four. */
  readonly policies?: readonly MuriPolicy[];
  /** Default: all in the folder. */
  readonly traces?: readonly string[];
  /** Default 1. */
  readonly threads?: number;
  readonly finished?: (done: number, of: number) => void;
}

export interface MuriCell {
  readonly trace: string;
  readonly policy: MuriPolicy;
  /** Mean job completion time in seconds; undefined: not published. */
  readonly published: number | undefined;
  readonly ours: number;
  readonly cpuMs: number;
}

/** In the order of traces and policies. */
export async function runMuriExperiment(options: MuriExperimentOptions): Promise<MuriCell[]> {
  const { folder, policies = muriPolicies, traces = muriTraces(folder), threads = 1 } = options;
  const published = muriPublished(folder);
  const tasks = traces.flatMap((trace) =>
    policies.map((policy) => ({ experiment: 'muri', folder, trace, policy }) as const),
  );
  let count = 0;
  const done = await runTasks(tasks, threads, () => options.finished?.(++count, tasks.length));
  return tasks.map(({ trace, policy }, i) => ({
    trace,
    policy,
    published: published.get(policy)?.get(trace),
    ours: done[i]!.muri!,
    cpuMs: done[i]!.cpuMs,
  }));
}
