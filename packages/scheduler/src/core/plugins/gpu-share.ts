/**
 * Cards of a node, whole and in parts: a node has room if enough of its cards have; the cards are chosen with the decision
 * and their numbers written with the binding (annotation `alibabacloud.com/gpu-index`), where the node agent reads them.
 *
 * Whole cards asked for as `nvidia.com/gpu` are counted by NodeResourcesFit. Here they matter where parts of cards are given
 * out too. Their numbers are chosen only on nodes whose agent heeds them (it publishes its cards' topology).
 */
import type { CardColumns } from '../cards/card-columns.ts';
import { indexAnnotation, wholeCardResource, writeIndices, type CardRequest } from '../cards/card-request.ts';
import { chooseCards } from '../cards/topology.ts';
import type { FilterPlugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { CannotReserve, type ReservePlugin } from '../reservation.ts';
import type { Snapshot } from '../snapshot.ts';

/** Which cards of the node a pod gets. Undefined: those with the least room. */
export type CardSelection = (
  pod: PodInfo,
  request: CardRequest,
  row: number,
  snapshot: Snapshot,
) => readonly number[] | undefined;

export interface GpuShareArgs {
  /**
   * Of parts of cards: `BestFit` (default) takes the card with the least room that suffices, `WorstFit` the one with the
   * most, `Random` any. Another plugin that has an opinion of its own (FGDScore) comes before it.
   */
  readonly cardSelection?: 'BestFit' | 'WorstFit' | 'Random';
}

export interface GpuShareOptions {
  readonly random?: () => number;
  /** Of the score plugin in charge. */
  readonly select?: CardSelection;
}

const noSuchCards = 1;
const otherModel = 2;
const noRoom = 3;

export function gpuShare(
  args: GpuShareArgs = {},
  options: GpuShareOptions = {},
): FilterPlugin & ReservePlugin {
  const { cardSelection = 'BestFit' } = args;
  const { random, select } = options;
  const chosen = (pod: PodInfo, request: CardRequest, row: number, snapshot: Snapshot) => {
    const { cards } = snapshot;
    const topology = cards.topology[row];
    // Several whole cards: those that are best linked.
    if (request.count > 1 && topology)
      return chooseCards(topology, cards.usable(row, request), request.count);
    const preferred = select?.(pod, request, row, snapshot);
    if (preferred) return preferred;
    if (cardSelection === 'WorstFit') return cards.loosest(row, request);
    return cardSelection === 'Random' && random
      ? anyOf(cards, row, request, random)
      : cards.tightest(row, request);
  };
  return {
    name: 'GpuShare',
    prepareFilter(pod, snapshot) {
      const request = pod.cards;
      if (!request) return undefined;
      const { cards } = snapshot;
      return {
        filter(rows, count, codes) {
          if (request.extended && cards.sharers === 0 && request.models.length === 0) {
            codes.fill(0, 0, count);
            return;
          }
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            if (cards.count[row]! < request.count) codes[i] = noSuchCards;
            else if (!cards.modelFits(row, request.models)) codes[i] = otherModel;
            else codes[i] = cards.fits(row, request) ? 0 : noRoom;
          }
        },
        reasons: (code) => [
          code === otherModel
            ? "node(s) didn't match the pod's GPU model"
            : `Insufficient ${request.extended ? wholeCardResource : 'GPU share'}`,
        ],
        resolvable: (code) => code === noRoom,
      };
    },
    reserve(pod, row, snapshot) {
      const request = pod.cards;
      const { cards } = snapshot;
      if (!request || (request.extended && !cards.topology[row])) return undefined;
      const indices = cards.fits(row, request) ? chosen(pod, request, row, snapshot) : undefined;
      if (!indices) {
        // NodeResourcesFit has seen to it that whole cards are there; the agent will know which.
        if (request.extended) return undefined;
        throw new CannotReserve(`node ${snapshot.nameOf(row)} has no card with enough room`);
      }
      const { uid } = pod;
      cards.assign(uid, indices);
      return {
        bindingAnnotations: { [indexAnnotation]: writeIndices(indices) },
        release: () => cards.assign(uid, undefined),
        settle: () => cards.assign(uid, undefined),
      };
    },
  };
}

function anyOf(
  cards: CardColumns,
  row: number,
  request: CardRequest,
  random: () => number,
): readonly number[] | undefined {
  const usable = cards.usable(row, request);
  if (usable.length < request.count) return undefined;
  const picked: number[] = [];
  for (let left = request.count; left > 0; left--) {
    const [card] = usable.splice(Math.min(usable.length - 1, Math.floor(random() * usable.length)), 1);
    picked.push(card!);
  }
  return picked.toSorted((a, b) => a - b);
}
