/** What a pod asks for, as the kubelet counts it. */
import { milliOf, valueOf_ as wholeOf } from '@coracle/machinery';
import type { Container, Pod, ResourceRequirements } from '@coracle/machinery/api';

export type Amounts = Record<string, number>;

/** CPU in thousandths, everything else in whole units. */
export function amountsOf(list: Record<string, string> | undefined): Amounts {
  const amounts: Amounts = {};
  for (const [name, quantity] of Object.entries(list ?? {}))
    amounts[name] = name === 'cpu' ? milliOf(quantity) : wholeOf(quantity);
  return amounts;
}

/** Requests with the limits standing in where no request is made. */
function requestsOf(resources: ResourceRequirements | undefined): Amounts {
  return { ...amountsOf(resources?.limits), ...amountsOf(resources?.requests) };
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

const add = (to: Amounts, what: Amounts): void => {
  for (const [name, amount] of Object.entries(what)) to[name] = (to[name] ?? 0) + amount;
};
const raise = (to: Amounts, what: Amounts): void => {
  for (const [name, amount] of Object.entries(what)) to[name] = Math.max(to[name] ?? 0, amount);
};

/**
 * What a pod occupies on a node: the sum of its containers and sidecars, or what one init container needs beside the
 * sidecars started before it, whichever is more; plus overhead; and pod-level requests over all that.
 */
export function podRequests(pod: Pod): Amounts {
  const total: Amounts = {};
  const sidecars: Amounts = {};
  const initPeak: Amounts = {};
  for (const container of pod.spec?.initContainers ?? []) {
    const requests = requestsOf(container.resources);
    if (isSidecar(container)) add(sidecars, requests);
    const now = { ...sidecars };
    if (!isSidecar(container)) add(now, requests);
    raise(initPeak, now);
  }
  for (const container of pod.spec?.containers ?? []) add(total, requestsOf(container.resources));
  add(total, sidecars);
  raise(total, initPeak);
  Object.assign(total, requestsOf(pod.spec?.resources));
  add(total, amountsOf(pod.spec?.overhead));
  return total;
}

/** Guaranteed, Burstable or BestEffort, by cpu and memory of all containers. */
export function qosClass(pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const lists = pod.spec?.resources ? [pod.spec.resources] : containers.map((each) => each.resources);
  let any = false;
  let all = true;
  for (const resources of lists) {
    for (const name of ['cpu', 'memory']) {
      const limit = amountsOf(resources?.limits)[name] ?? 0;
      const request = amountsOf(resources?.requests)[name] ?? limit;
      if (limit > 0 || request > 0) any = true;
      if (limit === 0 || request !== limit) all = false;
    }
  }
  if (!any) return 'BestEffort';
  return all ? 'Guaranteed' : 'Burstable';
}
