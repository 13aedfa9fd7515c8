/** A node agent writes only what belongs to its node. */
import type { Pod, Taint } from '@coracle/machinery/api';
import { nodeNameOf } from '../auth/node-authorizer.ts';
import { same } from '../strategy/fields.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import { type AdmissionDeps, annotation, nameOf, refuse } from './common.ts';

const quote = (text: string): string => JSON.stringify(text);

const nodeOf = (pod: Pod | undefined): string => pod?.spec?.nodeName ?? '';
const taints = (object: AdmissionRequest['object']): Taint[] | undefined =>
  (object?.['spec'] as { taints?: Taint[] } | undefined)?.taints;

function nodeRules(request: AdmissionRequest, node: string): void {
  const name = nameOf(request);
  if (name !== node)
    throw refuse(request, `node ${quote(node)} is not allowed to modify node ${quote(name)}`);
  if (request.operation !== 'UPDATE' || request.subresource !== '') return;
  if (!same(taints(request.object), taints(request.oldObject)))
    throw refuse(request, `node ${quote(node)} is not allowed to modify taints`);
  const labels = { ...request.oldObject?.metadata.labels, ...request.object?.metadata.labels };
  const changed = Object.keys(labels).filter(
    (key) =>
      request.object?.metadata.labels?.[key] !== request.oldObject?.metadata.labels?.[key] &&
      key.split('/')[0]?.endsWith('node-restriction.kubernetes.io'),
  );
  if (changed.length > 0)
    throw refuse(request, `is not allowed to modify labels: ${changed.toSorted().join(', ')}`);
}

export function nodeRestriction({ lookup }: AdmissionDeps): AdmissionPlugin {
  function podRules(request: AdmissionRequest, node: string): void {
    const existing = (request.oldObject ?? lookup.get('', 'pods', request.namespace, request.name)) as
      | Pod
      | undefined;
    if (request.subresource === '') {
      if (request.operation === 'CREATE') {
        const pod = request.object as unknown as Pod;
        if (annotation(request.object, 'kubernetes.io/config.mirror') === undefined)
          throw refuse(
            request,
            `pod does not have "kubernetes.io/config.mirror" annotation, node ${quote(node)} can only create mirror pods`,
          );
        if (nodeOf(pod) !== node)
          throw refuse(request, `node ${quote(node)} can only create pods with spec.nodeName set to itself`);
      } else if (request.operation === 'DELETE') {
        if (existing && nodeOf(existing) !== node)
          throw refuse(request, `node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
      } else
        throw refuse(
          request,
          `unexpected operation ${quote(request.operation)}, node ${quote(node)} can only create and delete mirror pods`,
        );
      return;
    }
    if (request.subresource === 'status') {
      if (nodeOf(existing) !== node)
        throw refuse(
          request,
          `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`,
        );
      if (request.object && !same(request.object.metadata.labels, request.oldObject?.metadata.labels))
        throw refuse(request, `node ${quote(node)} cannot update labels through pod status`);
      return;
    }
    if (request.subresource === 'eviction') {
      if (existing && nodeOf(existing) !== node)
        throw refuse(request, `node ${quote(node)} can only evict pods with spec.nodeName set to itself`);
      return;
    }
    throw refuse(
      request,
      `unexpected pod subresource ${quote(request.subresource)}, only 'status' and 'eviction' are allowed`,
    );
  }

  return {
    name: 'NodeRestriction',
    validate(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      const key = request.group ? `${request.resource}.${request.group}` : request.resource;
      if (key === 'pods') podRules(request, node);
      else if (key === 'nodes') nodeRules(request, node);
      else if (key === 'leases.coordination.k8s.io') {
        if (request.namespace !== 'kube-node-lease')
          throw refuse(request, `can only access leases in the "kube-node-lease" system namespace`);
        if (nameOf(request) !== node)
          throw refuse(request, `can only access node lease with the same name as the requesting node`);
      } else if (key === 'csinodes.storage.k8s.io' && nameOf(request) !== node)
        throw refuse(request, `can only access CSINode with the same name as the requesting node`);
      else if (key === 'serviceaccounts' && request.subresource === 'token') {
        const bound = (
          request.object?.['spec'] as
            | { boundObjectRef?: { kind?: string; name?: string; uid?: string } }
            | undefined
        )?.boundObjectRef;
        if (bound?.kind !== 'Pod' || !bound.name)
          throw refuse(request, `node requested token not bound to a pod`);
        const pod = lookup.get('', 'pods', request.namespace, bound.name) as Pod | undefined;
        if (pod?.spec?.nodeName !== node)
          throw refuse(request, `node requested token bound to a pod scheduled on a different node`);
        if (bound.uid && bound.uid !== pod.metadata.uid)
          throw refuse(
            request,
            `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
          );
      }
    },
  };
}
