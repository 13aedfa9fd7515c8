/**
 * The plugins that profiles can name. kube-scheduler's are here; who brings others adds them:
 *
 *     const registry = defaultRegistry();
 *     registry.set('Packing', { points: ['score'], create: () => packing });
 */
import type { Plugin } from '../plugin.ts';
import { dynamicResources } from '../plugins/dynamic-resources.ts';
import { fgdScore } from '../plugins/fgd-score.ts';
import { gpuShare } from '../plugins/gpu-share.ts';
import { imageLocality } from '../plugins/image-locality.ts';
import { interPodAffinity } from '../plugins/inter-pod-affinity.ts';
import { nodeAffinity } from '../plugins/node-affinity.ts';
import { nodeCardTopology } from '../plugins/node-card-topology.ts';
import { nodeDeclaredFeatures } from '../plugins/node-declared-features.ts';
import { nodeName } from '../plugins/node-name.ts';
import { nodePorts } from '../plugins/node-ports.ts';
import { nodeResourcesFit } from '../plugins/node-resources-fit.ts';
import { nodeUnschedulable } from '../plugins/node-unschedulable.ts';
import {
  bestFitScore,
  dotProductScore,
  firstFitScore,
  gpuClusteringScore,
  gpuPackingScore,
  randomScore,
} from '../plugins/packing-scores.ts';
import { podTopologySpread } from '../plugins/pod-topology-spread.ts';
import { balancedAllocation } from '../plugins/resource-scores.ts';
import { nodeVolumeLimits } from '../plugins/node-volume-limits.ts';
import { taintToleration } from '../plugins/taint-toleration.ts';
import { volumeBinding } from '../plugins/volume-binding.ts';
import { volumeRestrictions } from '../plugins/volume-restrictions.ts';
import { volumeZone } from '../plugins/volume-zone.ts';
import type { ExtensionPoint } from './schema.ts';

export interface PluginDefinition {
  /** Where kube-scheduler asks it: `multiPoint` enables it at each of these. */
  readonly points: readonly ExtensionPoint[];
  /**
   * Makes the plugin from its arguments (defaults filled in; undefined: none were given and it is not one of
   * kube-scheduler's with arguments). Absent: the scheduler itself does what the plugin stands for.
   */
  create?(args: never): Plugin;
}
export type PluginRegistry = Map<string, PluginDefinition>;

const filterAndScore: readonly ExtensionPoint[] = ['preFilter', 'filter', 'preScore', 'score'];

/** kube-scheduler's plugins, by name. */
export function defaultRegistry(): PluginRegistry {
  const registry: PluginRegistry = new Map();
  const add = (name: string, points: readonly ExtensionPoint[], create?: (args: never) => Plugin): void =>
    void registry.set(name, create ? { points, create } : { points });
  add('SchedulingGates', ['preEnqueue']);
  add('PrioritySort', ['queueSort']);
  add('NodeUnschedulable', ['filter'], () => nodeUnschedulable);
  add('NodeName', ['filter'], () => nodeName);
  add('TaintToleration', ['filter', 'preScore', 'score'], () => taintToleration);
  add('NodeAffinity', filterAndScore, nodeAffinity);
  add('NodePorts', ['preFilter', 'filter'], () => nodePorts);
  add('NodeResourcesFit', filterAndScore, nodeResourcesFit);
  add('VolumeRestrictions', ['preFilter', 'filter'], () => volumeRestrictions);
  add('NodeVolumeLimits', ['preFilter', 'filter'], () => nodeVolumeLimits);
  add('VolumeBinding', [...filterAndScore, 'reserve', 'preBind'], volumeBinding);
  add('VolumeZone', ['preFilter', 'filter'], () => volumeZone);
  add('PodTopologySpread', filterAndScore, podTopologySpread);
  add('InterPodAffinity', filterAndScore, interPodAffinity);
  add(
    'DynamicResources',
    ['preEnqueue', ...filterAndScore, 'postFilter', 'reserve', 'preBind'],
    dynamicResources,
  );
  add('DefaultPreemption', ['postFilter']);
  add('NodeResourcesBalancedAllocation', ['preScore', 'score'], balancedAllocation);
  add('ImageLocality', ['score'], () => imageLocality);
  add('DefaultBinder', ['bind']);
  add('NodeDeclaredFeatures', ['preFilter', 'filter'], () => nodeDeclaredFeatures);
  // Cards (docs/gpus.md). The first two are on by default and have no say where no node speaks of its cards.
  add('GpuShare', ['filter', 'reserve'], gpuShare);
  add('NodeCardTopology', ['score'], () => nodeCardTopology);
  add('FGDScore', ['score', 'reserve'], fgdScore);
  add('GpuPackingScore', ['score'], () => gpuPackingScore);
  add('GpuClusteringScore', ['score'], () => gpuClusteringScore);
  add('DotProductScore', ['score'], () => dotProductScore);
  add('BestFitScore', ['score'], () => bestFitScore);
  add('FirstFitScore', ['score'], () => firstFitScore);
  add('RandomScore', ['score'], () => randomScore);
  return registry;
}

/** kube-scheduler's default set (v1.36), in its order, and what knows cards; those that the registry does not have are left out. */
export const defaultPlugins: readonly { readonly name: string; readonly weight?: number }[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'GpuShare' },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources', weight: 2 },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'NodeCardTopology', weight: 1 },
  { name: 'DefaultBinder' },
  { name: 'NodeDeclaredFeatures' },
];
