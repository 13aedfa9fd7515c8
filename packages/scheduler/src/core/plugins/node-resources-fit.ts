import { podsDimension, type PodInfo } from '../pod-info.ts';
import type { FilterPlugin, ScorePlugin } from '../plugin.ts';
import { prepareAllocationScore, type ScoringStrategy } from './resource-scores.ts';

export interface NodeResourcesFitArgs {
  /** Default: LeastAllocated on cpu and memory. */
  readonly scoringStrategy?: ScoringStrategy;
  /** Extended resources the filter does not look at, by name. */
  readonly ignoredResources?: readonly string[];
  /** ... or by the part before the slash. */
  readonly ignoredResourceGroups?: readonly string[];
}

/** Bits of a code: too many pods; more than the node has at all; then one a resource of the pod. */
const tooManyPods = 1;
const beyondNode = 2;
const firstResourceBit = 2;
/** Resources beyond the 28th share the last bit: nobody asks for that many. */
const lastBit = 30;

/** The node has what the pod asks for, and room for one more pod; scored by how full it would be. */
export function nodeResourcesFit(args: NodeResourcesFitArgs = {}): FilterPlugin & ScorePlugin {
  const strategy = args.scoringStrategy ?? { type: 'LeastAllocated' };
  const ignored = (name: string): boolean =>
    (args.ignoredResources?.includes(name) ?? false) ||
    (args.ignoredResourceGroups?.includes(name.split('/', 1)[0]!) ?? false);
  return {
    name: 'NodeResourcesFit',
    prepareFilter(pod, snapshot) {
      const wanted = pod.dimensions
        .map((dimension, i) => ({
          dimension,
          amount: pod.requests[i]!,
          bit: 1 << Math.min(firstResourceBit + i, lastBit),
        }))
        .filter(({ dimension }) => !ignored(snapshot.resourceName(dimension)));
      return {
        filter(rows, count, codes) {
          const pods = snapshot.free[podsDimension]!;
          for (let i = 0; i < count; i++) codes[i] = pods[rows[i]!]! < 1 ? tooManyPods : 0;
          for (const { dimension, amount, bit } of wanted) {
            const allocatable = snapshot.allocatable[dimension]!;
            const free = snapshot.free[dimension]!;
            const asDevices = snapshot.devices.backs(snapshot.resourceName(dimension));
            for (let i = 0; i < count; i++) {
              const row = rows[i]!;
              if (free[row]! >= amount) continue;
              const capacity = allocatable[row]!;
              // What no plugin offers on the node, the pod gets as devices: DynamicResources looks for them.
              if (capacity === 0 && asDevices) continue;
              codes[i]! |= amount > capacity ? bit | beyondNode : bit;
            }
          }
        },
        imagine(row, gone, come) {
          const pods = snapshot.requested[podsDimension]![row]! - gone.length + come.length;
          let code = pods + 1 > snapshot.allocatable[podsDimension]![row]! ? tooManyPods : 0;
          for (const { dimension, amount, bit } of wanted) {
            const capacity = snapshot.allocatable[dimension]![row]!;
            if (capacity === 0 && snapshot.devices.backs(snapshot.resourceName(dimension))) continue;
            let requested = snapshot.requested[dimension]![row]!;
            for (let i = 0; i < gone.length; i++) requested -= requestOf(gone[i]!, dimension);
            for (let i = 0; i < come.length; i++) requested += requestOf(come[i]!, dimension);
            if (requested + amount > capacity) code |= amount > capacity ? bit | beyondNode : bit;
          }
          return code;
        },
        reasons(code) {
          const reasons = code & tooManyPods ? ['Too many pods'] : [];
          for (const { dimension, bit } of wanted) {
            if (code & bit) reasons.push(`Insufficient ${snapshot.resourceName(dimension)}`);
          }
          return reasons;
        },
        resolvable: (code) => (code & beyondNode) === 0,
      };
    },
    prepareScore: (pod, snapshot) => prepareAllocationScore(strategy, pod, snapshot),
  };
}

function requestOf({ dimensions, requests }: PodInfo, dimension: number): number {
  for (let i = 0; i < dimensions.length; i++) if (dimensions[i] === dimension) return requests[i]!;
  return 0;
}
