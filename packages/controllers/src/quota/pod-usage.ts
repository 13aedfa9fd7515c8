/** What a pod uses of a quota. */
import { type Amounts, podAmounts, Quantity } from '@coracle/machinery';
import type { Pod, core_v1 } from '@coracle/machinery/api';

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
