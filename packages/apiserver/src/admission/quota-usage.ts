/** What objects count for in ResourceQuotas, by quota resource name. */
import { type Amounts, parseQuantity, podAmounts, Quantity, type Unstructured } from '@coracle/machinery';
import type {
  core_v1,
  PersistentVolumeClaim,
  Pod,
  ScopedResourceSelectorRequirement,
  Service,
} from '@coracle/machinery/api';
import { qosClass } from '../strategy/qos.ts';

export type Usage = Amounts;
const one = Quantity.of(1);

function plus(usage: Usage, name: string, amount: Quantity): void {
  usage.set(name, usage.get(name)?.add(amount) ?? amount);
}

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);

function podUsage(pod: Pod, now: number): Usage {
  const usage: Usage = new Map([['count/pods', one]]);
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return usage;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  // A pod that should be gone by now no longer counts: its node may have died.
  if (
    deletionTimestamp &&
    deletionGracePeriodSeconds != null &&
    Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000 < now
  )
    return usage;
  usage.set('pods', one);
  for (const [name, amount] of podAmounts(pod, 'requests')) {
    if (standard.has(name)) plus(usage, name, amount);
    plus(usage, `requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(pod, 'limits'))
    if (standard.has(name)) plus(usage, `limits.${name}`, amount);
  return usage;
}

function claimUsage(claim: PersistentVolumeClaim): Usage {
  const usage: Usage = new Map([
    ['count/persistentvolumeclaims', one],
    ['persistentvolumeclaims', one],
  ]);
  const storage = claim.spec?.resources?.requests?.['storage'];
  const className = claim.spec?.storageClassName;
  const prefix = className ? `${className}.storageclass.storage.k8s.io/` : undefined;
  if (prefix) usage.set(`${prefix}persistentvolumeclaims`, one);
  if (storage !== undefined) {
    usage.set('requests.storage', parseQuantity(storage));
    if (prefix) usage.set(`${prefix}requests.storage`, parseQuantity(storage));
  }
  return usage;
}

function serviceUsage(service: Service): Usage {
  const usage: Usage = new Map([
    ['count/services', one],
    ['services', one],
  ]);
  const { type, ports, allocateLoadBalancerNodePorts } = service.spec ?? {};
  const count = Quantity.of((ports ?? []).length);
  if (type === 'NodePort') usage.set('services.nodeports', count);
  if (type === 'LoadBalancer') {
    usage.set('services.loadbalancers', one);
    if (allocateLoadBalancerNodePorts !== false) usage.set('services.nodeports', count);
  }
  return usage;
}

const counted = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);

/** What one object counts for. `now` is epoch milliseconds. */
export function usageOf(group: string, resource: string, object: Unstructured, now: number): Usage {
  if (group === '') {
    if (resource === 'pods') return podUsage(object as unknown as Pod, now);
    if (resource === 'persistentvolumeclaims') return claimUsage(object as unknown as PersistentVolumeClaim);
    if (resource === 'services') return serviceUsage(object as unknown as Service);
  }
  const usage: Usage = new Map([[`count/${group ? `${resource}.${group}` : resource}`, one]]);
  if (group === '' && counted.has(resource)) usage.set(resource, one);
  return usage;
}

function inScope(pod: Pod, requirement: ScopedResourceSelectorRequirement): boolean {
  const spec = pod.spec;
  switch (requirement.scopeName) {
    case 'Terminating':
      return spec?.activeDeadlineSeconds != null && spec.activeDeadlineSeconds >= 0;
    case 'NotTerminating':
      return spec?.activeDeadlineSeconds == null;
    case 'BestEffort':
      return spec !== undefined && qosClass(spec) === 'BestEffort';
    case 'NotBestEffort':
      return spec !== undefined && qosClass(spec) !== 'BestEffort';
    case 'PriorityClass': {
      const name = spec?.priorityClassName ?? '';
      const values = requirement.values ?? [];
      switch (requirement.operator) {
        case 'In':
          return values.includes(name);
        case 'NotIn':
          return !values.includes(name);
        case 'DoesNotExist':
          return name === '';
        default:
          return name !== '';
      }
    }
    case 'CrossNamespacePodAffinity': {
      const affinity = spec?.affinity;
      const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((kind) => [
        ...(kind?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        ...(kind?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm),
      ]);
      return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector != null);
    }
    default:
      return false;
  }
}

/** Do the quota's scopes (all of them) take in this object? Scopes are about pods: a scoped quota counts nothing else. */
export function quotaMatches(
  quota: core_v1.ResourceQuotaSpec,
  resource: string,
  object: Unstructured,
): boolean {
  const requirements: ScopedResourceSelectorRequirement[] = [
    ...(quota.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(quota.scopeSelector?.matchExpressions ?? []),
  ];
  if (requirements.length === 0) return true;
  if (resource !== 'pods') return false;
  return requirements.every((requirement) => inScope(object as unknown as Pod, requirement));
}

const constrained = /^(requests\.|limits\.)?(cpu|memory)$/;

/** Compute resources the quota limits and a container of the pod does not state: `cpu for: a,b; memory for: a`. */
export function missingOf(quota: core_v1.ResourceQuotaSpec, pod: Pod): string {
  const missing: string[] = [];
  for (const name of Object.keys(quota.hard ?? {}).toSorted()) {
    if (!constrained.test(name)) continue;
    const part = name.startsWith('limits.') ? 'limits' : 'requests';
    const plain = name.replace(/^(requests|limits)\./, '');
    if (pod.spec?.resources?.[part]?.[plain] !== undefined) continue;
    const silent = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].filter(
      (container) => container.resources?.[part]?.[plain] === undefined,
    );
    if (silent.length > 0)
      missing.push(`${name} for: ${silent.map((container) => container.name).join(',')}`);
  }
  return missing.join('; ');
}
