/**
 * The generated table of built-in kinds (`generated/kinds.json`) and the small language its definitions are written in.
 *
 * A definition is `header|field;field;...`; a field is `name:type attribute attribute`. `!` after the name: required;
 * `?`: called required by the document, but not asked for by the server. Types are words (`string`, `int32`, `bool`,
 * `quantity`, `intstr`, `time`, ...), `[]T`, `{}T` (a map) or the short name of a definition. Attributes are
 * `list=map,key,key`, `map=atomic`, `patch=merge,retainKeys:key`, `enum=a,b`, `min=1`, `max=9` and `default=<JSON>`.
 * Text is parsed when a schema is first asked for, so a start pays for reading strings only.
 */
import table from './generated/kinds.json' with { type: 'json' };
import type { Schema } from './kind.ts';

type Draft = { -readonly [K in keyof Schema]: Schema[K] };

/** One resource of the table; letters of `v` and of subresources' first element are verbs (verbNames). */
export interface TableKind {
  r: string;
  k: string;
  d: string;
  n?: number;
  s?: string;
  a?: string[];
  c?: string[];
  v: string;
  u?: Record<string, string[]>;
}
export interface TableGroup {
  group: string;
  versions: { version: string; kinds: TableKind[] }[];
}

export const tableGroups = table.groups as unknown as readonly TableGroup[];
const texts = table.definitions as Readonly<Record<string, string>>;

const verbLetters: Record<string, string> = {
  c: 'create',
  d: 'delete',
  D: 'deletecollection',
  g: 'get',
  l: 'list',
  p: 'patch',
  u: 'update',
  w: 'watch',
};
const verbLists = new Map<string, readonly string[]>();
/** Discovery's verbs of the table's letters. */
export function verbNames(letters: string): readonly string[] {
  let list = verbLists.get(letters);
  if (!list) verbLists.set(letters, (list = Array.from(letters, (l) => verbLetters[l] ?? l)));
  return list;
}

/** A definition's name in the OpenAPI documents. */
function longName(short: string): string {
  if (short.startsWith('meta.')) return `io.k8s.apimachinery.pkg.apis.${short}`;
  if (short.startsWith('pkg.')) return `io.k8s.apimachinery.${short}`;
  if (short.startsWith('apiextensions.')) return `io.k8s.apiextensions-apiserver.pkg.apis.${short}`;
  if (short.startsWith('apiregistration.')) return `io.k8s.kube-aggregator.pkg.apis.${short}`;
  return `io.k8s.api.${short}`;
}

const go = { goTyped: true } as const;
const preserve = { 'x-kubernetes-preserve-unknown-fields': true } as const;
const apiext = (name: string): Schema => ({
  ...go,
  ...preserve,
  definition: `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${name}`,
});
/** Objects of these two are schemas again: they get the fields of JSONSchemaProps when that is built. */
const schemaOrBool: Draft = { ...go, definition: apiext('JSONSchemaPropsOrBool').definition };
const schemaOrArray: Draft = { ...go, definition: apiext('JSONSchemaPropsOrArray').definition };
const words: Readonly<Record<string, Schema>> = {
  string: { ...go, type: 'string' },
  bytes: { ...go, type: 'string', format: 'byte' },
  integer: { ...go, type: 'integer' },
  int32: { ...go, type: 'integer', format: 'int32' },
  int64: { ...go, type: 'integer', format: 'int64' },
  double: { ...go, type: 'number', format: 'double' },
  bool: { ...go, type: 'boolean' },
  object: { ...go, ...preserve, type: 'object' },
  quantity: {
    ...go,
    format: 'quantity',
    'x-kubernetes-int-or-string': true,
    definition: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  },
  intstr: {
    ...go,
    format: 'int-or-string',
    'x-kubernetes-int-or-string': true,
    definition: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  },
  time: {
    ...go,
    type: 'string',
    format: 'date-time',
    definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
  },
  microtime: {
    ...go,
    type: 'string',
    format: 'date-time',
    definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  },
  fields: {
    ...go,
    ...preserve,
    type: 'object',
    definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
  },
  patch: { ...go, ...preserve, type: 'object', definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch' },
  raw: { ...go, ...preserve, type: 'object', definition: 'io.k8s.apimachinery.pkg.runtime.RawExtension' },
  json: apiext('JSON'),
  'schema-or-bool': schemaOrBool,
  'schema-or-array': schemaOrArray,
  'schema-or-strings': apiext('JSONSchemaPropsOrStringArray'),
};

const schemas = new Map<string, Schema>();

/** The schema of a definition by its short name (`core.v1.Pod`); the same value each time. Throws if there is none. */
export function definitionSchema(short: string): Schema {
  const known = schemas.get(short);
  if (known) return known;
  const text = texts[short];
  if (text === undefined) {
    const word = Object.values(words).find((w) => w.definition === longName(short));
    if (word) return word;
    throw new Error(`no definition named ${short}`);
  }
  const schema: Draft = { ...go, type: 'object', definition: longName(short) };
  schemas.set(short, schema); // Before its fields: definitions may be recursive.
  const bar = text.indexOf('|');
  for (const attribute of text.slice(0, bar).split(' ')) {
    if (attribute.startsWith('map=')) schema['x-kubernetes-map-type'] = attribute.slice(4) as 'atomic';
  }
  const body = text.slice(bar + 1);
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  const documented: string[] = [];
  for (const field of body === '' ? [] : body.split(';')) {
    const colon = field.indexOf(':');
    let name = field.slice(0, colon);
    const mark = name.at(-1);
    if (mark === '!' || mark === '?') {
      name = name.slice(0, -1);
      (mark === '!' ? required : documented).push(name);
    }
    properties[name] = fieldSchema(field.slice(colon + 1));
  }
  schema.properties = properties;
  if (short === 'apiextensions.v1.JSONSchemaProps') {
    schemaOrBool.properties = properties;
    schemaOrArray.properties = properties;
  }
  if (required.length > 0) schema.required = required;
  if (documented.length > 0) schema.documentedRequired = documented;
  return schema;
}

/** Fields of equal text share one schema: `string`, `[]string list=atomic`. */
const fieldSchemas = new Map<string, Schema>();
function fieldSchema(text: string): Schema {
  let schema = fieldSchemas.get(text);
  if (!schema) {
    const [type = '', ...attributes] = text.split(' ');
    schema = withAttributes(typeSchema(type), attributes);
    fieldSchemas.set(text, schema);
  }
  return schema;
}

function typeSchema(type: string): Schema {
  if (type.startsWith('[]')) return { ...go, type: 'array', items: typeSchema(type.slice(2)) };
  if (type.startsWith('{}'))
    return { ...go, type: 'object', additionalProperties: typeSchema(type.slice(2)) };
  return words[type] ?? definitionSchema(type);
}

function withAttributes(base: Schema, attributes: string[]): Schema {
  if (attributes.length === 0) return base;
  const schema: Draft = { ...base };
  for (const attribute of attributes) {
    const equals = attribute.indexOf('=');
    const value = attribute.slice(equals + 1);
    switch (attribute.slice(0, equals)) {
      case 'list': {
        const [kind, ...keys] = value.split(',');
        schema['x-kubernetes-list-type'] = kind as 'atomic' | 'set' | 'map';
        if (keys.length > 0) schema['x-kubernetes-list-map-keys'] = keys;
        break;
      }
      case 'map':
        schema['x-kubernetes-map-type'] = value as 'atomic' | 'granular';
        break;
      case 'patch': {
        const [strategy, key] = value.split(':');
        schema['x-kubernetes-patch-strategy'] = strategy;
        if (key) schema['x-kubernetes-patch-merge-key'] = key;
        break;
      }
      case 'enum':
        schema.enum = value.split(',');
        break;
      case 'min':
        schema.minimum = Number(value);
        break;
      case 'max':
        schema.maximum = Number(value);
        break;
      case 'default':
        schema.default = JSON.parse(value);
        break;
      default:
        throw new Error(`unknown attribute in the table of kinds: ${attribute}`);
    }
  }
  return schema;
}

/** Group, version and kind a definition is the top-level shape of; `*`: of every group version; undefined: of none. */
export function definitionKind(
  short: string,
): { group: string; version: string; kind: string } | '*' | undefined {
  const header = (texts[short] ?? '|').split('|', 1)[0] ?? '';
  const gvk = header
    .split(' ')
    .find((a) => a.startsWith('gvk='))
    ?.slice(4);
  if (gvk === undefined || gvk === '*') return gvk as '*' | undefined;
  const [group = '', version = '', kind = ''] = gvk.split('/');
  return { group, version, kind };
}

const kindOfLong = new Map<string, ReturnType<typeof definitionKind>>();
const shortOfKind = new Map<string, string>();
function index(): void {
  if (kindOfLong.size > 0) return;
  for (const short of Object.keys(texts)) {
    const kind = definitionKind(short);
    kindOfLong.set(longName(short), kind);
    if (kind && kind !== '*') shortOfKind.set(`${kind.group}/${kind.version}/${kind.kind}`, short);
  }
}
/** definitionKind by the name in the OpenAPI documents. */
export function kindOfDefinition(long: string): ReturnType<typeof definitionKind> {
  index();
  return kindOfLong.get(long);
}
/** The built-in schema of a kind that need not be a resource (Scale, Eviction, Status). */
export function schemaOfKind(group: string, version: string, kind: string): Schema | undefined {
  index();
  const short = shortOfKind.get(`${group}/${version}/${kind}`);
  return short === undefined ? undefined : definitionSchema(short);
}
