/** The little statistics that reports need. Pure; NaN stands for "not known" and is passed over where that is said. */

/** A mean with its 95 % confidence interval over seeds: `mean - half` to `mean + half`. */
export interface Estimate {
  readonly mean: number;
  /** Half the width of the interval. NaN with fewer than two values: one run says nothing about its spread. */
  readonly half: number;
  /** How many values there were. */
  readonly n: number;
}

/** 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2). */
const t975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** The 97.5 % quantile of Student's t. */
export function studentT(degreesOfFreedom: number): number {
  const listed = t975[degreesOfFreedom - 1];
  if (listed !== undefined) return listed;
  // Beyond the table: Abramowitz and Stegun 26.7.5, right to 0.0001 from 30 on.
  const z = 1.959964;
  const n = degreesOfFreedom;
  return z + (z ** 3 + z) / (4 * n) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n * n);
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** Mean and interval of what is known of the values. */
export function estimate(values: readonly number[]): Estimate {
  const known = values.filter((value) => !Number.isNaN(value));
  const n = known.length;
  if (n === 0) return { mean: Number.NaN, half: Number.NaN, n };
  const mean = sum(known) / n;
  if (n === 1) return { mean, half: Number.NaN, n };
  const variance = sum(known.map((value) => (value - mean) ** 2)) / (n - 1);
  return { mean, half: studentT(n - 1) * Math.sqrt(variance / n), n };
}

/** A value with the seed of its run. */
export interface Seeded {
  readonly seed: number;
  readonly value: number;
}

/**
 * The difference `to - from`, paired by seed: what seeds have in common (a hard draw of the workload) cancels, so that it is
 * much sharper than comparing two intervals. Seeds that only one side has do not count.
 */
export function paired(from: readonly Seeded[], to: readonly Seeded[]): Estimate {
  const before = new Map(from.map(({ seed, value }) => [seed, value]));
  return estimate(to.map(({ seed, value }) => value - (before.get(seed) ?? Number.NaN)));
}

/**
 * Whether a difference is one: its interval leaves out zero. With one seed there is no interval, and then nobody can say:
 * undefined.
 */
export function isClear({ mean, half }: Estimate): boolean | undefined {
  if (Number.isNaN(mean) || Number.isNaN(half)) return undefined;
  return Math.abs(mean) > half;
}

/** Jain's index of fairness: 1 if all have the same, 1/n if one has all (Jain, Chiu, Hawe 1984). NaN of nothing. */
export function jain(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  const squares = sum(known.map((value) => value * value));
  if (known.length === 0) return Number.NaN;
  return squares === 0 ? 1 : sum(known) ** 2 / (known.length * squares);
}
