import type { FilterPlugin } from '../plugin.ts';
import { storageClassOfClaim, isBindingDelayed } from '@coracle/machinery';
import { never } from './volume-restrictions.ts';

const zone = 'topology.kubernetes.io/zone';
const region = 'topology.kubernetes.io/region';
const oldZone = 'failure-domain.beta.kubernetes.io/zone';
const oldRegion = 'failure-domain.beta.kubernetes.io/region';
const topologyLabels = [oldZone, oldRegion, zone, region];
const newName: Readonly<Record<string, string>> = { [oldZone]: zone, [oldRegion]: region };

/** Pods go where their bound volumes' zone and region labels are; nodes without any such label will do too. */
export const volumeZone: FilterPlugin = {
  name: 'VolumeZone',
  clusterWide: true,
  ownHints: true,
  prepareFilter(pod, snapshot) {
    const state = snapshot.volumes;
    const needed: { readonly key: string; readonly values: ReadonlySet<string> }[] = [];
    for (const { key, name, ephemeral } of pod.volumes?.claims ?? []) {
      if (ephemeral) continue;
      const claim = state.claim(key);
      if (!claim) return { ...never, rejection: `persistentvolumeclaim "${name}" not found` };
      const volumeName = claim.spec?.volumeName;
      if (!volumeName) {
        const className = storageClassOfClaim(claim);
        const storageClass = state.storageClass(className);
        if (isBindingDelayed(storageClass)) continue;
        const rejection =
          className === ''
            ? 'PersistentVolumeClaim had no pv name and storageClass name'
            : storageClass
              ? 'PersistentVolume had no name'
              : `storageclass.storage.k8s.io "${className}" not found`;
        return { ...never, rejection };
      }
      const volume = state.volume(volumeName)?.volume;
      if (!volume) return { ...never, rejection: `persistentvolume "${volumeName}" not found` };
      for (const label of topologyLabels) {
        const text = volume.metadata.labels?.[label];
        if (text) needed.push({ key: label, values: new Set(text.split('__').map((part) => part.trim())) });
      }
    }
    if (needed.length === 0) return undefined;
    return {
      filter(rows, count, codes) {
        for (let i = 0; i < count; i++) {
          const labels = snapshot.node(rows[i]!)?.metadata.labels ?? {};
          const anywhere = topologyLabels.every((label) => labels[label] === undefined);
          const fits = needed.every(({ key, values }) => {
            const value = labels[key] ?? labels[newName[key] ?? key];
            return value !== undefined && values.has(value);
          });
          codes[i] = anywhere || fits ? 0 : 1;
        }
      },
      reasons: () => ['node(s) had no available volume zone'],
      resolvable: () => false,
    };
  },
};
