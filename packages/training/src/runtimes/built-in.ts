/**
 * The ClusterTrainingRuntimes an engine has from the start. Each is gang-scheduled and gives its trainer pods the plain
 * variables. Names and frameworks are upstream's, so that manifests written for Kubeflow Trainer run; `plain` is for any
 * program that reads MASTER_ADDR, MASTER_PORT, WORLD_SIZE and RANK.
 *
 * A worker that fails ends the job at once, with its exit code: one worker started again alone meets peers that hold a dead
 * connection, and a mistyped command would be tried for ten minutes. A runtime whose jobs should start over as a whole says so in
 * `spec.template.spec.failurePolicy.maxRestarts`. Pods ended from outside (preempted, drained, their node shut down) did not fail:
 * they are made again.
 */
import { apiVersionOf } from '@coracle/machinery';
import { ancestorStep, frameworkLabel, nodeName, plainEnvLabel, trainerStep } from '../trainjob/keys.ts';
import { ClusterTrainingRuntime, type MlPolicy, type TrainingRuntimeSpec } from '../trainjob/types.ts';

interface BuiltIn {
  name: string;
  framework: string;
  /** What runs when the TrainJob names no image. The process runtime runs host programs and pulls none. */
  image: string;
  mlPolicy: MlPolicy;
}

const builtIns: readonly BuiltIn[] = [
  { name: 'plain', framework: 'plain', image: 'busybox', mlPolicy: {} },
  {
    name: 'torch-distributed',
    framework: 'torch',
    image: 'pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime',
    mlPolicy: { torch: {} },
  },
  { name: 'jax-distributed', framework: 'jax', image: 'nvcr.io/nvidia/jax:25.10-py3', mlPolicy: { jax: {} } },
  {
    name: 'xgboost-distributed',
    framework: 'xgboost',
    image: 'ghcr.io/kubeflow/trainer/xgboost-runtime',
    mlPolicy: { xgboost: {} },
  },
];

/** Objects to create in a new cluster: `trainer.kubeflow.org/v1alpha1` ClusterTrainingRuntimes. */
export function trainingRuntimes(): object[] {
  return builtIns.map(({ name, framework, image, mlPolicy }) => ({
    apiVersion: apiVersionOf(ClusterTrainingRuntime),
    kind: ClusterTrainingRuntime.kind,
    metadata: { name, labels: { [frameworkLabel]: framework, [plainEnvLabel]: 'true' } },
    spec: specOf(image, mlPolicy),
  }));
}

function specOf(image: string, mlPolicy: MlPolicy): TrainingRuntimeSpec {
  return {
    mlPolicy: { numNodes: 1, ...mlPolicy },
    podGroupPolicy: { coscheduling: {} },
    template: {
      spec: {
        replicatedJobs: [
          {
            name: nodeName,
            template: {
              metadata: { labels: { [ancestorStep]: trainerStep } },
              spec: {
                backoffLimit: 0,
                podFailurePolicy: {
                  rules: [
                    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
                  ],
                },
                template: { spec: { restartPolicy: 'Never', containers: [{ name: nodeName, image }] } },
              },
            },
          },
        ],
      },
    },
  };
}
