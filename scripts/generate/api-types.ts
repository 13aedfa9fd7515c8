/**
 * TypeScript types of the built-in kinds, one file a group and version, and `resources.ts`: for every kind a
 * type and a constant of the same name (`Pod`), so that `client.get(Pod, 'web-0', ...)` is typed.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Definition {
  type?: string;
  format?: string;
  $ref?: string;
  items?: Definition;
  enum?: string[];
  properties?: Record<string, Definition>;
  additionalProperties?: Definition;
  required?: string[];
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}
interface DiscoveryResource {
  name: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
}

const out = 'packages/machinery/src/api';
const prefixes: [RegExp, string][] = [
  [/^io\.k8s\.api\.([a-z]+)\.(v\w+)$/, '$1-$2'],
  [/^io\.k8s\.apimachinery\.pkg\.apis\.meta\.(v\w+)$/, 'meta-$1'],
  [/^io\.k8s\.apiextensions-apiserver\.pkg\.apis\.apiextensions\.(v\w+)$/, 'apiextensions-$1'],
  [/^io\.k8s\.kube-aggregator\.pkg\.apis\.apiregistration\.(v\w+)$/, 'apiregistration-$1'],
];
/** Definitions that are one JSON value rather than an object. */
const scalars: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'string',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'number | string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'Record<string, unknown>',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'Record<string, unknown>',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'unknown',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool':
    'JSONSchemaProps | boolean',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray':
    'JSONSchemaProps | JSONSchemaProps[]',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray':
    'JSONSchemaProps | string[]',
};

function locate(id: string): { module: string; name: string } | undefined {
  const dot = id.lastIndexOf('.');
  const prefix = id.slice(0, dot);
  for (const [pattern, module] of prefixes) {
    if (pattern.test(prefix)) return { module: prefix.replace(pattern, module), name: id.slice(dot + 1) };
  }
  return undefined;
}

/** Writes packages/machinery/src/api from `from`/openapi/swagger.json and `from`/discovery. */
export async function generateApiTypes(from: string): Promise<void> {
  const swagger = JSON.parse(readFileSync(join(from, 'openapi/swagger.json'), 'utf8')) as {
    definitions: Record<string, Definition>;
  };
  const modules = new Map<string, { imports: Set<string>; body: string[] }>();
  const moduleOf = (name: string): { imports: Set<string>; body: string[] } => {
    let m = modules.get(name);
    if (!m) modules.set(name, (m = { imports: new Set(), body: [] }));
    return m;
  };
  const typeOf = (d: Definition, module: string): string => {
    if (d.$ref) {
      const id = d.$ref.slice('#/definitions/'.length);
      const scalar = scalars[id];
      if (scalar) return scalar;
      const at = locate(id);
      if (!at) return 'unknown';
      if (at.module === module) return at.name;
      moduleOf(module).imports.add(at.module);
      return `${at.module.replace('-', '_')}.${at.name}`;
    }
    if (d.enum) return d.enum.map((e) => JSON.stringify(e)).join(' | ');
    switch (d.type) {
      case 'string':
        return 'string';
      case 'integer':
      case 'number':
        return 'number';
      case 'boolean':
        return 'boolean';
      case 'array': {
        const item = typeOf(d.items ?? {}, module);
        return item.includes('|') ? `(${item})[]` : `${item}[]`;
      }
      case 'object':
        return d.additionalProperties
          ? `Record<string, ${typeOf(d.additionalProperties, module)}>`
          : 'Record<string, unknown>';
      default:
        return 'unknown';
    }
  };
  for (const [id, d] of Object.entries(swagger.definitions).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const at = locate(id);
    if (!at || scalars[id]) continue;
    const m = moduleOf(at.module);
    const top =
      at.module !== 'meta-v1' &&
      d['x-kubernetes-group-version-kind']?.length === 1 &&
      !at.name.endsWith('List') &&
      d.properties?.['metadata'];
    const required = new Set(d.required);
    const lines = Object.entries(d.properties ?? {}).map(([name, p]) => {
      const key = /^[\w$]+$/.test(name) ? name : JSON.stringify(name);
      if (top && (name === 'apiVersion' || name === 'kind')) return `  ${key}: string;`;
      if (top && name === 'metadata') {
        m.imports.add('meta-v1');
        return `  metadata: meta_v1.StoredMeta;`;
      }
      const type = typeOf(p, at.module);
      return required.has(name) ? `  ${key}: ${type};` : `  ${key}?: ${type} | undefined;`;
    });
    m.body.push(`export interface ${at.name} {\n${lines.join('\n')}\n}\n`);
    if (at.name === 'ObjectMeta') {
      m.body.push(
        '/** ObjectMeta of an object that the API server has stored: these four are always set. */\n' +
          'export interface StoredMeta extends ObjectMeta {\n  name: string;\n  uid: string;\n  resourceVersion: string;\n  creationTimestamp: string;\n}\n',
      );
    }
  }
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const banner = '// Generated by `npm run generate` from the Kubernetes OpenAPI document. Do not edit.\n';
  for (const [name, m] of modules) {
    const imports = [...m.imports]
      .toSorted()
      .filter((i) => i !== name)
      .map((i) => `import type * as ${i.replace('-', '_')} from './${i}.ts';\n`)
      .join('');
    writeFileSync(join(out, `${name}.ts`), `${banner}${imports}\n${m.body.join('\n')}`);
  }

  const aggregated = JSON.parse(readFileSync(join(from, 'discovery/aggregated_v2.json'), 'utf8')) as {
    items: { metadata: { name: string }; versions: { version: string }[] }[];
  };
  const groups = [
    { name: '', versions: ['v1'] },
    ...aggregated.items.map((g) => ({ name: g.metadata.name, versions: g.versions.map((v) => v.version) })),
  ];
  const taken = new Set<string>();
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const g of groups) {
    for (const version of g.versions) {
      const file = g.name === '' ? 'api__v1.json' : `apis__${g.name}__${version}.json`;
      const { resources } = JSON.parse(readFileSync(join(from, 'discovery', file), 'utf8')) as {
        resources: DiscoveryResource[];
      };
      const short = g.name === '' ? 'core' : (g.name.split('.')[0] ?? '').replace('-', '');
      const id = Object.keys(swagger.definitions);
      for (const r of resources) {
        if (r.name.includes('/')) continue;
        const key = `${g.name}/${r.name}`;
        const def = id.find((d) => {
          const gvk = swagger.definitions[d]?.['x-kubernetes-group-version-kind'];
          return (
            gvk?.length === 1 &&
            gvk[0]?.group === g.name &&
            gvk[0].version === version &&
            gvk[0].kind === r.kind
          );
        });
        const at = def && locate(def);
        if (!at) {
          process.stderr.write(`no definition for ${g.name}/${version} ${r.kind}\n`);
          continue;
        }
        // The preferred version of a resource has the plain name; another version, or a second kind of that name, a suffix.
        let name = r.kind;
        if (seen.has(key)) name += `_${version}`;
        else if (taken.has(name)) name += `_${short}`;
        seen.add(key);
        taken.add(name);
        const type = `${at.module.replace('-', '_')}.${at.name}`;
        lines.push(
          `export type ${name} = ${type};\nexport const ${name}: ResourceType<${type}> = r(${JSON.stringify(g.name)}, ${JSON.stringify(version)}, ${JSON.stringify(r.name)}, ${JSON.stringify(r.kind)}, ${r.namespaced});\n`,
        );
      }
    }
  }
  const namespaces = [...modules.keys()].toSorted();
  writeFileSync(
    join(out, 'index.ts'),
    `${banner}/**
 * The built-in kinds: for each a type and a resource constant of one name. \`Pod\` is both the shape of a pod and what to
 * pass to the client to mean pods. Parts of kinds are exported flat for core/v1 (\`Container\`) and \`meta/v1\`, and by
 * module for the others (\`batch_v1.JobSpec\`).
 */
import { type ResourceType, resourceType as r } from '../resource-type.ts';
${namespaces.map((n) => `import type * as ${n.replace('-', '_')} from './${n}.ts';`).join('\n')}

export type * from './core-v1.ts';
export type {
  Condition,
  LabelSelector,
  LabelSelectorRequirement,
  ListMeta,
  ManagedFieldsEntry,
  ObjectMeta,
  OwnerReference,
  StoredMeta,
} from './meta-v1.ts';
export type { ${namespaces.map((n) => n.replace('-', '_')).join(', ')} };

${lines.join('\n')}`,
  );
}
