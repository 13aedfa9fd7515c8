/** The downward API: what a pod can learn of itself, as text. */
import { parseQuantity } from '@coracle/machinery';
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '@coracle/machinery/api';
import { amountsOf } from './resources.ts';

/** What the pod object does not know until it runs. */
export interface PodFacts {
  podIP: string;
  hostIP: string;
  nodeName: string;
  /** The node's allocatable, which stands in for limits that are not set: cpu in thousandths, others in units. */
  allocatable: Record<string, number>;
}

const escaped = (value: string): string => JSON.stringify(value);
const mapText = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${escaped(value)}`)
    .join('\n');

/** Throws when the path is not one of the supported fields. */
export function fieldValue(pod: Pod, selector: ObjectFieldSelector, facts: PodFacts): string {
  const path = selector.fieldPath;
  const { metadata } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) {
    const map = subscript[1] === 'labels' ? metadata.labels : metadata.annotations;
    return map?.[subscript[2] ?? ''] ?? '';
  }
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return mapText(metadata.labels);
    case 'metadata.annotations':
      return mapText(metadata.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.podIP':
    case 'status.podIPs':
      return facts.podIP;
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.hostIP;
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** `limits.cpu` and the like, in units of the divisor, rounded up. A limit that is not set is the node's allocatable. */
export function resourceValue(
  container: Container,
  selector: ResourceFieldSelector,
  facts: PodFacts,
): string {
  const [list, ...rest] = selector.resource.split('.');
  const name = rest.join('.');
  if ((list !== 'limits' && list !== 'requests') || name === '')
    throw new Error(`unsupported container resource : ${selector.resource}`);
  const limits = amountsOf(container.resources?.limits);
  const requests = amountsOf(container.resources?.requests);
  const amount =
    list === 'limits'
      ? (limits[name] ?? facts.allocatable[name] ?? 0)
      : (requests[name] ?? limits[name] ?? 0);
  const given = selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor;
  // In thousandths, which a divisor of 1m needs.
  const divisor = parseQuantity(given).toNumber() * 1000;
  const thousandths = name === 'cpu' ? amount : amount * 1000;
  return String(Math.ceil(thousandths / divisor));
}
