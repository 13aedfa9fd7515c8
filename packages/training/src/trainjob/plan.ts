/** A JobSet in the making: the runtime's template with the TrainJob's patches, and what the later steps look up in it. */
import { applyStrategicMergePatch, createRegistry, jsonClone, type Schema } from '@coracle/machinery';
import type { core_v1 } from '@coracle/machinery/api';
import type { JobSetSpec, ReplicatedJob } from '../jobset/types.ts';
import { ancestorStep, trainerStep } from './keys.ts';
import type { TrainingRuntimeSpec, TrainJob } from './types.ts';

/** A runtime as a TrainJob sees it, whichever of the two kinds it is. */
export interface Runtime {
  labels: Readonly<Record<string, string>>;
  spec: TrainingRuntimeSpec;
}

/** A JobSet in the making, and what the steps look up in it. All of it may be changed. */
export interface Plan {
  trainJob: TrainJob;
  runtime: Runtime;
  spec: JobSetSpec & { replicatedJobs: ReplicatedJob[] };
  /** The replicated job that runs `spec.trainer`; undefined if the runtime labels none. */
  trainer: ReplicatedJob | undefined;
  /** Pods of the trainer job. For MPI: of the workers. */
  numNodes: number;
}

/** The runtime's template with the TrainJob's patches; nothing else of the TrainJob is in it yet. */
export function makePlan(trainJob: TrainJob, runtime: Runtime): Plan {
  const spec = patched(trainJob, runtime);
  const { mlPolicy } = runtime.spec;
  const trainer = spec.replicatedJobs.find((job) => stepOf(job) === trainerStep);
  const numNodes = trainJob.spec.trainer?.numNodes ?? mlPolicy?.numNodes ?? 1;
  return { trainJob, runtime, spec, trainer, numNodes };
}

export const stepOf = (job: ReplicatedJob): string | undefined =>
  job.template.metadata?.labels?.[ancestorStep];

/** The pod spec of a replicated job, made if it is not there. */
export function podSpecOf(job: ReplicatedJob): core_v1.PodSpec {
  job.template.spec ??= { template: {} };
  job.template.spec.template ??= {};
  job.template.spec.template.spec ??= { containers: [] };
  return job.template.spec.template.spec;
}

export const containerOf = (job: ReplicatedJob | undefined, name: string): core_v1.Container | undefined =>
  job && podSpecOf(job).containers.find((c) => c.name === name);

/** DNS subdomain of all the TrainJob's pods. */
const subdomainOf = (plan: Plan): string => plan.spec.network?.subdomain || plan.trainJob.metadata.name;

/** Where a pod is reached by the others. */
export const hostOf = (plan: Plan, job: ReplicatedJob, pod: number, index = 0): string =>
  `${plan.trainJob.metadata.name}-${job.name}-${index}-${pod}.${subdomainOf(plan)}`;

/** Only as much of JobSet's schema as a patch can reach; the Job in it is Kubernetes' own. */
function replicatedJobsSchema(): Schema {
  return {
    type: 'object',
    properties: {
      replicatedJobs: {
        type: 'array',
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'name',
        items: {
          type: 'object',
          properties: {
            template: {
              type: 'object',
              properties: {
                spec: createRegistry().byKind('batch', 'v1', 'Job')?.schema.properties?.['spec'] ?? {},
              },
            },
          },
        },
      },
    },
  };
}

function patched(trainJob: TrainJob, runtime: Runtime): Plan['spec'] {
  let spec = jsonClone(runtime.spec.template.spec ?? {}) as JobSetSpec;
  const order = (spec.replicatedJobs ?? []).map((job) => job.name);
  for (const patch of trainJob.spec.runtimePatches ?? []) {
    const change = patch.trainingRuntimeSpec?.template?.spec;
    if (change) spec = applyStrategicMergePatch(replicatedJobsSchema(), spec, change) as JobSetSpec;
  }
  // What the merge took from the TrainJob is shared with others, and the steps change it.
  const replicatedJobs = jsonClone(spec.replicatedJobs ?? []).toSorted(
    (a, b) => order.indexOf(a.name) - order.indexOf(b.name),
  );
  return { ...spec, replicatedJobs };
}
