import { containerOf, type Plan, stepOf } from './plan.ts';
import { setEnv, value } from './env.ts';
import { datasetStep, modelStep } from './keys.ts';

/** What the TrainJob says of its data set and model goes to the containers that fetch them. */
export function applyInitializers({ trainJob, spec }: Plan): void {
  const { dataset, model } = trainJob.spec.initializer ?? {};
  for (const [step, wanted] of [
    [datasetStep, dataset],
    [modelStep, model],
  ] as const) {
    for (const job of spec.replicatedJobs.filter((j) => stepOf(j) === step)) {
      job.replicas = 1;
      const container = containerOf(job, step);
      if (!container || !wanted) continue;
      if (wanted.storageUri !== undefined) setEnv(container, value('STORAGE_URI', wanted.storageUri));
      setEnv(container, ...(wanted.env ?? []));
      if (wanted.secretRef) {
        const secretRef = { name: wanted.secretRef.name ?? '' };
        container.envFrom = [...(container.envFrom ?? []), { secretRef }];
      }
    }
  }
}
