/** Which claims a pod uses. */
import type { Pod, PodGroup, PodResourceClaim, ResourceClaim } from '@coracle/machinery/api';
import type { ClaimLedger } from './ledger.ts';

export interface UsedClaim {
  /** `namespace/name`. */
  readonly key: string;
  readonly claim: ResourceClaim;
  /** Set if the claim belongs to the pod's group: it is reserved for the group, not for the pod. */
  readonly group: PodGroup | undefined;
}

/** In kube-scheduler's words. */
export interface Missing {
  readonly problem: string;
  /** The claim that is waited for, if its name is known. */
  readonly key: string | undefined;
}

/** The pod's claims; or why it cannot be tried yet. */
export function claimsOf(
  pod: Pod,
  ledger: ClaimLedger,
  group: PodGroup | undefined,
): readonly UsedClaim[] | Missing {
  const wanted = pod.spec?.resourceClaims;
  if (!wanted || wanted.length === 0) return none;
  const { namespace = '', name: podName } = pod.metadata;
  const result: UsedClaim[] = [];
  for (const entry of wanted) {
    const named = claimName(pod, entry);
    if (named === undefined) {
      return { problem: `pod "${namespace}/${podName}": ResourceClaim not created yet`, key: undefined };
    }
    // The controller found that none is needed.
    if (named === '') continue;
    const key = `${namespace}/${named}`;
    const claim = ledger.claim(key);
    if (!claim) return { problem: `could not find ResourceClaim "${key}"`, key };
    if (claim.metadata.deletionTimestamp) {
      return { problem: `resourceclaim "${named}" is being deleted`, key };
    }
    const shared = group && sharedBy(group, entry) ? group : undefined;
    const owner = shared ? shared.metadata.uid : pod.metadata.uid;
    if (entry.resourceClaimTemplateName && !isControlledBy(claim, owner)) {
      const problem = `ResourceClaim ${key} was not created for pod ${namespace}/${podName} (pod is not owner)`;
      return { problem, key };
    }
    if (!result.some((used) => used.key === key)) result.push({ key, claim, group: shared });
  }
  return result;
}

const none: readonly UsedClaim[] = [];

/** Undefined: not created yet. '': none is needed. */
function claimName(pod: Pod, { name, resourceClaimName }: PodResourceClaim): string | undefined {
  if (resourceClaimName) return resourceClaimName;
  const status = pod.status?.resourceClaimStatuses?.find((s) => s.name === name);
  return status && (status.resourceClaimName ?? '');
}

/** True if the group has this very claim for all its pods. */
function sharedBy(group: PodGroup, entry: PodResourceClaim): boolean {
  return (group.spec.resourceClaims ?? []).some(
    (own) =>
      own.name === entry.name &&
      own.resourceClaimName === entry.resourceClaimName &&
      own.resourceClaimTemplateName === entry.resourceClaimTemplateName,
  );
}

function isControlledBy({ metadata }: ResourceClaim, uid: string | undefined): boolean {
  return (metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid);
}
