/** Which pods belong to a Job: those it controls whose labels match, and orphans that match, which it adopts. */
import { controllerOf, selectorFrom } from '@coracle/machinery';
import type { OwnerReference } from '@coracle/machinery';
import type { Job, Pod } from '@coracle/machinery/api';
import { trackingFinalizer } from './constants.ts';
import { jobOwnerReference } from './template.ts';

export interface Claims {
  owned: Pod[];
  /** Match, and nobody controls them. */
  adopt: Pod[];
  /** Controlled, but do not match any more. */
  release: Pod[];
}

export function claimPods(job: Job, candidates: readonly Pod[]): Claims {
  const selector = selectorFrom(job.spec?.selector);
  const deleting = job.metadata.deletionTimestamp !== undefined;
  const claims: Claims = { owned: [], adopt: [], release: [] };
  for (const pod of candidates) {
    const controller = controllerOf(pod);
    const matches = selector.matches(pod.metadata.labels);
    if (controller) {
      if (controller.uid !== job.metadata.uid) continue;
      if (matches || deleting) claims.owned.push(pod);
      else claims.release.push(pod);
    } else if (matches && !deleting && pod.metadata.deletionTimestamp === undefined) {
      claims.adopt.push(pod);
    }
  }
  return claims;
}

/** Metadata changes of an adoption. */
export function adoption(job: Job, pod: Pod): Record<string, unknown> {
  const finalizers = pod.metadata.finalizers ?? [];
  const references: OwnerReference[] = pod.metadata.ownerReferences ?? [];
  return {
    ownerReferences: [...references, jobOwnerReference(job)],
    finalizers: finalizers.includes(trackingFinalizer) ? finalizers : [...finalizers, trackingFinalizer],
  };
}

/** Metadata changes that let a pod go. */
export function letGo(job: Job, pod: Pod): Record<string, unknown> {
  return {
    ownerReferences: (pod.metadata.ownerReferences ?? []).filter((ref) => ref.uid !== job.metadata.uid),
    finalizers: (pod.metadata.finalizers ?? []).filter((finalizer) => finalizer !== trackingFinalizer),
  };
}
