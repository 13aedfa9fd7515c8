import { apiVersionOf, type KubeObject, type OwnerReference, type ResourceType } from '@coracle/machinery';

/** The controller reference that makes `owner` the one who manages, and takes along, an object. */
export function ownedBy(type: ResourceType, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
