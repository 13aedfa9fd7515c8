import { chooseCards, setScore } from '@coracle/machinery';
import { normalizeToMax, type ScorePlugin } from '../plugin.ts';

/**
 * Prefers nodes where the cards a pod would get are linked well: the pair sum of the best free set (cards/topology.ts). Nodes
 * that do not say how their cards are linked count as not linked.
 */
export const nodeCardTopology: ScorePlugin = {
  name: 'NodeCardTopology',
  prepareScore(pod, snapshot) {
    const request = pod.cards;
    if (!request || request.count < 2) return undefined;
    return {
      score(rows, count, scores) {
        const { cards } = snapshot;
        for (let i = 0; i < count; i++) {
          const row = rows[i]!;
          const topology = cards.topology[row];
          scores[i] = 0;
          if (!topology || cards.floating[row]! > 0) continue;
          const set = chooseCards(topology, cards.usable(row, request), request.count);
          if (set) scores[i] = setScore(topology, set);
        }
      },
      normalize: (scores, count) => normalizeToMax(scores, count, false),
    };
  },
};
