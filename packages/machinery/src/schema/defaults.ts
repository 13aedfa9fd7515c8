/** Defaults: what the server adds to an object, by its schema. */
import { jsonClone, setKey } from '../equality.ts';
import type { Schema } from '../kind.ts';
import { isPlainQuantity, parseQuantity } from '../quantity.ts';
import { formatMicroTime, formatTime, parseTime } from '../time.ts';
import { nodeOf, type SchemaNode } from './node.ts';

/**
 * Puts the schema's defaults into `value`, **in place** (its objects and arrays must not be frozen), and returns it.
 * A default is copied in where the field is absent; null counts as absent unless the field is nullable.
 *
 * Parts of built-in kinds also get the form Go's decoding and encoding would give them: nulls go, quantities become
 * canonical (`1000m` -> `1`), times UTC, and an empty text counts as absent where there is a default.
 *
 * `completed` is a value that has its defaults and that `value` was made from: parts they share are passed over (those may be
 * frozen).
 */
export function applyDefaults<T>(schema: Schema, value: T, completed?: unknown): T {
  if (typeof value === 'object' && value !== null) complete(nodeOf(schema), value, completed);
  return value;
}

function complete(node: SchemaNode, value: object, completed?: unknown): void {
  if (Array.isArray(value)) completeList(node, value);
  else {
    const object = value as Record<string, unknown>;
    const { properties, rest } = node;
    if (properties) completeProperties(node, properties, object, completed);
    if (rest) completeRest(properties, rest, object, completed);
  }
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;

function completeList({ items }: SchemaNode, list: unknown[]): void {
  if (!items) return;
  for (let i = 0; i < list.length; i++) {
    let item = list[i];
    if (typeof item === 'object') {
      if (item !== null) {
        if (items.goTyped && items.properties) {
          const rest = withoutNulls(items.properties, item as Record<string, unknown>);
          if (rest !== item) list[i] = item = rest;
        }
        complete(items, item as object);
      } else if (items.goTyped) list[i] = zeroValue(items.schema);
    } else if (items.formed) {
      const formed = scalar(items, item);
      if (formed !== item) list[i] = formed;
    }
  }
}

/**
 * The object without the nulls that mean nothing; itself if it has none. Deleting them would leave an object that is slow to
 * read ever after, and a pod's conditions come with one each.
 */
function withoutNulls(
  properties: ReadonlyMap<string, SchemaNode>,
  object: Record<string, unknown>,
): Record<string, unknown> {
  let found = false;
  for (const key in object) if (object[key] === null && properties.get(key)?.dropsNull) found = true;
  if (!found || Array.isArray(object)) return object;
  const rest: Record<string, unknown> = {};
  for (const key in object)
    if (object[key] !== null || !properties.get(key)?.dropsNull) setKey(rest, key, object[key]);
  return rest;
}

function completeProperties(
  node: SchemaNode,
  properties: ReadonlyMap<string, SchemaNode>,
  object: Record<string, unknown>,
  completed: unknown,
): void {
  const before = objectOf(completed);
  for (const key in object) {
    const child = object[key];
    if (before !== undefined && child === before[key]) continue;
    const property = properties.get(key);
    if (property === undefined) continue;
    if (typeof child === 'object') {
      if (child !== null) complete(property, child, before?.[key]);
      else if (property.dropsNull) delete object[key];
    } else if (property.formed) {
      const formed = scalar(property, child);
      if (formed !== child) object[key] = formed;
    }
  }
  if (!node.defaulted) return;
  for (const { key, node: property } of node.defaulted) {
    const present = object[key];
    if (present === undefined || (present === '' && property.goTyped)) {
      const filled = jsonClone(property.schema.default);
      if (typeof filled === 'object' && filled !== null) complete(property, filled);
      setKey(object, key, filled);
    }
  }
}

function completeRest(
  properties: ReadonlyMap<string, SchemaNode> | undefined,
  rest: SchemaNode,
  object: Record<string, unknown>,
  completed: unknown,
): void {
  const before = objectOf(completed);
  for (const key in object) {
    const child = object[key];
    if ((before !== undefined && child === before[key]) || properties?.has(key)) continue;
    if (typeof child === 'object') {
      if (child !== null) complete(rest, child, before?.[key]);
      // Of a built-in kind it becomes its type's zero value; a default comes first.
      else if (rest.schema.default !== undefined && !rest.schema.nullable)
        setKey(object, key, jsonClone(rest.schema.default));
      else if (rest.goTyped) setKey(object, key, zeroValue(rest.schema));
    } else if (rest.formed) {
      const formed = scalar(rest, child);
      if (formed !== child) setKey(object, key, formed);
    }
  }
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

/** The form Go gives a quantity or a time; other values as they are. */
function scalar(node: SchemaNode, value: unknown): unknown {
  if (node.format === 'quantity') {
    if (value === '') return '0';
    if (typeof value === 'string' ? isPlainQuantity(value) : typeof value !== 'number') return value;
    try {
      return parseQuantity(value as string | number).toString();
    } catch {
      return value; // Validation says what is wrong with it.
    }
  }
  if (typeof value !== 'string') return value;
  if (value.length === (node.microTime ? 27 : 20) && value.endsWith('Z')) return value;
  const at = parseTime(value);
  if (at === undefined) return value;
  return node.microTime ? formatMicroTime(at) : formatTime(at);
}
