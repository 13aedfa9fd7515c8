/**
 * CPU and memory in use: from `metrics.k8s.io` where it is served, else from the `/stats/summary` document of each node, read
 * through the API server. What cannot be known is told in `problems`, in words for users.
 */
import { type Client, groupVersionPath } from '@coracle/client';
import { ApiError, milliOf, type ResourceType, valueOf_ } from '@coracle/machinery';
import type { Node, Pod } from '@coracle/machinery/api';

export interface Usage {
  /** Billionths of a core. */
  cpuNano: number;
  /** Working set. */
  memoryBytes: number;
}
export interface UsageReport<T> {
  of: ReadonlyMap<string, T>;
  problems: readonly string[];
}

interface Metrics {
  metadata: { name: string; namespace?: string };
  usage?: Record<string, string>;
  containers?: { name: string; usage: Record<string, string> }[];
}
interface Figures {
  cpu?: { usageNanoCores?: number };
  memory?: { workingSetBytes?: number };
}
/** The part of the kubelet's Summary that is read. */
interface Summary {
  node: Figures;
  pods?: { podRef: { name: string; namespace: string }; containers?: (Figures & { name: string })[] }[];
}
const metrics: ResourceType = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  resource: '',
  kind: '',
  namespaced: false,
};

/** By node name. */
export async function nodeUsage(
  client: Client,
  nodes: readonly Node[],
  signal: AbortSignal,
): Promise<UsageReport<Usage>> {
  const served = await fromMetrics(client, '/nodes', signal);
  if (served)
    return { of: new Map(served.map((item) => [item.metadata.name, quantities(item.usage)])), problems: [] };
  const { summaries, problems } = await readSummaries(
    client,
    nodes.map(({ metadata }) => metadata.name),
    signal,
  );
  return { of: new Map([...summaries].map(([name, { node }]) => [name, figures(node)])), problems };
}

/** By `namespace/name`, then by container. */
export async function podUsage(
  client: Client,
  pods: readonly Pod[],
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<UsageReport<ReadonlyMap<string, Usage>>> {
  const of = new Map<string, Map<string, Usage>>();
  const served = await fromMetrics(client, namespace ? `/namespaces/${namespace}/pods` : '/pods', signal);
  if (served) {
    for (const { metadata, containers = [] } of served) {
      const each = containers.map(({ name, usage }) => [name, quantities(usage)] as const);
      of.set(`${metadata.namespace}/${metadata.name}`, new Map(each));
    }
    return { of, problems: [] };
  }
  const nodes = new Set(pods.map(({ spec }) => spec?.nodeName ?? '').filter((name) => name !== ''));
  const { summaries, problems } = await readSummaries(client, [...nodes], signal);
  for (const { pods: stats = [] } of summaries.values()) {
    for (const { podRef, containers = [] } of stats) {
      const each = containers.map((container) => [container.name, figures(container)] as const);
      of.set(`${podRef.namespace}/${podRef.name}`, new Map(each));
    }
  }
  return { of, problems };
}

/** Undefined: no metrics API is served. */
async function fromMetrics(
  client: Client,
  path: string,
  signal: AbortSignal,
): Promise<Metrics[] | undefined> {
  try {
    const list = await client.getPath<{ items: Metrics[] }>(`${groupVersionPath(metrics)}${path}`, {
      signal,
    });
    return list.items;
  } catch (error) {
    // 503: an APIService is there, and nothing behind it.
    if (error instanceof ApiError && (error.code === 404 || error.code === 503)) return undefined;
    throw error;
  }
}

async function readSummaries(
  client: Client,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<{ summaries: Map<string, Summary>; problems: string[] }> {
  const summaries = new Map<string, Summary>();
  const refused: { node: string; why: string }[] = [];
  await Promise.all(
    nodes.map(async (node) => {
      try {
        const path = `/api/v1/nodes/${node}/proxy/stats/summary`;
        summaries.set(node, await client.getPath<Summary>(path, { signal }));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refused.push({ node, why: error.message });
      }
    }),
  );
  const [first] = refused;
  if (!first) return { summaries, problems: [] };
  const which = refused.length === 1 ? `node ${first.node}` : `${refused.length} nodes (${first.node}, ...)`;
  const advice = 'this server has no metrics API (metrics.k8s.io), and';
  return {
    summaries,
    problems: [`no figures from ${which}: ${advice} the node did not tell either: ${first.why}`],
  };
}

function quantities(usage: Record<string, string> | undefined): Usage {
  return { cpuNano: milliOf(usage?.['cpu']) * 1e6, memoryBytes: valueOf_(usage?.['memory']) };
}

function figures({ cpu, memory }: Figures): Usage {
  return { cpuNano: cpu?.usageNanoCores ?? 0, memoryBytes: memory?.workingSetBytes ?? 0 };
}
