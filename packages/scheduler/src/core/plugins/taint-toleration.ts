import type { FilterPlugin, ScorePlugin } from '../plugin.ts';
import { normalizeToMax } from '../plugin.ts';
import { firstUntolerated, tolerates } from '../taints.ts';

const hardEffects = ['NoSchedule', 'NoExecute'];

/**
 * Keeps pods off nodes whose NoSchedule or NoExecute taints they do not tolerate, and prefers nodes with fewer
 * PreferNoSchedule taints they do not tolerate. Nodes with equal taints share one verdict.
 */
export const taintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  prepareFilter(pod, snapshot) {
    const tolerations = pod.pod.spec?.tolerations ?? [];
    const verdicts: number[] = [];
    const verdictOf = (set: number): number =>
      (verdicts[set] ??= firstUntolerated(snapshot.taintSets[set]!, tolerations, hardEffects) ? set + 1 : 0);
    return {
      ofNode: true,
      idle: () => snapshot.tainted === 0,
      filter(rows, count, codes) {
        const column = snapshot.taintSet;
        for (let i = 0; i < count; i++) codes[i] = verdictOf(column[rows[i]!]!);
      },
      reasons(code) {
        const taint = firstUntolerated(snapshot.taintSets[code - 1]!, tolerations, hardEffects);
        return [`node(s) had untolerated taint {${taint?.key ?? ''}: ${taint?.value ?? ''}}`];
      },
      resolvable: () => false,
    };
  },
  prepareScore(pod, snapshot) {
    const tolerations = (pod.pod.spec?.tolerations ?? []).filter(
      (t) => !t.effect || t.effect === 'PreferNoSchedule',
    );
    const counts: number[] = [];
    const countOf = (set: number): number =>
      (counts[set] ??= snapshot.taintSets[set]!.filter(
        (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((t) => tolerates(t, taint)),
      ).length);
    return {
      idle: () => snapshot.tainted === 0,
      score(rows, count, scores) {
        const column = snapshot.taintSet;
        for (let i = 0; i < count; i++) scores[i] = countOf(column[rows[i]!]!);
      },
      normalize: (scores, count) => normalizeToMax(scores, count, true),
    };
  },
};
