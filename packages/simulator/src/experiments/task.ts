/** One run of an experiment, as threads are told of it. */
import type { GpuPolicy } from '@coracle/scheduler/core';
import { runMuri, type MuriPolicy } from './muri/experiment.ts';
import { readMuriTrace } from './muri/files.ts';
import { runOpenb, type OpenbOutcome, type OpenbTrace } from './openb/experiment.ts';
import { readOpenbTrace } from './openb/files.ts';

export type Task =
  | {
      readonly experiment: 'openb';
      readonly folder: string;
      readonly workload: string;
      readonly policy: GpuPolicy;
      readonly seed: number;
    }
  | {
      readonly experiment: 'muri';
      readonly folder: string;
      readonly trace: string;
      readonly policy: MuriPolicy;
    };

export interface Done {
  readonly task: Task;
  readonly openb?: OpenbOutcome;
  /** Mean job completion time, in seconds. */
  readonly muri?: number;
  /** CPU time of the run, without reading the trace. */
  readonly cpuMs: number;
}

/** The trace that was read last: tasks of one trace follow each other. */
let kept: { readonly key: string; readonly trace: OpenbTrace } | undefined;

export function runTask(task: Task): Done {
  if (task.experiment === 'muri') {
    const trace = readMuriTrace(task.folder, task.trace);
    const before = process.threadCpuUsage();
    const muri = runMuri(trace, task.policy);
    return { task, muri, cpuMs: cpuMsSince(before) };
  }
  const key = `${task.folder} ${task.workload}`;
  if (kept?.key !== key) kept = { key, trace: readOpenbTrace(task.folder, task.workload) };
  const before = process.threadCpuUsage();
  const openb = runOpenb(kept.trace, task.policy, task.seed);
  return { task, openb, cpuMs: cpuMsSince(before) };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
