/** Objects of our own that every engine has, besides those every Kubernetes cluster has. */
import { localProvisionerName } from '@coracle/controllers';
import { cardDriver, type Unstructured } from '@coracle/machinery';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const role = 'coracle:node-host-names';
const provisionerRole = 'coracle:local-volume-provisioner';

/**
 * Claims that name no class get a volume that is a folder on the node of their first pod.
 */
const localClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: localProvisionerName,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
};

const read = ['get', 'list', 'watch'];
const provisionerRules = [
  { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...read, 'create', 'delete'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims', 'nodes'], verbs: read },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: read },
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
];
const provisioner = { kind: 'ServiceAccount', namespace: 'kube-system', name: 'local-volume-provisioner' };

/** Whole cards and partitions are different classes of devices. */
function ofType(type: string): string {
  return `device.driver == '${cardDriver}' && device.attributes['${cardDriver}'].type == '${type}'`;
}

/**
 * The agent of a node writes the host names of a headless Service's pods into its containers' hosts files, where a cluster DNS
 * would answer: for that it reads EndpointSlices, which upstream's `system:node` may not.
 */
export function engineObjects(): Unstructured[] {
  return [
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name: role },
      rules: [
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
      ],
    },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
    },
    localClass,
    { apiVersion, kind: 'ClusterRole', metadata: { name: provisionerRole }, rules: provisionerRules },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: provisionerRole },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: provisionerRole },
      subjects: [provisioner],
    },
    // What claims name to get cards of our node agents.
    {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'DeviceClass',
      metadata: { name: cardDriver },
      spec: { selectors: [{ cel: { expression: ofType('gpu') } }] },
    },
    {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'DeviceClass',
      metadata: { name: `mig.${cardDriver}` },
      spec: { selectors: [{ cel: { expression: ofType('mig') } }] },
    },
    // Asking why a pod waits changes nothing: it goes with the right to look at pods.
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: {
        name: 'coracle:scheduling-reviews',
        labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
      },
      rules: [{ apiGroups: ['coracle.dev'], resources: ['schedulingreviews'], verbs: ['create'] }],
    },
  ] as unknown as Unstructured[];
}
