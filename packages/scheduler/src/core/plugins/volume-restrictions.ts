import type { FilterPlugin } from '../plugin.ts';
import { diskConflict } from '../volumes/pod-volumes.ts';

const diskCode = 1;
const claimCode = 2;

/** Disks that only one pod may write are not mounted twice on a node, ReadWriteOncePod claims not twice at all. */
export const volumeRestrictions: FilterPlugin = {
  name: 'VolumeRestrictions',
  clusterWide: true,
  ownHints: true,
  prepareFilter(pod, snapshot) {
    const { volumes } = pod;
    if (!volumes) return undefined;
    let taken = false;
    for (const { key, name, ephemeral } of volumes.claims) {
      if (ephemeral) continue;
      const claim = snapshot.volumes.claim(key);
      if (!claim) return { ...never, rejection: `persistentvolumeclaim "${name}" not found` };
      if (!claim.spec?.accessModes?.includes('ReadWriteOncePod')) continue;
      if (snapshot.volumes.inUse(key)) taken = true;
    }
    const { disks } = volumes;
    if (!taken && disks.length === 0) return undefined;
    return {
      filter(rows, count, codes) {
        for (let i = 0; i < count; i++) {
          const conflict =
            disks.length > 0 &&
            snapshot
              .podsOn(rows[i]!)
              .some(({ info }) =>
                info.volumes?.disks.some((disk) => disks.some((d) => diskConflict(d, disk))),
              );
          codes[i] = conflict ? diskCode : taken ? claimCode : 0;
        }
      },
      reasons: (code) => [
        code === diskCode
          ? 'node(s) had no available disk'
          : 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
      ],
      resolvable: () => true,
    };
  },
};

/** Of a filter whose rejection says all. */
export const never = {
  filter: (_rows: Int32Array, count: number, codes: Int32Array): void => void codes.fill(1, 0, count),
  reasons: (): readonly string[] => [],
  resolvable: (): boolean => false,
};
