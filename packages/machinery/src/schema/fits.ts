/**
 * Validation's fast half: one walk that says yes, without making a path, a message or a list on the way. Nearly all values
 * are valid; what this walk says no to goes through the full one (problems.ts), which finds out why.
 */
import { isPlainQuantity, quantityProblem } from '../quantity.ts';
import { formatAllows } from './formats.ts';
import type { SchemaNode } from './node.ts';
import { findProblems, listProblems, numberProblems, stringProblems } from './problems.ts';

type Values = Record<string, unknown>;

/**
 * Exactly when validate finds nothing. Parts of `value` that are the very parts of `checked`, which fits already, are passed
 * over (down to the first list).
 */
export function fits(node: SchemaNode, value: unknown, checked?: unknown): boolean {
  if (value === undefined) return true;
  if (value === null) return node.takesNull;
  if (node.logic || node.enumOfObjects) return findProblems(node.schema, value).length === 0;
  switch (node.type) {
    case 'string':
      if (typeof value !== 'string' || (node.stringRules && !stringFits(node, value))) return false;
      break;
    case 'object':
      if (typeof value !== 'object' || Array.isArray(value)) return false;
      if (!objectFits(node, value as Values, checked)) return false;
      break;
    case 'array':
      if (!Array.isArray(value) || !listFits(node, value)) return false;
      break;
    case 'integer':
      if (!Number.isInteger(value) || (node.numberRules && !numberFits(node, value as number))) return false;
      break;
    case 'boolean':
      if (typeof value !== 'boolean') return false;
      break;
    case 'number':
      if (typeof value !== 'number' || (node.numberRules && !numberFits(node, value))) return false;
      break;
    default:
      if (!looseFits(node, value, checked)) return false;
  }
  // An empty text in a built-in kind is an absent one.
  return node.enum === undefined || node.enum.has(value) || (value === '' && node.goTyped);
}

/** Of a schema that allows several types: the rules of the one that the value has. */
function looseFits(node: SchemaNode, value: unknown, checked: unknown): boolean {
  if (typeof value === 'string') return !node.stringRules || stringFits(node, value);
  if (
    node.type === 'intOrString'
      ? !Number.isInteger(value)
      : node.type === 'quantity' && typeof value !== 'number'
  )
    return false;
  if (typeof value === 'number') return !node.numberRules || numberFits(node, value);
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value) ? listFits(node, value) : objectFits(node, value as Values, checked);
}

function stringFits(node: SchemaNode, value: string): boolean {
  const { schema } = node;
  if (schema.maxLength !== undefined || schema.minLength !== undefined || schema.pattern !== undefined)
    return stringProblems(schema, value).length === 0;
  if (node.format === undefined || (value === '' && node.goTyped)) return true;
  if (node.format === 'quantity')
    return value === '' || isPlainQuantity(value) || quantityProblem(value) === undefined;
  return formatAllows(node.format, value);
}

function numberFits(node: SchemaNode, value: number): boolean {
  const { schema } = node;
  if (schema.maximum !== undefined || schema.minimum !== undefined || schema.multipleOf !== undefined)
    return numberProblems(schema, value).length === 0;
  const limit = node.format === 'int32' ? 2 ** 31 : 2 ** 63;
  return value < limit && value >= -limit;
}

function listFits(node: SchemaNode, value: readonly unknown[]): boolean {
  const { items } = node;
  if (items) for (let i = 0; i < value.length; i++) if (!fits(items, value[i])) return false;
  return !node.listRules || listProblems(node.schema, value).length === 0;
}

function objectFits(node: SchemaNode, value: Values, before: unknown): boolean {
  const { required, properties, rest } = node;
  if (required)
    for (const name of required) {
      const found = value[name];
      if (found === undefined || (node.goTyped && (found === null || found === ''))) return false;
    }
  if (node.countRules) {
    const count = Object.keys(value).length;
    const { minProperties = 0, maxProperties = Infinity } = node.schema;
    if (count < minProperties || count > maxProperties) return false;
  }
  if (node.embedded && !(value['apiVersion'] && value['kind'])) return false;
  if (!properties && !rest) return true;
  const checked = typeof before === 'object' && before !== null ? (before as Values) : undefined;
  for (const key in value) {
    const child = value[key];
    if (checked !== undefined && child === checked[key]) continue;
    const schema = properties?.get(key) ?? rest;
    if (schema !== undefined && !fits(schema, child, checked?.[key])) return false;
  }
  return true;
}
