import type { KindRegistry, ResourceType } from '@coracle/machinery';

/** The aggregated discovery document (apidiscovery.k8s.io/v2) of the core group or of all others. */
export function discoveryDocument(
  types: readonly ResourceType[],
  registry: KindRegistry,
  core: boolean,
): object {
  const groups = new Map<string, Map<string, object[]>>();
  for (const type of types) {
    if ((type.group === '') !== core) continue;
    let versions = groups.get(type.group);
    if (!versions) groups.set(type.group, (versions = new Map<string, object[]>()));
    let resources = versions.get(type.version);
    if (!resources) versions.set(type.version, (resources = []));
    const known = registry.byResource(type.group, type.version, type.resource);
    resources.push({
      resource: type.resource,
      responseKind: { group: type.group, version: type.version, kind: type.kind },
      scope: type.namespaced ? 'Namespaced' : 'Cluster',
      singularResource: type.kind.toLowerCase(),
      shortNames: known?.shortNames ?? [],
      categories: known?.categories ?? [],
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    });
  }
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: [...groups].map(([name, versions]) => ({
      metadata: { name },
      versions: [...versions].map(([version, resources]) => ({ version, resources, freshness: 'Current' })),
    })),
  };
}
