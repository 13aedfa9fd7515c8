/** The EndpointSlices that mirror hand-written Endpoints of a Service without a selector. */
import { isIPv6 } from 'node:net';
import { apiVersionOf, deepEqual } from '@coracle/machinery';
import { Endpoints } from '@coracle/machinery/api';
import type { core_v1, discovery_v1, EndpointSlice, Service } from '@coracle/machinery/api';
import { managedByLabel, portsKey, serviceNameLabel, type SlicePlan } from './slices.ts';

export const mirrorManager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** Annotations that are about the Endpoints themselves. */
const ownAnnotations = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'endpoints.kubernetes.io/last-change-trigger-time',
  'endpoints.kubernetes.io/over-capacity',
];
/** Of one subset; more are left out, as upstream does. */
const maxAddresses = 1000;

/** Are these Endpoints to be mirrored? Those with a selector have slices of their own; locks of leaders have no addresses. */
export function isMirrored(endpoints: Endpoints, service: Service | undefined): boolean {
  const { labels, annotations } = endpoints.metadata;
  if (labels?.[skipLabel] === 'true' || annotations?.[leaderAnnotation] !== undefined) return false;
  return service !== undefined && service.spec?.selector === undefined;
}

interface Group {
  addressType: 'IPv4' | 'IPv6';
  ports: discovery_v1.EndpointPort[];
  endpoints: discovery_v1.Endpoint[];
}

function endpointOf(address: core_v1.EndpointAddress, ready: boolean): discovery_v1.Endpoint {
  const { ip, hostname, nodeName, targetRef } = address;
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  };
}

function groupsOf(endpoints: Endpoints): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const subset of endpoints.subsets ?? []) {
    const ports = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol ? { appProtocol } : {}),
    }));
    const all = [
      ...(subset.addresses ?? []).map((address) => endpointOf(address, true)),
      ...(subset.notReadyAddresses ?? []).map((address) => endpointOf(address, false)),
    ].slice(0, maxAddresses);
    for (const endpoint of all) {
      const addressType = isIPv6(endpoint.addresses[0] ?? '') ? 'IPv6' : 'IPv4';
      const key = `${addressType} ${portsKey(ports)}`;
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpoint);
    }
  }
  return groups;
}

/** `existing`: the slices that mirror these Endpoints. */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): SlicePlan {
  const { name, namespace, uid } = endpoints.metadata;
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const labels = { ...endpoints.metadata.labels, [serviceNameLabel]: name, [managedByLabel]: mirrorManager };
  const annotations = Object.fromEntries(
    Object.entries(endpoints.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.includes(key)),
  );
  const groups = groupsOf(endpoints);
  for (const slice of existing) {
    const key = `${slice.addressType} ${portsKey(slice.ports)}`;
    const group = groups.get(key);
    if (!group) {
      plan.remove.push(slice);
      continue;
    }
    groups.delete(key);
    const same =
      deepEqual(slice.endpoints ?? [], group.endpoints) &&
      deepEqual(slice.metadata.labels, labels) &&
      deepEqual(slice.metadata.annotations ?? {}, annotations);
    if (!same)
      plan.update.push({
        ...slice,
        metadata: { ...slice.metadata, labels, annotations },
        endpoints: group.endpoints,
      });
  }
  for (const { addressType, ports, endpoints: content } of groups.values())
    plan.create.push({
      metadata: {
        generateName: `${name.slice(0, 57)}-`,
        namespace,
        labels,
        annotations,
        ownerReferences: [
          {
            apiVersion: apiVersionOf(Endpoints),
            kind: Endpoints.kind,
            name,
            uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      addressType,
      ports,
      endpoints: content,
    });
  return plan;
}
