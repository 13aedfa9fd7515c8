import { wholeCard } from '@coracle/machinery';
import {
  descentScore,
  Fragmentation,
  popularShapes,
  type RequestShape,
  type WeightedShape,
} from '../cards/fragmentation.ts';
import { type CardRequest } from '../cards/card-request.ts';
import type { ScorePlugin } from '../plugin.ts';
import { cpuDimension, type PodInfo } from '../pod-info.ts';
import type { Reservation, ReservePlugin } from '../reservation.ts';
import type { Snapshot } from '../snapshot.ts';
import { takeCards } from './gpu-share.ts';

export interface FgdScoreArgs {
  /** The workload to keep room for, by shares. Absent: learnt from the pods that are placed. */
  readonly targetWorkload?: readonly WeightedShape[];
  /** The learnt workload is the most popular shapes that cover this percentage of the pods. Default 95. */
  readonly popularity?: number;
}

/** Learnt anew after this many placements, or an eighth of the pods placed if that is more. */
const leastBetweenLessons = 256;

/**
 * Prefers the node, and on it the card, where the pod leaves the least of what the target workload cannot use (fragmentation
 * gradient descent; cards/fragmentation.ts).
 */
export function fgdScore(args: FgdScoreArgs = {}): ScorePlugin & ReservePlugin {
  const { targetWorkload, popularity = 95 } = args;
  let fragmentation = targetWorkload && new Fragmentation(targetWorkload);
  let placementsLeft = 0;

  const learn = (snapshot: Snapshot): Fragmentation => {
    const counts = new Map<string, [RequestShape, number]>();
    for (const { info } of snapshot.pods()) {
      const shape = shapeOf(info);
      const key = `${shape.cpu} ${info.cards?.key ?? ''}`;
      const known = counts.get(key);
      if (known) known[1]++;
      else counts.set(key, [shape, 1]);
    }
    placementsLeft = Math.max(leastBetweenLessons, snapshot.podCount >> 3);
    return new Fragmentation(popularShapes(counts.values(), popularity));
  };
  const current = (snapshot: Snapshot): Fragmentation => (fragmentation ??= learn(snapshot));

  /** Score and card of the best place on the row; the card is -1 where whole cards are taken. */
  let bestCard = -1;
  const judge = (request: CardRequest | undefined, cpu: number, row: number, snapshot: Snapshot): number => {
    const frag = current(snapshot);
    const { cards } = snapshot;
    const left = snapshot.free[cpuDimension]![row]!;
    const before = frag.ofRow(cards, row, left);
    bestCard = -1;
    if (!request) return descentScore(before, frag.ofRow(cards, row, left - cpu));
    const { count, milli, memory } = request;
    if (count > 1 || milli === wholeCard) {
      return descentScore(before, frag.ofRowLessCards(cards, row, left - cpu, count, milli));
    }
    let best = 0;
    const base = row * cards.width;
    for (let card = 0; card < cards.count[row]!; card++) {
      const free = cards.free[base + card]!;
      if (free < milli || cards.freeMemory[base + card]! < memory) continue;
      // Cards with equally much left give equal scores, and the first of them is taken.
      let seen = false;
      for (let other = 0; other < card && !seen; other++) seen = cards.free[base + other] === free;
      if (seen && memory === 0) continue;
      const score = descentScore(before, frag.ofRowLess(cards, row, left - cpu, card, milli));
      if (bestCard >= 0 && score <= best) continue;
      best = score;
      bestCard = card;
    }
    return best;
  };

  return {
    name: 'FGDScore',
    prepareScore(pod, snapshot) {
      const request = pod.cards;
      const cpu = cpuOf(pod);
      return {
        score(rows, count, scores) {
          for (let i = 0; i < count; i++) scores[i] = judge(request, cpu, rows[i]!, snapshot);
        },
      };
    },
    reserve(pod, row, snapshot) {
      const request = pod.cards;
      let taken: Reservation | undefined;
      if (request?.count === 1 && request.milli < wholeCard) {
        judge(request, cpuOf(pod), row, snapshot);
        if (bestCard >= 0) taken = takeCards(snapshot.cards, pod, [bestCard]);
      }
      if (!targetWorkload && placementsLeft-- <= 0) {
        fragmentation = learn(snapshot);
        // Scores made with the workload as it was known before do not hold any more.
        snapshot.forgetVerdicts();
      }
      return taken;
    },
  };
}

function cpuOf(pod: PodInfo): number {
  const index = pod.dimensions.indexOf(cpuDimension);
  return index < 0 ? 0 : pod.requests[index]!;
}

function shapeOf(pod: PodInfo): RequestShape {
  const { count = 0, milli = 0, models = [] } = pod.cards ?? {};
  return { cpu: cpuOf(pod), count, milli, models };
}
