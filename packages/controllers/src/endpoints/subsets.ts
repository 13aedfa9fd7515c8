/** The subsets of a Service's Endpoints object (core/v1, the form before EndpointSlices). */
import { isIPv6 } from 'node:net';
import { keyOf } from '@coracle/machinery';
import type { Pod, Service, core_v1 } from '@coracle/machinery/api';
import { addressesOf, hostnameIn, isMember, memberConditions, memberPorts, podReference } from './members.ts';

/** Addresses kept; more are left out and the object says so. */
export const maxAddresses = 1000;

/** Pods of equal ports make a subset; terminating pods are left out unless not-ready ones are published. */
export function subsetsOf(service: Service, pods: readonly Pod[]): core_v1.EndpointSubset[] {
  const wantsV6 = service.spec?.ipFamilies?.[0] === 'IPv6';
  const groups = new Map<string, Required<core_v1.EndpointSubset>>();
  let count = 0;
  for (const pod of pods.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const { ready, terminating } = memberConditions(service, pod);
    if (!isMember(pod) || (terminating && !service.spec?.publishNotReadyAddresses)) continue;
    const ip = addressesOf(pod).find((address) => isIPv6(address) === wantsV6);
    const ports = memberPorts(service, pod);
    if (ip === undefined || (ports.length === 0 && (service.spec?.ports ?? []).length > 0)) continue;
    count += 1;
    if (count > maxAddresses) break;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? {
      addresses: [],
      notReadyAddresses: [],
      // An unnamed port has no name field here, unlike in slices.
      ports: ports.map(({ name, ...port }) => (name ? { name, ...port } : port)),
    };
    groups.set(key, group);
    const hostname = hostnameIn(service, pod);
    const list = (ready ? group.addresses : group.notReadyAddresses) as core_v1.EndpointAddress[];
    list.push({
      ip,
      ...(hostname ? { hostname } : {}),
      ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
      targetRef: podReference(pod),
    });
  }
  return [...groups.values()].map(({ addresses, notReadyAddresses, ports }) => ({
    ...(addresses?.length ? { addresses } : {}),
    ...(notReadyAddresses?.length ? { notReadyAddresses } : {}),
    ...(ports?.length ? { ports } : {}),
  }));
}
