import type { Pod, Volume } from '@coracle/machinery/api';

/** A claim that a pod mounts. */
export interface PodClaim {
  /** `namespace/name`. */
  readonly key: string;
  readonly name: string;
  /** Made for this pod by the ephemeral volume controller, which owns it by the pod. */
  readonly ephemeral: boolean;
}

/** The volumes of a pod that decide where it can run. */
export interface PodVolumes {
  readonly claims: readonly PodClaim[];
  /** Disks named in the pod itself that only one node or pod may have. */
  readonly disks: readonly Volume[];
}

/** Undefined for most pods: nothing they mount matters to where they run. */
export function podVolumes(pod: Pod): PodVolumes | undefined {
  const volumes = pod.spec?.volumes;
  if (!volumes) return undefined;
  const { namespace = '', name: podName = '' } = pod.metadata;
  let claims: PodClaim[] | undefined;
  let disks: Volume[] | undefined;
  for (const volume of volumes) {
    const { persistentVolumeClaim, ephemeral } = volume;
    if (persistentVolumeClaim || ephemeral) {
      const name = persistentVolumeClaim ? persistentVolumeClaim.claimName : `${podName}-${volume.name}`;
      (claims ??= []).push({ key: `${namespace}/${name}`, name, ephemeral: !persistentVolumeClaim });
    } else if (volume.gcePersistentDisk || volume.awsElasticBlockStore || volume.iscsi || volume.rbd) {
      (disks ??= []).push(volume);
    }
  }
  return claims || disks ? { claims: claims ?? [], disks: disks ?? [] } : undefined;
}

/** True if two disks are one, and not both pods only read it. */
export function diskConflict(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    const [x, y] = [a.gcePersistentDisk, b.gcePersistentDisk];
    return x.pdName === y.pdName && !(x.readOnly && y.readOnly);
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) {
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  }
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly && b.iscsi.readOnly);
  if (a.rbd && b.rbd) {
    const [x, y] = [a.rbd, b.rbd];
    const same = (x.pool || 'rbd') === (y.pool || 'rbd') && x.image === y.image;
    return same && x.monitors.some((m) => y.monitors.includes(m)) && !(x.readOnly && y.readOnly);
  }
  return false;
}
