/** What claims and volumes say about themselves (component-helpers/storage/volume's rules). */
import { parseQuantity, selectorFrom } from '@coracle/machinery';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@coracle/machinery/api';

export const bindCompleted = 'pv.kubernetes.io/bind-completed';
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
export const selectedNode = 'volume.kubernetes.io/selected-node';
const oldClass = 'volume.beta.kubernetes.io/storage-class';
/** What provisions nothing: classes of volumes made by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

/** The class a claim asks for; '': none. */
export function classOfClaim({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[oldClass] ?? spec?.storageClassName ?? '';
}

export function classOfVolume({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[oldClass] ?? spec?.storageClassName ?? '';
}

/** Bound from both sides, and known to be. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return !!spec?.volumeName && metadata.annotations?.[bindCompleted] !== undefined;
}

/** The volume waits for the first pod that uses the claim. Undefined: the class does not say. */
export function isDelayed(storageClass: StorageClass | undefined): boolean | undefined {
  if (!storageClass) return false;
  const mode = storageClass.volumeBindingMode;
  return mode === undefined ? undefined : mode === 'WaitForFirstConsumer';
}

/** True if the volume's claimRef names this claim. */
export function isBoundTo({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const ref = spec?.claimRef;
  if (!ref || ref.name !== metadata.name || ref.namespace !== metadata.namespace) return false;
  return !ref.uid || ref.uid === metadata.uid;
}

/** Bytes; 0 if none are named. */
export function sizeOf(quantities: Readonly<Record<string, string>> | undefined): number {
  const storage = quantities?.['storage'];
  return storage === undefined ? 0 : parseQuantity(storage).value();
}

/**
 * True if the claim could have the volume, were it on the right node: large enough, of its mode, class, labels and access
 * modes, free or kept for it.
 */
export function mayHave(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const bound = isBoundTo(volume, claim);
  if (volume.spec?.claimRef && !bound) return false;
  if (sizeOf(volume.spec?.capacity) < sizeOf(claim.spec?.resources?.requests)) return false;
  if ((claim.spec?.volumeMode ?? 'Filesystem') !== (volume.spec?.volumeMode ?? 'Filesystem')) return false;
  const attributes = (of: string | undefined): string => of ?? '';
  if (
    attributes(claim.spec?.volumeAttributesClassName) !== attributes(volume.spec?.volumeAttributesClassName)
  ) {
    return false;
  }
  if (volume.metadata.deletionTimestamp !== undefined) return false;
  if (bound) return true;
  if (volume.status?.phase !== 'Available') return false;
  if (claim.spec?.selector && !selectorFrom(claim.spec.selector).matches(volume.metadata.labels))
    return false;
  if (classOfVolume(volume) !== classOfClaim(claim)) return false;
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));
}
