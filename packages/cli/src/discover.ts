/** Finds the resource behind a kind, a plural, a singular or a short name, by asking the server what it serves. */
import type { Client } from '@coracle/client';
import type { ResourceType, Unstructured } from '@coracle/machinery';
import { CliError } from './context.ts';

export interface ServedResource extends ResourceType<Unstructured> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
}
interface DiscoveryDocument {
  items: {
    metadata?: { name?: string };
    versions: {
      version: string;
      resources?: {
        resource: string;
        responseKind?: { group?: string; version?: string; kind: string };
        scope: string;
        singularResource: string;
        shortNames?: string[];
        categories?: string[];
        verbs: string[];
      }[];
    }[];
  }[];
}
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** Everything the server serves, groups and versions in the server's order of preference. */
export async function servedResources(client: Client): Promise<ServedResource[]> {
  const found: ServedResource[] = [];
  for (const path of ['/api', '/apis']) {
    const answer = await client.request({ method: 'GET', path, headers: { accept: aggregated } });
    if (answer.kind !== 'object') throw new Error(`${path} did not answer with an object`);
    const value = (answer.value ??
      JSON.parse(Buffer.concat((answer.chunks ?? []) as Uint8Array[]).toString('utf8'))) as DiscoveryDocument;
    for (const group of value.items ?? []) {
      for (const version of group.versions) {
        for (const r of version.resources ?? []) {
          found.push({
            group: group.metadata?.name ?? '',
            version: version.version,
            resource: r.resource,
            kind: r.responseKind?.kind ?? r.resource,
            namespaced: r.scope === 'Namespaced',
            singular: r.singularResource,
            shortNames: r.shortNames ?? [],
            categories: r.categories ?? [],
            verbs: r.verbs,
          });
        }
      }
    }
  }
  return found;
}

/** The resource of an object's apiVersion and kind. Throws CliError, with the kinds that come near, when it is not served. */
export function resourceOfKind(
  served: readonly ServedResource[],
  apiVersion: string,
  kind: string,
  where: string,
): ServedResource {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const exact = served.find((r) => r.group === group && r.version === version && r.kind === kind);
  if (exact) return exact;
  const near = served.filter((r) => r.kind.toLowerCase() === kind.toLowerCase());
  const hint =
    near.length > 0
      ? `; served: ${near.map((r) => `${r.group ? `${r.group}/` : ''}${r.version} ${r.kind}`).join(', ')}`
      : '; `kubectl api-resources` lists what is served';
  throw new CliError(`${where}: no kind ${kind} in ${apiVersion} on this server${hint}`);
}

/** The resource a user means by `pods`, `po`, `pod`, `Pod`, `jobs.batch` or `jobs.v1.batch`. */
export function resourceByWord(served: readonly ServedResource[], word: string): ServedResource {
  const lower = word.toLowerCase();
  const names = (r: ServedResource): boolean =>
    r.resource === lower ||
    r.singular === lower ||
    r.kind.toLowerCase() === lower ||
    r.shortNames.includes(lower);
  const plain = served.find(names);
  if (plain) return plain;
  const dot = lower.indexOf('.');
  if (dot > 0) {
    const head = lower.slice(0, dot);
    const group = lower.slice(dot + 1);
    const match = served.find(
      (r) =>
        (r.resource === head || r.singular === head || r.kind.toLowerCase() === head) &&
        (r.group === group || `${r.version}.${r.group}` === group),
    );
    if (match) return match;
  }
  const near = served.filter((r) => r.resource.startsWith(lower.slice(0, 3))).map((r) => r.resource);
  throw new CliError(
    `the server has no resource "${word}"${near.length > 0 ? `; did you mean ${[...new Set(near)].slice(0, 4).join(', ')}?` : ''}`,
  );
}
