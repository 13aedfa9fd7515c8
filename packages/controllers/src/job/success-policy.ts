/** spec.successPolicy: when an Indexed Job has succeeded before all of its indexes have. */
import type { batch_v1 } from '@coracle/machinery/api';
import { IndexSet } from './indexes.ts';

/** The message of the condition when a rule is met; undefined when none is. */
export function matchSuccessPolicy(
  policy: batch_v1.SuccessPolicy | undefined,
  completions: number,
  succeeded: IndexSet,
): string | undefined {
  for (const [position, rule] of (policy?.rules ?? []).entries()) {
    const count = rule.succeededCount;
    let met: boolean;
    if (rule.succeededIndexes !== undefined) {
      const wanted = IndexSet.parse(rule.succeededIndexes, completions);
      const overlap = wanted.overlap(succeeded);
      met = overlap >= wanted.size || (count !== undefined && overlap >= count);
    } else {
      met = count !== undefined && succeeded.size >= count;
    }
    if (met) return `Matched rules at index ${position}`;
  }
  return undefined;
}
