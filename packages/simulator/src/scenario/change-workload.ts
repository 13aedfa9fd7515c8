/** What a scenario makes of a workload: its first jobs, stretches of it drawn anew for each seed, factors, checkpoints. */
import { Random } from '../inputs/generator/random.ts';
import type { Job, Workload } from '../model/job.ts';
import { readDuration } from './duration.ts';
import { ScenarioError } from './scenario-error.ts';
import type { WorkloadSpec } from './types.ts';

/** Throws ScenarioError where it is too short to be drawn from. */
export function changedWorkload(workload: Workload, spec: WorkloadSpec, seed: number): Workload {
  const { arrivals = 1, durations = 1, jobs: most, resample } = spec;
  const first = most === undefined ? workload : firstJobs(workload, most);
  const drawn = resample === undefined ? first : resampled(first, readDuration(resample)!, resample, seed);
  const given = { ...ms('checkpointMs', spec.checkpoint), ...ms('startMs', spec.start) };
  if (arrivals === 1 && durations === 1 && Object.keys(given).length === 0) return drawn;
  return {
    ...drawn,
    *jobs() {
      for (const job of drawn.jobs()) yield { ...scaled(job, arrivals, durations), ...given };
    },
  };
}

const ms = (key: 'checkpointMs' | 'startMs', text: string | undefined): Partial<Job> =>
  text === undefined ? {} : { [key]: readDuration(text)! };

function firstJobs(workload: Workload, most: number): Workload {
  const { count } = workload;
  return {
    ...workload,
    ...(count !== undefined && { count: Math.min(count, most) }),
    *jobs() {
      let seen = 0;
      if (most === 0) return;
      for (const job of workload.jobs()) {
        yield job;
        if (++seen === most) return;
      }
    },
  };
}

function scaled(job: Job, arrivals: number, durations: number): Job {
  const { estimateMs } = job;
  return {
    ...job,
    submitMs: job.submitMs / arrivals,
    runMs: job.runMs * durations,
    ...(estimateMs !== undefined && { estimateMs: estimateMs * durations }),
  };
}

/**
 * As long a workload, of stretches of this one drawn with replacement (moving no job within its stretch): what another such week
 * could have been. Stretches keep what jobs that come together have in common (the block bootstrap; Künsch 1989).
 */
function resampled(workload: Workload, lengthMs: number, text: string, seed: number): Workload {
  const stretches: Job[][] = [];
  for (const job of workload.jobs()) (stretches[Math.floor(job.submitMs / lengthMs)] ??= []).push(job);
  if (stretches.length < 2) {
    throw new ScenarioError(
      `workload.resample: "${workload.name}" has but one stretch of ${text}: take shorter ones`,
    );
  }
  const random = new Random(seed, 'resample');
  const chosen = Array.from(stretches, () => Math.floor(random.uniform() * stretches.length));
  const count = chosen.reduce((sum, from) => sum + (stretches[from]?.length ?? 0), 0);
  return {
    name: workload.name,
    notes: workload.notes,
    ...(workload.prioritised !== undefined && { prioritised: workload.prioritised }),
    count,
    *jobs() {
      for (const [to, from] of chosen.entries()) {
        for (const job of stretches[from] ?? []) {
          const submitMs = job.submitMs + (to - from) * lengthMs;
          yield { ...job, id: `${job.id}@${to}`, submitMs };
        }
      }
    },
  };
}
