/** Small questions about a pod's containers that several parts ask. */
import type { Container, Pod, PodStatus } from '@coracle/machinery/api';
import { isSidecar } from './resources.ts';

export type ContainerKind = 'init' | 'app' | 'ephemeral';

export function containersOf(pod: Pod): { container: Container; kind: ContainerKind }[] {
  return [
    ...(pod.spec?.initContainers ?? []).map((container) => ({ container, kind: 'init' as const })),
    ...(pod.spec?.containers ?? []).map((container) => ({ container, kind: 'app' as const })),
    ...(pod.spec?.ephemeralContainers ?? []).map((container) => ({ container, kind: 'ephemeral' as const })),
  ];
}

/** Runs for as long as the pod does, and so has probes that count. */
export const staysUp = (container: Container, kind: ContainerKind): boolean =>
  kind === 'app' || (kind === 'init' && isSidecar(container));

export const isTerminalPhase = (status: PodStatus | undefined): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** The pod's host name: `spec.hostname`, else its name, cut to 63 characters. */
export function hostnameOf(pod: Pod): string {
  const { hostnameOverride, hostname } = pod.spec ?? {};
  return (hostnameOverride ?? hostname ?? pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
}

/** Names under which a pod of a headless Service is reached, longest last. */
export function peerNames(
  hostname: string,
  subdomain: string,
  namespace: string,
  domain = 'cluster.local',
): string[] {
  const base = `${hostname}.${subdomain}`;
  return [base, `${base}.${namespace}`, `${base}.${namespace}.svc`, `${base}.${namespace}.svc.${domain}`];
}
