/**
 * What a scheduler must be allowed to do, and no more: asked of the server before it starts, and printed as a manifest by
 * `coracle scheduler --print-rbac`.
 */
import type { Client } from '@coracle/client';
import { SelfSubjectAccessReview } from '@coracle/machinery/api';

export interface Rule {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Absent: it can schedule without, where the cluster does not have the resource or does not show it. */
  readonly needed?: true;
}

const read = ['get', 'list', 'watch'];

/** In all namespaces. */
export const clusterRules: readonly Rule[] = [
  { group: '', resources: ['nodes', 'pods'], verbs: read, needed: true },
  { group: '', resources: ['pods/binding'], verbs: ['create'], needed: true },
  { group: '', resources: ['pods/status'], verbs: ['patch'], needed: true },
  // Victims of preemption.
  { group: '', resources: ['pods'], verbs: ['delete'], needed: true },
  { group: '', resources: ['events'], verbs: ['create', 'patch'], needed: true },
  { group: '', resources: ['namespaces', 'services', 'replicationcontrollers'], verbs: read },
  { group: '', resources: ['persistentvolumeclaims', 'persistentvolumes'], verbs: [...read, 'patch'] },
  { group: 'apps', resources: ['replicasets', 'statefulsets'], verbs: read },
  { group: 'policy', resources: ['poddisruptionbudgets'], verbs: read },
  { group: 'scheduling.k8s.io', resources: ['priorityclasses', 'podgroups', 'workloads'], verbs: read },
  { group: 'scheduling.k8s.io', resources: ['podgroups/status'], verbs: ['patch'] },
  {
    group: 'storage.k8s.io',
    resources: ['storageclasses', 'csinodes', 'csidrivers', 'csistoragecapacities', 'volumeattachments'],
    verbs: read,
  },
  {
    group: 'resource.k8s.io',
    resources: ['deviceclasses', 'resourceslices', 'devicetaintrules', 'resourceclaimtemplates'],
    verbs: read,
  },
  {
    group: 'resource.k8s.io',
    resources: ['resourceclaims'],
    verbs: [...read, 'create', 'update', 'patch', 'delete'],
  },
  { group: 'resource.k8s.io', resources: ['resourceclaims/status'], verbs: ['update', 'patch'] },
  // Allocated claims carry the allocation's finalizer and name the pods they are reserved for.
  { group: '', resources: ['pods/finalizers'], verbs: ['update'] },
  // Groups of other schedulers, read as gangs.
  { group: 'scheduling.x-k8s.io', resources: ['podgroups'], verbs: read },
  { group: 'scheduling.x-k8s.io', resources: ['podgroups', 'podgroups/status'], verbs: ['patch'] },
  { group: 'scheduling.volcano.sh', resources: ['podgroups'], verbs: read },
  { group: 'scheduling.volcano.sh', resources: ['podgroups', 'podgroups/status'], verbs: ['patch'] },
];

/** A permission that is lacking, in the words of a rule. */
export interface Lacking {
  readonly verb: string;
  readonly resource: string;
  /** '' for all. */
  readonly namespace: string;
}

/** What of the rules that it cannot do without this user may not do. `lease`: undefined without leader election. */
export async function lackingRules(
  client: Client,
  lease: { readonly name: string; readonly namespace: string } | undefined,
): Promise<Lacking[]> {
  const asked = clusterRules
    .filter(({ needed }) => needed)
    .flatMap(({ group, resources, verbs }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({ group, resource, verb, namespace: '', name: '' })),
      ),
    );
  if (lease) {
    const { namespace, name } = lease;
    const leases = { group: 'coordination.k8s.io', resource: 'leases', namespace };
    // Who may create leases here may not know its name yet: upstream's rules cannot bind a create to a name.
    asked.push({ ...leases, verb: 'create', name: '' });
    for (const verb of ['get', 'update']) asked.push({ ...leases, verb, name });
  }
  const answers = await Promise.all(
    asked.map(async ({ group, resource, verb, namespace, name }) => {
      const [main = '', subresource] = resource.split('/');
      const review = await client.create(SelfSubjectAccessReview, {
        metadata: {},
        spec: {
          resourceAttributes: {
            group,
            resource: main,
            verb,
            ...(subresource ? { subresource } : {}),
            ...(namespace ? { namespace } : {}),
            ...(name ? { name } : {}),
          },
        },
      });
      return review.status?.allowed === true;
    }),
  );
  return asked
    .filter((_, i) => !answers[i])
    .map(({ verb, group, resource, namespace }) => ({
      verb,
      resource: group ? `${resource}.${group}` : resource,
      namespace,
    }));
}

/** `list nodes; create pods/binding; get leases.coordination.k8s.io in namespace kube-system`. */
export function lackingText(lacking: readonly Lacking[]): string {
  const byResource = new Map<string, string[]>();
  for (const { verb, resource, namespace } of lacking) {
    const what = namespace ? `${resource} in namespace ${namespace}` : resource;
    byResource.set(what, [...(byResource.get(what) ?? []), verb]);
  }
  return [...byResource].map(([what, verbs]) => `${verbs.join(', ')} ${what}`).join('; ');
}

/** ServiceAccount, roles and bindings for a scheduler, as objects in the order they are made. */
export function rbacManifest(options: {
  readonly name: string;
  readonly namespace: string;
  readonly lease: { readonly name: string; readonly namespace: string } | undefined;
}): object[] {
  const { name, namespace, lease } = options;
  const rbac = 'rbac.authorization.k8s.io';
  const apiVersion = `${rbac}/v1`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name },
      rules: clusterRules.map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs })),
    },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects,
    },
    ...(lease
      ? [
          {
            apiVersion,
            kind: 'Role',
            metadata: { name, namespace: lease.namespace },
            rules: [
              { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
              {
                apiGroups: ['coordination.k8s.io'],
                resources: ['leases'],
                resourceNames: [lease.name],
                verbs: ['get', 'update'],
              },
            ],
          },
          {
            apiVersion,
            kind: 'RoleBinding',
            metadata: { name, namespace: lease.namespace },
            roleRef: { apiGroup: rbac, kind: 'Role', name },
            subjects,
          },
        ]
      : []),
  ];
}
