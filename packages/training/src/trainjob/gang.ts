/**
 * All-or-nothing scheduling: the pods that train together name one `scheduling.k8s.io` PodGroup, which the TrainJob owns.
 *
 * Members are the trainer's pods (for MPI the workers') and those of jobs that wait for the same things: a data set's
 * initializer, or a launcher that starts when the workers are ready, cannot be in one gang with pods that exist only later
 * or earlier: it would wait for ever.
 */
import { deepEqual } from '@coracle/machinery';
import type { ReplicatedJob } from '../jobset/types.ts';
import { type Plan, podSpecOf } from './plan.ts';
import { nodeName } from './keys.ts';

export interface Gang {
  size: number;
  priorityClassName: string | undefined;
}

/** Makes the pods members if the runtime's policy wants a gang. */
export function addGang(plan: Plan): Gang {
  if (!plan.runtime.spec.podGroupPolicy?.coscheduling) return { size: 0, priorityClassName: undefined };
  const members = membersOf(plan);
  for (const job of members) podSpecOf(job).schedulingGroup = { podGroupName: plan.trainJob.metadata.name };
  return {
    size: members.reduce((n, job) => n + (job.replicas ?? 1) * (job.template.spec?.parallelism ?? 1), 0),
    priorityClassName: members.map((job) => podSpecOf(job).priorityClassName).find(Boolean),
  };
}

function membersOf({ spec, trainer, runtime }: Plan): ReplicatedJob[] {
  const core = runtime.spec.mlPolicy?.mpi
    ? spec.replicatedJobs.find((job) => job.name === nodeName)
    : trainer;
  if (!core) return [];
  if (spec.startupPolicy?.startupPolicyOrder === 'InOrder') return [core];
  return spec.replicatedJobs.filter((job) => deepEqual(job.dependsOn ?? [], core.dependsOn ?? []));
}
