/**
 * The order in which the cards of our node agents are tried for a pod that is going to its node: cards that are linked well
 * go together, and shares go onto cards that are shared already. The order decides nothing about whether the pod fits.
 */
import { cardDriver, cardOfDevice, chooseCards, shareCapacity, type CardTopology } from '@coracle/machinery';
import type { Alternative, ClaimAsk } from './ask.ts';
import type { PoolDevice } from './device.ts';
import type { NodeView } from './inventory.ts';
import { inUse } from './uses.ts';

export function orderCards(
  view: NodeView,
  claims: readonly ClaimAsk[],
  topology: CardTopology | undefined,
): NodeView {
  const { candidates } = view;
  if (candidates.length < 2 || candidates[0]!.driver !== cardDriver) return view;
  // Alternatives are tried in order; most of the time the first will do.
  const wanted = claims.flatMap(({ requests }) => requests.map(({ alternatives }) => alternatives[0]!));
  if (wanted.some(({ all, adminAccess }) => all || adminAccess)) return view;
  if (wanted.every(({ capacity }) => capacity?.[shareCapacity] !== undefined)) {
    return { ...view, candidates: candidates.toSorted((a, b) => share(b) - share(a)) };
  }
  const chosen = wholeCards(candidates, wanted, topology);
  if (!chosen) return view;
  const rest = candidates.filter((device) => !chosen.has(device));
  return { ...view, candidates: [...chosen, ...rest] };
}

/** What is used of the device, so far as it is shared. */
function share({ use }: PoolDevice): number {
  return use.shares === 0 ? 0 : Number(use.consumed?.get(shareCapacity) ?? 0n);
}

function wholeCards(
  candidates: readonly PoolDevice[],
  wanted: readonly Alternative[],
  topology: CardTopology | undefined,
): Set<PoolDevice> | undefined {
  const byCard = new Map<number, PoolDevice>();
  for (const device of candidates) {
    const of = cardOfDevice(device.spec.name);
    if (!of || of.partition || device.driver !== cardDriver || inUse(device.use)) continue;
    if (device.taints.length > 0 || !wanted.every(({ selectors }) => selectors.matches(device) === true))
      continue;
    if (topology && of.card >= topology.size) continue;
    byCard.set(of.card, device);
  }
  const count = wanted.reduce((sum, alternative) => sum + alternative.count, 0);
  const cards = chooseCards(topology, [...byCard.keys()], count);
  return cards && new Set(cards.map((card) => byCard.get(card)!));
}
