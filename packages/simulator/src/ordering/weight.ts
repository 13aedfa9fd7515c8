import type { ActiveJob, OrderingContext } from './policy.ts';

/**
 * How large a job is, for policies that weigh time by resources: its cards, in thousandths. A job without cards counts by its cores:
 * as much of the cluster's cards as they are of its cores; where there are no cards at all, thousandths of cores.
 */
export function weightOf(
  { gpuMilli, cpuMilli }: ActiveJob,
  { gpuMilliUp, cpuMilliUp }: OrderingContext,
): number {
  if (gpuMilli > 0 || cpuMilliUp <= 0) return gpuMilli;
  return gpuMilliUp > 0 ? (cpuMilli * gpuMilliUp) / cpuMilliUp : cpuMilli;
}
