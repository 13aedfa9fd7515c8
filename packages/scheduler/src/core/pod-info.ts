/**
 * A pod as the scheduler sees it: read once, used for every node. Two pods with equal signatures get the same verdict and
 * the same score from every plugin that looks at one node only, so one evaluation serves both.
 */
import { wholeCardResource } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { cardRequest, type CardRequest } from './cards/card-request.ts';
import type { Interner } from './interner.ts';
import { affinityTerms, type AffinityTerms, type PodQueries } from './pod-query.ts';
import { givenAsAsked, nonZeroRequests, podRequests, scoredRequests } from './resources.ts';
import { podVolumes, type PodVolumes } from './volumes/pod-volumes.ts';

/** A host port a pod occupies. An ip of '0.0.0.0' (or none) means all addresses of the node. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodInfo {
  readonly pod: Pod;
  /** `namespace/name`, for people. */
  readonly key: string;
  readonly uid: string;
  readonly priority: number;
  /** Resource dimensions (see Snapshot.resources) with a request above zero, and how much. Same length. */
  readonly dimensions: readonly number[];
  readonly requests: readonly number[];
  /** Milli-cores and bytes with upstream's defaults for containers that ask for nothing: for scoring. */
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
  /** The same for the pod itself while a node is sought for it; differs only with pod-level resources. */
  readonly scoredCpu: number;
  readonly scoredMemory: number;
  readonly ports: readonly HostPort[];
  /** Affinity to and anti-affinity against other pods; undefined for most. */
  readonly terms: AffinityTerms | undefined;
  /** What it mounts that matters to where it runs; undefined for most. */
  readonly volumes: PodVolumes | undefined;
  /** What it asks of a node's cards; undefined: nothing. */
  readonly cards: CardRequest | undefined;
  readonly signature: string;
}

/** Dimensions every snapshot has, in this order. Further resources follow as they are seen. */
export const cpuDimension = 0;
export const memoryDimension = 1;
export const podsDimension = 3;
export const firstDimensions = ['cpu', 'memory', 'ephemeral-storage', 'pods'] as const;

export interface PodInfoOptions {
  /** Resolved from the priority class where the pod does not carry it. Default: `spec.priority`, else 0. */
  priority?: number;
  /** The pod runs on a node already: what it holds may differ from what its spec asks (in-place resize). */
  placed?: boolean;
}

/** What pods of equal specs have in common, worked out once. */
interface Shape {
  /** See `shapeOf`; its copy is the one that all signatures share. */
  readonly text: string;
  readonly dimensions: readonly number[];
  readonly requests: readonly number[];
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
  readonly scoredCpu: number;
  readonly scoredMemory: number;
  readonly ports: readonly HostPort[];
  readonly wholeCards: number;
}

/** Shapes remembered; pods of a cluster have few. */
const maxShapes = 4096;

/** Reads pods against one set of resource dimensions: resource name -> id of the interner (dimension = id - 1). */
export class PodReader {
  readonly #resources: Interner;
  readonly #queries: PodQueries;
  readonly #shapes = new Map<string, Shape>();

  constructor(resources: Interner, queries: PodQueries) {
    this.#resources = resources;
    this.#queries = queries;
  }

  read(pod: Pod, options: PodInfoOptions = {}): PodInfo {
    const useStatus = options.placed === true;
    const shape = useStatus && !givenAsAsked(pod) ? this.#measure(pod, '', true) : this.#shapeOf(pod);
    const { dimensions, requests, nonZeroCpu, nonZeroMemory, ports, wholeCards } = shape;
    const { scoredCpu, scoredMemory } = shape;
    const { namespace = '', name = '', uid } = pod.metadata;
    const key = `${namespace}/${name}`;
    const cards = cardRequest(pod, wholeCards);
    return {
      pod,
      key,
      uid: uid ?? key,
      priority: options.priority ?? pod.spec?.priority ?? 0,
      dimensions,
      requests,
      nonZeroCpu,
      nonZeroMemory,
      scoredCpu,
      scoredMemory,
      ports,
      terms: affinityTerms(pod, this.#queries),
      volumes: podVolumes(pod),
      cards,
      signature: useStatus ? '' : signatureOf(shape.text, pod, cards),
    };
  }

  #shapeOf(pod: Pod): Shape {
    const text = shapeText(pod);
    const known = this.#shapes.get(text);
    if (known) return known;
    const fresh = this.#measure(pod, text, false);
    if (this.#shapes.size >= maxShapes) this.#shapes.clear();
    this.#shapes.set(text, fresh);
    return fresh;
  }

  #measure(pod: Pod, text: string, useStatus: boolean): Shape {
    const wanted = podRequests(pod, { useStatus });
    const nonZero = nonZeroRequests(pod, wanted, useStatus);
    const scored = pod.spec?.resources?.requests ? scoredRequests(pod) : nonZero;
    const dimensions: number[] = [];
    const requests: number[] = [];
    for (const [name, amount] of wanted) {
      if (amount <= 0) continue;
      dimensions.push(this.#resources.id(name) - 1);
      requests.push(amount);
    }
    return {
      text,
      dimensions,
      requests,
      nonZeroCpu: nonZero.cpu,
      nonZeroMemory: nonZero.memory,
      scoredCpu: scored.cpu,
      scoredMemory: scored.memory,
      ports: hostPorts(pod),
      wholeCards: wanted.get(wholeCardResource) ?? 0,
    };
  }
}

/** Host ports of the pod's containers and sidecars. */
function hostPorts(pod: Pod): readonly HostPort[] {
  const result: HostPort[] = [];
  const containers = pod.spec?.containers ?? [];
  const sidecars = pod.spec?.initContainers?.filter((c) => c.restartPolicy === 'Always') ?? [];
  for (const container of [...containers, ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (!port.hostPort) continue;
      result.push({ ip: port.hostIP || '0.0.0.0', protocol: port.protocol ?? 'TCP', port: port.hostPort });
    }
  }
  return result;
}

/**
 * All of the spec that plugins which look at one node read. Labels, namespace and images are left out: what they decide
 * depends on other nodes, is never kept, and they differ between the pods of one job.
 */
function signatureOf(shape: string, { spec }: Pod, cards: CardRequest | undefined): string {
  // What the extended resource says of cards is among the containers' resources; mostly the shape is all there is.
  if (!spec?.nodeName && cards === undefined) return shape;
  return JSON.stringify([spec?.nodeName, cards?.key, shape]);
}

/** The part of a signature that also says what the pod asks for, and which host ports. */
function shapeText(pod: Pod): string {
  const spec = pod.spec;
  if (!spec) return '';
  const containers = (list: typeof spec.containers | undefined) =>
    list?.map((c) => [c.resources, c.restartPolicy, c.ports?.filter((p) => p.hostPort)]);
  return JSON.stringify([
    spec.nodeSelector,
    spec.affinity?.nodeAffinity,
    spec.tolerations,
    spec.overhead,
    spec.resources,
    containers(spec.containers),
    containers(spec.initContainers),
  ]);
}
