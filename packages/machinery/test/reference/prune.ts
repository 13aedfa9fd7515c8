/** Pruning: fields that the schema does not know are dropped. */
import { isObject } from '../../src/equality.ts';
import type { Schema } from '../../src/kind.ts';

/**
 * Removes unknown fields from `value` **in place** (its objects must not be frozen) and returns their paths in document
 * order (`spec.foo`, `spec.containers[0].bar`), for `unknown field "spec.foo"`. What is marked
 * `x-kubernetes-preserve-unknown-fields` keeps everything, but the fields it declares are still walked.
 * apiVersion, kind and metadata of the root and of embedded resources are always kept.
 */
export function prune(schema: Schema, value: unknown): string[] {
  const dropped: string[] = [];
  walk(schema, value, '', true, true, dropped);
  return dropped;
}

/** The paths of unknown fields, without removing them. */
export function unknownFields(schema: Schema, value: unknown): string[] {
  const found: string[] = [];
  walk(schema, value, '', true, false, found);
  return found;
}

function walk(
  schema: Schema,
  value: unknown,
  path: string,
  isResource: boolean,
  remove: boolean,
  dropped: string[],
): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    const items = schema.items;
    if (!items) return;
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object' && item !== null)
        walk(items, item, `${path}[${i}]`, false, remove, dropped);
    }
    return;
  }
  if (!isObject(value)) return;
  const { properties, additionalProperties } = schema;
  const keeps = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties === true;
  const resource = isResource || schema['x-kubernetes-embedded-resource'] === true;
  for (const key of Object.keys(value)) {
    const child = value[key];
    const property = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property) {
      if (typeof child === 'object') {
        walk(property, child, path === '' ? key : `${path}.${key}`, false, remove, dropped);
      }
    } else if (typeof additionalProperties === 'object') {
      if (typeof child === 'object') {
        walk(additionalProperties, child, path === '' ? key : `${path}.${key}`, false, remove, dropped);
      }
    } else if (!keeps && !(resource && (key === 'apiVersion' || key === 'kind' || key === 'metadata'))) {
      dropped.push(path === '' ? key : `${path}.${key}`);
      if (remove) delete value[key];
    }
  }
}
