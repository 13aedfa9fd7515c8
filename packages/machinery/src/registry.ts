/**
 * The registry: every kind one engine serves. Built-in kinds come from the generated table; CRDs are put in and taken
 * out with `replace`. Lookups are map reads; order is discovery's.
 */
import type { Kind, KindRegistry, Schema, Subresource } from './kind.ts';
import { definitionSchema, type TableKind, tableGroups, verbNames } from './table.ts';
import { compareVersions } from './version.ts';

function builtinKind(group: string, version: string, storageVersion: string, row: TableKind): Kind {
  const subresources: Record<string, Subresource> = {};
  for (const [name, [verbs = '', kind = '', subGroup, subVersion]] of Object.entries(row.u ?? {})) {
    subresources[name] = {
      kind,
      verbs: verbNames(verbs),
      ...(subVersion === undefined ? {} : { group: subGroup, version: subVersion }),
      ...(name === 'scale'
        ? {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.spec.selector',
          }
        : {}),
    };
  }
  return {
    group,
    version,
    resource: row.r,
    kind: row.k,
    namespaced: row.n === 1,
    singular: row.s ?? row.k.toLowerCase(),
    listKind: `${row.k}List`,
    shortNames: row.a ?? [],
    categories: row.c ?? [],
    verbs: verbNames(row.v),
    subresources,
    get schema(): Schema {
      return definitionSchema(row.d);
    },
    storageVersion,
    builtin: true,
  };
}

/** Built-in kinds in discovery order. */
function* builtinKinds(): Generator<Kind> {
  for (const { group, versions } of tableGroups) {
    const stored = new Map<string, string>();
    for (const { version, kinds } of versions) {
      for (const row of kinds) {
        const storage = stored.get(row.r) ?? version;
        stored.set(row.r, storage);
        yield builtinKind(group, version, storage, row);
      }
    }
  }
}

/** Made once a process: these values never change. */
let shared: readonly Kind[] | undefined;

/** A registry with every built-in kind of Kubernetes v1.36. Takes about a millisecond; schemas are made on first use. */
export function createRegistry(): KindRegistry {
  const byResource = new Map<string, Kind>();
  const byKind = new Map<string, Kind>();
  /** group -> version -> kinds of it; groups and versions in discovery order. */
  let order: { group: string; versions: string[] }[] = [];
  const builtinOrder: { group: string; versions: string[] }[] = tableGroups.map((g) => ({
    group: g.group,
    versions: g.versions.map((v) => v.version),
  }));
  const versions = new Map<string, Kind[]>();
  let generation = 0;
  const key = (group: string, version: string, name: string): string => `${group}/${version}/${name}`;
  const add = (kind: Kind): void => {
    byResource.set(key(kind.group, kind.version, kind.resource), kind);
    byKind.set(key(kind.group, kind.version, kind.kind), kind);
    const same = `${kind.group}/${kind.resource}`;
    const list = versions.get(same);
    if (list) list.push(kind);
    else versions.set(same, [kind]);
  };
  shared ??= [...builtinKinds()];
  for (const kind of shared) add(kind);
  order = builtinOrder;

  /** Groups of built-in kinds first, as discovery lists them; then the others by name, their versions newest first. */
  const reorder = (): void => {
    const extra = new Map<string, Set<string>>();
    for (const kind of byResource.values()) {
      if (kind.builtin) continue;
      if (!extra.has(kind.group)) extra.set(kind.group, new Set());
      extra.get(kind.group)?.add(kind.version);
    }
    order = builtinOrder.map((g) => {
      const more = extra.get(g.group);
      extra.delete(g.group);
      const added = [...(more ?? [])].filter((v) => !g.versions.includes(v)).toSorted(compareVersions);
      return added.length === 0 ? g : { group: g.group, versions: [...g.versions, ...added] };
    });
    for (const group of [...extra.keys()].toSorted()) {
      order.push({ group, versions: [...(extra.get(group) ?? [])].toSorted(compareVersions) });
    }
  };

  return {
    byResource: (group, version, resource) => byResource.get(key(group, version, resource)),
    byKind: (group, version, kind) => byKind.get(key(group, version, kind)),
    versionsOf: (group, resource) => versions.get(`${group}/${resource}`) ?? [],
    groups: () => order,
    kinds: () => byResource.values(),
    replace: (group, resource, kinds) => {
      for (const old of versions.get(`${group}/${resource}`) ?? []) {
        byResource.delete(key(old.group, old.version, old.resource));
        const oldKind = key(old.group, old.version, old.kind);
        if (byKind.get(oldKind) === old) byKind.delete(oldKind);
      }
      versions.delete(`${group}/${resource}`);
      for (const kind of kinds.toSorted((a, b) => compareVersions(a.version, b.version))) add(kind);
      reorder();
      generation++;
    },
    get generation() {
      return generation;
    },
  };
}
