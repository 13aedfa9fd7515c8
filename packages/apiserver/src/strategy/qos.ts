/** A pod's quality-of-service class (status.qosClass). */
import { parseQuantity } from '@coracle/machinery';
import type { PodSpec, ResourceRequirements } from '@coracle/machinery/api';

const positive = (list: Record<string, string> | undefined): Map<string, bigint> => {
  const result = new Map<string, bigint>();
  for (const name of ['cpu', 'memory']) {
    const value = list?.[name];
    if (value === undefined) continue;
    const { nanos } = parseQuantity(value);
    if (nanos > 0n) result.set(name, nanos);
  }
  return result;
};

/**
 * BestEffort: nobody asks for cpu or memory. Guaranteed: everyone limits both, and requests equal limits. Burstable: the
 * rest. Pod-level resources, where set, speak for all containers.
 */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const parts: (ResourceRequirements | undefined)[] =
    spec.resources && (spec.resources.requests || spec.resources.limits)
      ? [spec.resources]
      : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.resources);
  let any = false;
  let guaranteed = true;
  for (const part of parts) {
    const requests = positive(part?.requests);
    const limits = positive(part?.limits);
    if (requests.size > 0 || limits.size > 0) any = true;
    if (limits.size !== 2) guaranteed = false;
    for (const [name, request] of requests) if (limits.get(name) !== request) guaranteed = false;
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
