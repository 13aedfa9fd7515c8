/** What several admission plugins need. */
import { type ApiError, errors, type Unstructured } from '@coracle/machinery';
import type { Container, Pod } from '@coracle/machinery/api';
import type { RbacAuthorizer } from '../auth/authorizer.ts';
import type { AdmissionRequest, Authorizer, Lookup } from '../contracts.ts';

export interface AdmissionDeps {
  lookup: Lookup;
  /** For checks of further rights; with RBAC's own (createAuthorizer) also for preventing escalation. */
  authorizer: Authorizer | RbacAuthorizer;
  now: () => Date;
  /** [0, 1), for names of volumes; default Math.random. */
  random?: () => number;
  /** Warnings to the caller (`Warning` headers), such as PodSecurity's warn mode. */
  warn?: (request: AdmissionRequest, message: string) => void;
  /** Mark claims and volumes as in use by finalizers. Off unless controllers that remove these run. */
  storageProtection?: boolean;
  /** A controller takes the finalizers of pod groups away again. */
  podGroupProtection?: boolean;
  /** Owner references with blockOwnerDeletion need the right to change the owner's finalizers. Off by default, as upstream. */
  ownerReferences?: boolean;
}

/** Is this about the resource itself (no subresource), of this group? */
export const about = (request: AdmissionRequest, group: string, resource: string): boolean =>
  request.group === group && request.resource === resource && request.subresource === '';

/** The pod of a request that creates one; undefined for all others. */
export function createdPod(request: AdmissionRequest): Pod | undefined {
  if (request.operation !== 'CREATE' || !about(request, '', 'pods')) return undefined;
  const pod = request.object as unknown as Pod | undefined;
  return pod?.spec && typeof pod.spec === 'object' ? pod : undefined;
}

/** Containers and init containers; robust against specs that the schema will refuse. */
export function containersOf(pod: Pod): Container[] {
  const found: Container[] = [];
  for (const list of [pod.spec?.initContainers, pod.spec?.containers] as unknown[])
    if (Array.isArray(list))
      for (const item of list as unknown[])
        if (typeof item === 'object' && item !== null) found.push(item as Container);
  return found;
}

/** `pods "x" is forbidden: ...` */
export const refuse = (request: AdmissionRequest, why: string): ApiError =>
  errors.forbidden(request, nameOf(request), why);

export const nameOf = (request: AdmissionRequest): string =>
  request.name || request.object?.metadata?.name || '';

export const annotation = (object: Unstructured | undefined, key: string): string | undefined =>
  object?.metadata.annotations?.[key];
