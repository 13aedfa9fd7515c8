/** What a pod contributes to a Service: addresses, ports and conditions. */
import type { Pod, Service, core_v1 } from '@coracle/machinery/api';
import { isReady, isTerminal } from '../lib/pods.ts';

/** A port of the Service as one pod serves it. */
export interface MemberPort {
  name: string;
  /** Undefined: no port is meant (a headless Service without ports). */
  port: number;
  protocol: string;
  appProtocol?: string | undefined;
}

export function isHeadless(service: Service): boolean {
  return service.spec?.clusterIP === 'None';
}

/** Does this package keep the endpoints of the Service: it has a selector, and is not a mere name. */
export function hasMembers(service: Service): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0 && service.spec?.type !== 'ExternalName';
}

export function selects(service: Service, pod: Pod): boolean {
  const { selector } = service.spec ?? {};
  if (!selector || pod.metadata.namespace !== service.metadata.namespace) return false;
  for (const key of Object.keys(selector)) if (pod.metadata.labels?.[key] !== selector[key]) return false;
  return hasMembers(service);
}

/** Has an address and may still serve. */
export function isMember(pod: Pod): boolean {
  return !isTerminal(pod) && addressesOf(pod).length > 0;
}

export function addressesOf(pod: Pod): string[] {
  const { podIPs, podIP } = pod.status ?? {};
  if (podIPs?.length) return podIPs.map(({ ip }) => ip);
  return podIP ? [podIP] : [];
}

export function memberConditions(service: Service, pod: Pod) {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  return { ready, serving, terminating };
}

/** The pod's own name in the Service's domain, if it asks for one there. */
export function hostnameIn(service: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

/** Ports that this pod serves, in order of name; a named target port that the pod does not have is left out. */
export function memberPorts(service: Service, pod: Pod): MemberPort[] {
  const ports: MemberPort[] = [];
  for (const { name = '', port, targetPort, protocol = 'TCP', appProtocol } of service.spec?.ports ?? []) {
    const found = targetOf(pod, targetPort ?? port, protocol);
    if (found !== undefined)
      ports.push({ name, port: found, protocol, ...(appProtocol ? { appProtocol } : {}) });
  }
  return ports.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function targetOf(pod: Pod, target: number | string, protocol: string): number | undefined {
  if (typeof target === 'number') return target === 0 ? undefined : target;
  if (/^\d+$/.test(target)) return Number(target);
  const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = container.ports?.find((p) => p.name === target && (p.protocol ?? 'TCP') === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

export function podReference(pod: Pod): core_v1.ObjectReference {
  const { namespace, name, uid } = pod.metadata;
  return { kind: 'Pod', namespace, name, uid };
}
