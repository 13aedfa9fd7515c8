/**
 * From a TrainJob and its runtime to the JobSet that runs it. Steps, as upstream's: the runtime's template, the TrainJob's
 * patches over it, sizes and resources, what the TrainJob says of its containers, the framework's variables, the gang.
 */
import type { Draft } from '@coracle/machinery';
import type { JobSet, ReplicatedJob } from '../jobset/types.ts';
import { ownedBy } from '../lib/owner.ts';
import type { ProgressEndpoint } from '../progress/contract.ts';
import { addProgressReporting } from '../progress/inject.ts';
import { addGang } from './gang.ts';
import { setEnv } from './env.ts';
import { applyInitializers } from './initializer.ts';
import { launcherName, nodeName, plainEnvLabel } from './keys.ts';
import { applyMpi, hostfile, type MpiParts, slotsOf } from './mpi.ts';
import { applyPolicy } from './policy.ts';
import { containerOf, makePlan, type Plan, type Runtime } from './plan.ts';
import { TrainJob } from './types.ts';

export interface Built {
  jobSet: Draft<JobSet>;
  /** Pods that must be scheduled together; 0: no gang. */
  gangSize: number;
  priorityClassName: string | undefined;
  mpi: MpiParts | undefined;
}

/** `progress`: where the training code reports to; without it, it is told nothing of that. */
export function build(trainJob: TrainJob, runtime: Runtime, progress?: ProgressEndpoint): Built {
  const plan = makePlan(trainJob, runtime);
  const { spec } = plan;
  resize(plan);
  mergeResources(plan);
  applyInitializers(plan);
  applyTrainer(plan);
  applyPolicy(plan, runtime.labels[plainEnvLabel] === 'true');
  const mpi = runtime.spec.mlPolicy?.mpi;
  if (mpi) applyMpi(plan, mpi);
  if (progress && plan.trainer) {
    const { name, namespace = '' } = trainJob.metadata;
    addProgressReporting(plan.trainer, { name, namespace }, progress);
  }
  const gang = addGang(plan);
  spec.suspend = trainJob.spec.suspend ?? false;
  return {
    jobSet: {
      metadata: {
        name: trainJob.metadata.name,
        namespace: trainJob.metadata.namespace,
        ...templateMetadata(plan),
        ownerReferences: [ownedBy(TrainJob, trainJob)],
      },
      spec,
    },
    gangSize: gang.size,
    priorityClassName: gang.priorityClassName,
    mpi: mpi && { hostfile: hostfile(plan, mpi), slots: slotsOf(plan, mpi) },
  };
}

function templateMetadata({ trainJob, runtime }: Plan): {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
} {
  const sources = [
    runtime.spec.template.metadata,
    ...(trainJob.spec.runtimePatches ?? []).map((p) => p.trainingRuntimeSpec?.template?.metadata),
  ];
  const labels: Record<string, string> = {};
  const annotations: Record<string, string> = {};
  for (const source of sources) {
    Object.assign(labels, source?.labels);
    Object.assign(annotations, source?.annotations);
  }
  return {
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

/** Jobs whose pods are the training's nodes: the trainer's, or with MPI also the workers of that name. */
function isNodeJob(plan: Plan, job: ReplicatedJob): boolean {
  const { mpi } = plan.runtime.spec.mlPolicy ?? {};
  return mpi ? job.name === nodeName : job === plan.trainer;
}

function resize(plan: Plan): void {
  const { mpi } = plan.runtime.spec.mlPolicy ?? {};
  for (const job of plan.spec.replicatedJobs) {
    const jobSpec = (job.template.spec ??= { template: {} });
    let count = jobSpec.parallelism ?? 1;
    if (isNodeJob(plan, job)) {
      // The launcher is one of the nodes if the runtime says so.
      count = mpi?.runLauncherAsNode ? Math.max(plan.numNodes - 1, 1) : plan.numNodes;
    }
    jobSpec.parallelism = count;
    jobSpec.completions = count;
  }
}

function mergeResources(plan: Plan): void {
  const wanted = plan.trainJob.spec.trainer?.resourcesPerNode;
  if (!wanted) return;
  const { mpi } = plan.runtime.spec.mlPolicy ?? {};
  for (const job of plan.spec.replicatedJobs) {
    if (job !== plan.trainer && !(mpi?.runLauncherAsNode && job.name === nodeName)) continue;
    const container = containerOf(job, nodeName);
    if (!container) continue;
    const { resources } = container;
    container.resources = {
      ...resources,
      ...(wanted.limits ? { limits: { ...resources?.limits, ...wanted.limits } } : {}),
      ...(wanted.requests ? { requests: { ...resources?.requests, ...wanted.requests } } : {}),
      ...(wanted.claims ? { claims: wanted.claims } : {}),
    };
  }
}

function applyTrainer(plan: Plan): void {
  const { trainer: wanted } = plan.trainJob.spec;
  if (plan.trainer) plan.trainer.replicas = 1;
  if (!wanted) return;
  const container = containerOf(plan.trainer, nodeName);
  if (container) {
    if (wanted.image !== undefined) container.image = wanted.image;
    if (wanted.command !== undefined) container.command = [...wanted.command];
    if (wanted.args !== undefined) container.args = [...wanted.args];
    setEnv(container, ...(wanted.env ?? []));
  }
  if (plan.runtime.spec.mlPolicy?.mpi?.runLauncherAsNode && plan.trainer?.name === launcherName) {
    const worker = containerOf(
      plan.spec.replicatedJobs.find((job) => job.name === nodeName),
      nodeName,
    );
    if (worker) setEnv(worker, ...(wanted.env ?? []));
  }
}
