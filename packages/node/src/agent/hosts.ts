/**
 * Names of pods. There is no DNS: each pod's /etc/hosts has itself, its hostAliases, and the peers of headless Services,
 * and is rewritten in place when they change. Peers come from two sources: EndpointSlices of headless Services (any
 * node), and the pods of this very node (`hostname.subdomain`), which are known earlier: as soon as they have an address.
 */
import type { discovery_v1, Pod } from '@coracle/machinery/api';
import { hostnameOf, peerNames } from '../pod/containers.ts';
import type { HostLine } from '../process/hosts-file.ts';

type EndpointSlice = discovery_v1.EndpointSlice;

const serviceLabel = 'kubernetes.io/service-name';
const headlessLabel = 'service.kubernetes.io/headless';

/** A pod of this node with the address it has. */
export interface LocalPod {
  pod: Pod;
  ip: string;
}

/** One peer: names as a pod of its own namespace may call it, and those that are good everywhere. */
interface Peer {
  namespace: string;
  address: string;
  near: string[];
  far: string[];
}

/** The lines of one pod, and the table of all names it may use. */
export function hostLines(self: LocalPod, peers: readonly Peer[]): HostLine[] {
  const { pod, ip } = self;
  const { namespace = '' } = pod.metadata;
  const hostname = hostnameOf(pod);
  const { subdomain, hostAliases = [] } = pod.spec ?? {};
  const own =
    subdomain === undefined || subdomain === ''
      ? [hostname]
      : [...peerNames(hostname, subdomain, namespace).toReversed(), hostname];
  const lines: HostLine[] = [{ address: ip, names: own }];
  for (const alias of hostAliases) lines.push({ address: alias.ip, names: alias.hostnames ?? [] });
  const seen = new Set(lines.flatMap((line) => line.names.map((name) => `${line.address} ${name}`)));
  for (const peer of peers) {
    const names = (peer.namespace === namespace ? [...peer.far, ...peer.near] : peer.far).filter(
      (name) => !seen.has(`${peer.address} ${name}`),
    );
    for (const name of names) seen.add(`${peer.address} ${name}`);
    if (names.length > 0) lines.push({ address: peer.address, names });
  }
  return lines;
}

/** Peers known from pods of this node and from headless Services' slices. Sorted, so that equal input gives equal files. */
export function peersOf(local: readonly LocalPod[], slices: readonly EndpointSlice[]): Peer[] {
  const peers: Peer[] = [];
  for (const { pod, ip } of local) {
    const { subdomain } = pod.spec ?? {};
    if (subdomain === undefined || subdomain === '') continue;
    peers.push(peer(hostnameOf(pod), subdomain, pod.metadata.namespace ?? '', ip));
  }
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceLabel];
    if (service === undefined || slice.metadata.labels?.[headlessLabel] === undefined) continue;
    const namespace = slice.metadata.namespace ?? '';
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined) continue;
      if (endpoint.hostname !== undefined) peers.push(peer(endpoint.hostname, service, namespace, address));
      const far = [
        `${service}.${namespace}`,
        `${service}.${namespace}.svc`,
        `${service}.${namespace}.svc.cluster.local`,
      ];
      peers.push({ namespace, address, near: [service], far });
    }
  }
  const key = (each: Peer): string => `${each.namespace} ${each.far[0]} ${each.address}`;
  return peers.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function peer(hostname: string, subdomain: string, namespace: string, address: string): Peer {
  const [near = '', ...far] = peerNames(hostname, subdomain, namespace);
  return { namespace, address, near: [near], far };
}

/** Where /etc/hosts cannot be the pod's own: names in a value are replaced by addresses, whole words only. */
export function replaceNames(value: string, lines: readonly HostLine[]): string {
  let out = value;
  for (const { address, names } of lines) {
    for (const name of names.toSorted((a, b) => b.length - a.length)) {
      if (!name.includes('.') || !out.includes(name)) continue;
      const escaped = name.replaceAll('.', '\\.');
      out = out.replaceAll(new RegExp(`(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)`, 'g'), address);
    }
  }
  return out;
}
