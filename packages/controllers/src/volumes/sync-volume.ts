/** What is to be done about one volume. Pure. */
import { boundByControllerAnnotation } from '@coracle/machinery';
import type { PersistentVolume, PersistentVolumeClaim } from '@coracle/machinery/api';

export const provisionedByAnnotation = 'pv.kubernetes.io/provisioned-by';

export type VolumeAction =
  | { readonly action: 'phase'; readonly phase: 'Available' | 'Bound' }
  /** Its claim is gone. `next`: what its policy asks for. */
  | { readonly action: 'release'; readonly next: 'retain' | 'wait' | 'fail'; readonly message: string }
  /** Its claim has another volume: give it up; `whole`: for any claim, else still for that name. */
  | { readonly action: 'unbind'; readonly whole: boolean }
  /** The claim has to be looked at. */
  | { readonly action: 'claim' };

/** `claim`: what `claimRef` names, whatever its uid. */
export function syncVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeAction {
  const ref = volume.spec?.claimRef;
  if (!ref) return { action: 'phase', phase: 'Available' };
  // Kept for a claim that has not been bound yet: that is the claim's to do.
  if (!ref.uid) return claim ? { action: 'claim' } : { action: 'phase', phase: 'Available' };
  if (!claim || claim.metadata.uid !== ref.uid) return release(volume);
  if (!claim.spec?.volumeName) return { action: 'claim' };
  if (claim.spec.volumeName === volume.metadata.name) return { action: 'phase', phase: 'Bound' };
  const { annotations = {} } = volume.metadata;
  const made = annotations[provisionedByAnnotation] !== undefined;
  if (made && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') return release(volume);
  return { action: 'unbind', whole: annotations[boundByControllerAnnotation] !== undefined };
}

function release({ metadata, spec }: PersistentVolume): VolumeAction {
  const policy = spec?.persistentVolumeReclaimPolicy ?? 'Retain';
  if (policy === 'Retain') return { action: 'release', next: 'retain', message: '' };
  if (policy === 'Recycle') {
    return { action: 'release', next: 'fail', message: 'No recycler plugin found for the volume!' };
  }
  // Whoever made it deletes it.
  if (metadata.annotations?.[provisionedByAnnotation] !== undefined) {
    return { action: 'release', next: 'wait', message: '' };
  }
  const message = `error getting deleter volume plugin for volume "${metadata.name}": no deletable volume plugin matched`;
  return { action: 'release', next: 'fail', message };
}
