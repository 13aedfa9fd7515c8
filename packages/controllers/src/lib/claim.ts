/** Which objects belong to an owner: those it controls whose labels match, and orphans that match, which it adopts. */
import { apiVersionOf, controllerOf } from '@coracle/machinery';
import type { KubeObject, OwnerReference, ResourceType, Selector } from '@coracle/machinery';

export interface Claims<T> {
  owned: T[];
  /** Match, and nobody controls them. */
  adopt: T[];
  /** Controlled, but do not match any more. */
  release: T[];
}

/** `selector` undefined: what the owner controls is its own, and it adopts nothing. */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  selector: Selector | undefined,
  candidates: readonly T[],
): Claims<T> {
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  const claims: Claims<T> = { owned: [], adopt: [], release: [] };
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = selector?.matches(object.metadata.labels);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches !== false || deleting) claims.owned.push(object);
      else claims.release.push(object);
    } else if (matches && !deleting && object.metadata.deletionTimestamp === undefined) {
      claims.adopt.push(object);
    }
  }
  return claims;
}

export function controllerReference(type: ResourceType, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Does the reference name an object of this group and kind, in whatever version? */
export function isOfType({ apiVersion, kind }: OwnerReference, type: ResourceType): boolean {
  const slash = apiVersion.lastIndexOf('/');
  return kind === type.kind && (slash === -1 ? '' : apiVersion.slice(0, slash)) === type.group;
}

/** For an index by owner: the uid of the object's controller if that is of this type. */
export function controllerUid(object: KubeObject, type: ResourceType): string[] {
  const owner = controllerOf(object);
  return owner && isOfType(owner, type) ? [owner.uid] : [];
}

/** Metadata changes of an adoption; undefined: it cannot be adopted (any more). */
export function adoption(
  reference: OwnerReference,
  object: KubeObject,
  finalizer?: string,
): Record<string, unknown> | undefined {
  if (controllerOf(object) || object.metadata.deletionTimestamp !== undefined) return undefined;
  const { finalizers = [], ownerReferences = [] } = object.metadata;
  return {
    ownerReferences: [...ownerReferences, reference],
    ...(finalizer && !finalizers.includes(finalizer) ? { finalizers: [...finalizers, finalizer] } : {}),
  };
}

/** Metadata changes that let an object go. */
export function letGo(ownerUid: string, object: KubeObject, finalizer?: string): Record<string, unknown> {
  const { finalizers = [], ownerReferences = [] } = object.metadata;
  return {
    ownerReferences: ownerReferences.filter((ref) => ref.uid !== ownerUid),
    ...(finalizer ? { finalizers: finalizers.filter((other) => other !== finalizer) } : {}),
  };
}
