/**
 * The table of the built-in kinds that the registry loads: `packages/machinery/src/generated/kinds.json`.
 *
 * Each definition is one line of text in the small language of `packages/machinery/src/table.ts`, so that a start reads
 * strings only and a schema is built when its kind is first used. Taken over are names, types, formats, required fields,
 * list and map types, patch keys and defaults from the OpenAPI documents, and what discovery says of every resource.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { facts } from './facts.ts';

interface Definition {
  type?: string;
  format?: string;
  $ref?: string;
  default?: unknown;
  items?: Definition;
  properties?: Record<string, Definition>;
  additionalProperties?: Definition;
  required?: string[];
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
}
interface DiscoveryResource {
  name: string;
  kind: string;
  group?: string;
  version?: string;
  namespaced: boolean;
  singularName: string;
  shortNames?: string[];
  categories?: string[];
  verbs: string[];
}

const prefixes: [string, string][] = [
  ['io.k8s.apimachinery.pkg.apis.meta.', 'meta.'],
  ['io.k8s.apimachinery.pkg.', 'pkg.'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.', ''],
  ['io.k8s.kube-aggregator.pkg.apis.', ''],
  ['io.k8s.api.', ''],
];
function shorten(id: string): string {
  for (const [long, short] of prefixes) if (id.startsWith(long)) return short + id.slice(long.length);
  throw new Error(`a definition outside the known packages: ${id}`);
}

/** Definitions that are one JSON value; the table's language has a word for each. */
const words: Record<string, string> = {
  'pkg.api.resource.Quantity': 'quantity',
  'pkg.util.intstr.IntOrString': 'intstr',
  'meta.v1.Time': 'time',
  'meta.v1.MicroTime': 'microtime',
  'meta.v1.FieldsV1': 'fields',
  'meta.v1.Patch': 'patch',
  'pkg.runtime.RawExtension': 'raw',
  'apiextensions.v1.JSON': 'json',
  'apiextensions.v1.JSONSchemaPropsOrBool': 'schema-or-bool',
  'apiextensions.v1.JSONSchemaPropsOrArray': 'schema-or-array',
  'apiextensions.v1.JSONSchemaPropsOrStringArray': 'schema-or-strings',
};

function typeWord(d: Definition): string {
  if (d.$ref) {
    const id = shorten(d.$ref.slice('#/definitions/'.length));
    return words[id] ?? id;
  }
  switch (d.type) {
    case 'string':
      return d.format === 'byte' ? 'bytes' : 'string';
    case 'integer':
      return d.format ?? 'integer';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${typeWord(d.items ?? {})}`;
    case 'object':
      return d.additionalProperties ? `{}${typeWord(d.additionalProperties)}` : 'object';
    default:
      return 'json';
  }
}

/** A default that is only Go's zero value says nothing. */
function realDefault(value: unknown): boolean {
  if (value === undefined || value === 0 || value === '' || value === false || value === null) return false;
  return !(typeof value === 'object' && Object.keys(value).length === 0);
}

/** Definitions reached from a `...Status` only: the server stores what controllers write there without asking for more. */
function statusOnly(definitions: Map<string, Definition>): Set<string> {
  const refs = (d: Definition): string[] =>
    d.$ref
      ? [shorten(d.$ref.slice('#/definitions/'.length))]
      : [d.items, d.additionalProperties, ...Object.values(d.properties ?? {})].flatMap((p) =>
          p ? refs(p) : [],
        );
  const isStatus = (id: string): boolean => /(Status|Condition)$/.test(id) && id !== 'meta.v1.Condition';
  const outside = new Set<string>();
  const visit = (id: string): void => {
    if (outside.has(id) || isStatus(id)) return;
    outside.add(id);
    for (const next of refs(definitions.get(id) ?? {})) visit(next);
  };
  for (const [id, d] of definitions) if (d['x-kubernetes-group-version-kind']) visit(id);
  return new Set([...definitions.keys()].filter((id) => !outside.has(id)));
}

const verbLetters: Record<string, string> = {
  create: 'c',
  delete: 'd',
  deletecollection: 'D',
  get: 'g',
  list: 'l',
  patch: 'p',
  update: 'u',
  watch: 'w',
};

/** Writes the table made from `from`/openapi and `from`/discovery. */
export function generateKinds(from: string): void {
  const folder = 'packages/machinery/src/generated';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kinds.json'), kindsTable(from));
}

/** The table's text. */
export function kindsTable(from: string): string {
  const swagger = JSON.parse(readFileSync(join(from, 'openapi/swagger.json'), 'utf8')) as {
    definitions: Record<string, Definition>;
  };
  const defaults = new Map<string, Map<string, unknown>>();
  for (const file of readdirSync(join(from, 'openapi/v3')).toSorted()) {
    const document = JSON.parse(readFileSync(join(from, 'openapi/v3', file), 'utf8')) as {
      components?: { schemas?: Record<string, Definition> };
    };
    for (const [id, d] of Object.entries(document.components?.schemas ?? {})) {
      for (const [name, p] of Object.entries(d.properties ?? {})) {
        if (!realDefault(p.default)) continue;
        const key = shorten(id);
        if (!defaults.has(key)) defaults.set(key, new Map());
        defaults.get(key)?.set(name, p.default);
      }
    }
  }
  const definitions = new Map<string, Definition>();
  for (const [id, d] of Object.entries(swagger.definitions)) definitions.set(shorten(id), d);
  const lenient = statusOnly(definitions);

  const lists = new Set<string>();
  for (const id of definitions.keys()) {
    const item = definitions.get(id)?.properties?.['items'];
    if (id.endsWith('List') && item?.items?.$ref && definitions.get(id)?.['x-kubernetes-group-version-kind'])
      lists.add(id);
  }
  const used = new Set<string>();
  const table: Record<string, string> = {};
  for (const [id, d] of [...definitions].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (words[id] || lists.has(id)) continue;
    const required = new Set(d.required);
    const fields = Object.entries(d.properties ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, p]) => {
        const fact = facts[id]?.[name];
        if (fact) used.add(`${id}.${name}`);
        const mark = !required.has(name) ? '' : lenient.has(id) || fact?.notEnforced ? '?' : '!';
        const attributes: string[] = [];
        const listType = p['x-kubernetes-list-type'];
        if (listType)
          attributes.push(`list=${[listType, ...(p['x-kubernetes-list-map-keys'] ?? [])].join(',')}`);
        if (p['x-kubernetes-map-type']) attributes.push(`map=${p['x-kubernetes-map-type']}`);
        if (p['x-kubernetes-patch-strategy']) {
          const key = p['x-kubernetes-patch-merge-key'];
          attributes.push(`patch=${p['x-kubernetes-patch-strategy']}${key ? `:${key}` : ''}`);
        }
        if (fact?.enum) attributes.push(`enum=${fact.enum.join(',')}`);
        if (fact?.min !== undefined) attributes.push(`min=${fact.min}`);
        if (fact?.max !== undefined) attributes.push(`max=${fact.max}`);
        const value = fact?.default ?? defaults.get(id)?.get(name);
        if (value !== undefined) attributes.push(`default=${JSON.stringify(value)}`);
        const text = [`${name}${mark}:${typeWord(p)}`, ...attributes];
        if (text.some((t) => /[ ;|]/.test(t)))
          throw new Error(`the table's language cannot say ${text.join(' ')}`);
        return text.join(' ');
      });
    const header: string[] = [];
    if (d['x-kubernetes-map-type']) header.push(`map=${d['x-kubernetes-map-type']}`);
    const gvk = d['x-kubernetes-group-version-kind'];
    if (gvk?.length === 1 && gvk[0]) header.push(`gvk=${gvk[0].group}/${gvk[0].version}/${gvk[0].kind}`);
    if (gvk && gvk.length > 1) header.push('gvk=*');
    table[id] = `${header.join(' ')}|${fields.join(';')}`;
  }
  for (const [id, fields] of Object.entries(facts)) {
    for (const name of Object.keys(fields)) {
      if (!used.has(`${id}.${name}`)) throw new Error(`facts.ts speaks of an unknown field: ${id}.${name}`);
    }
  }

  const groupsDocument = JSON.parse(readFileSync(join(from, 'discovery/apis.json'), 'utf8')) as {
    groups: { name: string; versions: { version: string }[] }[];
  };
  const letters = (verbs: string[]): string => verbs.map((v) => verbLetters[v] ?? '').join('');
  const groups = [{ name: '', versions: [{ version: 'v1' }] }, ...groupsDocument.groups].map((g) => ({
    group: g.name,
    versions: g.versions.map(({ version }) => {
      const file = g.name === '' ? 'api__v1.json' : `apis__${g.name}__${version}.json`;
      const { resources } = JSON.parse(readFileSync(join(from, 'discovery', file), 'utf8')) as {
        resources: DiscoveryResource[];
      };
      const kinds = resources
        .filter((r) => !r.name.includes('/'))
        .map((r) => {
          const definition = [...definitions].find(([, d]) => {
            const gvk = d['x-kubernetes-group-version-kind'];
            const one = gvk?.length === 1 ? gvk[0] : undefined;
            return one?.group === g.name && one.version === version && one.kind === r.kind;
          });
          if (!definition) throw new Error(`no definition of ${g.name}/${version} ${r.kind}`);
          const subresources = resources.filter((s) => s.name.startsWith(`${r.name}/`));
          return {
            r: r.name,
            k: r.kind,
            d: definition[0],
            ...(r.namespaced ? { n: 1 } : {}),
            ...(r.singularName === r.kind.toLowerCase() ? {} : { s: r.singularName }),
            ...(r.shortNames ? { a: r.shortNames } : {}),
            ...(r.categories ? { c: r.categories } : {}),
            v: letters(r.verbs),
            ...(subresources.length === 0
              ? {}
              : {
                  u: Object.fromEntries(
                    subresources.map((s) => [
                      s.name.slice(r.name.length + 1),
                      [letters(s.verbs), s.kind, ...(s.version ? [s.group ?? '', s.version] : [])],
                    ]),
                  ),
                }),
          };
        });
      return { version, kinds };
    }),
  }));
  const lines = (o: Record<string, unknown>): string =>
    Object.entries(o)
      .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
      .join(',\n');
  const groupText = groups
    .map(
      (g) =>
        `{"group":${JSON.stringify(g.group)},"versions":[${g.versions
          .map(
            (v) =>
              `{"version":"${v.version}","kinds":[\n${v.kinds.map((k) => JSON.stringify(k)).join(',\n')}]}`,
          )
          .join(',\n')}]}`,
    )
    .join(',\n');
  return `{"groups":[\n${groupText}\n],"definitions":{\n${lines(table)}\n}}\n`;
}
