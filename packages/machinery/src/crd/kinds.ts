/** The kinds that a CustomResourceDefinition makes. */
import type { CustomResourceDefinition } from '../api/index.ts';
import type { Kind, Schema, Subresource } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { definitionSchema } from '../table.ts';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'] as const;

/** One kind for each served version; none if no version is served. The definition must be valid (crdProblems). */
export function kindFromCrd(crd: KubeObject): Kind[] {
  const { group, names, scope, versions, preserveUnknownFields } = (crd as CustomResourceDefinition).spec;
  const storageVersion = versions.find((v) => v.storage)?.name ?? versions[0]?.name ?? '';
  return versions
    .filter((v) => v.served)
    .map((version) => {
      let schema: Schema | undefined;
      const subresources: Record<string, Subresource> = {};
      if (version.subresources?.status) {
        subresources['status'] = { kind: names.kind, verbs: ['get', 'patch', 'update'] };
      }
      const scale = version.subresources?.scale;
      if (scale) {
        subresources['scale'] = {
          group: 'autoscaling',
          version: 'v1',
          kind: 'Scale',
          verbs: ['get', 'patch', 'update'],
          specReplicasPath: scale.specReplicasPath,
          statusReplicasPath: scale.statusReplicasPath,
          labelSelectorPath: scale.labelSelectorPath,
        };
      }
      return {
        group,
        version: version.name,
        resource: names.plural,
        kind: names.kind,
        namespaced: scope === 'Namespaced',
        singular: names.singular ?? names.kind.toLowerCase(),
        listKind: names.listKind ?? `${names.kind}List`,
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        verbs,
        subresources,
        get schema(): Schema {
          schema ??= resourceSchema(
            version.schema?.openAPIV3Schema as Schema | undefined,
            preserveUnknownFields === true,
          );
          return schema;
        },
        columns: version.additionalPrinterColumns,
        storageVersion,
        builtin: false,
        preserveUnknownFields: preserveUnknownFields === true,
        selectableFields: version.selectableFields?.map((f) => f.jsonPath),
      };
    });
}

/** The schema as declared, with the fields every object has: apiVersion, kind and metadata. */
function resourceSchema(declared: Schema | undefined, preserve: boolean): Schema {
  const base = withEmbedded(declared ?? {});
  return {
    ...base,
    type: 'object',
    ...(preserve || !declared ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    properties: { ...base.properties, ...objectFields(base.properties?.['metadata']) },
  };
}

const text: Schema = { type: 'string' };
/** A definition may restrict metadata.name and metadata.generateName; the rest is ObjectMeta. */
function objectFields(declared: Schema | undefined): Record<string, Schema> {
  const meta = definitionSchema('meta.v1.ObjectMeta');
  const { name, generateName } = declared?.properties ?? {};
  const metadata =
    name || generateName
      ? {
          ...meta,
          definition: undefined,
          properties: {
            ...meta.properties,
            ...(name ? { name: { ...name, goTyped: true } } : {}),
            ...(generateName ? { generateName: { ...generateName, goTyped: true } } : {}),
          },
        }
      : meta;
  return { apiVersion: text, kind: text, metadata };
}

/** The schema with embedded resources given their object fields; the same value if there are none. */
function withEmbedded(schema: Schema): Schema {
  let result = schema;
  const { items, additionalProperties, properties } = schema;
  if (items) {
    const next = withEmbedded(items);
    if (next !== items) result = { ...result, items: next };
  }
  if (typeof additionalProperties === 'object') {
    const next = withEmbedded(additionalProperties);
    if (next !== additionalProperties) result = { ...result, additionalProperties: next };
  }
  if (properties) {
    let changed: Record<string, Schema> | undefined;
    for (const key of Object.keys(properties)) {
      const property = properties[key] as Schema;
      const next = withEmbedded(property);
      if (next !== property) (changed ??= {})[key] = next;
    }
    if (changed) result = { ...result, properties: { ...properties, ...changed } };
  }
  if (schema['x-kubernetes-embedded-resource']) {
    result = {
      ...result,
      properties: { ...result.properties, ...objectFields(properties?.['metadata']) },
    };
  }
  return result;
}
