/** Defaults: what the server adds to an object, by its schema. */
import { isObject, jsonClone, setKey } from '../../src/equality.ts';
import type { Schema } from '../../src/kind.ts';
import { parseQuantity } from '../../src/quantity.ts';
import { formatMicroTime, formatTime, parseTime } from '../../src/time.ts';

/**
 * Puts the schema's defaults into `value`, **in place** (its objects and arrays must not be frozen), and returns it.
 * A default is copied in where the field is absent; null counts as absent unless the field is nullable.
 *
 * Parts of built-in kinds also get the form Go's decoding and encoding would give them: nulls go, quantities become
 * canonical (`1000m` -> `1`), times UTC, and an empty text counts as absent where there is a default.
 */
export function applyDefaults<T>(schema: Schema, value: T): T {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (!items) return value;
    for (let i = 0; i < value.length; i++) {
      const before: unknown = value[i];
      const after = isContainer(before)
        ? applyDefaults(items, before)
        : before === null && items.goTyped
          ? zeroValue(items)
          : scalar(items, before);
      if (after !== before) value[i] = after;
    }
    return value;
  }
  if (!isObject(value)) return value;
  const object = value as Record<string, unknown>;
  const { properties, additionalProperties } = schema;
  if (properties) {
    for (const key of Object.keys(object)) {
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (!property) continue;
      const child = object[key];
      if (child === null) {
        if (property.goTyped ? !isAnyJson(property) : dropsNull(property)) {
          delete object[key];
        }
      } else if (isContainer(child)) applyDefaults(property, child);
      else {
        const formed = scalar(property, child);
        if (formed !== child) object[key] = formed;
      }
    }
    for (const key of defaultedKeys(schema, properties)) {
      const property = properties[key] as Schema;
      const present = object[key];
      if (present === undefined || (present === '' && property.goTyped)) {
        const filled = jsonClone(property.default);
        setKey(object, key, isContainer(filled) ? applyDefaults(property, filled) : filled);
      }
    }
  }
  if (typeof additionalProperties === 'object') {
    for (const key of Object.keys(object)) {
      if (properties && Object.hasOwn(properties, key)) continue;
      const child = object[key];
      if (child === null && dropsNull(additionalProperties)) {
        setKey(object, key, jsonClone(additionalProperties.default));
      } else if (child === null && additionalProperties.goTyped) {
        setKey(object, key, zeroValue(additionalProperties));
      } else if (isContainer(child)) applyDefaults(additionalProperties, child);
      else {
        const formed = scalar(additionalProperties, child);
        if (formed !== child) setKey(object, key, formed);
      }
    }
  }
  return value;
}

/** What Go's decoding makes of a null in a list or a map: the zero value of its type. */
function zeroValue(items: Schema): unknown {
  if (items.format === 'quantity') return '0';
  switch (items.type) {
    case 'string':
      return items.format === 'date-time' ? null : '';
    case 'object':
      return applyDefaults(items, {});
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 0;
    default:
      return null;
  }
}

const isContainer = (value: unknown): boolean => typeof value === 'object' && value !== null;
/** Where null is a value like others: `default` and `enum` of a definition's schema. */
const isAnyJson = (schema: Schema): boolean =>
  schema.type === undefined && schema.format === undefined && schema.properties === undefined;
const dropsNull = (schema: Schema): boolean => schema.default !== undefined && !schema.nullable;

/** Keys with a default, found once a schema. */
const withDefaults = new WeakMap<Schema, readonly string[]>();
function defaultedKeys(schema: Schema, properties: Readonly<Record<string, Schema>>): readonly string[] {
  let keys = withDefaults.get(schema);
  if (!keys) {
    keys = Object.keys(properties).filter((key) => properties[key]?.default !== undefined);
    withDefaults.set(schema, keys);
  }
  return keys;
}

const plainQuantity = /^(0|[1-9]\d{0,2})$/;
function scalar(schema: Schema, value: unknown): unknown {
  if (!schema.goTyped) return value;
  if (schema.format === 'quantity') {
    if (value === '') return '0';
    if (typeof value === 'string' ? plainQuantity.test(value) : typeof value !== 'number') return value;
    try {
      return parseQuantity(value as string | number).toString();
    } catch {
      return value; // Validation says what is wrong with it.
    }
  }
  if (schema.format === 'date-time' && typeof value === 'string') {
    const micro = schema.definition?.endsWith('MicroTime') ?? false;
    if (value.length === (micro ? 27 : 20) && value.endsWith('Z')) return value;
    const at = parseTime(value);
    if (at === undefined) return value;
    return micro ? formatMicroTime(at) : formatTime(at);
  }
  return value;
}
