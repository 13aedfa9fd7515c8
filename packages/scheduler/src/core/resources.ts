/**
 * What a pod asks for and what a node offers, as numbers: CPU in thousandths of a core, everything else in its unit
 * (bytes, pieces). Fractions are rounded up per quantity, as Quantity.MilliValue and Quantity.Value do.
 *
 * The rules are the API's own (KEP-753 for sidecars, KEP-2837 for pod-level resources): a pod needs the larger of
 * - the sum of its containers and its sidecars (init containers with restartPolicy Always), and
 * - for each init container, itself plus the sidecars started before it,
 * then pod-level requests replace what they name, then the overhead of its runtime class is added.
 */
import { deepEqual } from '@coracle/machinery';
import type { Container, ContainerStatus, Pod } from '@coracle/machinery/api';
import { milliValue, value } from './quantity.ts';

/** Amounts by resource name: `cpu` in milli-cores, all others in whole units. */
export type Amounts = Map<string, number>;

/** What a container without a CPU or memory request counts as when nodes are scored (upstream's non-zero requests). */
const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

type Quantities = Readonly<Record<string, string>> | undefined;

export interface PodRequestOptions {
  /** Take the largest of spec, allocated and actual requests (in-place resize): for pods that run already. */
  useStatus?: boolean;
  /** Counted for each container that does not name the resource. */
  missing?: Amounts;
}

/** Amounts of a resource list. */
export function amounts(list: Quantities): Amounts {
  const result: Amounts = new Map();
  for (const name in list) result.set(name, amountOf(name, list[name]!));
  return result;
}

/** One quantity as this module counts it. */
export function amountOf(name: string, quantity: string): number {
  return name === 'cpu' ? milliValue(quantity) : value(quantity);
}

/** What the scheduler must find on a node for this pod. */
export function podRequests(pod: Pod, options: PodRequestOptions = {}): Amounts {
  const result = containerRequests(pod, options);
  const podLevel = pod.spec?.resources?.requests;
  for (const name in podLevel) {
    if (isPodLevelResource(name)) result.set(name, amountOf(name, podLevel[name]!));
  }
  add(result, amounts(pod.spec?.overhead));
  return result;
}

/**
 * What a pod that is to be placed counts as in scores: defaults stand for what containers do not name, also where the pod as a
 * whole names something else (a pod that is placed already counts as `nonZeroRequests` say: upstream's two ways).
 */
export function scoredRequests(pod: Pod): { cpu: number; memory: number } {
  const missing: Amounts = new Map([
    ['cpu', defaultMilliCpu],
    ['memory', defaultMemory],
  ]);
  const all = podRequests(pod, { missing });
  return { cpu: all.get('cpu') ?? 0, memory: all.get('memory') ?? 0 };
}

/** CPU and memory with defaults for containers that name none: what placed pods count as in scores. */
export function nonZeroRequests(
  pod: Pod,
  requests: Amounts,
  useStatus = false,
): { cpu: number; memory: number } {
  const podLevel = pod.spec?.resources?.requests;
  let podLevelSet = false;
  for (const name in podLevel) podLevelSet ||= isPodLevelResource(name);
  const missing: Amounts = new Map();
  if (!podLevelSet || !requests.get('cpu')) missing.set('cpu', defaultMilliCpu);
  if (!podLevelSet || !requests.get('memory')) missing.set('memory', defaultMemory);
  const all = missing.size === 0 ? requests : podRequests(pod, { useStatus, missing });
  return { cpu: all.get('cpu') ?? 0, memory: all.get('memory') ?? 0 };
}

function containerRequests(pod: Pod, options: PodRequestOptions): Amounts {
  const spec = aggregate(pod, options.missing, (container) => container.resources?.requests);
  if (!options.useStatus || !hasStatusResources(pod)) return spec;
  const infeasible = pod.status?.conditions?.some(
    (c) => c.type === 'PodResizePending' && c.reason === 'Infeasible',
  );
  const allocated = aggregate(pod, options.missing, (container) => {
    const status = statusOf(pod, container.name);
    return status?.allocatedResources ?? (infeasible ? undefined : container.resources?.requests);
  });
  const actual = aggregate(pod, options.missing, (container) => {
    const status = statusOf(pod, container.name);
    const reported = status?.resources?.requests ?? status?.allocatedResources;
    return reported ?? (infeasible ? undefined : container.resources?.requests);
  });
  const result = infeasible ? new Map<string, number>() : spec;
  max(result, allocated);
  max(result, actual);
  return result;
}

function aggregate(
  pod: Pod,
  missing: Amounts | undefined,
  requestsOf: (container: Container) => Quantities,
): Amounts {
  const read = (container: Container): Amounts => {
    const own = amounts(requestsOf(container));
    if (missing) for (const [name, amount] of missing) if (!own.has(name)) own.set(name, amount);
    return own;
  };
  const result: Amounts = new Map();
  for (const container of pod.spec?.containers ?? []) add(result, read(container));
  const sidecars: Amounts = new Map();
  const initPeak: Amounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const own = read(container);
    if (container.restartPolicy === 'Always') {
      add(result, own);
      add(sidecars, own);
      max(initPeak, sidecars);
    } else {
      add(own, sidecars);
      max(initPeak, own);
    }
  }
  max(result, initPeak);
  return result;
}

/** True if the kubelet says of no container that it has been given anything else than it asks for: the rule. */
export function givenAsAsked(pod: Pod): boolean {
  const { spec, status } = pod;
  return (
    asAsked(status?.containerStatuses, spec?.containers) &&
    asAsked(status?.initContainerStatuses, spec?.initContainers)
  );
}

function asAsked(
  statuses: readonly ContainerStatus[] | undefined,
  containers: readonly Container[] | undefined,
): boolean {
  if (!statuses) return true;
  for (let i = 0; i < statuses.length; i++) {
    const { name, allocatedResources, resources } = statuses[i]!;
    if (allocatedResources === undefined && resources?.requests === undefined) continue;
    // Mostly in the same order.
    const container =
      containers?.[i]?.name === name ? containers[i] : containers?.find((c) => c.name === name);
    const asked = container?.resources?.requests ?? {};
    if (allocatedResources !== undefined && !deepEqual(allocatedResources, asked)) return false;
    if (resources?.requests !== undefined && !deepEqual(resources.requests, asked)) return false;
  }
  return true;
}

/** True if the kubelet says what the containers have been given. */
function hasStatusResources({ status }: Pod): boolean {
  const given = (s: ContainerStatus): boolean =>
    s.allocatedResources !== undefined || s.resources !== undefined;
  return Boolean(status?.containerStatuses?.some(given) || status?.initContainerStatuses?.some(given));
}

function statusOf(pod: Pod, name: string) {
  return (
    pod.status?.containerStatuses?.find((s) => s.name === name) ??
    pod.status?.initContainerStatuses?.find((s) => s.name === name)
  );
}

function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

function add(into: Amounts, more: Amounts): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0) + amount);
}

function max(into: Amounts, other: Amounts): void {
  for (const [name, amount] of other) {
    const before = into.get(name);
    if (before === undefined || amount > before) into.set(name, amount);
  }
}
