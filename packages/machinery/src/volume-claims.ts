/**
 * What claims and volumes say about themselves (component-helpers/storage/volume's rules): for the scheduler, which chooses
 * volumes with nodes, and for the volume controller, which binds them.
 */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from './api/index.ts';
import { selectorFrom } from './labels.ts';
import { parseQuantity } from './quantity.ts';

export const bindCompletedAnnotation = 'pv.kubernetes.io/bind-completed';
export const boundByControllerAnnotation = 'pv.kubernetes.io/bound-by-controller';
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node';
const oldClass = 'volume.beta.kubernetes.io/storage-class';
/** What provisions nothing: classes of volumes made by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

/** The class a claim asks for; '': none. */
export function storageClassOfClaim({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[oldClass] ?? spec?.storageClassName ?? '';
}

export function storageClassOfVolume({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[oldClass] ?? spec?.storageClassName ?? '';
}

/** Bound from both sides, and known to be. */
export function isClaimBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return !!spec?.volumeName && metadata.annotations?.[bindCompletedAnnotation] !== undefined;
}

/** The volume waits for the first pod that uses the claim. Undefined: the class does not say. */
export function isBindingDelayed(storageClass: StorageClass | undefined): boolean | undefined {
  if (!storageClass) return false;
  const mode = storageClass.volumeBindingMode;
  return mode === undefined ? undefined : mode === 'WaitForFirstConsumer';
}

/** True if the volume's claimRef names this claim. */
export function isVolumeFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const ref = spec?.claimRef;
  if (!ref || ref.name !== metadata.name || ref.namespace !== metadata.namespace) return false;
  return !ref.uid || ref.uid === metadata.uid;
}

/** Bytes; 0 if none are named. */
export function storageOf(quantities: Readonly<Record<string, string>> | undefined): number {
  const storage = quantities?.['storage'];
  return storage === undefined ? 0 : parseQuantity(storage).value();
}

/**
 * True if the claim could have the volume, were it on the right node: large enough, of its mode, class, labels and access
 * modes, free or kept for it.
 */
export function volumeSuits(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const bound = isVolumeFor(volume, claim);
  if (volume.spec?.claimRef && !bound) return false;
  if (storageOf(volume.spec?.capacity) < storageOf(claim.spec?.resources?.requests)) return false;
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
  if (storageClassOfVolume(volume) !== storageClassOfClaim(claim)) return false;
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));
}
