/** What a node lacks of the devices that a pod's claims ask for, in sentences: for explanations. */
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Alternative } from './ask.ts';
import { consumption } from './capacity.ts';
import type { PoolDevice } from './device.ts';
import type { NodeView } from './inventory.ts';
import { tolerated } from './tolerations.ts';
import { wishOf } from './wish.ts';

/** One sentence a request that the row cannot satisfy even by itself; if each could be, one that says so. */
export function deviceShortfall(snapshot: Snapshot, pod: PodInfo, row: number): readonly string[] {
  const wish = wishOf(pod, snapshot);
  if (wish === undefined || typeof wish === 'string') return [];
  const shape = wish.shape(wish.missing(snapshot, row));
  if (!shape) return [];
  const view = wish.state.inventory.view(row);
  const short = shape.claims.flatMap(({ requests }, c) =>
    requests.flatMap(({ alternatives }) => {
      const texts = alternatives.map((alternative) => lacking(alternative, view));
      if (texts.includes(undefined)) return [];
      return texts.map((text) => wish.worded(`%claim: ${text}`, c));
    }),
  );
  if (short.length > 0) return short;
  return ['each request can be satisfied by itself, but not all of them together with their constraints'];
}

/** Undefined: there are enough. */
function lacking(alternative: Alternative, view: NodeView): string | undefined {
  const { candidates } = view;
  const matching = candidates.filter((device) => alternative.selectors.matches(device) === true);
  const clean = matching.filter(({ taints }) => taints.every((t) => tolerated(t, alternative.tolerations)));
  const free = clean.filter((device) => isFree(device, alternative, view));
  const wanted = alternative.all ? matching.length : alternative.count;
  if (wanted > 0 && free.length >= wanted) return undefined;
  const tainted = matching.length - clean.length;
  const parts = [
    `${matching.length} of ${candidates.length} devices match`,
    ...(tainted > 0 ? [`${tainted} of them tainted`] : []),
    `${free.length} free`,
  ];
  const asked = alternative.all ? 'all devices' : `${alternative.count} device(s)`;
  return `request ${alternative.name} asks for ${asked} of class ${alternative.class.metadata.name}: ${parts.join(', ')}`;
}

function isFree(device: PoolDevice, { adminAccess, capacity }: Alternative, { pools }: NodeView): boolean {
  if (adminAccess) return true;
  const { use } = device;
  if (use.exclusive > 0 || (use.shares > 0 && !device.shared)) return false;
  const left = pools.find(({ pool }) => pool.id === device.pool)?.pool.available();
  const partitioned = device.counters.every(({ key, nanos }) => nanos <= (left?.get(key) ?? 0n));
  if (!partitioned && use.shares === 0) return false;
  const wanted = consumption(device.driver, device.capacities(), capacity);
  if (!wanted) return false;
  return wanted.every(
    ({ written, amount, limit }) =>
      !device.shared || (use.consumed?.get(written) ?? 0n) + amount.nanos <= limit,
  );
}
