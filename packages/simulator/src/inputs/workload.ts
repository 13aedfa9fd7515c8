/** A workload of jobs that have been read. */
import type { InputNote, Job, Workload } from '../model/job.ts';
import { InputError } from './input-error.ts';

/** In the order of submission; those of one time as they were read. Throws InputError where an id stands twice. */
export function workloadOf(name: string, file: string, jobs: Job[], notes: readonly InputNote[]): Workload {
  const ids = new Set<string>();
  let sorted = true;
  let last = -Infinity;
  for (const { id, submitMs } of jobs) {
    if (ids.has(id)) throw new InputError(file, `job ${JSON.stringify(id)} is there twice`);
    ids.add(id);
    if (submitMs < last) sorted = false;
    last = submitMs;
  }
  const ordered = sorted ? jobs : jobs.toSorted((a, b) => a.submitMs - b.submitMs);
  return { name, count: ordered.length, notes, jobs: () => ordered };
}

/** Moves the jobs, which are the caller's alone, so that the first submission is at 0. Answers when that was. */
export function fromFirst(jobs: Job[]): { jobs: Job[]; firstMs: number } {
  let firstMs = Infinity;
  for (const { submitMs } of jobs) firstMs = Math.min(firstMs, submitMs);
  if (firstMs === Infinity || firstMs === 0) return { jobs, firstMs: 0 };
  for (const job of jobs as { submitMs: number }[]) job.submitMs -= firstMs;
  return { jobs, firstMs };
}
