/** Validation of a value against a structural schema. */
import type { Schema } from '../kind.ts';
import type { FieldError } from '../status.ts';
import { fits } from './fits.ts';
import { nodeOf } from './node.ts';
import { findProblems } from './problems.ts';

/**
 * All errors of `value` (at `path`) against `schema`, in document order; none if it is valid. Does not change `value`.
 * `checked` is a valid value that `value` was made from: parts they share are not looked at again.
 */
export function validate(schema: Schema, value: unknown, path = '', checked?: unknown): FieldError[] {
  return fits(nodeOf(schema), value, checked) ? [] : findProblems(schema, value, path);
}
