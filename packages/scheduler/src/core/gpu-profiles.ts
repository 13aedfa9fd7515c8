/** Profiles for GPU clusters: kube-scheduler's rules for where a pod may run, and one policy for which of those nodes is best. */
import { maxNodeScore, type Plugin, type Profile, type ScorePlugin } from './plugin.ts';
import { fgdScore, type FgdScoreArgs } from './plugins/fgd-score.ts';
import { gpuShare, type GpuShareArgs } from './plugins/gpu-share.ts';
import {
  bestFitScore,
  dotProductScore,
  firstFitScore,
  gpuClusteringScore,
  gpuPackingScore,
  randomScore,
} from './plugins/packing-scores.ts';
import { defaultProfile, type DefaultProfileArgs } from './profile.ts';

/** Which nodes a profile for GPUs prefers. A pod chooses it by the scheduler's name: `coracle-fgd`, `coracle-gpupacking`, ... */
export const gpuPolicies = [
  'FGD',
  'GpuPacking',
  'GpuClustering',
  'DotProduct',
  'BestFit',
  'FirstFit',
  'Random',
] as const;
export type GpuPolicy = (typeof gpuPolicies)[number];

export interface GpuProfileArgs extends DefaultProfileArgs, GpuShareArgs {
  readonly fgd?: FgdScoreArgs;
}

/** The default profile's filters, GpuShare, and the policy as the only score. */
export function gpuProfile(policy: GpuPolicy, args: GpuProfileArgs = {}): Profile {
  const base = defaultProfile(args);
  const share: Plugin = gpuShare(args);
  const filters = base.plugins
    .filter((entry) => entry.plugin.name !== share.name)
    .map((entry) => ({ plugin: entry.plugin, weight: 0 }));
  return {
    ...base,
    schedulerName: args.schedulerName ?? `coracle-${policy.toLowerCase()}`,
    // Packing looks for the one best node: every node is looked at.
    percentageOfNodesToScore: args.percentageOfNodesToScore ?? maxNodeScore,
    plugins: [...filters, { plugin: share }, { plugin: scorer(policy, args), weight: 1 }],
  };
}

function scorer(policy: GpuPolicy, args: GpuProfileArgs): ScorePlugin {
  if (policy === 'FGD') return fgdScore(args.fgd);
  return {
    GpuPacking: gpuPackingScore,
    GpuClustering: gpuClusteringScore,
    DotProduct: dotProductScore,
    BestFit: bestFitScore,
    FirstFit: firstFitScore,
    Random: randomScore,
  }[policy];
}
