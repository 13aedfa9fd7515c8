/** How values are spread, small enough to be sent and drawn. */

/** Steps of `Distribution.points`: every percent, and finer towards the end, which is what people complain of. */
export const pointFractions: readonly number[] = [
  ...Array.from({ length: 99 }, (_, index) => index / 100),
  ...Array.from({ length: 10 }, (_, index) => (990 + index) / 1000),
  0.9995,
  1,
];

export interface Distribution {
  readonly count: number;
  /** NaN if there are no values, as are all others. */
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** The value at each of `pointFractions`: a cumulative distribution to draw. Empty if there are no values. */
  readonly points: readonly number[];
}

/**
 * The quantile of sorted values, between the two nearest by their distance (definition 7 of Hyndman and Fan 1996, what numpy and
 * R do by default). NaN of nothing.
 */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}

/** Of what is known of the values. The array is sorted in place (a copy of a million is not free). */
export function distribution(values: Float64Array): Distribution {
  values.sort();
  // NaN is sorted last.
  let count = values.length;
  while (count > 0 && Number.isNaN(values[count - 1]!)) count--;
  const known = values.subarray(0, count);
  let total = 0;
  for (const value of known) total += value;
  return {
    count,
    mean: count === 0 ? Number.NaN : total / count,
    p50: quantile(known, 0.5),
    p90: quantile(known, 0.9),
    p95: quantile(known, 0.95),
    p99: quantile(known, 0.99),
    max: quantile(known, 1),
    points: count === 0 ? [] : pointFractions.map((fraction) => quantile(known, fraction)),
  };
}

/**
 * Several runs as one to draw: the mean of each quantile (Vincent averaging). Runs without values do not count.
 */
export function averaged(distributions: readonly Distribution[]): Distribution {
  const full = distributions.filter(({ count }) => count > 0);
  const mean = (of: (one: Distribution) => number): number =>
    full.length === 0 ? Number.NaN : full.reduce((total, one) => total + of(one), 0) / full.length;
  return {
    count: full.reduce((total, one) => total + one.count, 0),
    mean: mean((one) => one.mean),
    p50: mean((one) => one.p50),
    p90: mean((one) => one.p90),
    p95: mean((one) => one.p95),
    p99: mean((one) => one.p99),
    max: mean((one) => one.max),
    points: full.length === 0 ? [] : pointFractions.map((_, index) => mean((one) => one.points[index]!)),
  };
}
