/** Public face of @coracle/controllers: Job, garbage collection, namespaces, service accounts, endpoints. */
export { rootCaPublisher } from './account/root-ca.ts';
export { serviceAccountController } from './account/service-accounts.ts';
export { daemonSetController } from './apps/daemon/daemonset-controller.ts';
export { deploymentController } from './apps/deployment/deployment-controller.ts';
export { replicaSetController, replicationController } from './apps/replicas-controller.ts';
export { type ControllerOptions, controllers } from './controllers.ts';
export { statefulSetController } from './apps/stateful/statefulset-controller.ts';
export { cronJobController } from './cron/cronjob-controller.ts';
export { type ComponentDeps, type ControllerDeps, depsFor } from './deps.ts';
export { deviceTaintEvictionController } from './devices/device-taint-eviction.ts';
export { resourceClaimController } from './devices/resource-claim-controller.ts';
export { type DisruptionOptions, disruptionController } from './disruption/disruption-controller.ts';
export { endpointSliceController } from './endpoints/endpointslice-controller.ts';
export { endpointSliceMirroringController } from './endpoints/mirroring-controller.ts';
export { endpointsController } from './endpoints/endpoints-controller.ts';
export { type GarbageCollectorOptions, garbageCollector } from './garbage/garbage-collector.ts';
export { type JobControllerOptions, jobController } from './job/job-controller.ts';
export { type NamespaceControllerOptions, namespaceController } from './namespace/namespace-controller.ts';
export { type NodeLifecycleOptions, nodeLifecycleController } from './node/node-lifecycle.ts';
export { type PodGarbageOptions, podGarbageCollector } from './node/pod-garbage.ts';
export { taintEvictionController } from './node/taint-eviction.ts';
export { type ResourceQuotaOptions, resourceQuotaController } from './quota/resource-quota-controller.ts';
export { clusterRoleAggregationController } from './rbac/aggregation.ts';
export { ttlAfterFinishedController } from './ttl/ttl-after-finished.ts';
export { ephemeralVolumeController } from './volumes/ephemeral-volumes.ts';
export { podGroupProtection } from './scheduling/pod-group-protection.ts';
export { claimProtection, volumeProtection } from './volumes/protection.ts';
export { persistentVolumeBinder } from './volumes/volume-binder.ts';
export {
  localProvisioner,
  localProvisionerName,
  type LocalProvisionerOptions,
} from './volumes/local-provisioner.ts';
