/** Tables for `kubectl get`: the columns and cells of the built-in kinds. */
import type { TablePrinter } from '../contracts.ts';
import * as cluster from './cluster.ts';
import * as core from './core.ts';
import { pods, podTemplates } from './pods.ts';
import * as workloads from './workloads.ts';

export { nameAndAge as defaultPrinter } from './cluster.ts';

const rbac = 'rbac.authorization.k8s.io';
const admission = 'admissionregistration.k8s.io';

const printers: Readonly<Record<string, TablePrinter>> = {
  pods,
  podtemplates: podTemplates,
  nodes: core.nodes,
  services: core.services,
  endpoints: core.endpoints,
  configmaps: core.configMaps,
  secrets: core.secrets,
  namespaces: core.namespaces,
  serviceaccounts: core.serviceAccounts,
  resourcequotas: core.resourceQuotas,
  limitranges: cluster.createdAt,
  events: core.events,
  'events.events.k8s.io': core.events,
  persistentvolumes: core.persistentVolumes,
  persistentvolumeclaims: core.persistentVolumeClaims,
  componentstatuses: core.componentStatuses,
  replicationcontrollers: workloads.replicationControllers,
  'endpointslices.discovery.k8s.io': core.endpointSlices,
  'deployments.apps': workloads.deployments,
  'replicasets.apps': workloads.replicaSets,
  'statefulsets.apps': workloads.statefulSets,
  'daemonsets.apps': workloads.daemonSets,
  'controllerrevisions.apps': workloads.controllerRevisions,
  'jobs.batch': workloads.jobs,
  'cronjobs.batch': workloads.cronJobs,
  'poddisruptionbudgets.policy': workloads.podDisruptionBudgets,
  'horizontalpodautoscalers.autoscaling': workloads.horizontalPodAutoscalers,
  'priorityclasses.scheduling.k8s.io': workloads.priorityClasses,
  'podgroups.scheduling.k8s.io': workloads.podGroups,
  'workloads.scheduling.k8s.io': workloads.workloads,
  [`roles.${rbac}`]: cluster.createdAt,
  [`clusterroles.${rbac}`]: cluster.createdAt,
  [`rolebindings.${rbac}`]: cluster.bindings,
  [`clusterrolebindings.${rbac}`]: cluster.bindings,
  'customresourcedefinitions.apiextensions.k8s.io': cluster.createdAt,
  'leases.coordination.k8s.io': cluster.leases,
  'storageclasses.storage.k8s.io': cluster.storageClasses,
  'csidrivers.storage.k8s.io': cluster.csiDrivers,
  'csinodes.storage.k8s.io': cluster.csiNodes,
  'csistoragecapacities.storage.k8s.io': cluster.csiStorageCapacities,
  'volumeattachments.storage.k8s.io': cluster.volumeAttachments,
  'volumeattributesclasses.storage.k8s.io': cluster.volumeAttributesClasses,
  'ingresses.networking.k8s.io': cluster.ingresses,
  'ingressclasses.networking.k8s.io': cluster.ingressClasses,
  'networkpolicies.networking.k8s.io': cluster.networkPolicies,
  'ipaddresses.networking.k8s.io': cluster.ipAddresses,
  'servicecidrs.networking.k8s.io': cluster.serviceCidrs,
  'runtimeclasses.node.k8s.io': cluster.runtimeClasses,
  'certificatesigningrequests.certificates.k8s.io': cluster.certificateRequests,
  [`mutatingwebhookconfigurations.${admission}`]: cluster.webhooks,
  [`validatingwebhookconfigurations.${admission}`]: cluster.webhooks,
  [`validatingadmissionpolicies.${admission}`]: cluster.validatingPolicies,
  [`mutatingadmissionpolicies.${admission}`]: cluster.mutatingPolicies,
  [`validatingadmissionpolicybindings.${admission}`]: cluster.policyBindings,
  [`mutatingadmissionpolicybindings.${admission}`]: cluster.policyBindings,
  'apiservices.apiregistration.k8s.io': cluster.apiServices,
  'flowschemas.flowcontrol.apiserver.k8s.io': cluster.flowSchemas,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': cluster.priorityLevels,
  'resourceclaims.resource.k8s.io': cluster.resourceClaims,
  'resourceslices.resource.k8s.io': cluster.resourceSlices,
};

/** The printer of a resource; undefined when Name and Age are all there is to say (use `defaultPrinter`). */
export function printerFor(group: string, resource: string, _version: string): TablePrinter | undefined {
  return printers[group === '' ? resource : `${resource}.${group}`];
}
