/** Answers in words: what a change does to a metric, with how sure that is. */
import { estimate, isClear, paired, type Estimate, type Seeded } from '../report/statistics.ts';
import { digits, durationUnit } from '../report/units.ts';
import type { Metric } from './metrics.ts';

export interface Difference {
  readonly metric: string;
  /** Means over the seeds. */
  readonly before: number;
  readonly after: number;
  /** Of the differences by seed: both were run with the same random numbers. */
  readonly change: Estimate;
  /** `4.1 h -> 1.2 h (-2.9 h, 95 % -3.2 to -2.6)`. */
  readonly text: string;
}

export function differenceOf(metric: Metric, from: readonly Seeded[], to: readonly Seeded[]): Difference {
  const change = paired(from, to);
  const before = estimate(from.map(({ value }) => value)).mean;
  const after = estimate(to.map(({ value }) => value)).mean;
  return {
    metric: metric.name,
    before,
    after,
    change,
    text: `${metric.text(before)} -> ${metric.text(after)}${changeText(metric, change)}`,
  };
}

function changeText(metric: Metric, change: Estimate): string {
  const { mean, half } = change;
  if (Number.isNaN(mean)) return '';
  const [unit, name] = scale(metric, Math.abs(mean) + (half || 0));
  const show = (value: number): string => signed(value / unit);
  const by = `${show(mean)}${name}`;
  if (Number.isNaN(half)) return ` (${by}; one seed: nothing says how sure that is)`;
  if (half <= Math.abs(mean) * 1e-9) return ` (${by} with every seed)`;
  const range = `95 % ${show(mean - half)} to ${show(mean + half)}`;
  return ` (${by}, ${range}${isClear(change) ? '' : ': no clear difference'})`;
}

/** Divisor and name of the unit for differences of that size. */
function scale(metric: Metric, size: number): [number, string] {
  if (metric.unit === 'share') return [0.01, ' points'];
  if (metric.unit !== 'ms') return [1, ''];
  const { ms, name } = durationUnit(size);
  return [ms, ` ${name}`];
}

function signed(value: number): string {
  const text = digits(value);
  return value > 0 ? `+${text}` : text;
}
