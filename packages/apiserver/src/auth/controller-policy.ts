/** What each controller may do: `system:controller:NAME`, bound to the service account NAME of kube-system. */
import type { PolicyRule } from './rbac.ts';

const read = ['get', 'list', 'watch'];
const readWrite = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const rule = (verbs: string[], group: string, resources: string[]): PolicyRule => ({
  verbs: [...verbs],
  apiGroups: [group],
  resources,
});
const pods = rule(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], '', ['pods']);
const podStatus = rule(['update', 'patch'], '', ['pods/status']);
const revisions = rule(readWrite, 'apps', ['controllerrevisions']);

/** Rules of a controller that owns `kind` of `group` (with status, finalizers and scale) besides `more`. */
function owner(group: string, kind: string, ...more: PolicyRule[]): PolicyRule[] {
  return [
    rule(['get', 'list', 'watch', 'update', 'patch'], group, [kind]),
    rule(['get', 'update', 'patch'], group, [`${kind}/status`, `${kind}/finalizers`]),
    ...more,
  ];
}

/** Coracle's own operators; upstream ships these roles with each operator's manifests. */
function operatorRules(): Record<string, PolicyRule[]> {
  const children = [
    rule(readWrite, '', [
      'pods',
      'services',
      'configmaps',
      'secrets',
      'serviceaccounts',
      'persistentvolumeclaims',
    ]),
    rule(readWrite, 'batch', ['jobs', 'jobs/status']),
    rule(readWrite, 'jobset.x-k8s.io', ['*']),
    rule(readWrite, 'scheduling.k8s.io', ['workloads', 'podgroups', 'podgroups/status']),
    rule(readWrite, 'coordination.k8s.io', ['leases']),
  ];
  return {
    'jobset-controller': [...children],
    'trainer-controller': [rule(readWrite, 'trainer.kubeflow.org', ['*']), ...children],
  };
}

/** Rules by controller name. Every role also gets the right to write events. */
export function controllerRules(): Record<string, PolicyRule[]> {
  return {
    'attachdetach-controller': [
      rule(['get', 'list', 'watch', 'patch', 'update'], '', [
        'persistentvolumes',
        'persistentvolumeclaims',
        'nodes',
      ]),
      rule(readWrite, 'storage.k8s.io', ['volumeattachments']),
      rule(read, '', ['pods']),
    ],
    'certificate-controller': [
      rule(read, 'certificates.k8s.io', ['certificatesigningrequests']),
      rule(['update', 'patch'], 'certificates.k8s.io', ['certificatesigningrequests/status']),
      {
        verbs: ['sign'],
        apiGroups: ['certificates.k8s.io'],
        resources: ['signers'],
        resourceNames: ['kubernetes.io/kube-apiserver-client', 'kubernetes.io/kube-apiserver-client-kubelet'],
      },
    ],
    'clusterrole-aggregation-controller': [
      rule(['escalate', 'get', 'list', 'patch', 'update', 'watch'], 'rbac.authorization.k8s.io', [
        'clusterroles',
      ]),
    ],
    'cronjob-controller': owner('batch', 'cronjobs', rule(readWrite, 'batch', ['jobs']), pods),
    'daemon-set-controller': owner(
      'apps',
      'daemonsets',
      rule(['list', 'watch'], '', ['nodes']),
      pods,
      revisions,
    ),
    'deployment-controller': owner('apps', 'deployments', rule(readWrite, 'apps', ['replicasets']), pods),
    'device-taint-eviction-controller': [
      rule(['delete', 'get', 'list', 'watch'], '', ['pods']),
      rule(read, 'resource.k8s.io', ['resourceclaims', 'resourceslices', 'devicetaintrules']),
      rule(['update', 'patch'], 'resource.k8s.io', ['devicetaintrules/status']),
      podStatus,
    ],
    'disruption-controller': owner('policy', 'poddisruptionbudgets', rule(read, '*', ['*']), podStatus),
    'endpoint-controller': [
      rule(read, '', ['services', 'pods']),
      rule(readWrite, '', ['endpoints', 'endpoints/restricted']),
    ],
    'endpointslice-controller': [
      rule(read, '', ['services', 'pods', 'nodes']),
      rule(['update'], '', ['services/finalizers']),
      rule(readWrite, 'discovery.k8s.io', ['endpointslices']),
    ],
    'endpointslicemirroring-controller': [
      rule(read, '', ['services', 'endpoints']),
      rule(['update'], '', ['services/finalizers', 'endpoints/finalizers']),
      rule(readWrite, 'discovery.k8s.io', ['endpointslices']),
    ],
    'ephemeral-volume-controller': [
      rule(read, '', ['pods']),
      rule(['update'], '', ['pods/finalizers']),
      rule(readWrite, '', ['persistentvolumeclaims']),
    ],
    'expand-controller': [
      rule(['get', 'list', 'watch', 'patch', 'update'], '', ['persistentvolumes', 'persistentvolumeclaims']),
      rule(['patch', 'update'], '', ['persistentvolumeclaims/status']),
    ],
    'generic-garbage-collector': [rule(['delete', 'get', 'list', 'patch', 'update', 'watch'], '*', ['*'])],
    'horizontal-pod-autoscaler': owner(
      'autoscaling',
      'horizontalpodautoscalers',
      rule(['get', 'update'], '*', ['*/scale']),
      rule(['list'], '', ['pods']),
      rule(['list'], 'metrics.k8s.io', ['pods']),
    ),
    'job-controller': [
      ...owner('batch', 'jobs', pods, podStatus),
      rule(['create', 'get', 'list', 'watch'], 'scheduling.k8s.io', ['workloads', 'podgroups']),
    ],
    'namespace-controller': [
      rule(['delete', 'get', 'list', 'watch'], '', ['namespaces']),
      rule(['update'], '', ['namespaces/finalize', 'namespaces/status']),
      rule(['delete', 'deletecollection', 'get', 'list'], '*', ['*']),
    ],
    'node-controller': [
      rule(['delete', 'get', 'list', 'patch', 'update', 'watch'], '', ['nodes']),
      rule(['patch', 'update'], '', ['nodes/status', 'pods/status']),
      rule(['delete', 'get', 'list', 'watch'], '', ['pods']),
      rule(read, 'coordination.k8s.io', ['leases']),
    ],
    'persistent-volume-binder': [
      rule(readWrite, '', ['persistentvolumes', 'pods']),
      rule(['update', 'patch'], '', ['persistentvolumes/status', 'persistentvolumeclaims/status']),
      rule(['get', 'list', 'patch', 'update', 'watch'], '', ['persistentvolumeclaims', 'nodes']),
      rule(read, 'storage.k8s.io', ['storageclasses']),
    ],
    'pod-garbage-collector': [
      rule(['delete', 'list', 'watch'], '', ['pods']),
      rule(['get', 'list'], '', ['nodes']),
      podStatus,
    ],
    'podgroup-protection-controller': [
      rule(['get', 'list', 'update', 'watch'], 'scheduling.k8s.io', ['podgroups']),
      rule(read, '', ['pods']),
    ],
    'pv-protection-controller': [rule(['get', 'list', 'update', 'watch'], '', ['persistentvolumes'])],
    'pvc-protection-controller': [
      rule(['get', 'list', 'update', 'watch'], '', ['persistentvolumeclaims']),
      rule(read, '', ['pods']),
    ],
    'replicaset-controller': owner('apps', 'replicasets', pods),
    'replication-controller': owner('', 'replicationcontrollers', pods),
    'resource-claim-controller': [
      rule(read, '', ['pods']),
      rule(['update'], '', ['pods/finalizers']),
      rule(readWrite, 'resource.k8s.io', [
        'resourceclaims',
        'resourceclaims/status',
        'resourceclaimtemplates',
      ]),
      rule(read, 'scheduling.k8s.io', ['podgroups']),
      rule(['update', 'patch'], 'scheduling.k8s.io', ['podgroups/status', 'podgroups/finalizers']),
      podStatus,
    ],
    'resourcequota-controller': [
      rule(['list', 'watch'], '*', ['*']),
      rule(['update'], '', ['resourcequotas/status']),
    ],
    'root-ca-cert-publisher': [rule(['create', 'update'], '', ['configmaps'])],
    'service-account-controller': [rule(['create'], '', ['serviceaccounts'])],
    'service-cidrs-controller': owner(
      'networking.k8s.io',
      'servicecidrs',
      rule(read, 'networking.k8s.io', ['ipaddresses']),
    ),
    'statefulset-controller': owner(
      'apps',
      'statefulsets',
      rule(read, '', ['pods']),
      revisions,
      pods,
      rule(readWrite, '', ['persistentvolumeclaims']),
    ),
    'taint-eviction-controller': [
      rule(['delete', 'get', 'list', 'watch'], '', ['pods']),
      rule(read, '', ['nodes']),
      podStatus,
    ],
    'ttl-after-finished-controller': [rule(['delete', 'get', 'list', 'watch'], 'batch', ['jobs'])],
    'ttl-controller': [rule(['list', 'patch', 'update', 'watch'], '', ['nodes'])],
    'validatingadmissionpolicy-status-controller': owner(
      'admissionregistration.k8s.io',
      'validatingadmissionpolicies',
    ),
    ...operatorRules(),
  };
}
