/** Which metrics and which values a table of candidates should point out. */
import { metrics, type Metric } from './metrics.ts';
import { difference, estimateOf, type Candidate, type Report } from './report.ts';
import { isClear } from './statistics.ts';
import { inUnit } from './units.ts';

/** Metrics that say something: known somewhere, and not nought everywhere. */
export function telling(report: Report, all: boolean): Metric[] {
  return metrics.filter((metric) => {
    const turnedAway = metric.key === 'placed' || metric.key === 'dropped';
    if (!all && !metric.short && !turnedAway) return false;
    const values = report.candidates.map((candidate) => estimateOf(candidate, metric.key).mean);
    if (metric.key === 'fairness' || metric.key === 'worstFinishTime') {
      return report.candidates.some(({ runs }) => runs[0]!.tenants.length > 1);
    }
    // Everything was taken in: nothing to tell.
    if (metric.key === 'placed') return values.some((value) => value < 1);
    return values.some((value) => !Number.isNaN(value) && value !== 0);
  });
}

/**
 * Columns of the best value and of those that cannot be told apart from it; none if that is all of them, or there is one.
 */
export function bestOf(candidates: readonly Candidate[], metric: Metric): number[] {
  if (!metric.better || candidates.length < 2) return [];
  const values = candidates.map((candidate) => estimateOf(candidate, metric.key).mean);
  const known = values.filter((value) => !Number.isNaN(value));
  const top = values.indexOf(metric.better === 'high' ? Math.max(...known) : Math.min(...known));
  if (top < 0) return [];
  const columns = values.flatMap((value, column) => {
    // What reads the same is the same.
    const same = inUnit(value, metric.unit) === inUnit(values[top]!, metric.unit);
    return same || isClear(difference(candidates[top]!, candidates[column]!, metric.key)) === false
      ? [column]
      : [];
  });
  return columns.length === candidates.length ? [] : columns;
}
