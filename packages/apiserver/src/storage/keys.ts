/**
 * Where objects lie in the store: `<group or core>/<resource>/<namespace>/<name>`, cluster-scoped ones without the
 * namespace. Names cannot hold a slash, so a prefix that ends in one never reaches into another resource or namespace,
 * and key order is the order lists are in.
 */
import type { Kind } from '@coracle/machinery';

interface Named {
  readonly group: string;
  readonly resource: string;
}

/**
 * The group whose objects these are. Events are served in two groups and stored once, as core/v1; everything else is stored
 * in the group it is served in.
 */
export function storedGroup({ group, resource }: Named): string {
  return group === 'events.k8s.io' && resource === 'events' ? '' : group;
}

/** A resource's prefix, and those of its namespaces. */
interface Base {
  readonly text: string;
  readonly inNamespace: Map<string, string>;
}

/** Prefixes by group and resource: those of requests that name no real ones are not remembered without end. */
const bases = new Map<string, Map<string, Base>>();
const remembered = 500;

function baseOf(kind: Named): Base {
  const known = bases.get(kind.group)?.get(kind.resource);
  if (known !== undefined) return known;
  const group = storedGroup(kind);
  const base = {
    text: `${group === '' ? 'core' : group}/${kind.resource}/`,
    inNamespace: new Map<string, string>(),
  };
  if (bases.size > remembered) bases.clear();
  let resources = bases.get(kind.group);
  if (resources === undefined || resources.size > remembered) bases.set(kind.group, (resources = new Map()));
  resources.set(kind.resource, base);
  return base;
}

/** Prefix of all objects of a resource, or of those in a namespace. */
export function prefixOf(kind: Named, namespace = ''): string {
  const { text, inNamespace } = baseOf(kind);
  if (namespace === '') return text;
  let prefix = inNamespace.get(namespace);
  if (prefix === undefined) {
    prefix = `${text}${namespace}/`;
    if (inNamespace.size > remembered) inNamespace.clear();
    inNamespace.set(namespace, prefix);
  }
  return prefix;
}

/** Key of one object. `namespace` is '' for cluster-scoped kinds. */
export function keyFor(kind: Named, namespace: string, name: string): string {
  return prefixOf(kind, namespace) + name;
}

/** The key of an object of this kind in a request for `namespace`, whatever the caller put there for a cluster kind. */
export function requestKey(kind: Kind, namespace: string, name: string): string {
  return keyFor(kind, kind.namespaced ? namespace : '', name);
}
