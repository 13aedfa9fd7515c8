import type { FilterPlugin } from '../plugin.ts';
import { CannotReserve, type ReservePlugin } from '../reservation.ts';
import { objection, prepareBindings } from '../volumes/bindings.ts';
import { VolumeReservation } from '../volumes/volume-reservation.ts';
import { never } from './volume-restrictions.ts';

export interface VolumeBindingArgs {
  /** How long to wait for volumes to be bound or made; default 600. */
  readonly bindTimeoutSeconds?: number;
}

/** In the order kube-scheduler lists them. */
const texts: readonly (readonly [number, string])[] = [
  [objection.nodeConflict, "node(s) didn't match PersistentVolume's node affinity"],
  [objection.bindConflict, "node(s) didn't find available persistent volumes to bind"],
  [objection.noSpace, 'node(s) did not have enough free storage'],
  [objection.volumeMissing, 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'],
];

/** Pods go where their volumes are, or can be bound or made; the choice is written before the pod is bound. */
export function volumeBinding(args: VolumeBindingArgs = {}): FilterPlugin & ReservePlugin {
  const timeoutMs = (args.bindTimeoutSeconds ?? 600) * 1000;
  return {
    name: 'VolumeBinding',
    clusterWide: true,
    ownHints: true,
    prepareFilter(pod, snapshot) {
      const prepared = prepareBindings(pod, snapshot);
      if (!prepared) return undefined;
      if ('rejection' in prepared) return { ...never, rejection: prepared.rejection };
      return {
        filter(rows, count, codes) {
          for (let i = 0; i < count; i++) codes[i] = prepared.at(rows[i]!).code;
        },
        reasons: (code) => texts.flatMap(([bit, text]) => (code & bit ? [text] : [])),
        resolvable: () => false,
      };
    },
    reserve(pod, row, snapshot) {
      const prepared = prepareBindings(pod, snapshot);
      if (!prepared) return undefined;
      if ('rejection' in prepared) throw new CannotReserve(prepared.rejection);
      const bindings = prepared.at(row);
      if (bindings.code !== 0)
        throw new CannotReserve('the volumes of the pod are not to be had on the node');
      if (bindings.volumes.length + bindings.provisions.length === 0) return undefined;
      return new VolumeReservation(bindings, snapshot, snapshot.nameOf(row), timeoutMs);
    },
  };
}
