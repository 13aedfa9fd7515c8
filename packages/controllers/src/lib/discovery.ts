/** Which resources the server has: for controllers that work on all kinds. */
import type { Client } from '@coracle/client';
import { responseValue } from '@coracle/client';
import type { ResourceType } from '@coracle/machinery';

export interface ApiResource extends ResourceType {
  readonly verbs: readonly string[];
}
export interface Discovery {
  /** One version of each resource, the one its group prefers; no subresources. */
  resources: ApiResource[];
  /** Groups and versions that could not be asked, and why. Empty: `resources` is complete. */
  failures: { groupVersion: string; error: unknown }[];
}

interface AggregatedResource {
  resource: string;
  responseKind?: { group?: string; version?: string; kind?: string };
  scope?: string;
  verbs?: string[];
}
interface AggregatedGroup {
  metadata?: { name?: string };
  versions?: { version: string; resources?: AggregatedResource[]; freshness?: string }[];
}

const accept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,' +
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

/** Rejects when the server cannot be asked at all. */
export async function discover(client: Client): Promise<Discovery> {
  const discovery: Discovery = { resources: [], failures: [] };
  for (const path of ['/api', '/apis']) {
    const document = (await responseValue(
      await client.request({ method: 'GET', path, headers: { accept } }),
    )) as { kind?: string; items?: AggregatedGroup[] };
    if (document.kind === 'APIGroupDiscoveryList') addAggregated(discovery, document.items ?? []);
    else await addPlain(client, discovery, document as PlainDocument);
  }
  return discovery;
}

function addAggregated(discovery: Discovery, groups: readonly AggregatedGroup[]): void {
  for (const { metadata, versions } of groups) {
    const group = metadata?.name ?? '';
    const seen = new Set<string>();
    for (const { version, resources, freshness } of versions ?? []) {
      if (freshness === 'Stale') {
        const error = new Error('stale GroupVersion discovery');
        discovery.failures.push({ groupVersion: group ? `${group}/${version}` : version, error });
      }
      for (const { resource, responseKind, scope, verbs } of resources ?? []) {
        if (seen.has(resource)) continue;
        seen.add(resource);
        const kind = responseKind?.kind ?? '';
        discovery.resources.push({
          group,
          version,
          resource,
          kind,
          namespaced: scope === 'Namespaced',
          verbs: verbs ?? [],
        });
      }
    }
  }
}

interface PlainDocument {
  /** Of `/api`. */
  versions?: string[];
  /** Of `/apis`. */
  groups?: {
    name: string;
    versions: { version: string }[];
    preferredVersion?: { version: string };
  }[];
}

async function addPlain(client: Client, discovery: Discovery, document: PlainDocument): Promise<void> {
  for (const version of document.versions ?? []) await addVersion(client, discovery, '', version, new Set());
  for (const { name, versions, preferredVersion } of document.groups ?? []) {
    const preferred = preferredVersion?.version;
    const ordered = versions
      .map(({ version }) => version)
      .toSorted((a, b) => Number(b === preferred) - Number(a === preferred));
    const seen = new Set<string>();
    for (const version of ordered) await addVersion(client, discovery, name, version, seen);
  }
}

async function addVersion(
  client: Client,
  discovery: Discovery,
  group: string,
  version: string,
  seen: Set<string>,
): Promise<void> {
  const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
  try {
    const { resources = [] } = await client.getPath<{
      resources?: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
    }>(path);
    for (const { name, kind, namespaced, verbs } of resources) {
      if (name.includes('/') || seen.has(name)) continue;
      seen.add(name);
      discovery.resources.push({ group, version, resource: name, kind, namespaced, verbs });
    }
  } catch (error) {
    discovery.failures.push({ groupVersion: group ? `${group}/${version}` : version, error });
  }
}
