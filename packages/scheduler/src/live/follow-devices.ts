import { deepEqual, type KubeObject, type ResourceType } from '@coracle/machinery';
import { DeviceClass, DeviceTaintRule, PodGroup, ResourceClaim, ResourceSlice } from '@coracle/machinery/api';
import type { InformerHandler } from '@coracle/operator';
import { claimGateKey, type PodInfo, type Snapshot } from '../core/index.ts';
import type { OptionalInformer } from './follow-selectors.ts';

const plugin = 'DynamicResources';
/** With more nodes than this concerned, every pod that waits for devices is tried again. */
const maxRows = 64;

export interface DeviceFollower {
  /** Pods that wait for devices may fit now, if `helps` says so. */
  changed(plugins: readonly string[], helps?: (pod: PodInfo) => boolean): void;
  /** ... on this row. */
  rowChanged(row: number): void;
  /** The gate of this key may be open. */
  opened(key: string): void;
}

/** Keeps the snapshot told of devices and claims, and wakes the pods that a change may help. Returns how to stop. */
export async function followDevices(
  informer: OptionalInformer,
  { devices }: Snapshot,
  follower: DeviceFollower,
): Promise<(() => void)[]> {
  const { inventory } = devices;
  const anyone = (): void => follower.changed([plugin]);
  /** Devices of these pools are free. */
  const freed = (pools: Iterable<string>): void => {
    const rows: number[] = [];
    for (const pool of pools) {
      const found = inventory.rowsOf(pool);
      if (!found || rows.length + found.length > maxRows) return anyone();
      rows.push(...found);
    }
    for (const row of rows) follower.rowChanged(row);
  };
  const sliceCame = (slice: ResourceSlice): void => {
    devices.setSlice(slice);
    freed([`${slice.spec.driver}/${slice.spec.pool.name}`]);
  };
  const claimChanged = (before: ResourceClaim | undefined, claim: ResourceClaim): void => {
    devices.setClaim(claim);
    const key = `${claim.metadata.namespace ?? ''}/${claim.metadata.name}`;
    if (before?.metadata.uid !== claim.metadata.uid) follower.opened(claimGateKey(key));
    else if (deepEqual(before.status, claim.status)) return;
    if (before?.status?.allocation && !claim.status?.allocation) freed(poolsOf(before));
    follower.changed([plugin], ({ pod }) => {
      const claims = devices.claimsOf(pod);
      return !('problem' in claims) && claims.some((used) => used.key === key);
    });
  };
  /** Resources that classes stand behind are looked for in another way. */
  const classChanged = (deviceClass: DeviceClass): void => {
    devices.setClass(deviceClass);
    follower.changed([plugin, 'NodeResourcesFit']);
  };
  const stops = await Promise.all([
    follow(informer, DeviceClass, {
      add: classChanged,
      update: (_before, object) => classChanged(object),
      delete: (object) => devices.removeClass(object),
    }),
    follow(informer, DeviceTaintRule, {
      add: (object) => devices.setTaintRule(object),
      update: (_before, object) => {
        devices.setTaintRule(object);
        anyone();
      },
      delete: (object) => {
        devices.removeTaintRule(object);
        anyone();
      },
    }),
    follow(informer, ResourceSlice, {
      add: sliceCame,
      update: (_before, slice) => sliceCame(slice),
      delete: (slice) => devices.removeSlice(slice),
    }),
    follow<ResourceClaim>(informer, ResourceClaim, {
      add: (claim) => claimChanged(undefined, claim),
      update: claimChanged,
      delete: (claim) => {
        devices.removeClaim(claim);
        if (claim.status?.allocation) freed(poolsOf(claim));
        // Made for a pod's extended resources in vain: the pod may be tried again.
        const owners = claim.metadata.ownerReferences ?? [];
        follower.changed([plugin], (pod) => owners.some(({ uid }) => uid === pod.uid));
      },
    }),
    follow(informer, PodGroup, {
      add: (group) => devices.setPodGroup(group),
      update: (_before, group) => devices.setPodGroup(group),
      delete: (group) => devices.removePodGroup(group),
    }),
  ]);
  return stops.flat();
}

function poolsOf({ status }: ResourceClaim): Set<string> {
  return new Set(status?.allocation?.devices?.results?.map(({ driver, pool }) => `${driver}/${pool}`));
}

async function follow<T extends KubeObject>(
  optional: OptionalInformer,
  type: ResourceType<T>,
  handler: InformerHandler<T>,
): Promise<(() => void)[]> {
  const informer = await optional(type);
  return informer ? [informer.on(handler)] : [];
}
