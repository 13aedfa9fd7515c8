import type { Profile } from './plugin.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity, type InterPodAffinityArgs } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity, type NodeAffinityArgs } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesFit, type NodeResourcesFitArgs } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { podTopologySpread } from './plugins/pod-topology-spread.ts';
import { balancedAllocation, type BalancedAllocationArgs } from './plugins/resource-scores.ts';
import { taintToleration } from './plugins/taint-toleration.ts';

export interface DefaultProfileArgs {
  readonly schedulerName?: string;
  readonly nodeResourcesFit?: NodeResourcesFitArgs;
  readonly nodeAffinity?: NodeAffinityArgs;
  readonly balancedAllocation?: BalancedAllocationArgs;
  readonly interPodAffinity?: InterPodAffinityArgs;
  readonly percentageOfNodesToScore?: number;
}

/** kube-scheduler's default profile: the order of its filters (the first to fail names the reason) and its weights. */
export function defaultProfile(args: DefaultProfileArgs = {}): Profile {
  return {
    schedulerName: args.schedulerName ?? 'default-scheduler',
    percentageOfNodesToScore: args.percentageOfNodesToScore ?? 0,
    plugins: [
      { plugin: nodeUnschedulable },
      { plugin: nodeName },
      { plugin: taintToleration, weight: 3 },
      { plugin: nodeAffinity(args.nodeAffinity), weight: 2 },
      { plugin: nodePorts },
      { plugin: nodeResourcesFit(args.nodeResourcesFit), weight: 1 },
      { plugin: podTopologySpread, weight: 2 },
      { plugin: interPodAffinity(args.interPodAffinity), weight: 2 },
      { plugin: balancedAllocation(args.balancedAllocation), weight: 1 },
      { plugin: imageLocality, weight: 1 },
    ],
  };
}
