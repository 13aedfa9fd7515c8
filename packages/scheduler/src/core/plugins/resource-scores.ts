/**
 * How full a node would be with the pod on it, as a score: the strategies of NodeResourcesFit, and
 * NodeResourcesBalancedAllocation. Whole-number arithmetic as upstream's, so that scores are equal, not just alike.
 */
import { cpuDimension, memoryDimension, type PodInfo } from '../pod-info.ts';
import { maxNodeScore, type PreparedScore, type ScorePlugin } from '../plugin.ts';
import type { Snapshot } from '../snapshot.ts';

export interface ResourceWeight {
  readonly name: string;
  /** 1..100; default 1. */
  readonly weight?: number;
}

/** A point of RequestedToCapacityRatio: utilization in percent, score 0..10. Points in rising order of utilization. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

export interface ScoringStrategy {
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  /** Default: cpu and memory, weight 1 each. */
  readonly resources?: readonly ResourceWeight[];
  readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
}

/** One resource of a strategy: what the pod adds, and whether upstream's non-zero defaults count. */
interface Column {
  readonly weight: number;
  readonly podRequest: number;
  allocatable(): Float64Array;
  requested(): Float64Array;
}

const cpuAndMemory: readonly ResourceWeight[] = [{ name: 'cpu' }, { name: 'memory' }];

/** The score part of NodeResourcesFit. */
export function prepareAllocationScore(
  strategy: ScoringStrategy,
  pod: PodInfo,
  snapshot: Snapshot,
): PreparedScore {
  const columns = columnsFor(strategy.resources ?? cpuAndMemory, pod, snapshot, true);
  const one = scorerOf(strategy);
  // With RequestedToCapacityRatio upstream counts a resource's weight only where it scores above zero, and rounds.
  const ratio = strategy.type === 'RequestedToCapacityRatio';
  const [first, second] = columns;
  if (!ratio && columns.length === 2 && first!.weight === second!.weight)
    return meanOfTwo(first!, second!, one);
  const allocatable: Float64Array[] = [];
  const requested: Float64Array[] = [];
  return {
    score(rows, count, scores) {
      for (let c = 0; c < columns.length; c++) {
        allocatable[c] = columns[c]!.allocatable();
        requested[c] = columns[c]!.requested();
      }
      for (let i = 0; i < count; i++) {
        const row = rows[i]!;
        let sum = 0;
        let weights = 0;
        for (let c = 0; c < columns.length; c++) {
          const capacity = allocatable[c]![row]!;
          if (capacity === 0) continue;
          const { weight, podRequest } = columns[c]!;
          const score = one(requested[c]![row]! + podRequest, capacity);
          if (ratio && score <= 0) continue;
          sum += score * weight;
          weights += weight;
        }
        const mean = weights === 0 ? 0 : sum / weights;
        scores[i] = ratio ? Math.round(mean) : Math.floor(mean);
      }
    },
  };
}

/** The same for two resources that weigh the same, as in nearly all profiles, with nothing to look up but amounts. */
function meanOfTwo(
  a: Column,
  b: Column,
  one: (requested: number, capacity: number) => number,
): PreparedScore {
  const [requestA, requestB] = [a.podRequest, b.podRequest];
  return {
    score(rows, count, scores) {
      const allocatableA = a.allocatable();
      const allocatableB = b.allocatable();
      const requestedA = a.requested();
      const requestedB = b.requested();
      for (let i = 0; i < count; i++) {
        const row = rows[i]!;
        const capacityA = allocatableA[row]!;
        const capacityB = allocatableB[row]!;
        const scoreA = capacityA === 0 ? 0 : one(requestedA[row]! + requestA, capacityA);
        const scoreB = capacityB === 0 ? 0 : one(requestedB[row]! + requestB, capacityB);
        const both = capacityA !== 0 && capacityB !== 0;
        scores[i] = both ? Math.floor((scoreA + scoreB) / 2) : scoreA + scoreB;
      }
    },
  };
}

function scorerOf(strategy: ScoringStrategy): (requested: number, capacity: number) => number {
  switch (strategy.type) {
    case 'LeastAllocated':
      return (requested, capacity) =>
        requested > capacity ? 0 : Math.floor(((capacity - requested) * maxNodeScore) / capacity);
    case 'MostAllocated':
      return (requested, capacity) => Math.floor((Math.min(requested, capacity) * maxNodeScore) / capacity);
    case 'RequestedToCapacityRatio': {
      // The API's scores go to 10, a plugin's to 100.
      const shape = (strategy.requestedToCapacityRatio?.shape ?? []).map((p) => ({
        utilization: p.utilization,
        score: p.score * (maxNodeScore / 10),
      }));
      return (requested, capacity) =>
        requested > capacity
          ? brokenLinear(shape, 100)
          : brokenLinear(shape, Math.floor((requested * 100) / capacity));
    }
  }
}

/** The height of a broken line at `x`; flat before the first and after the last point. */
function brokenLinear(shape: readonly ShapePoint[], x: number): number {
  for (let i = 0; i < shape.length; i++) {
    const point = shape[i]!;
    if (x > point.utilization) continue;
    const before = shape[i - 1];
    if (!before) return point.score;
    const rise = (point.score - before.score) * (x - before.utilization);
    return before.score + Math.trunc(rise / (point.utilization - before.utilization));
  }
  return shape.at(-1)?.score ?? 0;
}

function columnsFor(
  resources: readonly ResourceWeight[],
  pod: PodInfo,
  snapshot: Snapshot,
  nonZero: boolean,
): Column[] {
  const columns: Column[] = [];
  for (const { name, weight = 1 } of resources) {
    const dimension = snapshot.dimensionOf(name);
    const index = pod.dimensions.indexOf(dimension);
    const exact = index < 0 ? 0 : pod.requests[index]!;
    const allocatable = (): Float64Array => snapshot.allocatable[dimension]!;
    if (nonZero && dimension === cpuDimension) {
      columns.push({ weight, podRequest: pod.scoredCpu, allocatable, requested: () => snapshot.nonZeroCpu });
    } else if (nonZero && dimension === memoryDimension) {
      columns.push({
        weight,
        podRequest: pod.scoredMemory,
        allocatable,
        requested: () => snapshot.nonZeroMemory,
      });
    } else if (exact > 0 || !isScalar(name)) {
      // A scalar resource the pod does not ask for says nothing about where it should go.
      columns.push({
        weight,
        podRequest: exact,
        allocatable,
        requested: () => snapshot.requested[dimension]!,
      });
    }
  }
  return columns;
}

/** Extended resources, huge pages and the like: all but the four that every node has. */
function isScalar(name: string): boolean {
  return name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage' && name !== 'pods';
}

export interface BalancedAllocationArgs {
  readonly resources?: readonly ResourceWeight[];
}

/** Prefers nodes whose resources would be used in equal parts: 100 x (1 - standard deviation of the used fractions). */
export function balancedAllocation(args: BalancedAllocationArgs = {}): ScorePlugin {
  const resources = args.resources ?? cpuAndMemory;
  return {
    name: 'NodeResourcesBalancedAllocation',
    prepareScore(pod, snapshot) {
      const columns = columnsFor(resources, pod, snapshot, false);
      // Pods that ask for nothing would all go to the one most balanced node.
      if (columns.every((column) => column.podRequest === 0)) return undefined;
      if (columns.length === 2) return balanceOfTwo(columns[0]!, columns[1]!);
      return {
        score(rows, count, scores) {
          const allocatable = columns.map((column) => column.allocatable());
          const requested = columns.map((column) => column.requested());
          const fractions = new Float64Array(columns.length);
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            let used = 0;
            for (let c = 0; c < columns.length; c++) {
              const capacity = allocatable[c]![row]!;
              if (capacity === 0) continue;
              const fraction = (requested[c]![row]! + columns[c]!.podRequest) / capacity;
              fractions[used++] = fraction > 1 ? 1 : fraction;
            }
            scores[i] = Math.trunc((1 - deviation(fractions, used)) * maxNodeScore);
          }
        },
      };
    },
  };
}

/** The same for two resources, as in nearly all profiles. The walk is that of `meanOfTwo`: a call for each row would take a third longer. */
function balanceOfTwo(a: Column, b: Column): PreparedScore {
  const [requestA, requestB] = [a.podRequest, b.podRequest];
  return {
    score(rows, count, scores) {
      const allocatableA = a.allocatable();
      const allocatableB = b.allocatable();
      const requestedA = a.requested();
      const requestedB = b.requested();
      for (let i = 0; i < count; i++) {
        const row = rows[i]!;
        const capacityA = allocatableA[row]!;
        const capacityB = allocatableB[row]!;
        let deviation = 0;
        if (capacityA !== 0 && capacityB !== 0) {
          const usedA = (requestedA[row]! + requestA) / capacityA;
          const usedB = (requestedB[row]! + requestB) / capacityB;
          deviation = Math.abs(((usedA > 1 ? 1 : usedA) - (usedB > 1 ? 1 : usedB)) / 2);
        }
        scores[i] = Math.trunc((1 - deviation) * maxNodeScore);
      }
    },
  };
}

function deviation(fractions: Float64Array, count: number): number {
  if (count < 2) return 0;
  if (count === 2) return Math.abs((fractions[0]! - fractions[1]!) / 2);
  let total = 0;
  for (let i = 0; i < count; i++) total += fractions[i]!;
  const mean = total / count;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (fractions[i]! - mean) ** 2;
  return Math.sqrt(sum / count);
}
