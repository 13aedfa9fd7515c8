import type { Container, Pod } from '@coracle/machinery/api';
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
function featuresOf({ spec }: Pod): readonly string[] {
  const userNamespace = spec?.hostNetwork === true && spec.hostUsers === false;
  const restarts = restartsAll(spec?.containers) || restartsAll(spec?.initContainers);
  // Asked of every pod; mostly there is nothing.
  if (!userNamespace && !restarts) return none;
  const features: string[] = [];
  if (userNamespace) features.push('UserNamespacesHostNetworkSupport');
  if (restarts) features.push('RestartAllContainersOnContainerExits');
  return features;
}
const none: readonly string[] = [];

function restartsAll(containers: readonly Container[] | undefined): boolean {
  if (!containers) return false;
  for (const { restartPolicyRules } of containers) {
    if (restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers')) return true;
  }
  return false;
}
