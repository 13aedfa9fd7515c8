/** Objects of our own that every engine has, besides those every Kubernetes cluster has. */
import { cardDriver, type Unstructured } from '@coracle/machinery';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const role = 'coracle:node-host-names';

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
    // What claims name to get cards of our node agents.
    {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'DeviceClass',
      metadata: { name: cardDriver },
      spec: { selectors: [{ cel: { expression: `device.driver == '${cardDriver}'` } }] },
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
