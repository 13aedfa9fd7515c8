/** What a node has too little of for a pod, and who holds it. */
import type { PodInfo } from '../pod-info.ts';
import { podsDimension } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { amountText } from './amount-text.ts';
import type { Shortage } from './types.ts';

/** Holders named. */
const maxHolders = 5;

/** Resources the node has too little of, in the pod's order. `visible`: may pods of this namespace be named? */
export function shortagesOn(
  snapshot: Snapshot,
  pod: PodInfo,
  row: number,
  visible: (namespace: string) => boolean,
): Shortage[] {
  const wanted = pod.dimensions.map((dimension, i) => [dimension, pod.requests[i]!] as const);
  const result: Shortage[] = [];
  for (const [dimension, amount] of [...wanted, [podsDimension, 1] as const]) {
    const allocatable = snapshot.allocatable[dimension]![row]!;
    const requested = snapshot.requested[dimension]![row]!;
    const missing = missingAmount(snapshot, row, dimension, amount);
    if (missing <= 0) continue;
    const resource = snapshot.resourceName(dimension);
    const text = (value: number): string => amountText(resource, value);
    result.push({
      resource,
      wanted: text(amount),
      free: text(Math.max(0, allocatable - requested)),
      allocatable: text(allocatable),
      missing: text(missing),
      holders: dimension === podsDimension ? [] : holders(snapshot, row, dimension, visible),
    });
  }
  return result;
}

/** How much is missing; 0 or less: nothing. */
export function missingAmount(snapshot: Snapshot, row: number, dimension: number, amount: number): number {
  // What no plugin offers on the node may be had as devices.
  if (snapshot.allocatable[dimension]![row] === 0 && snapshot.devices.backs(snapshot.resourceName(dimension)))
    return 0;
  return snapshot.requested[dimension]![row]! + amount - snapshot.allocatable[dimension]![row]!;
}

function holders(
  snapshot: Snapshot,
  row: number,
  dimension: number,
  visible: (namespace: string) => boolean,
): Shortage['holders'] {
  const resource = snapshot.resourceName(dimension);
  return snapshot
    .podsOn(row)
    .flatMap(({ info }) => {
      const index = info.dimensions.indexOf(dimension);
      return index < 0 ? [] : [{ info, amount: info.requests[index]! }];
    })
    .toSorted((a, b) => b.amount - a.amount || (a.info.key < b.info.key ? -1 : 1))
    .slice(0, maxHolders)
    .map(({ info, amount }) => ({
      pod: visible(info.pod.metadata.namespace ?? '') ? info.key : 'a pod of another namespace',
      amount: amountText(resource, amount),
      priority: info.priority,
    }));
}

/** `lacks 2 nvidia.com/gpu (has 8, 6 taken: ml/a 4, ml/b 2)`. */
export function shortageText({ resource, missing, allocatable, free, holders: by }: Shortage): string {
  if (resource === 'pods') return `has no room for another pod (it takes ${allocatable})`;
  if (by.length === 0) return `lacks ${missing} ${resource} (has ${allocatable}, ${free} free)`;
  const names = by.map(({ pod, amount }) => `${pod} ${amount}`).join(', ');
  return `lacks ${missing} ${resource} (has ${allocatable}, ${free} free; taken by ${names})`;
}
