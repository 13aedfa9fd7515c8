/** Can the node take the pod? The kubelet's last check, after the scheduler's: resources, devices, node selector. */
import type { Pod } from '@coracle/machinery/api';
import { type DeviceManager, type DeviceRequest, gpuResource } from '../devices/device-manager.ts';
import { type Amounts, amountsOf, podRequests } from '../pod/resources.ts';

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
    devices.allocate(pod.metadata.uid, gpuRequests(pod));
    return undefined;
  } catch (error) {
    return {
      reason: 'UnexpectedAdmissionError',
      message: `Allocate failed due to ${(error as Error).message}, which is unexpected`,
    };
  }
}

function gpuRequests(pod: Pod): DeviceRequest[] {
  const of = (list: NonNullable<Pod['spec']>['containers'] | undefined, init: boolean): DeviceRequest[] =>
    (list ?? []).map((container) => ({
      container: container.name,
      count: amountsOf(container.resources?.limits)[gpuResource] ?? 0,
      // A sidecar runs beside the others and needs its own.
      init: init && container.restartPolicy !== 'Always',
    }));
  return [...of(pod.spec?.containers, false), ...of(pod.spec?.initContainers, true)];
}
