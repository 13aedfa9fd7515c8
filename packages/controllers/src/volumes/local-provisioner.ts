/**
 * Makes volumes that are folders: one a claim, on the node its pod was given, for classes of the provisioner
 * `coracle.dev/local`. The node's agent makes the folder when a pod first mounts it; with the policy `Delete` it is removed
 * when the claim has gone.
 */
import { isReason, keyOf, selectedNodeAnnotation, storageClassOfClaim } from '@coracle/machinery';
import { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { provisionedByAnnotation } from './sync-volume.ts';

export const localProvisionerName = 'coracle.dev/local';

export interface LocalProvisionerOptions {
  /** Folder that the volumes' folders are in, on every node. */
  readonly root: string;
  /** Removes a folder with all that is in it; one that is not there is no error. */
  remove(path: string): Promise<void>;
}

export function localProvisioner(deps: ComponentDeps, options: LocalProvisionerOptions): Component {
  const { client, informers, recorder } = deps;
  const claims = informers.informer(PersistentVolumeClaim);
  const volumes = informers.informer(PersistentVolume);
  const classes = informers.informer(StorageClass);
  const nodes = informers.informer(Node);
  const controller = createController(deps, {
    name: 'local-volume-provisioner',
    workers: 4,
    waitFor: [claims, volumes, classes, nodes],
    async reconcile(key) {
      if (key.startsWith('volume ')) {
        const volume = volumes.get(key.slice('volume '.length));
        if (volume) await clear(volume);
        return;
      }
      const claim = claims.byKey(key.slice('claim '.length));
      if (claim) await provide(claim);
    },
  });

  async function provide(claim: PersistentVolumeClaim): Promise<void> {
    const { metadata, spec } = claim;
    if (spec?.volumeName || metadata.deletionTimestamp !== undefined) return;
    const storageClass = classes.get(storageClassOfClaim(claim));
    if (storageClass?.provisioner !== localProvisionerName) return;
    const nodeName = metadata.annotations?.[selectedNodeAnnotation];
    // Without a pod nobody can say on which node it belongs.
    if (nodeName === undefined) return;
    const { namespace = '', name, uid } = metadata;
    if (spec?.volumeMode === 'Block') {
      recorder.event(claim, 'Warning', 'ProvisioningFailed', 'a folder is no block device: volumeMode Block');
      return;
    }
    const volumeName = `pvc-${uid}`;
    if (volumes.get(volumeName)) return;
    const host = nodes.get(nodeName)?.metadata.labels?.['kubernetes.io/hostname'] ?? nodeName;
    const values = [host];
    try {
      await client.create(PersistentVolume, {
        metadata: { name: volumeName, annotations: { [provisionedByAnnotation]: localProvisionerName } },
        spec: {
          capacity: { storage: spec?.resources?.requests?.['storage'] ?? '0' },
          accessModes: spec?.accessModes,
          persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
          storageClassName: storageClass.metadata.name,
          volumeMode: 'Filesystem',
          hostPath: { path: `${options.root}/${namespace}/${name}-${uid}`, type: 'DirectoryOrCreate' },
          claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] },
              ],
            },
          },
        },
      });
    } catch (error) {
      // Made a moment ago: its event is on the way.
      if (isReason(error, 'AlreadyExists')) return;
      throw error;
    }
    recorder.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`);
  }

  /** Removes a volume of ours that nobody claims any more. */
  async function clear({ metadata, spec, status }: PersistentVolume): Promise<void> {
    if (metadata.annotations?.[provisionedByAnnotation] !== localProvisionerName) return;
    if (status?.phase !== 'Released' || spec?.persistentVolumeReclaimPolicy !== 'Delete') return;
    const path = spec.hostPath?.path;
    if (path?.startsWith(`${options.root}/`) && !path.includes('/../')) await options.remove(path);
    try {
      await client.delete(PersistentVolume, metadata.name, { preconditions: { uid: metadata.uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }

  const see = (claim: PersistentVolumeClaim): void => {
    if (!claim.spec?.volumeName) controller.queue.add(`claim ${keyOf(claim)}`);
  };
  claims.on({ add: see, update: (_before, claim) => see(claim) });
  classes.on({ add: () => claims.list().forEach(see) });
  const look = (volume: PersistentVolume): void => {
    if (volume.status?.phase === 'Released') controller.queue.add(`volume ${volume.metadata.name}`);
  };
  volumes.on({ add: look, update: (_before, volume) => look(volume) });
  return controller;
}
