/** Short words for the parts of schemas. */
import type { Schema } from '@coracle/machinery';
import { durationPattern } from './duration.ts';

export const string = (description: string, rest: Partial<Schema> = {}): Schema => ({
  type: 'string',
  description,
  ...rest,
});
export const integer = (description: string, minimum: number, rest: Partial<Schema> = {}): Schema => ({
  type: 'integer',
  minimum,
  description,
  ...rest,
});
/** A number above nothing. */
export const factor = (description: string): Schema => ({
  type: 'number',
  minimum: 0,
  exclusiveMinimum: true,
  description,
});
export const boolean = (description: string): Schema => ({ type: 'boolean', description });
export const duration = (description: string): Schema =>
  string(`${description}, such as 30d, 4h or 1h30m`, { pattern: durationPattern });
/** Numbers above nothing by name. */
export const factors = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: factor('A factor'),
});
export const list = (description: string, items: Schema, rest: Partial<Schema> = {}): Schema => ({
  type: 'array',
  description,
  items,
  ...rest,
});
export const object = (
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema => ({ type: 'object', description, properties, ...(required.length > 0 ? { required } : {}) });

/** A number from `minimum` on, to `maximum`. */
export const number = (description: string, minimum?: number, maximum?: number): Schema => ({
  type: 'number',
  description,
  ...(minimum !== undefined && { minimum }),
  ...(maximum !== undefined && { maximum }),
});
