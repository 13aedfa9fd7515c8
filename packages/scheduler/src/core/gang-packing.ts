/**
 * Fewest nodes for a gang: each kind of member fills the node with the most room, and the last few go where they fit most
 * tightly. Nodes the gang is on already come first.
 */
import type { Framework, Placed, PlacementOptions } from './framework.ts';
import { shapesOf } from './gang-topology.ts';
import type { PodInfo } from './pod-info.ts';
import { RowSet } from './row-set.ts';

export interface PackingOrder {
  /** The node for the pod; undefined: none of those packing looks at will do, and the profile may look for itself. */
  next(pod: PodInfo): Placed | undefined;
}

export function packingOrder(
  framework: Framework,
  pods: readonly PodInfo[],
  options: PlacementOptions,
): PackingOrder {
  const { snapshot } = framework;
  const rows = options.rows ?? rowsWithin(snapshot.rowCount, options.within);
  const indexOf = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) indexOf.set(rows[i]!, i);
  const left = new Map(shapesOf(pods).map(({ pod, count }) => [pod.signature, count]));
  const used = new Set<number>();
  const useless = new Map<string, Set<number>>();
  /** Room by signature, then index into `rows`; what has changed since is only on used rows. */
  const rooms = new Map<string, Int32Array>();
  const one = new Int32Array(1);
  const room1 = new Int32Array(1);
  /** Row being filled, by signature. */
  const filling = new Map<string, number>();

  const roomFor = (pod: PodInfo): Int32Array => {
    let room = rooms.get(pod.signature);
    if (!room) {
      rooms.set(pod.signature, (room = new Int32Array(rows.length)));
      framework.room(pod, rows, rows.length, room);
      return room;
    }
    for (const row of used) {
      one[0] = row;
      framework.room(pod, one, 1, room1);
      room[indexOf.get(row)!] = room1[0]!;
    }
    return room;
  };
  const choose = (pod: PodInfo, count: number): number | undefined => {
    const room = roomFor(pod);
    const skip = useless.get(pod.signature);
    let best = -1;
    for (let i = 0; i < rows.length; i++) {
      if (room[i] === 0 || skip?.has(rows[i]!)) continue;
      if (best < 0 || fuller(room, i, best, count)) best = i;
    }
    return best < 0 ? undefined : rows[best]!;
  };
  /** True if row `a` is the better one for `count` pods that are left. */
  const fuller = (room: Int32Array, a: number, b: number, count: number): boolean => {
    const [usedA, usedB] = [used.has(rows[a]!), used.has(rows[b]!)];
    if (usedA !== usedB) return usedA;
    const [whole, wholeB] = [room[a]! >= count, room[b]! >= count];
    if (whole !== wholeB) return whole;
    // Both take all that is left: the tighter one. Neither does: the larger one.
    return whole ? room[a]! < room[b]! : room[a]! > room[b]!;
  };

  return {
    next(pod) {
      const { signature } = pod;
      const count = left.get(signature) ?? 1;
      let row = filling.get(signature);
      for (;;) {
        if (row !== undefined) {
          const decision = framework.schedule(pod, only(snapshot.alive.length, row));
          if (decision.fits) {
            filling.set(signature, row);
            if (indexOf.has(row)) used.add(row);
            left.set(signature, count - 1);
            return decision;
          }
          let skip = useless.get(signature);
          if (!skip) useless.set(signature, (skip = new Set()));
          skip.add(row);
          filling.delete(signature);
        }
        row = choose(pod, count);
        if (row === undefined) return undefined;
      }
    },
  };
}

function rowsWithin(rowCount: number, within: RowSet | undefined): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < rowCount; row++) if (!within || within.has(row)) rows.push(row);
  return Int32Array.from(rows);
}

/** Looks at one row only. */
function only(capacity: number, row: number): PlacementOptions {
  return { within: RowSet.of(capacity, [row]), rows: Int32Array.of(row) };
}
