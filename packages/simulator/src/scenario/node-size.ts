/** How large the nodes are over which jobs are spread whose trace says only how much they had in all. */
import { milliOf } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import { shapeOf } from './shapes.ts';
import type { ScenarioSpec, WorkloadSpec } from './types.ts';

/** Cards (GPUs) of a node. */
export function cardsOf({ status }: Pick<Node, 'status'>): number {
  const offered = status?.allocatable ?? {};
  return Number(offered['nvidia.com/gpu'] ?? offered['alibabacloud.com/gpu-count'] ?? 0);
}

/**
 * The workload's spec with cards and cores of a node: the fewest that a node of the cluster has (`named`: the nodes of the file
 * that it names), so that a job fits on any. Where the nodes are those of the trace, the trace says it itself.
 */
export function spreadOver(
  { cluster: { pools = [] }, shapes, workload }: ScenarioSpec,
  named: readonly Node[],
): WorkloadSpec {
  const offers = [...pools.map(({ shape }) => shapeOf(shape, shapes).template), ...named];
  const fewest = (amounts: readonly number[]): number => Math.min(...amounts.filter((amount) => amount > 0));
  const cards = fewest(offers.map(({ status }) => cardsOf({ status })));
  const cores = Math.floor(fewest(offers.map(({ status }) => milliOf(status?.allocatable?.['cpu']) / 1000)));
  return {
    ...(Number.isFinite(cards) && { cardsPerNode: cards }),
    ...(cores > 0 && Number.isFinite(cores) && { coresPerNode: cores }),
    ...workload,
  };
}
