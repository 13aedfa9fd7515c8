/** What the objects of a namespace use of a quota. */
import { parseQuantity, Quantity } from '@coracle/machinery';
import type { KubeObject } from '@coracle/machinery';
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '@coracle/machinery/api';
import { inScopes, podUsage } from './pod-usage.ts';

type Amounts = Map<string, Quantity>;

/** Objects of core/v1 that a quota counts by their plain name (`configmaps`); all may be counted as `count/RESOURCE.GROUP`. */
const plainCounts = [
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
  'services',
  'persistentvolumeclaims',
];

export interface Counted {
  /** `pods`, `jobs.batch`. */
  resource: string;
  objects: readonly KubeObject[];
}

/** `used` for exactly the resources in spec.hard, in their canonical form. */
export function quotaUsage(quota: ResourceQuota, content: readonly Counted[]): Record<string, string> {
  const total: Amounts = new Map();
  const add = (amounts: ReadonlyMap<string, Quantity>): void => {
    for (const [name, amount] of amounts) total.set(name, total.get(name)?.add(amount) ?? amount);
  };
  const scoped =
    (quota.spec?.scopes?.length ?? 0) + (quota.spec?.scopeSelector?.matchExpressions?.length ?? 0) > 0;
  for (const { resource, objects } of content) {
    if (resource === 'pods') {
      for (const object of objects) {
        const pod = object as Pod;
        if (inScopes(quota.spec, pod)) add(podUsage(pod));
      }
      continue;
    }
    // Scopes are about pods: a quota with scopes counts nothing else.
    if (scoped) continue;
    const count = Quantity.of(objects.length);
    add(new Map([[`count/${resource}`, count]]));
    if (plainCounts.includes(resource)) add(new Map([[resource, count]]));
    if (resource === 'services') for (const object of objects) add(serviceUsage(object as Service));
    if (resource === 'persistentvolumeclaims') {
      for (const object of objects) add(claimUsage(object as PersistentVolumeClaim));
    }
  }
  const used: Record<string, string> = {};
  for (const name of Object.keys(quota.spec?.hard ?? {})) used[name] = `${total.get(name) ?? '0'}`;
  return used;
}

function serviceUsage({ spec }: Service): Amounts {
  const usage: Amounts = new Map();
  const ports = spec?.ports ?? [];
  if (spec?.type === 'LoadBalancer') {
    usage.set('services.loadbalancers', Quantity.of(1));
    const allocated = spec.allocateLoadBalancerNodePorts === false ? ports.filter((p) => p.nodePort) : ports;
    usage.set('services.nodeports', Quantity.of(allocated.length));
  } else if (spec?.type === 'NodePort') usage.set('services.nodeports', Quantity.of(ports.length));
  return usage;
}

function claimUsage({ metadata, spec }: PersistentVolumeClaim): Amounts {
  const size = parseQuantity(spec?.resources?.requests?.['storage'] ?? '0');
  const usage: Amounts = new Map([['requests.storage', size]]);
  const storageClass =
    spec?.storageClassName ?? metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
  if (storageClass) {
    usage.set(`${storageClass}.storageclass.storage.k8s.io/requests.storage`, size);
    usage.set(`${storageClass}.storageclass.storage.k8s.io/persistentvolumeclaims`, Quantity.of(1));
  }
  return usage;
}

/** The resources (`pods`, `jobs.batch`) whose objects this quota needs to be known. */
export function resourcesOf(quota: ResourceQuota): string[] {
  const needed = new Set<string>();
  for (const name of Object.keys(quota.spec?.hard ?? {})) {
    if (name.startsWith('count/')) needed.add(name.slice('count/'.length));
    else if (name.startsWith('services')) needed.add('services');
    else if (plainCounts.includes(name)) needed.add(name);
    else if (name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/')) {
      needed.add('persistentvolumeclaims');
    } else needed.add('pods');
  }
  return [...needed];
}
