/** Field errors in upstream's words, and the small predicates that strategies share. */
import {
  type FieldError,
  fieldInvalid,
  isObject,
  labelValue,
  qualifiedName,
  type Unstructured,
} from '@coracle/machinery';

export { isObject };

export type Loose = Record<string, unknown>;

/** A part of a typed object that is really an object: strategies run before the schema has been checked. */
export const isPart = <T>(value: T | undefined | null): value is NonNullable<T> & object => isObject(value);

const nothing: never[] = [];
Object.freeze(nothing);

/** The objects in a list: as a rule the list itself, so do not change it. Nothing if it is not a list. */
export const objects = <T extends object>(list: readonly T[] | undefined | null): T[] => {
  if (!Array.isArray(list)) return nothing;
  const all = list as T[];
  return all.every((item) => isPart(item)) ? all : all.filter((item) => isPart(item));
};

/** `object.spec`, made if absent. Undefined if it is there and not an object. */
export function specOf<T extends object>(object: Unstructured): T | undefined {
  if (object['spec'] === undefined || object['spec'] === null) object['spec'] = {};
  return isObject(object['spec']) ? (object['spec'] as T) : undefined;
}
/** `object.spec` of an object that has passed its schema. */
export const validSpec = <T extends object>(object: Unstructured): T =>
  (isObject(object['spec']) ? object['spec'] : {}) as T;

export {
  fieldDuplicate as duplicate,
  fieldForbidden as forbidden,
  fieldRequired as required,
} from '@coracle/machinery';
export const invalid = (field: string, badValue: unknown, detail: string): FieldError =>
  fieldInvalid(field, badValue === undefined ? null : badValue, detail);
export const notFound = (field: string, badValue: unknown): FieldError => ({
  type: 'FieldValueNotFound',
  field,
  badValue,
});
export const tooLong = (field: string, max: number): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  detail: `may not be more than ${max} bytes`,
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  badValue: actual,
  detail: `must have at most ${max} items`,
});
export const notSupported = (field: string, badValue: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  badValue,
  detail: `supported values: ${supported
    .toSorted()
    .map((value) => JSON.stringify(value))
    .join(', ')}`,
});

/** An error if `value` is set and not one of `supported`. */
export const oneOf = (
  field: string,
  value: string | undefined | null,
  supported: readonly string[],
): FieldError[] =>
  value === undefined || value === null || supported.includes(value)
    ? []
    : [notSupported(field, value, supported)];

/** Adds to `errors` what oneOf finds of `part[key]`; the path is made only then. */
export function checkOneOf<T extends object>(
  errors: FieldError[],
  part: T,
  key: keyof T & string,
  at: string,
  supported: ReadonlySet<string>,
): void {
  const value = part[key] as string | undefined | null;
  if (value !== undefined && value !== null && !supported.has(value))
    errors.push(notSupported(`${at}.${key}`, value, [...supported]));
}

/** Adds to `errors` what `check` has to say about `part[key]`, if that is a text with something in it. */
export function checkName<T extends object>(
  errors: FieldError[],
  part: T,
  key: keyof T & string,
  at: string,
  check: (name: string) => string | undefined,
): void {
  const value = part[key] as string | undefined;
  const problem = value ? check(value) : undefined;
  if (problem !== undefined) errors.push(invalid(`${at}.${key}`, value, problem));
}

/** An error if `value` is set and below zero. */
export const nonNegative = (field: string, value: number | undefined | null): FieldError[] =>
  typeof value === 'number' && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];

export const fieldIsImmutable = 'field is immutable';

const empty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0);

/** Deep equality in which absent, null, `[]` and `{}` are the same (apimachinery's semantic equality). */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (empty(a) && empty(b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, at) => same(item, b[at]));
  if (!isObject(a) || !isObject(b)) return false;
  return new Set([...Object.keys(a), ...Object.keys(b)]).values().every((key) => same(a[key], b[key]));
}

/** An error if the value has changed. */
export const immutable = (field: string, value: unknown, old: unknown): FieldError[] =>
  same(value, old) ? [] : [invalid(field, value, fieldIsImmutable)];

/** Sets `key` if it is absent, null, or (for texts) empty: Go's zero values. */
export function fill<T extends object, K extends keyof T>(target: T, key: K, value: NonNullable<T[K]>): void {
  if (target[key] === undefined || target[key] === null || (target[key] === '' && typeof value === 'string'))
    target[key] = value;
}

/** An error if a name check (machinery's `names`) has something to say about `value`. */
export const named = (
  field: string,
  value: string | undefined,
  check: (name: string) => string | undefined,
): FieldError[] => {
  // Absent where it is required: the schema says so.
  const problem = value === undefined ? undefined : check(value);
  return problem === undefined ? [] : [invalid(field, value, problem)];
};

/** Labels as maps in specs (`nodeSelector`, `template.metadata.labels`). */
export function labelProblems(
  field: string,
  labels: Record<string, string> | undefined | null,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...named(field, key, qualifiedName), ...named(field, value, labelValue));
  }
  return errors;
}
