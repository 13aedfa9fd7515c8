/** What each built-in kind does beyond its schema. */
import type { Strategy } from '../contracts.ts';
import * as admission from './admission-configuration.ts';
import * as apps from './apps.ts';
import { horizontalPodAutoscalers } from './autoscaling.ts';
import { certificateRequests } from './certificate-request.ts';
import * as configuration from './configuration.ts';
import * as core from './core.ts';
import { cronJobs } from './cron-job.ts';
import * as devices from './devices.ts';
import { podDisruptionBudgets } from './disruption.ts';
import { events, eventsInGroup } from './event.ts';
import { jobs } from './job.ts';
import { limitRanges } from './limit-range.ts';
import * as misc from './misc.ts';
import * as podGroups from './pod-groups.ts';
import * as networking from './networking.ts';
import { pods } from './pod.ts';
import * as rbac from './rbac.ts';
import { resourceQuotas } from './resource-quota.ts';
import { services } from './service.ts';
import * as storage from './storage.ts';

export { qosClass } from './qos.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
const admissionGroup = 'admissionregistration.k8s.io';
const none: Strategy = {};

const strategies: Readonly<Record<string, Strategy>> = {
  pods,
  podtemplates: apps.podTemplates,
  services,
  configmaps: configuration.configMaps,
  secrets: configuration.secrets,
  namespaces: core.namespaces,
  nodes: core.nodes,
  serviceaccounts: none,
  endpoints: core.endpoints,
  events,
  resourcequotas: resourceQuotas,
  limitranges: limitRanges,
  replicationcontrollers: apps.replicationControllers,
  persistentvolumes: storage.persistentVolumes,
  persistentvolumeclaims: storage.persistentVolumeClaims,
  'events.events.k8s.io': eventsInGroup,
  'endpointslices.discovery.k8s.io': core.endpointSlices,
  'jobs.batch': jobs,
  'cronjobs.batch': cronJobs,
  'deployments.apps': apps.deployments,
  'replicasets.apps': apps.replicaSets,
  'statefulsets.apps': apps.statefulSets,
  'daemonsets.apps': apps.daemonSets,
  'controllerrevisions.apps': apps.controllerRevisions,
  'poddisruptionbudgets.policy': podDisruptionBudgets,
  'horizontalpodautoscalers.autoscaling': horizontalPodAutoscalers,
  'ingresses.networking.k8s.io': networking.ingresses,
  'ingressclasses.networking.k8s.io': networking.ingressClasses,
  'networkpolicies.networking.k8s.io': networking.networkPolicies,
  'ipaddresses.networking.k8s.io': networking.ipAddresses,
  'servicecidrs.networking.k8s.io': networking.serviceCidrs,
  'storageclasses.storage.k8s.io': storage.storageClasses,
  'csidrivers.storage.k8s.io': storage.csiDrivers,
  'volumeattachments.storage.k8s.io': storage.volumeAttachments,
  [`roles.${rbacGroup}`]: rbac.roles,
  [`clusterroles.${rbacGroup}`]: rbac.clusterRoles,
  [`rolebindings.${rbacGroup}`]: rbac.roleBindings,
  [`clusterrolebindings.${rbacGroup}`]: rbac.clusterRoleBindings,
  [`mutatingwebhookconfigurations.${admissionGroup}`]: admission.mutatingWebhooks,
  [`validatingwebhookconfigurations.${admissionGroup}`]: admission.validatingWebhooks,
  [`validatingadmissionpolicies.${admissionGroup}`]: admission.validatingAdmissionPolicies,
  [`mutatingadmissionpolicies.${admissionGroup}`]: admission.admissionPolicies,
  [`validatingadmissionpolicybindings.${admissionGroup}`]: admission.policyBindings,
  [`mutatingadmissionpolicybindings.${admissionGroup}`]: admission.policyBindings,
  'leases.coordination.k8s.io': misc.leases,
  'priorityclasses.scheduling.k8s.io': misc.priorityClasses,
  'podgroups.scheduling.k8s.io': podGroups.podGroups,
  'workloads.scheduling.k8s.io': podGroups.workloads,
  'runtimeclasses.node.k8s.io': misc.runtimeClasses,
  'apiservices.apiregistration.k8s.io': misc.apiServices,
  'flowschemas.flowcontrol.apiserver.k8s.io': misc.flowSchemas,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': misc.priorityLevels,
  'certificatesigningrequests.certificates.k8s.io': certificateRequests,
  'clustertrustbundles.certificates.k8s.io': misc.trustBundles,
  'resourceclaims.resource.k8s.io': devices.resourceClaims,
  'resourceclaimtemplates.resource.k8s.io': devices.resourceClaimTemplates,
  'resourceslices.resource.k8s.io': devices.resourceSlices,
  'deviceclasses.resource.k8s.io': devices.deviceClasses,
  'devicetaintrules.resource.k8s.io': devices.deviceTaintRules,
};

/** The strategy of a built-in resource; empty for those whose schema says it all. The same value at every call. */
export function strategyFor(group: string, resource: string): Strategy {
  return strategies[group === '' ? resource : `${resource}.${group}`] ?? none;
}
