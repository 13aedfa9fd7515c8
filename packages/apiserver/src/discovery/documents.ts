/** Discovery in its plain form: what groups, versions and resources there are (meta/v1 APIGroupList, APIResourceList). */
import { createHash } from 'node:crypto';
import type { Kind, KindRegistry } from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { storedGroup } from '../storage/keys.ts';

const addresses = [{ clientCIDR: '0.0.0.0/0', serverAddress: '' }];

/** `/api`. */
export function versions(): Record<string, unknown> {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: addresses };
}

function groupEntry(group: string, served: readonly string[]): Record<string, unknown> {
  const entries = served.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

/** `/apis`. */
export function groupList(registry: KindRegistry): Record<string, unknown> {
  const groups = registry
    .groups()
    .filter(({ group }) => group !== '')
    .map(({ group, versions: served }) => groupEntry(group, served));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/<group>`; undefined if it is not served. */
export function groupDocument(registry: KindRegistry, group: string): Record<string, unknown> | undefined {
  const found = registry.groups().find((g) => g.group === group && group !== '');
  return found ? { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group, found.versions) } : undefined;
}

/** Upstream's storageVersionHash: first 8 bytes of a SHA-256 of `group/version/kind`. */
function storageVersionHash(kind: Kind): string {
  return createHash('sha256')
    .update(`${storedGroup(kind)}/${kind.storageVersion}/${kind.kind}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

/** Kinds of one group version, in the order of their resources' names. */
export function kindsOf(registry: KindRegistry, group: string, version: string): Kind[] {
  return [...registry.kinds()]
    .filter((kind) => kind.group === group && kind.version === version)
    .toSorted((a, b) => (a.resource < b.resource ? -1 : 1));
}

function resources(kind: Kind): Record<string, unknown>[] {
  const own = {
    name: kind.resource,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length ? { categories: kind.categories } : {}),
    ...(kind.verbs.includes('watch') ? { storageVersionHash: storageVersionHash(kind) } : {}),
  };
  const below = Object.entries(kind.subresources).map(([name, info]) => ({
    name: `${kind.resource}/${name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(info.group === undefined ? {} : { group: info.group }),
    ...(info.version === undefined ? {} : { version: info.version }),
    kind: info.kind,
    verbs: info.verbs,
  }));
  return [own, ...below];
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined if it is not served. */
export function resourceList(
  registry: KindRegistry,
  group: string,
  version: string,
): Record<string, unknown> | undefined {
  const kinds = kindsOf(registry, group, version);
  if (kinds.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: kinds.flatMap(resources),
  };
}

/** `/`: the paths there are. */
export function rootPaths(ctx: ServerContext): Record<string, unknown> {
  const groups = ctx.registry.groups().filter(({ group }) => group !== '');
  return {
    paths: [
      '/api',
      '/api/v1',
      '/apis',
      ...groups.flatMap(({ group, versions: served }) => [
        `/apis/${group}`,
        ...served.map((v) => `/apis/${group}/${v}`),
      ]),
      '/healthz',
      '/livez',
      '/metrics',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ],
  };
}
