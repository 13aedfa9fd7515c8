/**
 * The placement policies FGD is compared with (hkust-adsl/kubernetes-scheduler-simulator), as score plugins under their
 * authors' names and with their whole-number arithmetic. Each is meant to be the only score plugin of a profile, or the one
 * with by far the highest weight.
 */
import { wholeCard } from '@coracle/machinery';
import { kindOf } from '../cards/card-columns.ts';
import { lot } from '../cards/lot.ts';
import { maxNodeScore, type ScorePlugin } from '../plugin.ts';
import { cpuDimension, type PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';

/** The largest node there is, by which amounts are made comparable: milli-cores, thousandths of cards. */
const largestCpu = 128_000;
const largestCards = 8000;

const cpuOf = (pod: PodInfo): number => {
  const index = pod.dimensions.indexOf(cpuDimension);
  return index < 0 ? 0 : pod.requests[index]!;
};
const cpuLeft = (snapshot: Snapshot, row: number): number => snapshot.free[cpuDimension]![row]!;

/**
 * Best are cards in use already, the fuller the better (50..100); then untouched cards of a node in use (33..50); then nodes
 * that are not in use, the smaller the better.
 */
export const gpuPackingScore: ScorePlugin = {
  name: 'GpuPackingScore',
  prepareScore(pod, snapshot) {
    const request = pod.cards;
    if (!request) return undefined;
    const { count, milli } = request;
    let sorted = new Int32Array(16);
    return {
      score(rows, size, scores) {
        const { cards } = snapshot;
        for (let i = 0; i < size; i++) {
          const row = rows[i]!;
          const n = cards.count[row]!;
          const untouched = cards.wholeFree(row);
          if (untouched === n) {
            scores[i] = Math.max(Math.trunc(maxNodeScore / 3) - untouched, untouched);
            continue;
          }
          if (sorted.length < n) sorted = new Int32Array(n * 2);
          const base = row * cards.width;
          const left = sorted.subarray(0, n);
          left.set(cards.free.subarray(base, base + n));
          left.sort();
          let needed = count;
          let opened = 0;
          let slack = 0;
          for (let c = 0; c < n && needed > 0; c++) {
            if (left[c]! < milli) continue;
            needed--;
            if (left[c] === wholeCard) opened++;
            slack += Math.trunc((left[c]! * 100) / wholeCard);
          }
          scores[i] =
            opened > 0
              ? Math.max(maxNodeScore / 2 - opened, Math.trunc(maxNodeScore / 3))
              : Math.max(maxNodeScore - Math.trunc(slack / 10), maxNodeScore / 2);
        }
      },
    };
  },
};

/** Best are nodes with pods of the same kind only (parts of a card; one card; two; ...), then with those and others, then empty ones. */
export const gpuClusteringScore: ScorePlugin = {
  name: 'GpuClusteringScore',
  prepareScore(pod, snapshot) {
    const request = pod.cards;
    if (!request) return undefined;
    const kind = kindOf(request);
    const quarter = maxNodeScore / 4;
    return {
      score(rows, count, scores) {
        const { cards } = snapshot;
        for (let i = 0; i < count; i++) {
          const row = rows[i]!;
          const kinds = cards.kinds[row];
          const present = kinds?.size ?? 0;
          const quarters = kinds?.has(kind) ? (present === 1 ? 3 : 2) : present === 0 ? 1 : 0;
          const used = Math.max(0, largestCards - cards.totalFree(row));
          scores[i] = quarters * quarter + Math.trunc((quarter * used) / largestCards);
        }
      },
    };
  },
};

/** Best are nodes whose free amounts point another way than the pod's request (Tetris, SIGCOMM'14, turned to packing). */
export const dotProductScore: ScorePlugin = {
  name: 'DotProductScore',
  prepareScore(pod, snapshot) {
    const cpu = cpuOf(pod) / largestCpu;
    const part = pod.cards ? (pod.cards.count * pod.cards.milli) / largestCards : 0;
    return {
      score(rows, count, scores) {
        const { cards } = snapshot;
        for (let i = 0; i < count; i++) {
          const row = rows[i]!;
          const product =
            (cpuLeft(snapshot, row) / largestCpu) * cpu + (cards.totalFree(row) / largestCards) * part;
          scores[i] = Math.max(0, Math.trunc(maxNodeScore * (1 - product / 2)));
        }
      },
    };
  },
};

/** Best are nodes that have the least left with the pod on them: cores and cards, half and half. */
export const bestFitScore: ScorePlugin = {
  name: 'BestFitScore',
  prepareScore(pod, snapshot) {
    const cpu = cpuOf(pod);
    const milli = pod.cards ? pod.cards.count * pod.cards.milli : 0;
    return {
      score(rows, count, scores) {
        const { cards } = snapshot;
        for (let i = 0; i < count; i++) {
          const row = rows[i]!;
          const left =
            ((cpuLeft(snapshot, row) - cpu) / largestCpu) * 0.5 +
            ((cards.totalFree(row) - milli) / largestCards) * 0.5;
          scores[i] = Math.trunc((1 - left) * maxNodeScore);
        }
      },
      normalize: spread,
    };
  },
};

/** One of the nodes that fit, by lot: the pod's uid decides. */
export const randomScore: ScorePlugin = {
  name: 'RandomScore',
  clusterWide: true,
  prepareScore: (pod) => ({
    score(_rows, count, scores) {
      scores.fill(0, 0, count);
      scores[Math.floor(lot(pod.uid) * count)] = maxNodeScore;
    },
  }),
};

/** The first node that fits, by name. */
export const firstFitScore: ScorePlugin = {
  name: 'FirstFitScore',
  clusterWide: true,
  prepareScore: (_pod, snapshot) => ({
    score(rows, count, scores) {
      scores.fill(0, 0, count);
      let first = 0;
      for (let i = 1; i < count; i++)
        if (snapshot.nameOf(rows[i]!) < snapshot.nameOf(rows[first]!)) first = i;
      scores[first] = maxNodeScore;
    },
  }),
};

/** The lowest becomes 0, the highest 100, whole numbers; all equal: all 0. */
function spread(scores: Float64Array, count: number): void {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    low = Math.min(low, scores[i]!);
    high = Math.max(high, scores[i]!);
  }
  for (let i = 0; i < count; i++) {
    scores[i] = high === low ? 0 : Math.trunc(((scores[i]! - low) * maxNodeScore) / (high - low));
  }
}
