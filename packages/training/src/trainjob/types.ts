/** `trainer.kubeflow.org/v1alpha1`, as its CustomResourceDefinitions have it. */
import { resourceType, type KubeObject, type ResourceType } from '@coracle/machinery';
import type { core_v1, meta_v1 } from '@coracle/machinery/api';
import type { JobSetSpec } from '../jobset/types.ts';

export interface TrainJob extends KubeObject {
  spec: TrainJobSpec;
  status?: TrainJobStatus | undefined;
}
export interface TrainJobSpec {
  runtimeRef: RuntimeRef;
  trainer?: Trainer | undefined;
  initializer?: { dataset?: Initializer | undefined; model?: Initializer | undefined } | undefined;
  runtimePatches?: RuntimePatch[] | undefined;
  suspend?: boolean | undefined;
  managedBy?: string | undefined;
  activeDeadlineSeconds?: number | undefined;
}
export interface RuntimeRef {
  name: string;
  /** `trainer.kubeflow.org` unless said. */
  apiGroup?: string | undefined;
  /** `ClusterTrainingRuntime` unless said. */
  kind?: string | undefined;
}
export interface Trainer {
  image?: string | undefined;
  command?: string[] | undefined;
  args?: string[] | undefined;
  env?: core_v1.EnvVar[] | undefined;
  numNodes?: number | undefined;
  numProcPerNode?: number | undefined;
  resourcesPerNode?: core_v1.ResourceRequirements | undefined;
}
export interface Initializer {
  storageUri?: string | undefined;
  env?: core_v1.EnvVar[] | undefined;
  secretRef?: { name?: string | undefined } | undefined;
}
export interface RuntimePatch {
  manager: string;
  time?: string | undefined;
  trainingRuntimeSpec?:
    | {
        template?:
          | { metadata?: meta_v1.ObjectMeta | undefined; spec?: RuntimePatchSpec | undefined }
          | undefined;
      }
    | undefined;
}
/** A strategic merge patch of the runtime's JobSet. */
export interface RuntimePatchSpec {
  replicatedJobs?: { name: string; template?: Record<string, unknown> | undefined }[] | undefined;
}
export interface TrainJobStatus {
  conditions?: meta_v1.Condition[] | undefined;
  jobsStatus?: JobStatus[] | undefined;
  /** Written by the training code through the API, never by the controller. */
  trainerStatus?: TrainerStatus | undefined;
}
export interface JobStatus {
  name: string;
  ready: number;
  succeeded: number;
  failed: number;
  active: number;
  suspended: number;
}
export interface TrainerStatus {
  progressPercentage?: number | undefined;
  estimatedRemainingSeconds?: number | undefined;
  metrics?: { name: string; value: string }[] | undefined;
  lastUpdatedTime?: string | undefined;
}

export interface TrainingRuntime extends KubeObject {
  spec: TrainingRuntimeSpec;
}
export interface ClusterTrainingRuntime extends KubeObject {
  spec: TrainingRuntimeSpec;
}
export interface TrainingRuntimeSpec {
  mlPolicy?: MlPolicy | undefined;
  podGroupPolicy?: PodGroupPolicy | undefined;
  template: { metadata?: meta_v1.ObjectMeta | undefined; spec?: JobSetSpec | undefined };
}
export interface MlPolicy {
  numNodes?: number | undefined;
  torch?: TorchPolicy | undefined;
  mpi?: MpiPolicy | undefined;
  jax?: object | undefined;
  xgboost?: object | undefined;
  flux?: object | undefined;
}
export interface TorchPolicy {
  /** Of older definitions, and before the TrainJob's own: a number, `auto`, `cpu` or `gpu`. */
  numProcPerNode?: number | string | undefined;
  envInjection?: { targets?: { jobName: string; containerNames: string[] }[] | undefined } | undefined;
}
export interface MpiPolicy {
  numProcPerNode?: number | undefined;
  mpiImplementation?: string | undefined;
  runLauncherAsNode?: boolean | undefined;
  sshAuthMountPath?: string | undefined;
}
export interface PodGroupPolicy {
  coscheduling?: { scheduleTimeoutSeconds?: number | undefined } | undefined;
  volcano?: object | undefined;
}

const group = 'trainer.kubeflow.org';
export const TrainJob: ResourceType<TrainJob> = resourceType<TrainJob>(
  group,
  'v1alpha1',
  'trainjobs',
  'TrainJob',
  true,
);
export const TrainingRuntime: ResourceType<TrainingRuntime> = resourceType<TrainingRuntime>(
  group,
  'v1alpha1',
  'trainingruntimes',
  'TrainingRuntime',
  true,
);
export const ClusterTrainingRuntime: ResourceType<ClusterTrainingRuntime> =
  resourceType<ClusterTrainingRuntime>(
    group,
    'v1alpha1',
    'clustertrainingruntimes',
    'ClusterTrainingRuntime',
    false,
  );
