/**
 * Validation's full walk: finds every problem of a value against a structural schema and says it. Errors carry Go-style paths
 * and the wording of the API server's schema validation (`spec.replicas in body must be of type integer: "string"`), so that
 * clients which read messages keep working.
 */
import { deepEqual, isObject } from '../equality.ts';
import type { Schema } from '../kind.ts';
import { quantityProblem } from '../quantity.ts';
import type { CauseReason, FieldError } from '../status.ts';
import { formatAllows } from './formats.ts';

/** All errors of `value` (at `path`) against `schema`, in document order; none if it is valid. Does not change `value`. */
export function findProblems(schema: Schema, value: unknown, path = ''): FieldError[] {
  const out: FieldError[] = [];
  check(schema, value, path, out);
  return out;
}

/** What is wrong with a text, a number or a list itself, whatever its type and members. */
export function stringProblems(schema: Schema, value: string): FieldError[] {
  const out: FieldError[] = [];
  checkString(schema, value, '', out);
  return out;
}
export function numberProblems(schema: Schema, value: number): FieldError[] {
  const out: FieldError[] = [];
  checkNumber(schema, value, '', out);
  return out;
}
export function listProblems(schema: Schema, value: readonly unknown[]): FieldError[] {
  const out: FieldError[] = [];
  checkList(schema, value, '', out);
  return out;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeFits(schema: Schema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string']) {
    return (
      typeof value === 'string' ||
      (schema.format === 'quantity' ? typeof value === 'number' : Number.isInteger(value))
    );
  }
  switch (schema.type) {
    case undefined:
      return true;
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    default:
      return typeof value === schema.type;
  }
}

const isValid = (schema: Schema, value: unknown): boolean => findProblems(schema, value).length === 0;

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function check(schema: Schema, value: unknown, path: string, out: FieldError[]): void {
  if (value === undefined) return;
  if (value === null && (schema.nullable || schema.goTyped || schema.type === undefined)) {
    if (schema['x-kubernetes-int-or-string'] !== true || schema.nullable || schema.goTyped) return;
  }
  if (!typeFits(schema, value)) {
    const expected = schema['x-kubernetes-int-or-string'] ? 'integer,string' : (schema.type ?? 'object');
    const got = typeName(value);
    out.push({
      type: 'FieldValueTypeInvalid',
      field: path,
      badValue: got,
      detail: `${path} in body must be of type ${expected}: "${got}"`,
    });
    return;
  }
  if (typeof value === 'string') checkString(schema, value, path, out);
  else if (typeof value === 'number') checkNumber(schema, value, path, out);
  else if (Array.isArray(value)) checkArray(schema, value, path, out);
  else if (isObject(value)) checkObject(schema, value, path, out);
  // An empty text in a built-in kind is an absent one.
  if (schema.enum && !(value === '' && schema.goTyped) && !schema.enum.some((e) => deepEqual(e, value))) {
    out.push({
      type: 'FieldValueNotSupported',
      field: path,
      badValue: value,
      detail: `supported values: ${schema.enum.map((e) => JSON.stringify(e)).join(', ')}`,
    });
  }
  if (schema.allOf || schema.anyOf || schema.oneOf || schema.not) checkLogic(schema, value, path, out);
}

function checkString(schema: Schema, value: string, path: string, out: FieldError[]): void {
  const invalid = (detail: string): void => {
    out.push({ type: 'FieldValueInvalid', field: path, badValue: value, detail });
  };
  if (schema.maxLength !== undefined && codePoints(value) > schema.maxLength) {
    out.push({
      type: 'FieldValueTooLong',
      field: path,
      badValue: value,
      detail: `may not be more than ${schema.maxLength} bytes`,
    });
  }
  if (schema.minLength !== undefined && codePoints(value) < schema.minLength) {
    invalid(`${path} in body should be at least ${schema.minLength} chars long`);
  }
  if (schema.pattern !== undefined && !regexOf(schema.pattern).test(value)) {
    invalid(`${path} in body should match '${schema.pattern}'`);
  }
  if (schema.format === undefined) return;
  if (schema.format === 'quantity') {
    const problem = value === '' ? undefined : quantityProblem(value);
    if (problem) invalid(problem);
  } else if (!formatAllows(schema.format, value) && !(schema.goTyped && value === '')) {
    invalid(`${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`);
  }
}

function checkNumber(schema: Schema, value: number, path: string, out: FieldError[]): void {
  const invalid = (detail: string): void => {
    out.push({
      type: 'FieldValueInvalid',
      field: path,
      badValue: value,
      detail: `${path} in body ${detail}`,
    });
  };
  if (schema.type === 'integer') {
    const bits = schema.format === 'int32' ? 31 : 63;
    if (
      (schema.format === 'int32' || schema.format === 'int64') &&
      (value >= 2 ** bits || value < -(2 ** bits))
    ) {
      invalid(`must be of type ${schema.format}: "${value}"`);
    }
  }
  if (schema.maximum !== undefined) {
    if (schema.exclusiveMaximum ? value >= schema.maximum : value > schema.maximum) {
      invalid(`should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${schema.maximum}`);
    }
  }
  if (schema.minimum !== undefined) {
    if (schema.exclusiveMinimum ? value <= schema.minimum : value < schema.minimum) {
      invalid(`should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${schema.minimum}`);
    }
  }
  if (schema.multipleOf !== undefined) {
    const times = value / schema.multipleOf;
    if (Math.abs(times - Math.round(times)) > 1e-9) invalid(`should be a multiple of ${schema.multipleOf}`);
  }
}

function checkArray(schema: Schema, value: readonly unknown[], path: string, out: FieldError[]): void {
  checkLength(schema, value, path, out);
  if (schema.items) {
    for (let i = 0; i < value.length; i++) check(schema.items, value[i], `${path}[${i}]`, out);
  }
  if (!schema.goTyped) checkListType(schema, value, path, out);
}

function checkList(schema: Schema, value: readonly unknown[], path: string, out: FieldError[]): void {
  checkLength(schema, value, path, out);
  if (!schema.goTyped) checkListType(schema, value, path, out);
}

function checkLength(schema: Schema, value: readonly unknown[], path: string, out: FieldError[]): void {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    out.push({
      type: 'FieldValueInvalid',
      field: path,
      badValue: value.length,
      detail: `${path} in body should have at least ${schema.minItems} items`,
    });
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    out.push(tooMany(path, value.length, schema.maxItems));
  }
  if (schema.uniqueItems && value.some((v, i) => value.findIndex((w) => deepEqual(v, w)) < i)) {
    out.push({
      type: 'FieldValueInvalid',
      field: path,
      badValue: value,
      detail: `${path} in body shouldn't contain duplicates`,
    });
  }
}

const tooMany = (field: string, actual: number, max: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  badValue: actual,
  detail: `must have at most ${max} item${max === 1 ? '' : 's'}`,
});

/** Sets and maps written as lists: no element twice. */
function checkListType(schema: Schema, value: readonly unknown[], path: string, out: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === 'set') {
    const seen = new Set<string>();
    for (const [i, item] of value.entries()) {
      const key = JSON.stringify(item);
      if (seen.has(key)) out.push({ type: 'FieldValueDuplicate', field: `${path}[${i}]`, badValue: item });
      seen.add(key);
    }
  } else if (listType === 'map') {
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    const seen = new Set<string>();
    for (const [i, item] of value.entries()) {
      if (!isObject(item)) continue;
      const identity: Record<string, unknown> = {};
      for (const key of keys) {
        const part = item[key] ?? schema.items?.properties?.[key]?.default;
        if (part !== undefined) identity[key] = part;
      }
      const text = JSON.stringify(identity);
      if (seen.has(text))
        out.push({ type: 'FieldValueDuplicate', field: `${path}[${i}]`, badValue: identity });
      seen.add(text);
    }
  }
}

function checkObject(schema: Schema, value: Record<string, unknown>, path: string, out: FieldError[]): void {
  const { properties, additionalProperties, required } = schema;
  if (required) {
    for (const name of required) {
      const found = value[name];
      if (found === undefined || (schema.goTyped && (found === null || found === ''))) {
        out.push({ type: 'FieldValueRequired', field: join(path, name) });
      }
    }
  }
  if (schema.minProperties !== undefined || schema.maxProperties !== undefined) {
    const count = Object.keys(value).length;
    if (count < (schema.minProperties ?? 0)) {
      out.push({
        type: 'FieldValueInvalid',
        field: path,
        badValue: count,
        detail: `${path} in body should have at least ${schema.minProperties} properties`,
      });
    }
    if (schema.maxProperties !== undefined && count > schema.maxProperties) {
      out.push(tooMany(path, count, schema.maxProperties));
    }
  }
  if (schema['x-kubernetes-embedded-resource']) {
    for (const name of ['apiVersion', 'kind']) {
      if (!value[name]) {
        out.push({ type: 'FieldValueRequired', field: join(path, name), detail: 'must not be empty' });
      }
    }
  }
  if (!properties && typeof additionalProperties !== 'object') return;
  for (const key of Object.keys(value)) {
    const property = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property) check(property, value[key], join(path, key), out);
    else if (typeof additionalProperties === 'object') {
      check(additionalProperties, value[key], schema.goTyped ? `${path}[${key}]` : join(path, key), out);
    }
  }
}

function checkLogic(schema: Schema, value: unknown, path: string, out: FieldError[]): void {
  const fail = (
    text: string,
    field = path === '' ? '<nil>' : path,
    type: CauseReason = 'FieldValueInvalid',
  ): void => {
    out.push({ type, field, badValue: '', detail: `"${path}" ${text}` });
  };
  for (const part of schema.allOf ?? []) check(part, value, path, out);
  if (schema.anyOf && !schema.anyOf.some((part) => isValid(part, value))) {
    fail('must validate at least one schema (anyOf)', '<nil>');
    const best = schema.anyOf[0];
    if (schema.anyOf.length === 1 && best) check(best, value, path, out);
  }
  if (schema.oneOf) {
    const count = schema.oneOf.filter((part) => isValid(part, value)).length;
    if (count !== 1) {
      const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`;
      fail(`must validate one and only one schema (oneOf). ${found}`, '<nil>');
    }
  }
  if (schema.not && isValid(schema.not, value)) fail('must not validate the schema (not)', '<nil>');
}

function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0xdc00 || c > 0xdfff) count++;
  }
  return count;
}

/** Compiled patterns; Go's RE2 syntax is close enough to JavaScript's for the patterns of schemas (see goRegex). */
const regexes = new Map<string, RegExp>();
function regexOf(pattern: string): RegExp {
  let regex = regexes.get(pattern);
  if (!regex) {
    if (regexes.size > 10_000) regexes.clear();
    regex = goRegex(pattern) ?? /^/;
    regexes.set(pattern, regex);
  }
  return regex;
}

/** A Go regular expression as a JavaScript one; undefined if it cannot be read. */
export function goRegex(pattern: string): RegExp | undefined {
  let flags = '';
  // Flags that Go sets inside the pattern hold for all of it here.
  const source = pattern
    .replace(/\(\?([ims]+)\)/g, (_, f: string) => {
      flags = [...new Set(flags + f)].join('');
      return '';
    })
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$')
    .replace(/\(\?P</g, '(?<')
    .replaceAll('[[:alpha:]]', '[A-Za-z]')
    .replaceAll('[:alpha:]', 'A-Za-z')
    .replaceAll('[:digit:]', '0-9')
    .replaceAll('[:alnum:]', 'A-Za-z0-9')
    .replaceAll('[:lower:]', 'a-z')
    .replaceAll('[:upper:]', 'A-Z')
    .replaceAll('[:space:]', '\\s');
  for (const f of [`${flags}u`, flags]) {
    try {
      return new RegExp(source, f);
    } catch {
      // The u flag refuses needless escapes that Go allows: once more without it.
    }
  }
  return undefined;
}
