import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';

/** Asks the ordering policy for the ranks of `jobs`; of all that are active if it weighs them against each other. */
export function rankAll({ ordering, context, active }: RunState, jobs: Iterable<SimJob>): void {
  if (!ordering.rankAll) {
    for (const job of jobs) job.rank = ordering.rank(job, context);
    return;
  }
  const all = [...active.values()];
  const ranks = ordering.rankAll(all, context);
  for (let i = 0; i < all.length; i++) all[i]!.rank = ranks[i]!;
}
