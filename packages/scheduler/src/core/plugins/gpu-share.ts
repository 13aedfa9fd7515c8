/**
 * Cards of a node, whole and in parts: a node has room if enough of its cards have; the cards are chosen with the decision
 * and their numbers written with the binding (annotation `alibabacloud.com/gpu-index`), where the node agent reads them.
 *
 * Whole cards asked for as `nvidia.com/gpu` are counted by NodeResourcesFit. Here they matter where parts of cards are given
 * out too. Their numbers are chosen only on nodes whose agent heeds them (it publishes its cards' topology).
 */
import { chooseCards, indexAnnotation, wholeCard, wholeCardResource, writeIndices } from '@coracle/machinery';
import type { CardColumns } from '../cards/card-columns.ts';
import type { CardRequest } from '../cards/card-request.ts';
import { lot } from '../cards/lot.ts';
import type { FilterPlugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { CannotReserve, type Reservation, type ReservePlugin } from '../reservation.ts';
import type { Snapshot } from '../snapshot.ts';

export interface GpuShareArgs {
  /**
   * Of parts of cards: `BestFit` (default) takes the card with the least room that suffices, `WorstFit` the one with the
   * most, `Random` any. A plugin with an opinion of its own (FGDScore) reserves after this one and has the last word.
   */
  readonly cardSelection?: 'BestFit' | 'WorstFit' | 'Random';
}

const noSuchCards = 1;
const otherModel = 2;
const noRoom = 3;

export function gpuShare(args: GpuShareArgs = {}): FilterPlugin & ReservePlugin {
  const { cardSelection = 'BestFit' } = args;
  const chosen = (pod: PodInfo, request: CardRequest, row: number, { cards }: Snapshot) => {
    const topology = cards.topology[row];
    // Several cards: those that are best linked. One whole card: the one the others miss least.
    if (topology && (request.count > 1 || request.milli === wholeCard))
      return chooseCards(topology, cards.usable(row, request), request.count);
    if (cardSelection === 'WorstFit') return cards.loosest(row, request);
    return cardSelection === 'Random' ? anyOf(cards, row, request, pod.uid) : cards.tightest(row, request);
  };
  return {
    name: 'GpuShare',
    prepareFilter(pod, snapshot) {
      const request = pod.cards;
      if (!request) return undefined;
      const { cards } = snapshot;
      // NodeResourcesFit counts them.
      const idle = (): boolean => request.extended && cards.onlyWhole && request.models.length === 0;
      return {
        idle,
        filter(rows, count, codes) {
          if (idle()) {
            codes.fill(0, 0, count);
            return;
          }
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            if (!cards.serves(row, request)) codes[i] = 0;
            else if (cards.count[row]! < request.count) codes[i] = noSuchCards;
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
      if (!request || !cards.serves(row, request)) return undefined;
      if (request.extended && !cards.topology[row]) return undefined;
      const indices = cards.fits(row, request) ? chosen(pod, request, row, snapshot) : undefined;
      if (!indices) {
        // NodeResourcesFit has seen to it that whole cards are there; the agent will know which.
        if (request.extended) return undefined;
        throw new CannotReserve(`node ${snapshot.nameOf(row)} has no card with enough room`);
      }
      return takeCards(cards, pod, indices);
    },
  };
}

/** The pod gets these cards when it is placed, and their numbers are put on it by its binding. */
export function takeCards(cards: CardColumns, pod: PodInfo, chosen: readonly number[]): Reservation {
  const { uid } = pod;
  const indices = chosen.toSorted((a, b) => a - b);
  cards.assign(uid, indices);
  const end = (): void => cards.assign(uid, undefined);
  return {
    bindingAnnotations: { [indexAnnotation]: writeIndices(indices) },
    release: end,
    settle: end,
  };
}

function anyOf(
  cards: CardColumns,
  row: number,
  request: CardRequest,
  uid: string,
): readonly number[] | undefined {
  const usable = cards.usable(row, request);
  if (usable.length < request.count) return undefined;
  const picked: number[] = [];
  for (let left = request.count; left > 0; left--) {
    const [card] = usable.splice(Math.floor(lot(`${uid} ${left}`) * usable.length), 1);
    picked.push(card!);
  }
  return picked.toSorted((a, b) => a - b);
}
