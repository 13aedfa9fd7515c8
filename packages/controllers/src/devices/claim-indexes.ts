/** Indexes over pods, groups and claims that the resource claim controller walks along. */
import type { Pod, PodGroup, ResourceClaim } from '@coracle/machinery/api';
import type { Informer } from '@coracle/operator';
import { claimNameOf, ownerOf } from './generated-claims.ts';

/** Pods by `namespace/name` of the claims they use. */
export const byClaim = 'devices/claim';
/** Pods and groups by `namespace/name` of the templates they use. */
export const byTemplate = 'devices/template';
/** Pods with claims by `namespace/name` of their group. */
export const byGroup = 'devices/group';
/** Claims by uid of what they were made for. */
export const byOwner = 'devices/owner';

const inNamespaceOf = ({ metadata }: Pod | PodGroup, name: string): string =>
  `${metadata.namespace ?? ''}/${name}`;
/** Asked at every change of every pod, and most have no claims. */
const none: readonly string[] = Object.freeze([]);
const templatesOf = (consumer: Pod | PodGroup): readonly string[] =>
  consumer.spec?.resourceClaims?.flatMap(({ resourceClaimTemplateName }) =>
    resourceClaimTemplateName ? [inNamespaceOf(consumer, resourceClaimTemplateName)] : [],
  ) ?? none;

/** The key of the pod's group, if it has claims that the group may share. */
export function groupKeyOf(pod: Pod): string | undefined {
  const name = pod.spec?.schedulingGroup?.podGroupName;
  return name && pod.spec?.resourceClaims?.length ? inNamespaceOf(pod, name) : undefined;
}

/** The keys of the claims that the pod uses, as far as they are known. */
export function claimKeysOf(pod: Pod): readonly string[] {
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  if (pod.spec?.resourceClaims === undefined && extended === undefined) return none;
  const names = (pod.spec?.resourceClaims ?? []).map((entry) => claimNameOf(pod, entry));
  return [...names, extended].flatMap((name) => (name ? [inNamespaceOf(pod, name)] : []));
}

const made = new WeakSet<object>();
/** The index of pods by claim, made once for an informer: two controllers read it. */
export function ensureClaimIndex(pods: Informer<Pod>): void {
  if (made.has(pods)) return;
  made.add(pods);
  pods.addIndex(byClaim, claimKeysOf);
}

export function addClaimIndexes(
  pods: Informer<Pod>,
  groups: Informer<PodGroup>,
  claims: Informer<ResourceClaim>,
): void {
  ensureClaimIndex(pods);
  pods.addIndex(byTemplate, templatesOf);
  pods.addIndex(byGroup, (pod) => {
    const key = groupKeyOf(pod);
    return key === undefined ? none : [key];
  });
  groups.addIndex(byTemplate, templatesOf);
  claims.addIndex(byOwner, (claim) => {
    const owner = ownerOf(claim);
    return owner ? [owner.uid] : [];
  });
}
