/**
 * Is a schema structural? That is what makes pruning, defaulting and apply decidable: every field has a type outside of
 * logical junctors, and what stands inside `allOf`, `anyOf`, `oneOf` and `not` only restricts.
 * (apiextensions: "Specifying a structural schema".)
 */
import { isObject } from '../equality.ts';
import type { Schema } from '../kind.ts';
import type { CauseReason, FieldError } from '../status.ts';
import { unknownFields } from '../schema/prune.ts';
import { goRegex } from '../schema/problems.ts';
import { validate } from '../schema/validate.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** Keywords of JSON schema that CRDs may not use. */
const unsupported = [
  '$ref',
  '$schema',
  'id',
  'additionalItems',
  'definitions',
  'dependencies',
  'patternProperties',
] as const;
/** What may stand outside of junctors only. */
const structuralOnly = [
  'type',
  'description',
  'title',
  'default',
  'nullable',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const;

type Add = (type: CauseReason, field: string, detail: string, badValue?: unknown) => void;

/** What keeps the schema at `path` from being structural, as the API server words it. */
export function structuralProblems(schema: Schema, path: string): FieldError[] {
  const problems: FieldError[] = [];
  const add: Add = (type, field, detail, badValue) => {
    problems.push({ type, field, detail, ...(badValue === undefined ? {} : { badValue }) });
  };
  if (schema.type === undefined) add('FieldValueRequired', `${path}.type`, 'must not be empty at the root');
  else if (schema.type !== 'object') {
    add('FieldValueInvalid', `${path}.type`, 'must be object at the root', schema.type);
  }
  if (schema.nullable) add('FieldValueForbidden', `${path}.nullable`, 'nullable cannot be true at the root');
  node(schema, path, add, true);
  return problems;
}

function node(schema: Schema, path: string, add: Add, isRoot: boolean): void {
  keywords(schema, path, add);
  const { properties, additionalProperties } = schema;
  const items = itemsOf(schema);
  if (Array.isArray(schema.items)) {
    add('FieldValueForbidden', `${path}.items`, 'items must be a schema object and not an array');
  }
  if (properties && additionalProperties !== undefined) {
    add(
      'FieldValueForbidden',
      `${path}.additionalProperties`,
      'additionalProperties and properties are mutual exclusive',
    );
  }
  if (additionalProperties === false) {
    add('FieldValueForbidden', `${path}.additionalProperties`, 'additionalProperties cannot be set to false');
  }
  if (schema.type === 'array' && !items) add('FieldValueRequired', `${path}.items`, 'must be specified');
  extensions(schema, path, add);
  const object = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, property] of Object.entries(properties ?? {})) {
    const at = `${path}.properties[${name}]`;
    if (object && name === 'metadata') {
      metadata(property, at, add);
      continue;
    }
    typed(property, at, add, 'must not be empty for specified object fields');
    node(property, at, add, false);
  }
  if (isObject(additionalProperties)) {
    const at = `${path}.additionalProperties`;
    typed(additionalProperties, at, add, 'must not be empty for specified object fields');
    node(additionalProperties, at, add, false);
  }
  if (items) {
    typed(items, `${path}.items`, add, 'must not be empty for specified array items');
    node(items, `${path}.items`, add, false);
  }
  for (const [key, list] of junctors(schema)) {
    for (const [i, part] of list.entries()) {
      restriction(part, key === 'not' ? `${path}.not` : `${path}.${key}[${i}]`, schema, path, add);
    }
  }
}

/** The one schema of a list's elements; undefined if there is none, or something else stands there. */
const itemsOf = (schema: Schema): Schema | undefined => (isObject(schema.items) ? schema.items : undefined);

function junctors(schema: Schema): [string, readonly Schema[]][] {
  return [
    ['allOf', schema.allOf ?? []],
    ['anyOf', schema.anyOf ?? []],
    ['oneOf', schema.oneOf ?? []],
    ['not', schema.not ? [schema.not] : []],
  ];
}

function typed(schema: Schema, path: string, add: Add, why: string): void {
  const free = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'];
  if (schema.type === undefined && !free) add('FieldValueRequired', `${path}.type`, why);
}

function metadata(schema: Schema, path: string, add: Add): void {
  if (schema.type !== 'object') {
    add('FieldValueInvalid', `${path}.type`, 'must be object', schema.type ?? '');
  }
  const others = Object.keys(schema.properties ?? {}).filter((k) => k !== 'name' && k !== 'generateName');
  if (others.length > 0) {
    add(
      'FieldValueForbidden',
      path,
      'must not specify anything other than name and generateName, but metadata is implicitly specified',
    );
  }
}

function keywords(schema: Schema, path: string, add: Add): void {
  for (const keyword of unsupported) {
    if ((schema as Record<string, unknown>)[keyword] !== undefined) {
      add('FieldValueForbidden', `${path}.${keyword}`, `${keyword} is not supported`);
    }
  }
  if (schema.type !== undefined && !types.includes(schema.type)) {
    const supported = types.map((t) => `"${t}"`).join(', ');
    add('FieldValueNotSupported', `${path}.type`, `supported values: ${supported}`, schema.type);
  }
  if (schema.uniqueItems) {
    add(
      'FieldValueForbidden',
      `${path}.uniqueItems`,
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    );
  }
  if (schema.pattern !== undefined && !goRegex(schema.pattern)) {
    const detail = 'must be a valid regular expression';
    add('FieldValueInvalid', `${path}.pattern`, detail, schema.pattern);
  }
  if (schema.default !== undefined) {
    for (const problem of validate(schema, schema.default, `${path}.default`)) {
      add(problem.type, problem.field, problem.detail ?? '', problem.badValue);
    }
    const unknown = schema.type === 'object' ? unknownFields(schema, schema.default) : [];
    if (unknown.length > 0) {
      const detail = `must not have unknown fields: ${unknown.join(', ')}`;
      add('FieldValueInvalid', `${path}.default`, detail, schema.default);
    }
  }
}

function extensions(schema: Schema, path: string, add: Add): void {
  const ext = (name: string): string => `${path}.x-kubernetes-${name}`;
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    add('FieldValueInvalid', ext('preserve-unknown-fields'), 'must be true or undefined', false);
  }
  if (schema['x-kubernetes-int-or-string'] && schema.type !== undefined) {
    const detail = 'must be empty if x-kubernetes-int-or-string is true';
    add('FieldValueInvalid', `${path}.type`, detail, schema.type);
  }
  if (schema['x-kubernetes-embedded-resource']) {
    if (schema.type !== 'object') {
      const detail = 'must be object if x-kubernetes-embedded-resource is true';
      if (schema.type === undefined) add('FieldValueRequired', `${path}.type`, detail);
      else add('FieldValueInvalid', `${path}.type`, detail, schema.type);
    }
    if (!schema.properties && !schema['x-kubernetes-preserve-unknown-fields']) {
      const detail =
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
      add('FieldValueRequired', `${path}.properties`, detail);
    }
  }
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType !== undefined) {
    if (!['atomic', 'set', 'map'].includes(listType)) {
      add('FieldValueNotSupported', ext('list-type'), 'supported values: "atomic", "map", "set"', listType);
    }
    if (schema.type !== 'array') {
      const detail = 'must be array if x-kubernetes-list-type is specified';
      if (schema.type === undefined) add('FieldValueRequired', `${path}.type`, detail);
      else add('FieldValueInvalid', `${path}.type`, detail, schema.type);
    }
  }
  if (listType === 'map') mapKeys(schema, keys ?? [], path, add);
  else if (keys && keys.length > 0) {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (listType === undefined) add('FieldValueRequired', ext('list-type'), detail);
    else add('FieldValueInvalid', ext('list-type'), detail, listType);
  }
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) {
    if (mapType !== 'atomic' && mapType !== 'granular') {
      add('FieldValueNotSupported', ext('map-type'), 'supported values: "atomic", "granular"', mapType);
    }
    if (schema.type !== 'object') {
      const detail = 'must be object if x-kubernetes-map-type is specified';
      if (schema.type === undefined) add('FieldValueRequired', `${path}.type`, detail);
      else add('FieldValueInvalid', `${path}.type`, detail, schema.type);
    }
  }
}

function mapKeys(schema: Schema, keys: readonly string[], path: string, add: Add): void {
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) {
    add('FieldValueRequired', at, 'must not be empty if x-kubernetes-list-type is map');
  }
  const items = itemsOf(schema);
  if (!items) return;
  if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    add('FieldValueInvalid', `${path}.items.type`, detail, items.type ?? '');
  }
  for (const [i, key] of keys.entries()) {
    if (keys.indexOf(key) < i) {
      add('FieldValueInvalid', at, 'must not contain duplicate entries', keys);
      continue;
    }
    const property = items.properties?.[key];
    if (!property) {
      add('FieldValueInvalid', `${at}[${i}]`, 'entries must all be names of item properties', key);
      continue;
    }
    if (property.type === 'array' || property.type === 'object') {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      add('FieldValueInvalid', `${path}.items.properties[${key}].type`, detail, property.type);
    }
    if (property.default === undefined && !items.required?.includes(key)) {
      add(
        'FieldValueRequired',
        `${path}.items.properties[${key}].default`,
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      );
    }
  }
}

/** A part of a junctor: value restrictions of what `outer` (at `outerPath`) declares. */
function restriction(schema: Schema, path: string, outer: Schema, outerPath: string, add: Add): void {
  const intOrString = outer['x-kubernetes-int-or-string'] === true;
  for (const keyword of structuralOnly) {
    const value = (schema as Record<string, unknown>)[keyword];
    if (value === undefined || value === false || value === '') continue;
    // The one exception: `anyOf: [{type: integer}, {type: string}]` beside x-kubernetes-int-or-string.
    if (keyword === 'type' && intOrString && (value === 'integer' || value === 'string')) continue;
    add('FieldValueForbidden', `${path}.${keyword}`, 'must be empty to be structural');
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const declared = outer.properties?.[name];
    const at = `${path}.properties[${name}]`;
    if (!declared && !outer['x-kubernetes-preserve-unknown-fields']) {
      add('FieldValueRequired', `${outerPath}.properties[${name}]`, `because it is defined in ${at}`);
    }
    restriction(property, at, declared ?? {}, `${outerPath}.properties[${name}]`, add);
  }
  const [items, outerItems] = [itemsOf(schema), itemsOf(outer)];
  if (items) {
    if (!outerItems) {
      add('FieldValueRequired', `${outerPath}.items`, `because it is defined in ${path}.items`);
    }
    restriction(items, `${path}.items`, outerItems ?? {}, `${outerPath}.items`, add);
  }
  for (const [key, list] of junctors(schema)) {
    for (const [i, part] of list.entries()) {
      restriction(part, key === 'not' ? `${path}.not` : `${path}.${key}[${i}]`, outer, outerPath, add);
    }
  }
}
