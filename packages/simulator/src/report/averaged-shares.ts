/** Series over time of several candidates on one grid, so that they can be laid over each other. */
import type { Candidate } from './report.ts';
import { estimate } from './statistics.ts';
import { shareNames, type Shares } from './shares.ts';

/**
 * Mean over a candidate's seeds, in the order of candidates. After the end of a run nothing waits and nothing runs; what is free
 * then is no measure of a policy, so that fragmentation is of those that still run.
 */
export function averagedShares(candidates: readonly Candidate[], points = 360): Shares[] {
  const runs = candidates.flatMap((candidate) => candidate.runs);
  const endMs = Math.max(1, ...runs.map((run) => run.endMs));
  const stepMs = endMs / points;
  return candidates.map((candidate) => {
    const column = (name: (typeof shareNames)[number]): Float64Array =>
      Float64Array.from({ length: points }, (_, index) => {
        const values = candidate.runs.map(({ shares }) => at(shares, name, (index + 0.5) * stepMs));
        return estimate(values).mean;
      });
    return {
      fromMs: 0,
      stepMs,
      ...(Object.fromEntries(shareNames.map((name) => [name, column(name)])) as Record<
        (typeof shareNames)[number],
        Float64Array
      >),
    };
  });
}

function at(shares: Shares, name: (typeof shareNames)[number], ms: number): number {
  const column = shares[name];
  const index = Math.floor((ms - shares.fromMs) / shares.stepMs);
  if (index < 0 || column.length === 0) return 0;
  if (index >= column.length) {
    const last = column[column.length - 1]!;
    if (name === 'fragmentation') return Number.NaN;
    // Nodes stay; what is not known stays so.
    return name === 'nodesUp' || Number.isNaN(last) ? last : 0;
  }
  return column[index]!;
}
