/** The kinds whose objects own pods, or group them. */
import { resourceType, type KubeObject, type ResourceType } from '@coracle/machinery';

export interface WorkloadKind {
  readonly type: ResourceType<KubeObject>;
  /** All pods below an object of the kind start together. `asked`: only if the object says so. */
  readonly gang: boolean | 'asked';
}

const kind = (
  group: string,
  version: string,
  resource: string,
  name: string,
  gang: WorkloadKind['gang'],
): WorkloadKind => ({ type: resourceType<KubeObject>(group, version, resource, name, true), gang });

export const workloadKinds: readonly WorkloadKind[] = [
  kind('batch', 'v1', 'jobs', 'Job', 'asked'),
  kind('scheduling.k8s.io', 'v1alpha2', 'podgroups', 'PodGroup', true),
  kind('scheduling.x-k8s.io', 'v1alpha1', 'podgroups', 'PodGroup', true),
  kind('scheduling.volcano.sh', 'v1beta1', 'podgroups', 'PodGroup', true),
  kind('batch.volcano.sh', 'v1alpha1', 'jobs', 'Job', true),
  kind('jobset.x-k8s.io', 'v1alpha2', 'jobsets', 'JobSet', true),
  kind('trainer.kubeflow.org', 'v1alpha1', 'trainjobs', 'TrainJob', true),
  kind('kubeflow.org', 'v1', 'pytorchjobs', 'PyTorchJob', true),
  kind('kubeflow.org', 'v1', 'tfjobs', 'TFJob', true),
  kind('kubeflow.org', 'v1', 'mpijobs', 'MPIJob', true),
  kind('kubeflow.org', 'v2beta1', 'mpijobs', 'MPIJob', true),
  kind('kubeflow.org', 'v1', 'xgboostjobs', 'XGBoostJob', true),
  kind('kubeflow.org', 'v1', 'paddlejobs', 'PaddleJob', true),
  kind('kubeflow.org', 'v1', 'jaxjobs', 'JAXJob', true),
  kind('ray.io', 'v1', 'rayjobs', 'RayJob', true),
  kind('ray.io', 'v1', 'rayclusters', 'RayCluster', true),
];

/** Whether pods below such an object are a gang, as far as its kind says. By group and kind: versions come and go. */
export function gangOf(apiVersion: string, name: string): WorkloadKind['gang'] {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return workloadKinds.find(({ type }) => type.group === group && type.kind === name)?.gang ?? false;
}
