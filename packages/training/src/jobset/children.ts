/** The child Jobs of a JobSet, sorted by what they mean for it. */
import type { Job } from '@coracle/machinery/api';
import { jobRestarts } from './construct.ts';
import type { CompleteSpec } from './defaults.ts';
import { jobSetKeys as keys } from './keys.ts';
import type { JobSetStatus, ReplicatedJobStatus } from './types.ts';

export interface Children {
  /** Of the current run: neither complete nor failed. */
  active: Job[];
  successful: Job[];
  failed: Job[];
  /** Of a run before a restart: to be deleted, and their names not to be used again until they are gone. */
  previous: Job[];
}

export function sortChildren(jobs: readonly Job[], status: JobSetStatus): Children {
  const children: Children = { active: [], successful: [], failed: [], previous: [] };
  for (const job of jobs) {
    if (isPrevious(job, status)) children.previous.push(job);
    else if (hasEnded(job, 'Failed')) children.failed.push(job);
    else if (hasEnded(job, 'Complete')) children.successful.push(job);
    else children.active.push(job);
  }
  return children;
}

function isPrevious(job: Job, status: JobSetStatus): boolean {
  if (labelNumber(job, keys.restartAttempt) < (status.restarts ?? 0)) return true;
  const target = jobRestarts(status, replicatedJobOf(job))[labelNumber(job, keys.jobIndex)] ?? 0;
  return labelNumber(job, keys.jobRestartAttempt) < target;
}

/** A label's number; 0 if it is missing or no number. */
export function labelNumber(job: Job, label: string): number {
  const value = Number(job.metadata.labels?.[label]);
  return Number.isInteger(value) ? value : 0;
}

export const replicatedJobOf = (job: Job): string => job.metadata.labels?.[keys.replicatedJobName] ?? '';

function hasEnded(job: Job, type: 'Failed' | 'Complete'): boolean {
  return job.status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

/** Counts of each replicated job, in the spec's order; restarts of single jobs are kept from `before`. */
export function countJobs(
  spec: CompleteSpec,
  children: Children,
  before: JobSetStatus | undefined,
): ReplicatedJobStatus[] {
  return spec.replicatedJobs.map(({ name }) => {
    const mine = (jobs: readonly Job[]): Job[] => jobs.filter((job) => replicatedJobOf(job) === name);
    const active = mine(children.active);
    const kept = before?.replicatedJobsStatus?.find((s) => s.name === name);
    return {
      name,
      ready: active.filter(isReady).length,
      succeeded: mine(children.successful).length,
      failed: mine(children.failed).length,
      active: active.filter((job) => (job.status?.active ?? 0) > 0).length,
      suspended: active.filter((job) => job.spec?.suspend === true).length,
      ...(kept?.jobRestarts ? { jobRestarts: kept.jobRestarts } : {}),
      ...(kept?.jobRestartsCountTowardsMax
        ? { jobRestartsCountTowardsMax: kept.jobRestartsCountTowardsMax }
        : {}),
    };
  });
}

/** All the pods that run at a time are ready or have succeeded. */
function isReady(job: Job): boolean {
  const { parallelism = 1, completions = parallelism } = job.spec ?? {};
  const { succeeded = 0, ready = 0 } = job.status ?? {};
  return succeeded + ready >= Math.min(parallelism, completions);
}
