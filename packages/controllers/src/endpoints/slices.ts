/** The EndpointSlices a Service should have, made of those it has with as few changes as will do. */
import { isIPv6 } from 'node:net';
import { apiVersionOf, deepEqual, keyOf } from '@coracle/machinery';
import type { Draft } from '@coracle/machinery';
import { Service } from '@coracle/machinery/api';
import type { EndpointSlice, Pod, discovery_v1 } from '@coracle/machinery/api';
import {
  addressesOf,
  hostnameIn,
  isHeadless,
  isMember,
  memberConditions,
  memberPorts,
  podReference,
} from './members.ts';

type Endpoint = discovery_v1.Endpoint;

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const manager = 'endpointslice-controller.k8s.io';
const headlessLabel = 'service.kubernetes.io/headless';
const maxEndpoints = 100;

export interface SlicePlan {
  create: Draft<EndpointSlice>[];
  update: EndpointSlice[];
  remove: EndpointSlice[];
}

/** `pods`: those the Service selects. `existing`: its slices that this controller manages. `zoneOf`: of a node, by name. */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  existing: readonly EndpointSlice[],
  zoneOf: (node: string) => string | undefined,
): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const labels = sliceLabels(service);
  const families = service.spec?.ipFamilies?.length ? service.spec.ipFamilies : ['IPv4'];
  for (const slice of existing) if (!families.includes(slice.addressType)) plan.remove.push(slice);
  for (const family of families) {
    const mine = existing.filter((slice) => slice.addressType === family);
    const groups = groupByPorts(service, pods, family, zoneOf);
    // A Service with no endpoint still has one slice, so that readers can tell it from one not looked at yet.
    if (groups.size === 0) groups.set(portsKey([]), { ports: [], endpoints: [] });
    for (const slice of mine) {
      if (!groups.has(portsKey(slice.ports))) plan.remove.push(slice);
    }
    for (const [key, { ports, endpoints }] of groups) {
      const same = mine.filter((slice) => portsKey(slice.ports) === key);
      const filled = fill(same, endpoints);
      for (const [i, slice] of same.entries()) {
        const content = filled[i] ?? [];
        if (content.length === 0 && !(i === 0 && endpoints.length === 0)) plan.remove.push(slice);
        else if (!deepEqual(slice.endpoints ?? [], content) || !deepEqual(slice.metadata.labels, labels)) {
          plan.update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints: content });
        }
      }
      const fresh = filled.slice(same.length);
      if (same.length === 0 && fresh.length === 0) fresh.push([]);
      for (const content of fresh) {
        plan.create.push({
          metadata: {
            generateName: `${service.metadata.name.slice(0, 57)}-`,
            namespace: service.metadata.namespace,
            labels,
            ownerReferences: [
              {
                apiVersion: apiVersionOf(Service),
                kind: Service.kind,
                name: service.metadata.name,
                uid: service.metadata.uid,
                controller: true,
                blockOwnerDeletion: true,
              },
            ],
          },
          addressType: family,
          ports,
          endpoints: content,
        });
      }
    }
  }
  return plan;
}

interface Group {
  ports: discovery_v1.EndpointPort[];
  endpoints: Endpoint[];
}

/** Equal for equal ports, in whatever order of ports and fields they come back from the server. */
export function portsKey(ports: readonly discovery_v1.EndpointPort[] | undefined): string {
  const texts = (ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) =>
    [name, port, protocol, appProtocol].join('/'),
  );
  return texts.toSorted().join(',');
}

/** Pods may serve the named ports of a Service under different numbers: a slice has endpoints of equal ports. */
function groupByPorts(
  service: Service,
  pods: readonly Pod[],
  family: string,
  zoneOf: (node: string) => string | undefined,
): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const pod of pods.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    if (!isMember(pod)) continue;
    const addresses = addressesOf(pod).filter((ip) => isIPv6(ip) === (family === 'IPv6'));
    if (addresses.length === 0) continue;
    const ports = memberPorts(service, pod);
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = portsKey(ports);
    const group: Group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    const hostname = hostnameIn(service, pod);
    const nodeName = pod.spec?.nodeName;
    const zone = nodeName ? zoneOf(nodeName) : undefined;
    group.endpoints.push({
      addresses,
      conditions: memberConditions(service, pod),
      ...(hostname ? { hostname } : {}),
      ...(nodeName ? { nodeName } : {}),
      targetRef: podReference(pod),
      ...(zone ? { zone } : {}),
    });
  }
  return groups;
}

/** Endpoints keep the slice they are in; new ones fill what has room, then slices of their own. */
function fill(slices: readonly EndpointSlice[], wanted: readonly Endpoint[]): Endpoint[][] {
  const left = new Map(wanted.map((endpoint) => [endpoint.targetRef?.uid ?? '', endpoint]));
  const filled: Endpoint[][] = slices.map(({ endpoints }) => {
    const kept: Endpoint[] = [];
    for (const { targetRef } of endpoints ?? []) {
      const uid = targetRef?.uid ?? '';
      const endpoint = left.get(uid);
      if (endpoint && kept.length < maxEndpoints) {
        kept.push(endpoint);
        left.delete(uid);
      }
    }
    return kept;
  });
  const rest = [...left.values()];
  for (const content of filled) content.push(...rest.splice(0, maxEndpoints - content.length));
  while (rest.length > 0) filled.push(rest.splice(0, maxEndpoints));
  return filled;
}

function sliceLabels(service: Service): Record<string, string> {
  const labels = { ...service.metadata.labels };
  delete labels[headlessLabel];
  return {
    ...labels,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: manager,
  };
}
