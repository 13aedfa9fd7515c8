/** The Stages of one kind: which of them an object goes on to. */
import type { KubeObject } from '@coracle/machinery';
import type { CompiledStage } from './compiled-stage.ts';

/**
 * Of the stages that match, one by chance in proportion to their weights. Those of weight 0 have a chance only where no weight
 * is above it, those without a weight only where none has one. `random` is in [0, 1), `now` is what CEL's Now gives.
 */
export function nextStage(
  stages: readonly CompiledStage[],
  object: KubeObject,
  random: () => number,
  now = 0,
): CompiledStage | undefined {
  const moment = { now, random };
  const matching = stages.filter((stage) => stage.matches(object, moment));
  if (matching.length < 2) return matching[0];
  const weighed = matching.map((stage) => ({ stage, weight: stage.weight(object, moment) ?? -1 }));
  const total = weighed.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  if (total > 0) {
    let left = random() * total;
    for (const { stage, weight } of weighed) {
      left -= Math.max(0, weight);
      if (weight > 0 && left < 0) return stage;
    }
    return weighed.findLast(({ weight }) => weight > 0)?.stage;
  }
  const withWeight = weighed.filter(({ weight }) => weight >= 0);
  const even = withWeight.length > 0 ? withWeight : weighed;
  return even[Math.floor(random() * even.length)]?.stage;
}
