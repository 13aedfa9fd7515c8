import type { FilterPlugin } from '../plugin.ts';
import type { AttachedVolume } from '../volumes/volume-state.ts';

/** A node attaches no more volumes of a CSI driver than its CSINode says. */
export const nodeVolumeLimits: FilterPlugin = {
  name: 'NodeVolumeLimits',
  clusterWide: true,
  ownHints: true,
  prepareFilter(pod, snapshot) {
    const state = snapshot.volumes;
    if (!state.limited) return undefined;
    const wanted = new Map<string, AttachedVolume>();
    for (const { key } of pod.volumes?.claims ?? []) {
      const volume = state.attachable(key);
      if (volume) wanted.set(volume.id, volume);
    }
    if (wanted.size === 0) return undefined;
    return {
      filter(rows, count, codes) {
        for (let i = 0; i < count; i++) codes[i] = exceeds(rows[i]!) ? 1 : 0;
      },
      reasons: () => ['node(s) exceed max volume count'],
      resolvable: () => true,
    };

    function exceeds(row: number): boolean {
      const nodeName = snapshot.nameOf(row);
      const limits = state.limits(nodeName);
      if (!limits) return false;
      const attached = state.attachedTo(nodeName, row);
      const more = new Map<string, number>();
      for (const { id, driver } of wanted.values()) {
        if (!attached.has(id) && limits.has(driver)) more.set(driver, (more.get(driver) ?? 0) + 1);
      }
      if (more.size === 0) return false;
      const counts = new Map<string, number>();
      for (const driver of attached.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
      for (const [driver, count] of more) {
        if ((counts.get(driver) ?? 0) + count > limits.get(driver)!) return true;
      }
      return false;
    }
  },
};
