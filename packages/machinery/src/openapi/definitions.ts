/** OpenAPI schemas of kinds, with `$ref`s between named definitions, in the shape of v3 components or v2 definitions. */
import type { Kind, Schema } from '../kind.ts';
import { apiVersionOf } from '../resource-type.ts';
import { descriptions } from './descriptions.ts';
import { definitionSchema, kindOfDefinition, schemaOfKind } from '../table.ts';

export type OpenApiForm = 'v2' | 'v3';
export type OpenApiSchema = Record<string, unknown>;
export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** Keywords that are copied as they are. */
const plain = [
  'description',
  'title',
  'type',
  'format',
  'enum',
  'default',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'example',
  'externalDocs',
  'x-kubernetes-int-or-string',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-validations',
] as const;
/** Attributes that may stand beside a reference: what the field adds to the definition. */
const besideRef = [
  'default',
  'x-kubernetes-map-type',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-patch-merge-key',
] as const;

const dotted = 'io.k8s.apimachinery.pkg.';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';
/** Definitions that are one JSON value. */
const scalars: Readonly<Record<string, Record<OpenApiForm, OpenApiSchema>>> = {
  [`${dotted}api.resource.Quantity`]: {
    v2: { type: 'string' },
    v3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
  [`${dotted}util.intstr.IntOrString`]: {
    v2: { type: 'string', format: 'int-or-string' },
    v3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
  [`${apiextensions}JSONSchemaPropsOrBool`]: { v2: {}, v3: {} },
  [`${apiextensions}JSONSchemaPropsOrArray`]: { v2: {}, v3: {} },
};

/** A kind's name among the definitions: that of the table, or the reversed group, version and kind. */
export function definitionName(kind: Kind): string {
  if (kind.schema.definition) return kind.schema.definition;
  return [...kind.group.split('.').toReversed(), kind.version, kind.kind].join('.');
}

/** Collects definitions; each is written once, whoever refers to it. */
export class Definitions {
  readonly all: Record<string, OpenApiSchema> = {};
  readonly #form: OpenApiForm;
  /** Every group version of the document, for the definitions that belong to all of them. */
  readonly #everywhere: readonly GroupVersionKind[];
  constructor(form: OpenApiForm, everywhere: readonly GroupVersionKind[] = []) {
    this.#form = form;
    this.#everywhere = everywhere;
  }

  /** A reference to a definition by name. */
  ref(name: string): OpenApiSchema {
    return { $ref: (this.#form === 'v2' ? '#/definitions/' : '#/components/schemas/') + name };
  }
  /** Adds a kind and, if it can be listed, its list; returns the references. */
  addKind(kind: Kind): { object: OpenApiSchema; list: OpenApiSchema } {
    const name = definitionName(kind);
    const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
    if (!this.all[name]) {
      this.all[name] = {};
      const description = kind.builtin ? descriptions[kind.kind] : undefined;
      this.all[name] = {
        ...(description === undefined ? {} : { description }),
        ...this.#body(kind.schema),
        'x-kubernetes-group-version-kind': [gvk],
      };
    }
    const listName = name.slice(0, name.length - kind.kind.length) + kind.listKind;
    if (kind.verbs.includes('list') && !this.all[listName]) {
      this.all[listName] = {
        type: 'object',
        required: ['items'],
        properties: {
          apiVersion: { type: 'string' },
          items: { type: 'array', items: this.ref(name) },
          kind: { type: 'string' },
          metadata: this.schema(definitionSchema('meta.v1.ListMeta')),
        },
        'x-kubernetes-group-version-kind': [{ ...gvk, kind: kind.listKind }],
      };
    }
    return { object: this.ref(name), list: this.ref(listName) };
  }
  /** Adds a built-in kind that is no resource of its own (Scale, Eviction, Status); undefined if there is none. */
  addPart(gvk: GroupVersionKind): OpenApiSchema | undefined {
    const schema = schemaOfKind(gvk.group, gvk.version, gvk.kind);
    return schema && this.schema(schema);
  }
  /** A definition of the table by its short name. */
  addNamed(short: string): OpenApiSchema {
    return this.schema(definitionSchema(short));
  }

  /** A schema as it stands in a field: a reference if it is a named definition. */
  schema(schema: Schema): OpenApiSchema {
    const name = schema.definition;
    if (name === undefined) return this.#body(schema);
    if (!this.all[name]) {
      this.all[name] = {}; // Before its fields: definitions may be recursive.
      const kind = kindOfDefinition(name);
      const gvks =
        kind === '*' ? this.#everywhere.map((g) => ({ ...g, kind: name.split('.').at(-1) })) : [kind];
      this.all[name] = {
        ...(scalars[name]?.[this.#form] ?? this.#body(this.#named(schema))),
        ...(kind === undefined || gvks.length === 0 ? {} : { 'x-kubernetes-group-version-kind': gvks }),
      };
    }
    const beside: OpenApiSchema = {};
    for (const keyword of besideRef) {
      const value = schema[keyword];
      if (value !== undefined && value !== this.all[name]?.[keyword]) beside[keyword] = value;
    }
    if (Object.keys(beside).length === 0) return this.ref(name);
    return this.#form === 'v2' ? { ...this.ref(name), ...beside } : { allOf: [this.ref(name)], ...beside };
  }

  /** The definition itself, without what the first field that referred to it added. */
  #named(schema: Schema): Schema {
    const {
      default: _d,
      'x-kubernetes-patch-strategy': _s,
      'x-kubernetes-patch-merge-key': _k,
      ...rest
    } = schema;
    return rest;
  }

  #body(schema: Schema): OpenApiSchema {
    const out: OpenApiSchema = {};
    const v2 = this.#form === 'v2';
    for (const keyword of plain) if (schema[keyword] !== undefined) out[keyword] = schema[keyword];
    if (schema.goTyped) delete out['x-kubernetes-preserve-unknown-fields'];
    if (schema.goTyped && v2) {
      delete out['default'];
      delete out['enum'];
    }
    const required = [...(schema.required ?? []), ...(schema.documentedRequired ?? [])];
    if (required.length > 0) out['required'] = schema.goTyped ? required.toSorted() : required;
    // v2 cannot say these: clients that validate by it must not refuse what the server takes.
    const open = v2 && !schema.goTyped && (schema['x-kubernetes-preserve-unknown-fields'] || schema.nullable);
    if (open && schema.nullable) delete out['type'];
    if (!open) {
      if (schema.properties && !(schema.goTyped && Object.keys(schema.properties).length === 0)) {
        const properties: Record<string, OpenApiSchema> = {};
        for (const [name, property] of Object.entries(schema.properties)) {
          properties[name] = this.schema(property);
        }
        out['properties'] = properties;
      }
      if (schema.items) out['items'] = this.schema(schema.items);
    }
    const { additionalProperties } = schema;
    if (additionalProperties !== undefined) {
      out['additionalProperties'] =
        typeof additionalProperties === 'object' ? this.schema(additionalProperties) : additionalProperties;
    }
    if (!v2) {
      if (schema.nullable) out['nullable'] = true;
      for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
        const parts = schema[keyword];
        if (parts) out[keyword] = parts.map((part) => this.schema(part));
      }
      if (schema.not) out['not'] = this.schema(schema.not);
    }
    return out;
  }
}

/**
 * The schemas of these kinds, of their lists, and of everything they refer to, by definition name: what stands under
 * `components.schemas` of a v3 document or `definitions` of the v2 document.
 */
export function openApiDefinitions(kinds: Iterable<Kind>, form: OpenApiForm): Record<string, OpenApiSchema> {
  const definitions = new Definitions(form);
  for (const kind of kinds) definitions.addKind(kind);
  return definitions.all;
}

/** Group versions of kinds, each once. */
export function groupVersions(kinds: readonly Kind[]): GroupVersionKind[] {
  const seen = new Map<string, GroupVersionKind>();
  for (const { group, version } of kinds)
    seen.set(apiVersionOf({ group, version }), { group, version, kind: '' });
  return [...seen.values()];
}
