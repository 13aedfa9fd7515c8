/** `jobset.x-k8s.io/v1alpha2`, as its CustomResourceDefinition has it. */
import { resourceType, type KubeObject, type ResourceType } from '@coracle/machinery';
import type { batch_v1, core_v1, meta_v1 } from '@coracle/machinery/api';

export interface JobSet extends KubeObject {
  spec: JobSetSpec;
  status?: JobSetStatus | undefined;
}
export interface JobSetSpec {
  replicatedJobs?: ReplicatedJob[] | undefined;
  network?: JobSetNetwork | undefined;
  successPolicy?: JobSetSuccessPolicy | undefined;
  failurePolicy?: JobSetFailurePolicy | undefined;
  startupPolicy?: { startupPolicyOrder: 'AnyOrder' | 'InOrder' } | undefined;
  suspend?: boolean | undefined;
  coordinator?: JobSetCoordinator | undefined;
  managedBy?: string | undefined;
  ttlSecondsAfterFinished?: number | undefined;
  volumeClaimPolicies?: VolumeClaimPolicy[] | undefined;
}
export interface ReplicatedJob {
  name: string;
  groupName?: string | undefined;
  replicas?: number | undefined;
  template: batch_v1.JobTemplateSpec;
  dependsOn?: { name: string; status: 'Ready' | 'Complete' }[] | undefined;
}
export interface JobSetNetwork {
  enableDNSHostnames?: boolean | undefined;
  subdomain?: string | undefined;
  publishNotReadyAddresses?: boolean | undefined;
}
export interface JobSetSuccessPolicy {
  operator: 'All' | 'Any';
  targetReplicatedJobs?: string[] | undefined;
}
export type FailureAction =
  | 'FailJobSet'
  | 'RestartJobSet'
  | 'RestartJobSetAndIgnoreMaxRestarts'
  | 'RestartJob'
  | 'RestartJobAndIgnoreMaxRestarts';
export interface FailureRule {
  /** `failurePolicyRule` and its index unless said. */
  name?: string | undefined;
  action: FailureAction;
  onJobFailureReasons?: string[] | undefined;
  onJobFailureMessagePatterns?: string[] | undefined;
  targetReplicatedJobs?: string[] | undefined;
}
export interface JobSetFailurePolicy {
  maxRestarts?: number | undefined;
  restartStrategy?: 'Recreate' | 'BlockingRecreate' | 'InPlaceRestart' | undefined;
  rules?: FailureRule[] | undefined;
}
export interface JobSetCoordinator {
  replicatedJob: string;
  jobIndex?: number | undefined;
  podIndex?: number | undefined;
}
export interface VolumeClaimPolicy {
  templates?: core_v1.PersistentVolumeClaimTemplate[] | undefined;
  retentionPolicy?: { whenDeleted?: 'Delete' | 'Retain' | undefined } | undefined;
}

export interface JobSetStatus {
  conditions?: meta_v1.Condition[] | undefined;
  /** How often all jobs were made anew; each job's `restart-attempt` label says which run it belongs to. */
  restarts?: number | undefined;
  restartsCountTowardsMax?: number | undefined;
  terminalState?: string | undefined;
  replicatedJobsStatus?: ReplicatedJobStatus[] | undefined;
}
export interface ReplicatedJobStatus {
  name: string;
  ready: number;
  succeeded: number;
  failed: number;
  active: number;
  suspended: number;
  /** By job index: how often that job alone was made anew. Absent: never. */
  jobRestarts?: number[] | undefined;
  jobRestartsCountTowardsMax?: number[] | undefined;
}

export const JobSet: ResourceType<JobSet> = resourceType<JobSet>(
  'jobset.x-k8s.io',
  'v1alpha2',
  'jobsets',
  'JobSet',
  true,
);
