/**
 * Schemas prepared for walking. A schema is a dictionary of some forty optional keywords whose shape differs from node to node;
 * reading it while walking a value costs more than the walk. A node holds what the walks ask for in fields that are always
 * there, and its properties in a map. Nodes are made on first use, once a schema value, and live as long as it does
 * (schemas are not changed once they are in use).
 */
import type { Schema } from '../kind.ts';

/** What a value's type must be: `type` and `x-kubernetes-int-or-string` in one. */
export type NodeType =
  | 'any'
  | 'object'
  | 'array'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'intOrString'
  | 'quantity';

/** A property with a default. */
export interface DefaultedKey {
  readonly key: string;
  readonly node: SchemaNode;
}

/** Where null is a value like others: `default` and `enum` of a definition's schema. */
const isAnyJson = (schema: Schema): boolean =>
  schema.type === undefined && schema.format === undefined && schema.properties === undefined;

const typeOf = (schema: Schema): NodeType =>
  schema['x-kubernetes-int-or-string'] === true
    ? schema.format === 'quantity'
      ? 'quantity'
      : 'intOrString'
    : (schema.type ?? 'any');

export class SchemaNode {
  readonly schema: Schema;
  readonly type: NodeType;
  readonly goTyped: boolean;
  readonly format: string | undefined;
  /** Does validation take null here? */
  readonly takesNull: boolean;
  /** Is a property of this schema that is null the same as an absent one, when defaults are filled in? */
  readonly dropsNull: boolean;
  /** Do scalars here have a form of their own (quantities, times)? */
  readonly formed: boolean;
  /** Of times: with six fractional digits? */
  readonly microTime: boolean;
  readonly embedded: boolean;
  /** Are fields that are not declared kept? */
  readonly keepsUnknown: boolean;
  readonly required: readonly string[] | undefined;
  /** Has it rules for texts, numbers, lists or objects that validation must look at besides type and children? */
  readonly stringRules: boolean;
  readonly numberRules: boolean;
  readonly listRules: boolean;
  readonly countRules: boolean;
  readonly logic: boolean;
  readonly enum: ReadonlySet<unknown> | undefined;
  /** Values that are compared by content: left to the full walk. */
  readonly enumOfObjects: boolean;
  #properties: Map<string, SchemaNode> | undefined;
  #defaulted: readonly DefaultedKey[] | undefined;
  #items: SchemaNode | undefined;
  #rest: SchemaNode | undefined;
  #expanded = false;

  constructor(schema: Schema) {
    this.schema = schema;
    this.type = typeOf(schema);
    this.goTyped = schema.goTyped === true;
    this.format = schema.format;
    const intOrString = schema['x-kubernetes-int-or-string'] === true;
    this.takesNull = schema.nullable === true || this.goTyped || (schema.type === undefined && !intOrString);
    this.dropsNull = this.goTyped ? !isAnyJson(schema) : schema.default !== undefined && !schema.nullable;
    this.formed = this.goTyped && (schema.format === 'quantity' || schema.format === 'date-time');
    this.microTime = schema.definition?.endsWith('MicroTime') ?? false;
    this.embedded = schema['x-kubernetes-embedded-resource'] === true;
    this.keepsUnknown =
      schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
    this.required = schema.required && schema.required.length > 0 ? schema.required : undefined;
    this.stringRules =
      schema.maxLength !== undefined ||
      schema.minLength !== undefined ||
      schema.pattern !== undefined ||
      schema.format !== undefined;
    this.numberRules =
      schema.maximum !== undefined ||
      schema.minimum !== undefined ||
      schema.multipleOf !== undefined ||
      (schema.type === 'integer' && (schema.format === 'int32' || schema.format === 'int64'));
    this.listRules =
      schema.minItems !== undefined ||
      schema.maxItems !== undefined ||
      schema.uniqueItems === true ||
      (!this.goTyped &&
        (schema['x-kubernetes-list-type'] === 'set' || schema['x-kubernetes-list-type'] === 'map'));
    this.countRules = schema.minProperties !== undefined || schema.maxProperties !== undefined;
    this.logic = Boolean(schema.allOf || schema.anyOf || schema.oneOf || schema.not);
    this.enum = schema.enum && new Set(schema.enum);
    this.enumOfObjects = schema.enum?.some((value) => typeof value === 'object' && value !== null) ?? false;
  }

  /** By name; undefined where the schema declares none. */
  get properties(): Map<string, SchemaNode> | undefined {
    if (!this.#expanded) this.#expand();
    return this.#properties;
  }
  /** Properties with defaults, in the schema's order. */
  get defaulted(): readonly DefaultedKey[] | undefined {
    if (!this.#expanded) this.#expand();
    return this.#defaulted;
  }
  get items(): SchemaNode | undefined {
    if (!this.#expanded) this.#expand();
    return this.#items;
  }
  /** Of what is not among the properties, where that has a schema. */
  get rest(): SchemaNode | undefined {
    if (!this.#expanded) this.#expand();
    return this.#rest;
  }

  /** On first use and not in the constructor, because schemas may contain themselves. */
  #expand(): void {
    const { properties, items, additionalProperties } = this.schema;
    this.#expanded = true;
    if (items) this.#items = nodeOf(items);
    if (typeof additionalProperties === 'object') this.#rest = nodeOf(additionalProperties);
    if (!properties) return;
    this.#properties = new Map();
    const defaulted: DefaultedKey[] = [];
    for (const key of Object.keys(properties)) {
      const property = properties[key];
      if (!property) continue;
      const node = nodeOf(property);
      this.#properties.set(key, node);
      if (property.default !== undefined) defaulted.push({ key, node });
    }
    if (defaulted.length > 0) this.#defaulted = defaulted;
  }
}

const nodes = new WeakMap<Schema, SchemaNode>();

/** The schema's node; the same at every call. */
export function nodeOf(schema: Schema): SchemaNode {
  let node = nodes.get(schema);
  if (node === undefined) nodes.set(schema, (node = new SchemaNode(schema)));
  return node;
}
