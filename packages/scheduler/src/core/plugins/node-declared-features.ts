import type { Pod } from '@coracle/machinery/api';
import type { FilterPlugin } from '../plugin.ts';

/** Pods that use what not every node can do yet go to nodes that say they can (`status.declaredFeatures`, KEP-5328). */
export const nodeDeclaredFeatures: FilterPlugin = {
  name: 'NodeDeclaredFeatures',
  clusterWide: true,
  ownHints: true,
  prepareFilter(pod, snapshot) {
    const needed = featuresOf(pod.pod);
    if (needed.length === 0) return undefined;
    return {
      filter(rows, count, codes) {
        for (let i = 0; i < count; i++) {
          const declared = snapshot.node(rows[i]!)?.status?.declaredFeatures ?? [];
          codes[i] = needed.every((feature) => declared.includes(feature)) ? 0 : 1;
        }
      },
      reasons: () => ["node(s) didn't match Pod's required features"],
      resolvable: () => false,
    };
  },
};

/** What v1.36 infers from a pod's spec. */
function featuresOf({ spec }: Pod): string[] {
  const features: string[] = [];
  if (spec?.hostNetwork && spec.hostUsers === false) features.push('UserNamespacesHostNetworkSupport');
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  if (containers.some((c) => c.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'))) {
    features.push('RestartAllContainersOnContainerExits');
  }
  return features;
}
