/**
 * What node agents may touch: themselves, their lease, the pods bound to them, and what those pods refer to. A node is
 * a user `system:node:NAME` in the group `system:nodes`.
 */
import type { Unstructured, UserInfo } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Lookup, RequestAttributes } from '../contracts.ts';
import { podReferences } from './pod-references.ts';

const prefix = 'system:node:';

/** The node a user is, or undefined. */
export function nodeNameOf(user: UserInfo): string | undefined {
  return user.groups.includes('system:nodes') && user.username.startsWith(prefix)
    ? user.username.slice(prefix.length)
    : undefined;
}

/** true: allowed. A text: refused, and why. undefined: not mine to say. */
export type NodeVerdict = true | string | undefined;

const readVerbs = new Set(['get', 'list', 'watch']);

const noRelation = (node: string): string => `no relationship found between node '${node}' and this object`;

/** Pods bound to a node, of one namespace if it is given. */
export type PodsOnNode = (node: string, namespace?: string) => Unstructured[];

export function createNodeAuthorizer(
  lookup: Lookup,
  podsOnNode: PodsOnNode = (node, namespace) =>
    lookup.list('', 'pods', namespace).filter((pod) => (pod as unknown as Pod).spec?.nodeName === node),
): { authorize(node: string, asked: RequestAttributes): NodeVerdict } {
  function related(node: string, kind: string, namespace: string, name: string): boolean {
    // Volumes are the cluster's; everything else is used by pods of its own namespace.
    const scope = kind === 'persistentvolumes' ? undefined : namespace;
    for (const pod of podsOnNode(node, scope)) {
      if (scope !== undefined && pod.metadata.namespace !== scope) continue;
      if (podReferences(pod as unknown as Pod, lookup, kind).has(name)) return true;
    }
    return false;
  }
  return {
    authorize(node, asked) {
      if (!asked.isResource) return undefined;
      const { verb, resource, namespace, name, subresource } = asked;
      const key = asked.group ? `${resource}.${asked.group}` : resource;
      switch (key) {
        case 'secrets':
        case 'configmaps':
          if (!readVerbs.has(verb)) return undefined;
          if (verb !== 'get' && !name) return `No Object name found`;
          return related(node, resource, namespace, name) || noRelation(node);
        case 'persistentvolumeclaims':
        case 'persistentvolumes':
          if (verb === 'get' && subresource === '')
            return related(node, resource, namespace, name) || noRelation(node);
          return undefined;
        case 'resourceclaims.resource.k8s.io':
          if (verb === 'get') return related(node, resource, namespace, name) || noRelation(node);
          return undefined;
        case 'serviceaccounts':
          if (subresource === 'token' && verb === 'create')
            return related(node, resource, namespace, name) || noRelation(node);
          if (verb === 'get' && subresource === '')
            return related(node, resource, namespace, name) || noRelation(node);
          return undefined;
        case 'leases.coordination.k8s.io':
          if (namespace !== 'kube-node-lease')
            return `can only access leases in the "kube-node-lease" system namespace`;
          if (verb === 'create') return true;
          if (['get', 'update', 'patch', 'delete'].includes(verb))
            return name === node || `can only access node lease with the same name as the requesting node`;
          return undefined;
        case 'csinodes.storage.k8s.io':
          if (verb === 'create') return true;
          if (['get', 'update', 'patch', 'delete'].includes(verb))
            return name === node || `can only access CSINode with the same name as the requesting node`;
          return undefined;
        case 'resourceslices.resource.k8s.io':
          return ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'].includes(
            verb,
          )
            ? true
            : undefined;
        case 'nodes':
          if (verb === 'get' && subresource === '' && name !== node)
            return `node '${node}' cannot read '${name}', only its own Node object`;
          return undefined;
        case 'pods':
          if (verb === 'get' && subresource === '') {
            const pod = lookup.get('', 'pods', namespace, name) as Pod | undefined;
            return !pod || pod.spec?.nodeName === node ? undefined : noRelation(node);
          }
          return undefined;
        default:
          return undefined;
      }
    },
  };
}
