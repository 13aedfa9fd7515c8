/** Can the node take the pod? The kubelet's last check, after the scheduler's: resources, devices, node selector. */
import type { Pod } from '@coracle/machinery/api';
import type { DeviceManager } from '../devices/device-manager.ts';
import { giveCards } from '../devices/pod-cards.ts';
import { type Amounts, podRequests } from '../pod/resources.ts';

export interface Refusal {
  reason: string;
  message: string;
}

export function admitPod(
  pod: Pod,
  node: { allocatable: Amounts; labels: Readonly<Record<string, string>> },
  others: readonly Pod[],
  devices: DeviceManager,
): Refusal | undefined {
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) {
    if (node.labels[key] !== value)
      return {
        reason: 'NodeAffinity',
        message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      };
  }
  const used: Amounts = { pods: others.length };
  for (const other of others)
    for (const [name, amount] of Object.entries(podRequests(other))) used[name] = (used[name] ?? 0) + amount;
  const wanted: Amounts = { ...podRequests(pod), pods: 1 };
  // The scheduler gave it devices for these: the claim is checked when it is prepared.
  for (const { resourceName } of pod.status?.extendedResourceClaimStatus?.requestMappings ?? [])
    delete wanted[resourceName];
  for (const [name, requested] of Object.entries(wanted)) {
    const capacity = node.allocatable[name] ?? 0;
    const inUse = used[name] ?? 0;
    if (requested === 0 || inUse + requested <= capacity) continue;
    return {
      reason: `OutOf${name}`,
      message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${inUse}, capacity: ${capacity}`,
    };
  }
  try {
    giveCards(pod, devices);
    return undefined;
  } catch (error) {
    return {
      reason: 'UnexpectedAdmissionError',
      message: `Allocate failed due to ${(error as Error).message}, which is unexpected`,
    };
  }
}
