/** Claims that are made from templates, for pods and for groups of pods: whose they are, and how they are named. */
import type { KubeObject } from '@coracle/machinery';
import type {
  Pod,
  PodGroup,
  PodResourceClaim,
  ResourceClaim,
  ResourceClaimTemplate,
} from '@coracle/machinery/api';

/** On a generated claim: the entry of `spec.resourceClaims` it was made for. Only this controller reads it. */
export const claimNameAnnotation = 'resource.kubernetes.io/pod-claim-name';
/** Keeps an allocated claim from going away under its users. */
export const protectionFinalizer = 'resource.kubernetes.io/delete-protection';

/** The claim an entry of a pod stands for: undefined if it has none yet, '' if it needs none. */
export function claimNameOf(pod: Pod, { name, resourceClaimName }: PodResourceClaim): string | undefined {
  if (resourceClaimName) return resourceClaimName;
  const status = pod.status?.resourceClaimStatuses?.find((entry) => entry.name === name);
  return status && (status.resourceClaimName ?? '');
}

/** Whether all pods of the group share this claim. */
export function isShared(group: PodGroup | undefined, entry: PodResourceClaim): boolean {
  return (group?.spec.resourceClaims ?? []).some(
    (own) =>
      own.name === entry.name &&
      own.resourceClaimName === entry.resourceClaimName &&
      own.resourceClaimTemplateName === entry.resourceClaimTemplateName,
  );
}

/** The uid of the pod or group that a claim was made for; undefined for claims of users. */
export function ownerOf(claim: ResourceClaim): { kind: string; name: string; uid: string } | undefined {
  return claim.metadata.ownerReferences?.find(
    ({ controller, kind, apiVersion }) =>
      controller === true &&
      ((kind === 'Pod' && apiVersion === 'v1') ||
        (kind === 'PodGroup' && apiVersion.startsWith('scheduling.k8s.io/'))),
  );
}

/** No container of it runs, and none will. */
export const isDone = (pod: Pod): boolean =>
  pod.status?.phase === 'Succeeded' ||
  pod.status?.phase === 'Failed' ||
  (pod.metadata.deletionTimestamp !== undefined && !pod.spec?.nodeName);

/** Room for five random characters in a name of 63. */
const maxBase = 57;

/** What the server completes to a name: both parts are cut in proportion where they are too long together. */
export function generatedName(owner: string, entry: string): string {
  const whole = `${owner}-${entry}-`;
  if (whole.length <= maxBase) return whole;
  const cut = (part: string): string => part.slice(0, Math.floor((part.length * maxBase) / whole.length));
  return `${cut(owner)}-${cut(entry)}`;
}

/** The claim to create for an entry of a pod or group. */
export function claimFrom(
  template: ResourceClaimTemplate,
  owner: KubeObject,
  entry: string,
): Pick<ResourceClaim, 'spec'> & { metadata: object } {
  const { labels, annotations } = template.spec.metadata ?? {};
  const { name, uid } = owner.metadata;
  return {
    metadata: {
      generateName: generatedName(name, entry),
      annotations: { ...annotations, [claimNameAnnotation]: entry },
      ...(labels ? { labels } : {}),
      ownerReferences: [
        {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: template.spec.spec,
  };
}
