/** What the page's script draws from. It is put into the page as JSON; the script is built with these types. */
import type { MetricKey } from '../summary.ts';
import type { Unit } from '../units.ts';

/** A quantity over time; by candidate, then by step. Null: not known. */
export interface PageSeries {
  readonly key: string;
  readonly values: readonly (readonly (number | null)[])[];
}

/** A cumulative distribution by candidate: the value at each of `fractions`. Empty: no values. */
export interface PageDistribution {
  readonly key: string;
  readonly values: readonly (readonly number[])[];
}

/** A metric by candidate with half its interval; null: not known. */
export interface PageInterval {
  readonly key: MetricKey;
  readonly label: string;
  readonly unit: Unit;
  readonly better: 'low' | 'high' | null;
  readonly values: readonly { readonly mean: number | null; readonly half: number | null }[];
}

export interface PageTenant {
  readonly name: string;
  /** By candidate; null: not known. */
  readonly slowdown: readonly (number | null)[];
  readonly wait: readonly (number | null)[];
  readonly finishTime: readonly (number | null)[];
}

/** Rows of nodes (one, or several next to each other), columns of time. `data`: percents, row by row; deflated (raw), base64. 255: no node. */
export interface PageHeat {
  readonly candidate: number;
  readonly seed: number;
  readonly fromMs: number;
  readonly stepMs: number;
  readonly nodes: number;
  readonly rows: number;
  readonly columns: number;
  readonly data: string;
  /** Names of the rows: a JSON list, deflated (raw), base64. */
  readonly names: string;
}

/**
 * Stretches in which jobs held their places. `data` is LEB128 numbers, deflated (raw), base64: for each node how many
 * stretches follow, and for each of these the start since the last one's start and the length (both in `unitMs`), the index of
 * the job, and the cards and the cores in thousandths (one of both is 0). `jobs`: a JSON list of `[id, index of the tenant]`, deflated (raw), base64; so are
 * `nodes`, the names.
 */
export interface PageGantt {
  readonly candidate: number;
  readonly seed: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly unitMs: number;
  readonly tenants: readonly string[];
  /** Only some of the nodes are there. */
  readonly thinned: boolean;
  readonly data: string;
  readonly jobs: string;
  readonly nodes: string;
}

export interface PageData {
  readonly candidates: readonly string[];
  readonly resource: 'gpu' | 'cpu';
  readonly fromMs: number;
  readonly stepMs: number;
  readonly series: readonly PageSeries[];
  readonly fractions: readonly number[];
  readonly distributions: readonly PageDistribution[];
  readonly intervals: readonly PageInterval[];
  readonly tenants: readonly PageTenant[];
  /** Of all the cards' (or cores') time, by candidate: work that counts, starts and lost work, free in unusable pieces, free. Sums to 1. */
  readonly time: readonly (readonly number[])[];
  /** By candidate, percent of the cards against percent asked for; empty lists unless arrivals were dropped. */
  readonly demand: readonly (readonly number[])[];
  readonly heats: readonly PageHeat[];
  readonly gantts: readonly PageGantt[];
}
