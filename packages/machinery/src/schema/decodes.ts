/**
 * Decoding's fast half, as fits.ts is validation's: does a value have the types of its schema and no field besides?
 * What these walks say no to goes through typeErrors and prune, which say what is wrong and where.
 */
import { isPlainQuantity, quantityProblem } from '../quantity.ts';
import { isTime } from '../time.ts';
import { isBase64 } from './formats.ts';
import type { Schema } from '../kind.ts';
import { nodeOf, type SchemaNode } from './node.ts';

const ownHead = (key: string): boolean => key === 'apiVersion' || key === 'kind' || key === 'metadata';

/**
 * Of a built-in kind's object: true only if typeErrors and unknownFields find nothing. False does not say that they find
 * something: they are to be asked then. `checked` is such an object that `value` was made from: parts they share are not
 * looked at again.
 */
export const decodesCleanly = (schema: Schema, value: unknown, checked?: unknown): boolean =>
  decodes(nodeOf(schema), value, true, checked);

type Values = Record<string, unknown>;

/**
 * For a built-in kind. True only if typeErrors and unknownFields find nothing; false where they do, and for the few schemas
 * that are not worth a case here.
 */
function decodes(node: SchemaNode, value: unknown, isRoot: boolean, before?: unknown): boolean {
  if (value === null || value === undefined) return true;
  switch (node.type) {
    case 'string':
      if (typeof value !== 'string') return false;
      if (node.format === undefined) return true;
      if (node.format === 'date-time') return value === '' || isTime(value);
      return node.format !== 'byte' || isBase64(value);
    case 'object': {
      if (typeof value !== 'object' || Array.isArray(value)) return false;
      const { properties, rest } = node;
      const object = value as Values;
      const checked = typeof before === 'object' && before !== null ? (before as Values) : undefined;
      if (properties) {
        if (rest) return false;
        for (const key in object) {
          const child = object[key];
          if (checked !== undefined && child === checked[key]) continue;
          const property = properties.get(key);
          if (property === undefined) {
            if (!node.keepsUnknown && !((isRoot || node.embedded) && ownHead(key))) return false;
          } else if (!decodes(property, child, false, checked?.[key])) return false;
        }
      } else if (rest) {
        for (const key in object) if (!decodes(rest, object[key], false)) return false;
      } else if (!node.keepsUnknown) {
        for (const key in object) if (!((isRoot || node.embedded) && ownHead(key))) return false;
      }
      return true;
    }
    case 'array': {
      if (!Array.isArray(value)) return false;
      const { items } = node;
      if (items) for (const item of value) if (!decodes(items, item, false)) return false;
      return true;
    }
    case 'integer': {
      if (!Number.isInteger(value)) return false;
      const number = value as number;
      return node.format === 'int32'
        ? number >= -2147483648 && number <= 2147483647
        : number >= -(2 ** 63) && number <= 2 ** 63;
    }
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number';
    case 'intOrString':
      return typeof value === 'string' || Number.isInteger(value);
    case 'quantity':
      if (typeof value === 'string')
        return isPlainQuantity(value) || value.trim() === '' || quantityProblem(value.trim()) === undefined;
      return typeof value === 'number' && quantityProblem(JSON.stringify(value)) === undefined;
    case 'any':
      return (
        typeof value !== 'object' || (node.keepsUnknown && !node.properties && !node.rest && !node.items)
      );
  }
}

/** True only if prune would drop nothing. */
export function known(node: SchemaNode, value: unknown, isRoot = true): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) {
    const { items } = node;
    if (items)
      for (const item of value)
        if (typeof item === 'object' && item !== null && !known(items, item, false)) return false;
    return true;
  }
  const { properties, rest, keepsUnknown } = node;
  const object = value as Record<string, unknown>;
  for (const key in object) {
    const property = properties?.get(key) ?? rest;
    if (property === undefined) {
      if (!keepsUnknown && !((isRoot || node.embedded) && ownHead(key))) return false;
    } else {
      const child = object[key];
      if (typeof child === 'object' && !known(property, child, false)) return false;
    }
  }
  return true;
}
