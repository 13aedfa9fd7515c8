import type { Component } from '@coracle/operator';
import { rootCaPublisher } from './account/root-ca.ts';
import { serviceAccountController } from './account/service-accounts.ts';
import { daemonSetController } from './apps/daemon/daemonset-controller.ts';
import { deploymentController } from './apps/deployment/deployment-controller.ts';
import { replicaSetController, replicationController } from './apps/replicas-controller.ts';
import { statefulSetController } from './apps/stateful/statefulset-controller.ts';
import { cronJobController } from './cron/cronjob-controller.ts';
import { depsFor } from './deps.ts';
import type { ControllerDeps } from './deps.ts';
import { deviceTaintEvictionController } from './devices/device-taint-eviction.ts';
import { resourceClaimController } from './devices/resource-claim-controller.ts';
import { disruptionController } from './disruption/disruption-controller.ts';
import type { DisruptionOptions } from './disruption/disruption-controller.ts';
import { endpointSliceController } from './endpoints/endpointslice-controller.ts';
import { endpointsController } from './endpoints/endpoints-controller.ts';
import { endpointSliceMirroringController } from './endpoints/mirroring-controller.ts';
import { garbageCollector } from './garbage/garbage-collector.ts';
import type { GarbageCollectorOptions } from './garbage/garbage-collector.ts';
import { jobController } from './job/job-controller.ts';
import type { JobControllerOptions } from './job/job-controller.ts';
import { namespaceController } from './namespace/namespace-controller.ts';
import type { NamespaceControllerOptions } from './namespace/namespace-controller.ts';
import { nodeLifecycleController } from './node/node-lifecycle.ts';
import type { NodeLifecycleOptions } from './node/node-lifecycle.ts';
import { podGarbageCollector } from './node/pod-garbage.ts';
import type { PodGarbageOptions } from './node/pod-garbage.ts';
import { taintEvictionController } from './node/taint-eviction.ts';
import { resourceQuotaController } from './quota/resource-quota-controller.ts';
import type { ResourceQuotaOptions } from './quota/resource-quota-controller.ts';
import { clusterRoleAggregationController } from './rbac/aggregation.ts';
import { podGroupProtection } from './scheduling/pod-group-protection.ts';
import { ttlAfterFinishedController } from './ttl/ttl-after-finished.ts';
import { ephemeralVolumeController } from './volumes/ephemeral-volumes.ts';
import { claimProtection, volumeProtection } from './volumes/protection.ts';
import { persistentVolumeBinder } from './volumes/volume-binder.ts';

export interface ControllerOptions {
  job?: JobControllerOptions;
  garbageCollector?: GarbageCollectorOptions;
  namespace?: NamespaceControllerOptions;
  nodeLifecycle?: NodeLifecycleOptions;
  podGarbage?: PodGarbageOptions;
  disruption?: DisruptionOptions;
  resourceQuota?: ResourceQuotaOptions;
}

/**
 * All controllers of this package, each under the name of its upstream service account (`job-controller`). Make them before
 * the informers' factory is started; start them after or while it starts.
 */
export function controllers(deps: ControllerDeps, options: ControllerOptions = {}): Component[] {
  const of = (component: string) => depsFor(deps, component);
  return [
    jobController(of('job-controller'), options.job),
    ttlAfterFinishedController(of('ttl-after-finished-controller')),
    garbageCollector(of('generic-garbage-collector'), options.garbageCollector),
    namespaceController(of('namespace-controller'), options.namespace),
    serviceAccountController(of('service-account-controller')),
    cronJobController(of('cronjob-controller')),
    deploymentController(of('deployment-controller')),
    daemonSetController(of('daemon-set-controller')),
    statefulSetController(of('statefulset-controller')),
    replicaSetController(of('replicaset-controller')),
    replicationController(of('replication-controller')),
    endpointsController(of('endpoint-controller')),
    endpointSliceController(of('endpointslice-controller')),
    endpointSliceMirroringController(of('endpointslicemirroring-controller')),
    nodeLifecycleController(of('node-controller'), options.nodeLifecycle),
    taintEvictionController(of('taint-eviction-controller')),
    podGarbageCollector(of('pod-garbage-collector'), options.podGarbage),
    disruptionController(of('disruption-controller'), options.disruption),
    resourceQuotaController(of('resourcequota-controller'), options.resourceQuota),
    clusterRoleAggregationController(of('clusterrole-aggregation-controller')),
    persistentVolumeBinder(of('persistent-volume-binder')),
    claimProtection(of('pvc-protection-controller')),
    volumeProtection(of('pv-protection-controller')),
    podGroupProtection(of('podgroup-protection-controller')),
    ephemeralVolumeController(of('ephemeral-volume-controller')),
    resourceClaimController(of('resource-claim-controller')),
    deviceTaintEvictionController(of('device-taint-eviction-controller')),
    ...(deps.rootCa === undefined ? [] : [rootCaPublisher(of('root-ca-cert-publisher'), deps.rootCa)]),
  ];
}
