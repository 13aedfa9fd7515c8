/** The series of a result as parts of the cluster, few enough to draw. */
import type { RunResult } from '../model/result.ts';

/** Means over equal stretches of time. Shares are of the cards that are up (of cores where the cluster has no cards), 0 to 1. */
export interface Shares {
  readonly fromMs: number;
  readonly stepMs: number;
  /** Given to jobs. */
  readonly allocation: Float64Array;
  /** Doing work that counts in the end. */
  readonly utilisation: Float64Array;
  /** Free, but in pieces that no popular request can use. Of cards; without cards it is not known: NaN. */
  readonly fragmentation: Float64Array;
  readonly jobsWaiting: Float64Array;
  readonly jobsRunning: Float64Array;
  /** What waiting jobs ask for, as a share of the cluster. */
  readonly demandWaiting: Float64Array;
  readonly nodesUp: Float64Array;
}

/** Those that are drawn. */
export const drawnShares = [
  'allocation',
  'utilisation',
  'fragmentation',
  'jobsWaiting',
  'jobsRunning',
  'demandWaiting',
] as const;
export const shareNames = [...drawnShares, 'nodesUp'] as const;

/** Cards if the cluster ever has any, else cores. */
export function resourceOf({ series }: RunResult): 'gpu' | 'cpu' {
  return series.gpuMilliUp.some((value) => value > 0) ? 'gpu' : 'cpu';
}

/** Sums of columns over time, for means: a stretch counts by what was up, so that a cluster that grows is not counted twice. */
export interface Totals {
  /** Mean capacity, thousandths. */
  readonly upMilli: number;
  readonly usedMilli: number;
  readonly goodMilli: number;
  readonly fragmentedMilli: number;
  /** Cores beside the cards; without cards NaN: the others are of cores. */
  readonly coresUpMilli: number;
  readonly coresUsedMilli: number;
  readonly jobsWaiting: number;
  readonly maxJobsWaiting: number;
  readonly nodesUp: number;
}

/**
 * Time-weighted means of the whole run. The last stretch is as long as the others in a Series though the run may end in it: it
 * counts for the part that the run has of it.
 */
export function totals(result: RunResult): Totals {
  const { series } = result;
  const gpu = resourceOf(result) === 'gpu';
  const weight = weights(result);
  const mean = (column: Float64Array): number => {
    let value = 0;
    let time = 0;
    for (let index = 0; index < series.length; index++) {
      value += column[index]! * weight[index]!;
      time += weight[index]!;
    }
    return time === 0 ? Number.NaN : value / time;
  };
  return {
    upMilli: mean(gpu ? series.gpuMilliUp : series.cpuMilliUp),
    usedMilli: mean(gpu ? series.gpuMilliUsed : series.cpuMilliUsed),
    goodMilli: mean(gpu ? series.gpuMilliGood : series.cpuMilliGood),
    fragmentedMilli: gpu ? mean(series.gpuMilliFragmented) : Number.NaN,
    coresUpMilli: gpu ? mean(series.cpuMilliUp) : Number.NaN,
    coresUsedMilli: gpu ? mean(series.cpuMilliUsed) : Number.NaN,
    jobsWaiting: mean(series.jobsWaiting),
    maxJobsWaiting: series.length === 0 ? Number.NaN : series.jobsWaiting.reduce((a, b) => Math.max(a, b), 0),
    nodesUp: mean(series.nodesUp),
  };
}

function weights({ series, endMs }: RunResult): Float64Array {
  return Float64Array.from({ length: series.length }, (_, index) => {
    const fromMs = series.fromMs + index * series.stepMs;
    return Math.max(0, Math.min(series.stepMs, endMs - fromMs));
  });
}

/** As many points as asked for at most, each the mean of several. */
export function shares(result: RunResult, points = 360): Shares {
  const { series } = result;
  const gpu = resourceOf(result) === 'gpu';
  // What lies behind the end of the run says nothing.
  const length = Math.min(
    series.length,
    Math.max(1, Math.ceil((result.endMs - series.fromMs) / series.stepMs)),
  );
  const each = Math.max(1, Math.ceil(length / points));
  const up = gpu ? series.gpuMilliUp : series.cpuMilliUp;
  const weight = weights(result);
  const bucketed = (of: (index: number) => number): Float64Array => grouped(length, each, weight, of);
  const part = (column: Float64Array) => (index: number) => {
    if (up[index]! > 0) return column[index]! / up[index]!;
    return column[index]! > 0 ? Number.NaN : 0;
  };
  const unknown = (): number => Number.NaN;
  return {
    fromMs: series.fromMs,
    stepMs: series.stepMs * each,
    allocation: bucketed(part(gpu ? series.gpuMilliUsed : series.cpuMilliUsed)),
    utilisation: bucketed(part(gpu ? series.gpuMilliGood : series.cpuMilliGood)),
    fragmentation: bucketed(gpu ? part(series.gpuMilliFragmented) : unknown),
    jobsWaiting: bucketed((index) => series.jobsWaiting[index]!),
    jobsRunning: bucketed((index) => series.jobsRunning[index]!),
    demandWaiting: bucketed(part(gpu ? series.gpuMilliWaiting : series.cpuMilliWaiting)),
    nodesUp: bucketed((index) => series.nodesUp[index]!),
  };
}

function grouped(
  length: number,
  each: number,
  weight: Float64Array,
  of: (index: number) => number,
): Float64Array {
  return Float64Array.from({ length: Math.ceil(length / each) }, (_, group) => {
    let value = 0;
    let time = 0;
    for (let index = group * each; index < Math.min(length, (group + 1) * each); index++) {
      value += of(index) * weight[index]!;
      time += weight[index]!;
    }
    return time === 0 ? Number.NaN : value / time;
  });
}
