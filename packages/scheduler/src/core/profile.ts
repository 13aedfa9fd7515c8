import { profileFrom } from './config/profiles.ts';
import { defaultRegistry, type PluginRegistry } from './config/registry.ts';
import type { Profile } from './plugin.ts';
import type { InterPodAffinityArgs } from './plugins/inter-pod-affinity.ts';
import type { NodeAffinityArgs } from './plugins/node-affinity.ts';
import type { NodeResourcesFitArgs } from './plugins/node-resources-fit.ts';
import type { BalancedAllocationArgs } from './plugins/resource-scores.ts';

export interface DefaultProfileArgs {
  readonly schedulerName?: string;
  readonly nodeResourcesFit?: NodeResourcesFitArgs;
  readonly nodeAffinity?: NodeAffinityArgs;
  readonly balancedAllocation?: BalancedAllocationArgs;
  readonly interPodAffinity?: InterPodAffinityArgs;
  readonly percentageOfNodesToScore?: number;
  /** Default: kube-scheduler's plugins. */
  readonly registry?: PluginRegistry;
}

/** kube-scheduler's default profile: the order of its filters (the first to fail names the reason) and its weights. */
export function defaultProfile(args: DefaultProfileArgs = {}): Profile {
  const given = {
    NodeResourcesFit: args.nodeResourcesFit,
    NodeAffinity: args.nodeAffinity,
    NodeResourcesBalancedAllocation: args.balancedAllocation,
    InterPodAffinity: args.interPodAffinity,
  };
  const pluginConfig = Object.entries(given).flatMap(([name, value]) =>
    value ? [{ name, args: value as Readonly<Record<string, unknown>> }] : [],
  );
  return profileFrom(
    { schedulerName: args.schedulerName ?? 'default-scheduler', plugins: {}, pluginConfig },
    args.percentageOfNodesToScore ?? 0,
    args.registry ?? defaultRegistry(),
  );
}
