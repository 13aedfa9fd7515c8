/** What a pod uses of a quota. */
import { parseQuantity, Quantity } from '@coracle/machinery';
import type { Container, Pod, core_v1 } from '@coracle/machinery/api';

type Amounts = Map<string, Quantity>;

function add(into: Amounts, amounts: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of amounts) into.set(name, into.get(name)?.add(amount) ?? amount);
}
function atLeast(into: Amounts, amounts: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of amounts) {
    const known = into.get(name);
    if (!known || known.cmp(amount) < 0) into.set(name, amount);
  }
}
function amountsOf(list: Record<string, string> | undefined): Amounts {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

/**
 * Requests or limits of a pod: all containers and sidecars together, or the most demanding step of starting it, whichever
 * is more; amounts for the whole pod, where given, count instead; the overhead comes on top.
 */
function podAmounts(pod: Pod, field: 'requests' | 'limits'): Amounts {
  const of = (container: Container): Amounts => amountsOf(container.resources?.[field]);
  const running: Amounts = new Map();
  for (const container of pod.spec?.containers ?? []) add(running, of(container));
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(sidecars, of(container));
      atLeast(starting, sidecars);
    } else {
      const step = new Map(sidecars);
      add(step, of(container));
      atLeast(starting, step);
    }
  }
  add(running, sidecars);
  atLeast(running, starting);
  for (const [name, amount] of amountsOf(pod.spec?.resources?.[field])) running.set(name, amount);
  const overhead = amountsOf(pod.spec?.overhead);
  if (field === 'requests') add(running, overhead);
  else for (const [name, amount] of overhead) if (running.has(name)) add(running, new Map([[name, amount]]));
  return running;
}

/** By names of quota resources: `pods`, `cpu`, `requests.cpu`, `limits.memory`, `requests.nvidia.com/gpu`. */
export function podUsage(pod: Pod): Amounts {
  const usage: Amounts = new Map([['count/pods', Quantity.of(1)]]);
  const { phase } = pod.status ?? {};
  // What has ended uses nothing any more, but is still an object.
  if (phase === 'Succeeded' || phase === 'Failed') return usage;
  usage.set('pods', Quantity.of(1));
  for (const [name, amount] of podAmounts(pod, 'requests')) {
    usage.set(`requests.${name}`, amount);
    if (['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-')) {
      usage.set(name, amount);
    }
  }
  for (const [name, amount] of podAmounts(pod, 'limits')) usage.set(`limits.${name}`, amount);
  return usage;
}

/** Is the pod one that the quota's scopes mean? */
export function inScopes(spec: core_v1.ResourceQuotaSpec | undefined, pod: Pod): boolean {
  for (const scope of spec?.scopes ?? []) if (!inScope(scope, 'Exists', [], pod)) return false;
  for (const { scopeName, operator, values } of spec?.scopeSelector?.matchExpressions ?? []) {
    if (!inScope(scopeName, operator, values ?? [], pod)) return false;
  }
  return true;
}

function inScope(scope: string, operator: string, values: readonly string[], pod: Pod): boolean {
  const terminating = pod.spec?.activeDeadlineSeconds !== undefined;
  if (scope === 'Terminating') return terminating;
  if (scope === 'NotTerminating') return !terminating;
  if (scope === 'BestEffort') return isBestEffort(pod);
  if (scope === 'NotBestEffort') return !isBestEffort(pod);
  if (scope === 'CrossNamespacePodAffinity') return crossesNamespaces(pod);
  if (scope !== 'PriorityClass') return false;
  const priorityClass = pod.spec?.priorityClassName ?? '';
  if (operator === 'In') return values.includes(priorityClass);
  if (operator === 'NotIn') return !values.includes(priorityClass);
  return operator === 'DoesNotExist' ? priorityClass === '' : priorityClass !== '';
}

function isBestEffort(pod: Pod): boolean {
  if (pod.status?.qosClass) return pod.status.qosClass === 'BestEffort';
  const asked = [...podAmounts(pod, 'requests').keys(), ...podAmounts(pod, 'limits').keys()];
  return !asked.some((name) => name === 'cpu' || name === 'memory');
}

function crossesNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm),
  ]);
  return terms.some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined);
}
