/** A pod's quality-of-service class (status.qosClass). */
import { parseQuantity } from '@coracle/machinery';
import type { PodSpec, ResourceRequirements } from '@coracle/machinery/api';

const nothing = 0n;
const nanosOf = (list: Record<string, string> | undefined, name: string): bigint => {
  const value = list?.[name];
  return value === undefined ? nothing : parseQuantity(value).nanos;
};

const names = ['cpu', 'memory'] as const;

/**
 * BestEffort: nobody asks for cpu or memory. Guaranteed: everyone limits both, and requests equal limits. Burstable: the
 * rest. Pod-level resources, where set, speak for all containers.
 */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let any = false;
  let guaranteed = true;
  const look = (part: ResourceRequirements | undefined): void => {
    for (const name of names) {
      const request = nanosOf(part?.requests, name);
      const limit = nanosOf(part?.limits, name);
      if (request > nothing || limit > nothing) any = true;
      if (limit <= nothing || (request > nothing && request !== limit)) guaranteed = false;
    }
  };
  if (spec.resources && (spec.resources.requests || spec.resources.limits)) look(spec.resources);
  else {
    for (const container of spec.containers ?? []) look(container.resources);
    for (const container of spec.initContainers ?? []) look(container.resources);
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
