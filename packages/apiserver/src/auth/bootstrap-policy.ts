/**
 * The roles and bindings every cluster starts with, under upstream's names: user-facing roles (admin, edit, view by
 * aggregation), discovery, nodes, and one role a control-plane component or controller.
 */
import type { PolicyRule } from './rbac.ts';
import { controllerRules } from './controller-policy.ts';

const read = ['get', 'list', 'watch'];
const readWrite = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
const write = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const rbacGroup = 'rbac.authorization.k8s.io';

/** A rule over resources of one or several groups. */
function rule(
  verbs: readonly string[],
  groups: string | readonly string[],
  resources: readonly string[],
  names?: readonly string[],
): PolicyRule {
  return {
    verbs: [...verbs],
    apiGroups: typeof groups === 'string' ? [groups] : [...groups],
    resources: [...resources],
    ...(names ? { resourceNames: [...names] } : {}),
  };
}
const urls = (verbs: readonly string[], paths: readonly string[]): PolicyRule => ({
  verbs: [...verbs],
  nonResourceURLs: [...paths],
});
const events = (): PolicyRule => rule(['create', 'patch', 'update'], ['', 'events.k8s.io'], ['events']);

const appKinds = ['daemonsets', 'deployments', 'replicasets', 'statefulsets'];
const editCore = [
  'configmaps',
  'events',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'replicationcontrollers/scale',
  'secrets',
  'serviceaccounts',
  'services',
  'services/proxy',
];
/** Groups of the ML ecosystem whose namespaced kinds users work with; upstream's operators aggregate these themselves. */
const workloadGroups = [
  'coracle.dev',
  'jobset.x-k8s.io',
  'trainer.kubeflow.org',
  'kubeflow.org',
  'kueue.x-k8s.io',
  'serving.kserve.io',
];

const viewRules: PolicyRule[] = [
  rule(read, '', [
    'configmaps',
    'endpoints',
    'persistentvolumeclaims',
    'persistentvolumeclaims/status',
    'pods',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'serviceaccounts',
    'services',
    'services/status',
  ]),
  rule(read, '', [
    'bindings',
    'events',
    'limitranges',
    'namespaces/status',
    'pods/log',
    'pods/status',
    'replicationcontrollers/status',
    'resourcequotas',
    'resourcequotas/status',
  ]),
  rule(read, '', ['namespaces']),
  rule(read, 'discovery.k8s.io', ['endpointslices']),
  rule(read, 'apps', [
    'controllerrevisions',
    ...appKinds,
    ...appKinds.map((kind) => `${kind}/status`),
    'deployments/scale',
    'replicasets/scale',
    'statefulsets/scale',
  ]),
  rule(read, 'autoscaling', ['horizontalpodautoscalers', 'horizontalpodautoscalers/status']),
  rule(read, 'batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status']),
  rule(read, 'networking.k8s.io', ['ingresses', 'ingresses/status', 'networkpolicies']),
  rule(read, 'policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status']),
  rule(read, 'resource.k8s.io', ['resourceclaims', 'resourceclaims/status', 'resourceclaimtemplates']),
  rule(read, 'scheduling.k8s.io', ['workloads', 'podgroups', 'podgroups/status']),
  rule(read, workloadGroups, ['*']),
];
const editRules: PolicyRule[] = [
  rule(read, '', ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy']),
  rule(['impersonate'], '', ['serviceaccounts']),
  rule(write, '', ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy']),
  rule(['create'], '', ['pods/eviction']),
  rule(write, '', editCore),
  rule(['create'], '', ['serviceaccounts/token']),
  rule(write, 'apps', [
    ...appKinds,
    'deployments/rollback',
    'deployments/scale',
    'replicasets/scale',
    'statefulsets/scale',
  ]),
  rule(write, 'autoscaling', ['horizontalpodautoscalers']),
  rule(write, 'batch', ['cronjobs', 'jobs']),
  rule(write, 'networking.k8s.io', ['ingresses', 'networkpolicies']),
  rule(write, 'policy', ['poddisruptionbudgets']),
  rule(readWrite, 'coordination.k8s.io', ['leases']),
  rule(write, 'resource.k8s.io', ['resourceclaims', 'resourceclaimtemplates']),
  rule(write, 'scheduling.k8s.io', ['workloads', 'podgroups']),
  rule(write, workloadGroups, ['*']),
];
const adminRules: PolicyRule[] = [
  rule(['create'], 'authorization.k8s.io', ['localsubjectaccessreviews']),
  rule(readWrite, rbacGroup, ['roles', 'rolebindings']),
];

/** What a node may ask for besides what belongs to its pods (which the node authorizer knows). */
export const nodeRules: readonly PolicyRule[] = [
  rule(['create'], 'authentication.k8s.io', ['tokenreviews']),
  rule(['create'], 'authorization.k8s.io', ['subjectaccessreviews', 'localsubjectaccessreviews']),
  rule(read, '', ['services']),
  rule(['create', 'get', 'list', 'watch'], '', ['nodes']),
  rule(['update', 'patch'], '', ['nodes/status']),
  rule(['update', 'patch'], '', ['nodes']),
  rule(['create', 'patch', 'update'], ['', 'events.k8s.io'], ['events']),
  rule(read, '', ['pods']),
  rule(['create', 'delete'], '', ['pods']),
  rule(['update', 'patch'], '', ['pods/status']),
  rule(['create'], '', ['pods/eviction']),
  rule(read, '', ['secrets', 'configmaps']),
  rule(['get'], '', ['persistentvolumeclaims', 'persistentvolumes']),
  rule(['get', 'update', 'patch'], '', ['persistentvolumeclaims/status']),
  rule(['get'], '', ['endpoints']),
  rule(['create', 'get', 'list', 'watch'], 'certificates.k8s.io', ['certificatesigningrequests']),
  rule(read, 'storage.k8s.io', ['csidrivers', 'volumeattachments']),
  rule(['get'], 'storage.k8s.io', ['volumeattachments']),
  rule(read, 'node.k8s.io', ['runtimeclasses']),
  rule(['create'], '', ['serviceaccounts/token']),
  rule(['get'], '', ['serviceaccounts']),
  rule(read, 'resource.k8s.io', ['resourceclaims']),
];

const kubeScheduler: PolicyRule[] = [
  events(),
  rule(['create'], 'coordination.k8s.io', ['leases']),
  rule(['get', 'list', 'watch', 'update', 'patch'], 'coordination.k8s.io', ['leases']),
  rule(read, '', ['nodes', 'namespaces']),
  rule(['delete', 'get', 'list', 'watch'], '', ['pods']),
  rule(['create'], '', ['bindings', 'pods/binding']),
  rule(['patch', 'update'], '', ['pods/status']),
  rule(read, '', ['replicationcontrollers', 'services']),
  rule(read, 'apps', ['replicasets', 'statefulsets']),
  rule(read, 'policy', ['poddisruptionbudgets']),
  rule(['get', 'list', 'watch', 'update', 'patch'], '', ['persistentvolumeclaims', 'persistentvolumes']),
  rule(read, 'storage.k8s.io', ['csinodes', 'csidrivers', 'csistoragecapacities', 'storageclasses']),
  rule(read, 'storage.k8s.io', ['volumeattachments']),
  rule(['get', 'list', 'watch', 'update', 'patch'], 'resource.k8s.io', [
    'resourceclaims',
    'resourceclaims/status',
  ]),
  // Claims for extended resources are the scheduler's own.
  rule(['create', 'delete'], 'resource.k8s.io', ['resourceclaims']),
  rule(read, 'resource.k8s.io', ['resourceslices', 'deviceclasses', 'devicetaintrules']),
  rule(['get', 'list', 'watch', 'patch', 'update'], 'scheduling.k8s.io', [
    'workloads',
    'podgroups',
    'podgroups/status',
  ]),
  rule(read, 'scheduling.k8s.io', ['priorityclasses']),
  rule(['get', 'list', 'watch', 'patch', 'update'], 'scheduling.x-k8s.io', ['podgroups', 'podgroups/status']),
  rule(['get', 'list', 'watch', 'patch', 'update'], 'scheduling.volcano.sh', [
    'podgroups',
    'podgroups/status',
  ]),
  rule(read, 'kueue.x-k8s.io', ['*']),
];

type Labels = Record<string, string>;
const bootstrapping = 'kubernetes.io/bootstrapping';
const aggregateTo = (role: string): Labels => ({ [`${rbacGroup}/aggregate-to-${role}`]: 'true' });

const metadata = (name: string, labels: Labels = {}, namespace?: string): Record<string, unknown> => ({
  name,
  ...(namespace ? { namespace } : {}),
  annotations: { [`${rbacGroup}/autoupdate`]: 'true' },
  labels: { [bootstrapping]: 'rbac-defaults', ...labels },
});
const apiVersion = `${rbacGroup}/v1`;
const clusterRole = (name: string, rules: readonly PolicyRule[], labels?: Labels): object => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: metadata(name, labels),
  rules: [...rules],
});
const aggregated = (
  name: string,
  label: string,
  rules: readonly PolicyRule[],
  labels: Labels = {},
): object => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: metadata(name, labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(label) }] },
  rules: [...rules],
});

interface BoundSubject {
  kind: 'User' | 'Group' | 'ServiceAccount';
  name: string;
  namespace?: string;
}
const user = (name: string): BoundSubject => ({ kind: 'User', name });
const group = (name: string): BoundSubject => ({ kind: 'Group', name });
const account = (namespace: string, name: string): BoundSubject => ({
  kind: 'ServiceAccount',
  name,
  namespace,
});
const subject = (who: BoundSubject): object =>
  who.kind === 'ServiceAccount' ? { ...who } : { apiGroup: rbacGroup, ...who };

const bind = (role: string, subjects: readonly BoundSubject[], name = role): object => ({
  apiVersion,
  kind: 'ClusterRoleBinding',
  metadata: metadata(name),
  roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: role },
  ...(subjects.length > 0 ? { subjects: subjects.map(subject) } : {}),
});

/**
 * Every default ClusterRole, ClusterRoleBinding, Role and RoleBinding, complete but for server-set metadata. The engine
 * creates those that are missing at its start. The namespaced ones are in kube-system and kube-public.
 */
export function bootstrapRbac(): object[] {
  const discovery = [
    '/api',
    '/api/*',
    '/apis',
    '/apis/*',
    '/healthz',
    '/livez',
    '/openapi',
    '/openapi/*',
    '/readyz',
    '/version',
    '/version/',
  ];
  const objects = [
    clusterRole('cluster-admin', [rule(['*'], '*', ['*']), urls(['*'], ['*'])]),
    bind('cluster-admin', [group('system:masters')]),
    clusterRole('system:discovery', [urls(['get'], discovery)]),
    bind('system:discovery', [group('system:authenticated')]),
    clusterRole('system:monitoring', [
      urls(
        ['get'],
        ['/metrics', '/metrics/slis', '/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*'],
      ),
    ]),
    bind('system:monitoring', [group('system:monitoring')]),
    clusterRole('system:basic-user', [
      rule(['create'], 'authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']),
      rule(['create'], 'authentication.k8s.io', ['selfsubjectreviews']),
    ]),
    bind('system:basic-user', [group('system:authenticated')]),
    clusterRole('system:public-info-viewer', [
      urls(['get'], ['/healthz', '/livez', '/readyz', '/version', '/version/']),
    ]),
    bind('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),

    aggregated('admin', 'admin', [...adminRules, ...editRules, ...viewRules]),
    aggregated('edit', 'edit', [...editRules, ...viewRules], aggregateTo('admin')),
    aggregated('view', 'view', viewRules, aggregateTo('edit')),
    clusterRole('system:aggregate-to-admin', adminRules, aggregateTo('admin')),
    clusterRole('system:aggregate-to-edit', editRules, aggregateTo('edit')),
    clusterRole('system:aggregate-to-view', viewRules, aggregateTo('view')),

    clusterRole('system:heapster', [
      rule(read, '', ['events', 'namespaces', 'nodes', 'pods']),
      rule(read, 'apps', ['deployments']),
    ]),
    clusterRole('system:node', nodeRules),
    bind('system:node', []),
    clusterRole('system:node-problem-detector', [
      rule(['get'], '', ['nodes']),
      rule(['patch'], '', ['nodes/status']),
      events(),
    ]),
    clusterRole('system:node-proxier', [
      rule(['list', 'watch'], '', ['services', 'endpoints']),
      rule(read, '', ['nodes']),
      events(),
      rule(['list', 'watch'], 'discovery.k8s.io', ['endpointslices']),
    ]),
    bind('system:node-proxier', [user('system:kube-proxy')]),
    clusterRole('system:node-bootstrapper', [
      rule(['create', 'get', 'list', 'watch'], 'certificates.k8s.io', ['certificatesigningrequests']),
    ]),
    clusterRole('system:kubelet-api-admin', [
      rule(read, '', ['nodes']),
      rule(['proxy'], '', ['nodes']),
      rule(['*'], '', [
        'nodes/proxy',
        'nodes/metrics',
        'nodes/stats',
        'nodes/log',
        'nodes/spec',
        'nodes/checks',
      ]),
    ]),
    clusterRole('system:auth-delegator', [
      rule(['create'], 'authentication.k8s.io', ['tokenreviews']),
      rule(['create'], 'authorization.k8s.io', ['subjectaccessreviews']),
    ]),
    clusterRole('system:service-account-issuer-discovery', [
      urls(
        ['get'],
        [
          '/.well-known/openid-configuration',
          '/.well-known/openid-configuration/',
          '/openid/v1/jwks',
          '/openid/v1/jwks/',
        ],
      ),
    ]),
    bind('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
    clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [
      rule(['create'], 'certificates.k8s.io', ['certificatesigningrequests/nodeclient']),
    ]),
    clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
      rule(['create'], 'certificates.k8s.io', ['certificatesigningrequests/selfnodeclient']),
    ]),
    clusterRole('system:certificates.k8s.io:kube-apiserver-client-approver', [
      rule(['approve'], 'certificates.k8s.io', ['signers'], ['kubernetes.io/kube-apiserver-client']),
    ]),
    clusterRole('system:certificates.k8s.io:kube-apiserver-client-kubelet-approver', [
      rule(['approve'], 'certificates.k8s.io', ['signers'], ['kubernetes.io/kube-apiserver-client-kubelet']),
    ]),
    clusterRole('system:persistent-volume-provisioner', [
      rule(['create', 'delete', 'get', 'list', 'watch'], '', ['persistentvolumes']),
      rule(['get', 'list', 'update', 'watch'], '', ['persistentvolumeclaims']),
      rule(read, 'storage.k8s.io', ['storageclasses']),
      rule(['watch'], '', ['events']),
      events(),
    ]),
    clusterRole('system:volume-scheduler', [
      rule(['get', 'list', 'patch', 'update', 'watch'], '', ['persistentvolumes']),
      rule(read, 'storage.k8s.io', ['storageclasses']),
      rule(['get', 'list', 'patch', 'update', 'watch'], '', ['persistentvolumeclaims']),
    ]),
    bind('system:volume-scheduler', [user('system:kube-scheduler')]),
    clusterRole('system:kube-scheduler', kubeScheduler),
    bind('system:kube-scheduler', [user('system:kube-scheduler')]),
    clusterRole('system:kube-controller-manager', [
      events(),
      rule(['create', 'get', 'list', 'watch', 'update'], 'coordination.k8s.io', ['leases']),
      rule(['create'], '', ['secrets', 'serviceaccounts', 'serviceaccounts/token']),
      rule(['delete', 'update', 'get'], '', ['secrets']),
      rule(['get', 'update'], '', ['namespaces', 'serviceaccounts', 'configmaps']),
      rule(['create'], 'authentication.k8s.io', ['tokenreviews']),
      rule(['create'], 'authorization.k8s.io', ['subjectaccessreviews']),
      rule(['list', 'watch'], '*', ['*']),
    ]),
    bind('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  ];
  for (const [name, rules] of Object.entries(controllerRules())) {
    const role = `system:controller:${name}`;
    objects.push(clusterRole(role, [...rules, events()]), bind(role, [account('kube-system', name)]));
  }
  objects.push(
    {
      apiVersion,
      kind: 'Role',
      metadata: metadata('extension-apiserver-authentication-reader', {}, 'kube-system'),
      rules: [rule(read, '', ['configmaps'], ['extension-apiserver-authentication'])],
    },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: metadata('system::extension-apiserver-authentication-reader', {}, 'kube-system'),
      roleRef: { apiGroup: rbacGroup, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
      subjects: [subject(user('system:kube-controller-manager')), subject(user('system:kube-scheduler'))],
    },
  );
  return objects;
}
