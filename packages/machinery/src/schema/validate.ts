/** Validation of a value against a structural schema. */
import type { Schema } from '../kind.ts';
import type { FieldError } from '../status.ts';
import { fits } from './fits.ts';
import { nodeOf } from './node.ts';
import { findProblems } from './problems.ts';

/** All errors of `value` (at `path`) against `schema`, in document order; none if it is valid. Does not change `value`. */
export function validate(schema: Schema, value: unknown, path = ''): FieldError[] {
  return fits(nodeOf(schema), value) ? [] : findProblems(schema, value, path);
}
