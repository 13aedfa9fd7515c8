/** What is to be done about one claim, from what is known of it, its class and the volumes. Pure. */
import {
  bindCompletedAnnotation,
  boundByControllerAnnotation,
  isBindingDelayed,
  isVolumeFor,
  noProvisioner,
  selectedNodeAnnotation,
  storageClassOfClaim,
  storageClassOfVolume,
  storageOf,
  volumeSuits,
} from '@coracle/machinery';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@coracle/machinery/api';

export interface Note {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}
export type ClaimAction =
  | { readonly action: 'bind'; readonly volume: PersistentVolume }
  /** `provisioner`: who is asked to make a volume. */
  | { readonly action: 'wait'; readonly note?: Note; readonly provisioner?: string }
  | { readonly action: 'lost'; readonly note: Note };

export interface ClaimView {
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  /** Volumes that the claim might have: of its class, or naming it. */
  candidates(claim: PersistentVolumeClaim): Iterable<PersistentVolume>;
}

const warning = (reason: string, message: string): Note => ({ type: 'Warning', reason, message });
const normal = (reason: string, message: string): Note => ({ type: 'Normal', reason, message });

export function syncClaim(claim: PersistentVolumeClaim, view: ClaimView): ClaimAction {
  if (claim.metadata.annotations?.[bindCompletedAnnotation] !== undefined) return syncBound(claim, view);
  const { volumeName } = claim.spec ?? {};
  return volumeName ? syncNamed(claim, view.volume(volumeName)) : syncOpen(claim, view);
}

/** Bound before: still so, or lost. */
function syncBound(claim: PersistentVolumeClaim, view: ClaimView): ClaimAction {
  const { volumeName } = claim.spec ?? {};
  const lost = (reason: string, message: string): ClaimAction => ({
    action: 'lost',
    note: warning(reason, message),
  });
  if (!volumeName) {
    return lost(
      'ClaimLost',
      'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
    );
  }
  const volume = view.volume(volumeName);
  if (!volume)
    return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const ref = volume.spec?.claimRef;
  if (!ref || ref.uid === claim.metadata.uid) return { action: 'bind', volume };
  return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}

/** The user named a volume. */
function syncNamed(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimAction {
  if (!volume) return { action: 'wait' };
  const ref = volume.spec?.claimRef;
  if (!ref) {
    const problem = mismatch(claim, volume);
    if (!problem) return { action: 'bind', volume };
    const message = `Cannot bind to requested volume "${volume.metadata.name}": ${problem}`;
    return { action: 'wait', note: warning('VolumeMismatch', message) };
  }
  if (isVolumeFor(volume, claim)) return { action: 'bind', volume };
  const message = `volume "${volume.metadata.name}" already bound to a different claim.`;
  return { action: 'wait', note: warning('FailedBinding', message) };
}

function mismatch(claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
  if (storageOf(volume.spec?.capacity) < storageOf(claim.spec?.resources?.requests)) {
    return 'requested PV is too small';
  }
  if (storageClassOfVolume(volume) !== storageClassOfClaim(claim)) return 'storageClassName does not match';
  if ((claim.spec?.volumeMode ?? 'Filesystem') !== (volume.spec?.volumeMode ?? 'Filesystem')) {
    return 'incompatible volumeMode';
  }
  const modes = volume.spec?.accessModes ?? [];
  const suits = claim.spec?.accessModes?.every((mode) => modes.includes(mode)) ?? true;
  return suits ? undefined : 'incompatible accessMode';
}

function syncOpen(claim: PersistentVolumeClaim, view: ClaimView): ClaimAction {
  const className = storageClassOfClaim(claim);
  const storageClass = view.storageClass(className);
  const delayed = isBindingDelayed(storageClass) ?? false;
  let best: PersistentVolume | undefined;
  for (const volume of view.candidates(claim)) {
    if (!volumeSuits(claim, volume)) continue;
    if (isVolumeFor(volume, claim)) return { action: 'bind', volume };
    // Which one, the scheduler says.
    if (delayed) continue;
    if (!best || storageOf(volume.spec?.capacity) < storageOf(best.spec?.capacity)) best = volume;
  }
  if (best) return { action: 'bind', volume: best };
  if (delayed && claim.metadata.annotations?.[selectedNodeAnnotation] === undefined) {
    const message = 'waiting for first consumer to be created before binding';
    return { action: 'wait', note: normal('WaitForFirstConsumer', message) };
  }
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { action: 'wait', note: normal('FailedBinding', message) };
  }
  if (!storageClass) {
    const message = `storageclass.storage.k8s.io "${className}" not found`;
    return { action: 'wait', note: warning('ProvisioningFailed', message) };
  }
  const { provisioner } = storageClass;
  if (provisioner === noProvisioner) return { action: 'wait' };
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the ` +
    'system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
  return { action: 'wait', provisioner, note: normal('ExternalProvisioning', message) };
}

/** The claim's side of a binding, besides its status. */
export function boundClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): object | undefined {
  const annotations: Record<string, string> = {};
  const named = claim.spec?.volumeName === volume.metadata.name;
  const before = claim.metadata.annotations ?? {};
  if (!named && before[boundByControllerAnnotation] === undefined)
    annotations[boundByControllerAnnotation] = 'yes';
  if (before[bindCompletedAnnotation] === undefined) annotations[bindCompletedAnnotation] = 'yes';
  if (named && Object.keys(annotations).length === 0) return undefined;
  return { metadata: { annotations }, spec: { volumeName: volume.metadata.name } };
}
