/** Profiles for GPU clusters: kube-scheduler's rules for where a pod may run, and one policy for which of those nodes is best. */
import { maxNodeScore, type Plugin, type Profile, type ScorePlugin } from './plugin.ts';
import { fgdScore, type FgdScoreArgs } from './plugins/fgd-score.ts';
import { gpuShare, type CardSelection, type GpuShareArgs } from './plugins/gpu-share.ts';
import {
  bestFitScore,
  dotProductScore,
  firstFitScore,
  gpuClusteringScore,
  gpuPackingScore,
  randomScore,
} from './plugins/packing-scores.ts';
import { defaultProfile, type DefaultProfileArgs } from './profile.ts';

export type GpuPolicy =
  | 'FGD'
  | 'GpuPacking'
  | 'GpuClustering'
  | 'DotProduct'
  | 'BestFit'
  | 'FirstFit'
  | 'Random';

export interface GpuProfileArgs extends DefaultProfileArgs, GpuShareArgs {
  readonly fgd?: FgdScoreArgs;
  /** Uniform in [0, 1): what Random draws with. */
  readonly random?: () => number;
}

/** The default profile's filters, GpuShare, and the policy as the only score. */
export function gpuProfile(policy: GpuPolicy, args: GpuProfileArgs = {}): Profile {
  const { plugin, select } = scorer(policy, args);
  const base = defaultProfile(args);
  const share: Plugin = gpuShare(args, {
    ...(args.random && { random: args.random }),
    ...(select && { select }),
  });
  const filters = base.plugins
    .filter((entry) => entry.plugin.name !== share.name)
    .map((entry) => ({ plugin: entry.plugin, weight: 0 }));
  return {
    ...base,
    schedulerName: args.schedulerName ?? `coracle-${policy.toLowerCase()}`,
    // Packing looks for the one best node: every node is looked at.
    percentageOfNodesToScore: args.percentageOfNodesToScore ?? maxNodeScore,
    plugins: [...filters, { plugin: share }, { plugin, weight: 1 }],
  };
}

function scorer(policy: GpuPolicy, args: GpuProfileArgs): { plugin: ScorePlugin; select?: CardSelection } {
  switch (policy) {
    case 'FGD': {
      const plugin = fgdScore(args.fgd);
      return { plugin, select: plugin.select };
    }
    case 'GpuPacking':
      return { plugin: gpuPackingScore };
    case 'GpuClustering':
      return { plugin: gpuClusteringScore };
    case 'DotProduct':
      return { plugin: dotProductScore };
    case 'BestFit':
      return { plugin: bestFitScore };
    case 'FirstFit':
      return { plugin: firstFitScore };
    case 'Random': {
      if (!args.random) throw new Error('the policy Random needs a source of random numbers');
      return { plugin: randomScore(args.random) };
    }
  }
}
