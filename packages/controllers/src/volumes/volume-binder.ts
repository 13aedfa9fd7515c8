/**
 * The persistent volume controller: binds claims to volumes, from both sides, and says what state they are in; volumes whose
 * claim is gone are released. Which volume a claim gets that waits for its first consumer, the scheduler says, by the
 * volume's claimRef; volumes are made by provisioners.
 *
 * One worker: two decisions at a time could give one volume to two claims. Every write carries the revision it was decided
 * on, so that one made on an old state fails and is decided anew.
 */
import {
  boundByControllerAnnotation,
  isReason,
  keyOf,
  storageClassOfClaim,
  storageClassOfVolume,
} from '@coracle/machinery';
import { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { boundClaim, syncClaim, type ClaimView, type Note } from './sync-claim.ts';
import { syncVolume } from './sync-volume.ts';

const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
const oldStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';

export function persistentVolumeBinder(deps: ComponentDeps): Component {
  const { client, informers, recorder } = deps;
  const claims = informers.informer(PersistentVolumeClaim);
  const volumes = informers.informer(PersistentVolume);
  const classes = informers.informer(StorageClass);
  /** Last note told of each claim, by uid: each is told once. */
  const told = new Map<string, string>();

  const view: ClaimView = {
    volume: (name) => volumes.get(name),
    storageClass: (name) => classes.get(name),
    candidates: () => volumes.list(),
  };

  const tell = (claim: PersistentVolumeClaim, note: Note | undefined): void => {
    const text = note ? `${note.reason} ${note.message}` : '';
    if (!note || told.get(claim.metadata.uid) === text) return;
    told.set(claim.metadata.uid, text);
    recorder.event(claim, note.type, note.reason, note.message);
  };

  const controller = createController(deps, {
    name: 'persistent-volume-binder',
    workers: 1,
    waitFor: [claims, volumes, classes],
    async reconcile(key) {
      try {
        if (key.startsWith('volume ')) {
          const volume = volumes.get(key.slice('volume '.length));
          if (volume) await lookAtVolume(volume);
        } else {
          const claim = claims.byKey(key.slice('claim '.length));
          if (claim) await lookAtClaim(claim);
        }
      } catch (error) {
        // Written by somebody else since: its event, or this retry, looks again.
        if (isReason(error, 'NotFound')) return undefined;
        if (isReason(error, 'Conflict')) return { requeueAfterMs: 20 };
        throw error;
      }
      return undefined;
    },
  });

  async function lookAtClaim(claim: PersistentVolumeClaim): Promise<void> {
    const decision = syncClaim(claim, view);
    switch (decision.action) {
      case 'bind':
        return bind(decision.volume, claim);
      case 'lost': {
        if (claim.status?.phase === 'Lost') return;
        const { accessModes: _modes, capacity: _capacity, ...status } = claim.status ?? {};
        await patchStatus(client, PersistentVolumeClaim, claim, { ...status, phase: 'Lost' });
        tell(claim, decision.note);
        return;
      }
      case 'wait': {
        if (
          decision.provisioner &&
          claim.metadata.annotations?.[storageProvisioner] !== decision.provisioner
        ) {
          const { name, namespace, resourceVersion } = claim.metadata;
          const annotations = {
            [storageProvisioner]: decision.provisioner,
            [oldStorageProvisioner]: decision.provisioner,
          };
          const patch = { metadata: { resourceVersion, annotations } };
          claim = await client.patch(PersistentVolumeClaim, name, 'merge', patch, { namespace });
        }
        if (claim.status?.phase !== 'Pending') {
          await patchStatus(client, PersistentVolumeClaim, claim, { ...claim.status, phase: 'Pending' });
        }
        tell(claim, decision.note);
      }
    }
  }

  async function bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const bound = await setPhase(await bindVolume(volume, claim), 'Bound');
    const change = boundClaim(claim, bound);
    let after = claim;
    if (change) {
      const { name, namespace, resourceVersion } = claim.metadata;
      const { metadata, ...rest } = change as { metadata: object };
      const patch = { metadata: { resourceVersion, ...metadata }, ...rest };
      after = await client.patch(PersistentVolumeClaim, name, 'merge', patch, { namespace });
    }
    const { accessModes, capacity } = bound.spec ?? {};
    const before = after.status?.phase === 'Bound' ? after.status.capacity : undefined;
    // Once bound, what the claim has grown to is not for us to say.
    const status = { ...after.status, phase: 'Bound', accessModes, capacity: before ?? capacity };
    await patchStatus(client, PersistentVolumeClaim, after, status);
  }

  async function bindVolume(
    volume: PersistentVolume,
    claim: PersistentVolumeClaim,
  ): Promise<PersistentVolume> {
    const ref = volume.spec?.claimRef;
    const { name, namespace, uid, resourceVersion } = claim.metadata;
    if (ref?.uid === uid) return volume;
    const annotations = ref ? {} : { annotations: { [boundByControllerAnnotation]: 'yes' } };
    const patch = {
      metadata: { resourceVersion: volume.metadata.resourceVersion, ...annotations },
      spec: {
        claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion },
      },
    };
    return client.patch(PersistentVolume, volume.metadata.name, 'merge', patch);
  }

  async function setPhase(volume: PersistentVolume, phase: string, message = ''): Promise<PersistentVolume> {
    if (volume.status?.phase === phase) return volume;
    const { message: _before, ...status } = volume.status ?? {};
    return patchStatus(client, PersistentVolume, volume, {
      ...status,
      phase,
      ...(message ? { message } : {}),
    });
  }

  async function lookAtVolume(volume: PersistentVolume): Promise<void> {
    const ref = volume.spec?.claimRef;
    const claim = ref && claims.get(ref.name ?? '', ref.namespace);
    const decision = syncVolume(volume, claim);
    switch (decision.action) {
      case 'phase':
        await setPhase(volume, decision.phase);
        return;
      case 'claim':
        controller.queue.add(`claim ${keyOf(claim!)}`);
        return;
      case 'release': {
        const { phase } = volume.status ?? {};
        let after = volume;
        if (phase !== 'Released' && phase !== 'Failed') after = await setPhase(volume, 'Released');
        if (decision.next !== 'fail' || phase === 'Failed') return;
        await setPhase(after, 'Failed', decision.message);
        const reason =
          volume.spec?.persistentVolumeReclaimPolicy === 'Recycle'
            ? 'VolumeFailedRecycle'
            : 'VolumeFailedDelete';
        recorder.event(volume, 'Warning', reason, decision.message);
        return;
      }
      case 'unbind': {
        const { name, resourceVersion } = volume.metadata;
        const metadata = decision.whole
          ? { resourceVersion, annotations: { [boundByControllerAnnotation]: null } }
          : { resourceVersion };
        const spec = { claimRef: decision.whole ? null : { uid: null, resourceVersion: null } };
        const after = await client.patch(PersistentVolume, name, 'merge', { metadata, spec });
        await setPhase(after, 'Available');
      }
    }
  }

  const claimOf = (volume: PersistentVolume): void => {
    const ref = volume.spec?.claimRef;
    if (ref?.name) controller.queue.add(`claim ${ref.namespace ?? ''}/${ref.name}`);
    // A free volume may be what some claim waits for.
    else {
      const className = storageClassOfVolume(volume);
      for (const claim of claims.list()) {
        if (claim.spec?.volumeName || storageClassOfClaim(claim) !== className) continue;
        controller.queue.add(`claim ${keyOf(claim)}`);
      }
    }
  };
  const volumeChanged = (volume: PersistentVolume): void => {
    controller.queue.add(`volume ${volume.metadata.name}`);
    claimOf(volume);
  };
  volumes.on({
    add: volumeChanged,
    update: (_before, volume) => volumeChanged(volume),
    delete: (volume) => claimOf(volume),
  });
  const claimChanged = (claim: PersistentVolumeClaim): void => {
    controller.queue.add(`claim ${keyOf(claim)}`);
    if (claim.spec?.volumeName) controller.queue.add(`volume ${claim.spec.volumeName}`);
  };
  claims.on({
    add: claimChanged,
    update: (_before, claim) => claimChanged(claim),
    delete(claim) {
      told.delete(claim.metadata.uid);
      if (claim.spec?.volumeName) controller.queue.add(`volume ${claim.spec.volumeName}`);
    },
  });
  classes.on({
    add({ metadata }) {
      for (const claim of claims.list()) {
        if (claim.spec?.storageClassName === metadata.name) controller.queue.add(`claim ${keyOf(claim)}`);
      }
    },
  });
  return controller;
}
