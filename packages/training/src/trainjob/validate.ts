/** What upstream's admission refuses, checked by the controller, so that the TrainJob's owner hears of it on any cluster. */
import { dns1035Label, type FieldError } from '@coracle/machinery';
import { datasetStep, modelStep, multikueueManager, nodeName, reservedEnv, trainJobManager } from './keys.ts';
import { containerOf, makePlan, type Plan, podSpecOf, type Runtime, stepOf } from './plan.ts';
import type { TrainJob } from './types.ts';

type Invalid = (field: string, badValue: unknown, detail: string | undefined) => void;

/** All problems of a TrainJob with its runtime; empty if there are none. */
export function validateTrainJob(trainJob: TrainJob, runtime: Runtime): FieldError[] {
  const problems: FieldError[] = [];
  const invalid: Invalid = (field, badValue, detail) => {
    if (detail !== undefined) problems.push({ type: 'FieldValueInvalid', field, badValue, detail });
  };
  const { name } = trainJob.metadata;
  invalid('metadata.name', name, dns1035Label(name));
  const { managedBy } = trainJob.spec;
  if (managedBy && managedBy !== trainJobManager && managedBy !== multikueueManager) {
    invalid('spec.managedBy', managedBy, `must be ${trainJobManager} or ${multikueueManager}`);
  }
  const { flux } = runtime.spec.mlPolicy ?? {};
  if (flux) invalid('spec.runtimeRef', trainJob.spec.runtimeRef.name, 'its mlPolicy.flux is not supported');
  if (runtime.spec.podGroupPolicy?.volcano) {
    invalid('spec.runtimeRef', trainJob.spec.runtimeRef.name, 'its podGroupPolicy.volcano is not supported');
  }
  validatePatches(trainJob, runtime, invalid);
  // The rest looks at the patched template, which only fitting patches make.
  if (problems.length > 0) return problems;
  const plan = makePlan(trainJob, runtime);
  validateTrainer(plan, invalid);
  validateInitializers(plan, invalid);
  return problems;
}

function validateTrainer(plan: Plan, invalid: Invalid): void {
  const { trainer: wanted, runtimeRef } = plan.trainJob.spec;
  const { mlPolicy = {} } = plan.runtime.spec;
  if (!plan.trainer) {
    invalid(
      'spec.runtimeRef',
      runtimeRef.name,
      'has no replicated job for the trainer (label trainjob-ancestor-step)',
    );
    return;
  }
  if (wanted && !containerOf(plan.trainer, nodeName)) {
    invalid(
      'spec.runtimeRef',
      runtimeRef.name,
      `replicated job ${plan.trainer.name} has no container "${nodeName}"`,
    );
  }
  if (plan.numNodes < 1) invalid('spec.trainer.numNodes', plan.numNodes, 'must be at least 1');
  if (wanted?.numProcPerNode !== undefined && wanted.numProcPerNode < 1) {
    invalid('spec.trainer.numProcPerNode', wanted.numProcPerNode, 'must be at least 1');
  }
  const reserved = new Set<string>(
    (['torch', 'xgboost', 'mpi'] as const).flatMap((policy) => (mlPolicy[policy] ? reservedEnv[policy] : [])),
  );
  wanted?.env?.forEach(({ name }, i) => {
    if (reserved.has(name))
      invalid(`spec.trainer.env[${i}].name`, name, 'is set by the runtime and must not be set here');
  });
  if (mlPolicy.mpi && !plan.spec.replicatedJobs.some((job) => job.name === nodeName)) {
    invalid('spec.runtimeRef', runtimeRef.name, `its mlPolicy.mpi needs a replicated job "${nodeName}"`);
  }
}

function validateInitializers(plan: Plan, invalid: Invalid): void {
  const { dataset, model } = plan.trainJob.spec.initializer ?? {};
  for (const [field, wanted, step] of [
    ['dataset', dataset, datasetStep],
    ['model', model, modelStep],
  ] as const) {
    if (!wanted) continue;
    const job = plan.spec.replicatedJobs.find((j) => stepOf(j) === step);
    if (!containerOf(job, step)) {
      invalid(
        `spec.initializer.${field}`,
        plan.trainJob.spec.runtimeRef.name,
        `the runtime has no replicated job for step ${step} with a container "${step}"`,
      );
    }
  }
}

function validatePatches(trainJob: TrainJob, runtime: Runtime, invalid: Invalid): void {
  const plan = makePlan({ ...trainJob, spec: { ...trainJob.spec, runtimePatches: [] } }, runtime);
  trainJob.spec.runtimePatches?.forEach((patch, i) => {
    const path = `spec.runtimePatches[${i}].trainingRuntimeSpec.template.spec.replicatedJobs`;
    patch.trainingRuntimeSpec?.template?.spec?.replicatedJobs?.forEach((change, j) => {
      const job = plan.spec.replicatedJobs.find((r) => r.name === change.name);
      if (!job) {
        invalid(`${path}[${j}].name`, change.name, 'is no replicated job of the runtime');
        return;
      }
      const known = podSpecOf(job);
      const changed = podSpecPatch(change.template);
      for (const list of ['containers', 'initContainers'] as const) {
        changed[list]?.forEach(({ name, env }, k) => {
          const at = `${path}[${j}].template.spec.template.spec.${list}[${k}]`;
          if (!known[list]?.some((c) => c.name === name)) {
            invalid(`${at}.name`, name, `is no container of the runtime's replicated job ${change.name}`);
          } else if (env && [nodeName, datasetStep, modelStep].includes(name)) {
            invalid(`${at}.env`, name, 'must be set in spec.trainer or spec.initializer for this container');
          }
        });
      }
    });
  });
}

interface PodSpecPatch {
  containers?: { name: string; env?: unknown }[] | undefined;
  initContainers?: { name: string; env?: unknown }[] | undefined;
}
function podSpecPatch(template: Record<string, unknown> | undefined): PodSpecPatch {
  const job = template as { spec?: { template?: { spec?: PodSpecPatch } } } | undefined;
  return job?.spec?.template?.spec ?? {};
}
