/**
 * Claims that pods use and volumes that are bound are not deleted under their users: a finalizer holds them, which goes when
 * nobody needs them any more.
 */
import { isReason, jsonClone, keyOf } from '@coracle/machinery';
import { PersistentVolume, PersistentVolumeClaim, Pod } from '@coracle/machinery/api';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { claimNames } from './pod-claims.ts';

const claimFinalizer = 'kubernetes.io/pvc-protection';
const volumeFinalizer = 'kubernetes.io/pv-protection';

/** `pvc-protection-controller`. */
export function claimProtection(deps: ComponentDeps): Component {
  const claims = deps.informers.informer(PersistentVolumeClaim);
  const pods = deps.informers.informer(Pod);
  // Only pods that have a node: a kubelet starts none with a claim on its way out.
  pods.addIndex('claims', (pod) => {
    const names = claimNames(pod);
    if (names.length === 0) return names;
    return pod.spec?.nodeName ? names.map((name) => `${pod.metadata.namespace ?? ''}/${name}`) : [];
  });
  const controller = createController(deps, {
    name: 'pvc-protection-controller',
    workers: 4,
    waitFor: [claims, pods],
    async reconcile(key) {
      const claim = claims.byKey(key);
      if (!claim || !isHeld(claim, claimFinalizer)) return;
      if (pods.byIndex('claims', key).length > 0) return;
      // The cache may lag behind a pod that was just bound: the API server knows.
      const { namespace } = claim.metadata;
      const { items } = await deps.client.list(Pod, { namespace });
      const used = items.some((pod) => pod.spec?.nodeName && claimNames(pod).includes(claim.metadata.name));
      if (!used) await letGo(deps, PersistentVolumeClaim, claim, claimFinalizer);
    },
  });
  const see = (claim: PersistentVolumeClaim): void => {
    if (isHeld(claim, claimFinalizer)) controller.queue.add(keyOf(claim));
  };
  claims.on({ add: see, update: (_before, claim) => see(claim) });
  pods.on({
    delete(pod) {
      for (const name of claimNames(pod)) controller.queue.add(`${pod.metadata.namespace ?? ''}/${name}`);
    },
  });
  return controller;
}

/** `pv-protection-controller`. */
export function volumeProtection(deps: ComponentDeps): Component {
  const volumes = deps.informers.informer(PersistentVolume);
  const controller = createController(deps, {
    name: 'pv-protection-controller',
    workers: 2,
    waitFor: [volumes],
    async reconcile(key) {
      const volume = volumes.byKey(key);
      if (!volume || !isHeld(volume, volumeFinalizer) || volume.status?.phase === 'Bound') return;
      await letGo(deps, PersistentVolume, volume, volumeFinalizer);
    },
  });
  const see = (volume: PersistentVolume): void => {
    if (isHeld(volume, volumeFinalizer)) controller.queue.add(keyOf(volume));
  };
  volumes.on({ add: see, update: (_before, volume) => see(volume) });
  return controller;
}

function isHeld({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(finalizer) ?? false);
}

async function letGo<T extends KubeObject>(
  { client }: ComponentDeps,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
): Promise<void> {
  const copy = jsonClone(object);
  const finalizers = copy.metadata.finalizers?.filter((other) => other !== finalizer) ?? [];
  try {
    await client.update(type, { ...copy, metadata: { ...copy.metadata, finalizers } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
