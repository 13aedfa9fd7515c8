/**
 * Objects of a custom resource as expressions see them: by the schema of their definition. What the schema does not name can not be
 * reached; names that are no identifiers are reached by their escaped form (`self.a__dash__b`).
 */
import { deepEqual, isObject } from '../equality.ts';
import type { Schema } from '../kind.ts';
import { CelError } from './errors.ts';
import { readDuration, readTimestamp } from './moment.ts';
import { type Type, types } from './types.ts';
import { CelMap, CelObject, type CelValue, Double, toInt } from './values.ts';

/** A part of a schema: its static type, and how a JSON value becomes a value of that type. */
export interface SchemaView {
  readonly type: Type;
  /** Undefined is not a value; null is. Throws CelError for what is not of the schema. */
  read(value: unknown): CelValue;
}

const escapes: readonly [RegExp, string][] = [
  [/__/g, '__underscores__'],
  [/\./g, '__dot__'],
  [/-/g, '__dash__'],
  [/\//g, '__slash__'],
];
const keywords = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
/** The name of a property in expressions; undefined if it can not be reached. */
export function escapeName(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_.\-/]*$/.test(name)) return undefined;
  if (keywords.has(name)) return `__${name}__`;
  return escapes.reduce((text, [from, to]) => text.replace(from, to), name);
}

const wrong = (wanted: string): CelError => new CelError(`invalid data, expected ${wanted}`);

function textView(format: string | undefined): SchemaView {
  const as = (type: Type, convert: (text: string) => CelValue): SchemaView => ({
    type,
    read(value) {
      if (typeof value !== 'string') throw wrong('a string');
      return convert(value);
    },
  });
  switch (format) {
    case 'byte':
      return as(types.bytes, (text) => new Uint8Array(Buffer.from(text, 'base64')));
    case 'duration':
      return as(types.duration, readDuration);
    case 'date':
      return as(types.timestamp, (text) => readTimestamp(`${text}T00:00:00Z`));
    case 'date-time':
      return as(types.timestamp, readTimestamp);
    default:
      return as(types.string, (text) => text);
  }
}

const readInt = (value: unknown): CelValue => {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrong('an integer');
  return toInt(BigInt(value));
};
const scalars: Readonly<Record<string, SchemaView>> = {
  integer: { type: types.int, read: readInt },
  number: {
    type: types.double,
    read(value) {
      if (typeof value !== 'number') throw wrong('a number');
      return new Double(value);
    },
  },
  boolean: {
    type: types.bool,
    read(value) {
      if (typeof value !== 'boolean') throw wrong('a boolean');
      return value;
    },
  },
};
/** An int or a string, which only evaluation tells. */
const intOrString: SchemaView = {
  type: types.dyn,
  read: (value) => (typeof value === 'string' ? value : readInt(value)),
};

const text: Schema = { type: 'string' };
/** Of an object's metadata only its names can be reached. */
const objectProperties: Readonly<Record<string, Schema>> = {
  apiVersion: text,
  kind: text,
  metadata: { type: 'object', properties: { name: text, generateName: text } },
};

/** Views of schemas, each made once: the nodes of a kind's schema live as long as the kind. */
const views = new WeakMap<Schema, SchemaView | { none: true }>();

/** How expressions see values of a schema; undefined if they can not. `path` names the type, `isResource`: it has metadata. */
export function schemaView(schema: Schema, path: string, isResource: boolean): SchemaView | undefined {
  const known = views.get(schema);
  if (known) return 'none' in known ? undefined : known;
  const made = nullable(makeView(schema, path, isResource));
  views.set(schema, made ?? { none: true });
  return made;
}

const nullable = (view: SchemaView | undefined): SchemaView | undefined =>
  view && { type: view.type, read: (value) => (value === null ? null : view.read(value)) };

function makeView(schema: Schema, path: string, isResource: boolean): SchemaView | undefined {
  if (schema['x-kubernetes-int-or-string']) return intOrString;
  switch (schema.type) {
    case 'string':
      return textView(schema.format);
    case 'integer':
    case 'number':
    case 'boolean':
      return scalars[schema.type];
    case 'array': {
      const { items } = schema;
      const view = items && schemaView(items, `${path}.@idx`, isEmbedded(items));
      return view && listView(view);
    }
    case 'object': {
      const { additionalProperties } = schema;
      if (typeof additionalProperties !== 'object') return objectView(schema, path, isResource);
      const view = schemaView(additionalProperties, `${path}.@elem`, isEmbedded(additionalProperties));
      return view && mapView(view);
    }
    default:
      return undefined;
  }
}
export const isEmbedded = (schema: Schema): boolean => schema['x-kubernetes-embedded-resource'] === true;

function listView(item: SchemaView): SchemaView {
  return {
    type: types.list(item.type),
    read(value) {
      if (!Array.isArray(value)) throw wrong('an array');
      return value.map((one) => item.read(one));
    },
  };
}
function mapView(item: SchemaView): SchemaView {
  return {
    type: types.map(types.string, item.type),
    read(value) {
      if (!isObject(value)) throw wrong('an object');
      return new SchemaMap(value, item);
    },
  };
}
function objectView(schema: Schema, path: string, isResource: boolean): SchemaView {
  const properties = { ...schema.properties, ...(isResource ? objectProperties : {}) };
  const fields = new Map<string, { key: string; view: SchemaView }>();
  for (const [key, property] of Object.entries(properties)) {
    const name = escapeName(key);
    const view = schemaView(property, `${path}.${key}`, isEmbedded(property));
    if (name === undefined || !view) continue;
    fields.set(name, { key, view });
    // Most reserved words may be selected as they are, and definitions in use do that (`self.metadata.namespace`).
    if (keywords.has(key)) fields.set(key, { key, view });
  }
  return {
    type: { kind: 'object', name: path, field: (name) => fields.get(name)?.view.type },
    read(value) {
      if (!isObject(value)) throw wrong('an object');
      return new SchemaObject(path, value, fields);
    },
  };
}

class SchemaObject extends CelObject {
  override readonly typeName: string;
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #fields: ReadonlyMap<string, { readonly key: string; readonly view: SchemaView }>;
  constructor(
    typeName: string,
    value: Readonly<Record<string, unknown>>,
    fields: ReadonlyMap<string, { readonly key: string; readonly view: SchemaView }>,
  ) {
    super();
    this.typeName = typeName;
    this.#value = value;
    this.#fields = fields;
  }
  override field(name: string): CelValue | undefined {
    const field = this.#fields.get(name);
    if (!field) throw new CelError(`no such key: ${name}`);
    const value = Object.hasOwn(this.#value, field.key) ? this.#value[field.key] : undefined;
    return value === undefined ? undefined : field.view.read(value);
  }
  override equals(other: CelObject): boolean {
    return other instanceof SchemaObject && deepEqual(this.#value, other.#value);
  }
}

class SchemaMap extends CelMap {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #item: SchemaView;
  constructor(value: Readonly<Record<string, unknown>>, item: SchemaView) {
    super();
    this.#value = value;
    this.#item = item;
  }
  override get size(): number {
    return Object.keys(this.#value).length;
  }
  override field(name: string): CelValue | undefined {
    return Object.hasOwn(this.#value, name) ? this.#item.read(this.#value[name]) : undefined;
  }
  override get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' ? this.field(key) : undefined;
  }
  override keys(): Iterable<CelValue> {
    return Object.keys(this.#value);
  }
}
