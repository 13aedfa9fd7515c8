/** Aggregated discovery (apidiscovery.k8s.io/v2): everything in one document each for `/api` and `/apis`, with an ETag. */
import { createHash } from 'node:crypto';
import type { ApiRequest, ApiResponse, Kind, KindRegistry } from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { parseAccept } from '../pipeline/negotiate.ts';
import { kindsOf } from './documents.ts';

export type AggregatedVersion = 'v2' | 'v2beta1';

/** The aggregated version an Accept header prefers to the plain documents, if it does. */
export function wantsAggregated(accept: string | undefined): AggregatedVersion | undefined {
  for (const { type, params } of parseAccept(accept ?? '')) {
    if (type !== 'application/json') continue;
    if (params['as'] === undefined) return undefined;
    const { v, g, as } = params;
    if (as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && (v === 'v2' || v === 'v2beta1'))
      return v;
  }
  return undefined;
}

const responseKind = (group: string, version: string, kind: string): Record<string, string> => ({
  group,
  version,
  kind,
});

function resourceEntry(kind: Kind): Record<string, unknown> {
  const subresources = Object.entries(kind.subresources).map(([name, info]) => ({
    subresource: name,
    responseKind: responseKind(info.group ?? kind.group, info.version ?? kind.version, info.kind),
    verbs: info.verbs,
  }));
  return {
    resource: kind.resource,
    responseKind: responseKind(kind.group, kind.version, kind.kind),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length ? { categories: kind.categories } : {}),
    ...(subresources.length ? { subresources } : {}),
  };
}

function build(registry: KindRegistry, root: string, version: AggregatedVersion): Record<string, unknown> {
  const groups = registry.groups().filter(({ group }) => (root === 'api') === (group === ''));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((v) => ({
        version: v,
        freshness: 'Current',
        resources: kindsOf(registry, group, v).map(resourceEntry),
      })),
    })),
  };
}

interface Cached {
  generation: number;
  value: Record<string, unknown>;
  bytes: Uint8Array;
  etag: string;
}
const cache = new WeakMap<KindRegistry, Map<string, Cached>>();

function cached(registry: KindRegistry, root: string, version: AggregatedVersion): Cached {
  let documents = cache.get(registry);
  if (!documents) cache.set(registry, (documents = new Map()));
  const key = `${root} ${version}`;
  let entry = documents.get(key);
  if (!entry || entry.generation !== registry.generation) {
    const value = build(registry, root, version);
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const etag = `"${createHash('sha512').update(bytes).digest('hex').slice(0, 64).toUpperCase()}"`;
    entry = { generation: registry.generation, value, bytes, etag };
    documents.set(key, entry);
  }
  return entry;
}

/** The document, or 304 when the caller has it already (`If-None-Match`). */
export function aggregated(
  ctx: ServerContext,
  request: ApiRequest,
  root: string,
  version: AggregatedVersion,
): ApiResponse {
  const { value, bytes, etag } = cached(ctx.registry, root, version);
  const headers = {
    'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    etag,
    vary: 'Accept',
    'cache-control': 'public',
  };
  if (request.headers['if-none-match'] === etag) return { kind: 'object', code: 304, headers, chunks: [] };
  if (request.want === 'values') return { kind: 'object', code: 200, headers, value };
  return { kind: 'object', code: 200, headers, chunks: [bytes] };
}
