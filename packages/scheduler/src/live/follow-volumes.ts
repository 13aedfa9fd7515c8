import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
} from '@coracle/machinery/api';
import { deepEqual, type KubeObject, type ResourceType } from '@coracle/machinery';
import type { PodInfo, Snapshot } from '../core/index.ts';
import type { OptionalInformer } from './follow-selectors.ts';

/** Pods that these plugins rejected may fit now, if `helps` says so. */
export type Changed = (plugins: readonly string[], helps?: (pod: PodInfo) => boolean) => void;

const all = ['VolumeRestrictions', 'VolumeBinding', 'VolumeZone', 'NodeVolumeLimits'];
const binding = ['VolumeBinding'];

interface Kind<T extends KubeObject> {
  readonly type: ResourceType<T>;
  put(object: T, gone: boolean): void;
  /** What the event may help. */
  hint(before: T | undefined, after: T | undefined): void;
}

/** Keeps the snapshot told of storage, and wakes the pods that a change may help. Returns how to stop. */
export async function followVolumes(
  informer: OptionalInformer,
  { volumes: state }: Snapshot,
  changed: Changed,
): Promise<(() => void)[]> {
  const uses =
    (key: string) =>
    (pod: PodInfo): boolean =>
      pod.volumes?.claims.some((claim) => claim.key === key) ?? false;
  const kind = <T extends KubeObject>(
    type: ResourceType<T>,
    put: (object: T, gone: boolean) => void,
    hint: Kind<T>['hint'],
  ): Kind<T> => ({ type, put, hint });
  const stops = await Promise.all([
    follow(
      informer,
      kind(
        StorageClass,
        (object, gone) => state.setClass(object, gone),
        (before, after) => {
          if (!after) return;
          if (!before) changed(['VolumeBinding', 'VolumeZone']);
          else if (!deepEqual(before.allowedTopologies, after.allowedTopologies)) changed(binding);
        },
      ),
    ),
    follow(
      informer,
      kind(
        PersistentVolume,
        (object, gone) => state.setVolume(object, gone),
        (_before, after) => {
          if (after) changed(['VolumeBinding', 'VolumeZone', 'NodeVolumeLimits']);
        },
      ),
    ),
    follow(
      informer,
      kind(
        PersistentVolumeClaim,
        (object, gone) => state.setClaim(object, gone),
        (before, after) => {
          const { namespace = '', name } = (after ?? before)!.metadata;
          // A claim that goes frees what it counted for with its driver.
          if (after) changed(all, uses(`${namespace}/${name}`));
          else changed(['NodeVolumeLimits']);
        },
      ),
    ),
    follow(
      informer,
      kind(
        CSINode,
        (object, gone) => state.setCsiNode(object, gone),
        (_before, after) => {
          if (after) changed(['VolumeBinding', 'NodeVolumeLimits']);
        },
      ),
    ),
    follow(
      informer,
      kind(
        CSIDriver,
        (object, gone) => state.setDriver(object, gone),
        (before, after) => {
          if (before?.spec.storageCapacity && !after?.spec.storageCapacity) changed(binding);
        },
      ),
    ),
    follow(
      informer,
      kind(
        CSIStorageCapacity,
        (object, gone) => state.setCapacity(object, gone),
        (_before, after) => {
          if (after) changed(binding);
        },
      ),
    ),
    follow(
      informer,
      kind(
        VolumeAttachment,
        (object, gone) => state.setAttachment(object, gone),
        (_before, after) => {
          if (!after) changed(['NodeVolumeLimits']);
        },
      ),
    ),
  ]);
  return stops.flat();
}

async function follow<T extends KubeObject>(
  informer: OptionalInformer,
  { type, put, hint }: Kind<T>,
): Promise<(() => void)[]> {
  const objects = await informer(type);
  if (!objects) return [];
  const stop = objects.on({
    add(object) {
      put(object, false);
      hint(undefined, object);
    },
    update(before, after) {
      put(after, false);
      hint(before, after);
    },
    delete(object) {
      put(object, true);
      hint(object, undefined);
    },
  });
  return [stop];
}
