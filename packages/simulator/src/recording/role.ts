import { workloadKinds } from './kinds.ts';

/** The ClusterRole that allows what a recorder reads, and no more. */
export function recordingRole(name: string): object {
  const groups = new Map<string, Set<string>>([['', new Set(['nodes', 'pods'])]]);
  for (const { type } of workloadKinds) {
    const resources = groups.get(type.group) ?? new Set<string>();
    groups.set(type.group, resources.add(type.resource));
  }
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [...groups].map(([group, resources]) => ({
      apiGroups: [group],
      resources: [...resources],
      verbs: ['list', 'watch'],
    })),
  };
}
