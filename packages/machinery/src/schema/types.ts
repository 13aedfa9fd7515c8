/**
 * Decoding errors of built-in kinds. The API server decodes them into Go types before it validates: a wrong type is a
 * 400 with Go's own words, not a 422. This finds what Go would stumble over.
 */
import type { Schema } from '../kind.ts';
import { quantityProblem } from '../quantity.ts';
import { parseTime } from '../time.ts';
import { isBase64 } from './formats.ts';

export interface TypeProblem {
  /** Where: `spec.containers[0].ports[0].containerPort`. */
  field: string;
  /** Go's name of the type: `int32`, `string`, `[]v1.Container`. */
  expected: string;
  /** What stands there, as encoding/json names it: `string`, `number`, `bool`, `object`, `array`, `number 1.5`. */
  got: string;
  /** The error as Go words it; goes behind `Pod in version "v1" cannot be handled as a Pod: `. */
  message: string;
}

const lastName = (definition: string): string => definition.slice(definition.lastIndexOf('.') + 1);
const goName = (definition: string): string => definition.split('.').slice(-2).join('.');

function goType(schema: Schema): string {
  if (schema.definition) return goName(schema.definition);
  switch (schema.type) {
    case 'integer':
      return schema.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${goType(schema.items ?? {})}`;
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `map[string]${goType(schema.additionalProperties)}`
        : 'map[string]interface {}';
    default:
      return schema.format === 'byte' ? '[]uint8' : 'string';
  }
}

function jsonName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The value as a person sees where parsing a time fails. */
function timeMessage(text: string): string {
  const layout = '2006-01-02T15:04:05Z07:00';
  return `parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(text)} as "2006"`;
}

/**
 * Everything in `value` that could not be decoded into the Go type of `schema`, in document order. Parts that are not
 * of a built-in kind (all of a custom resource but its metadata) are passed over. Does not change `value`.
 */
export function typeErrors(schema: Schema, value: unknown): TypeProblem[] {
  const problems: TypeProblem[] = [];
  if (schema.goTyped) check(schema, value, '', '', '', problems);
  else {
    const metadata = schema.properties?.['metadata'];
    if (metadata?.goTyped && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const found = (value as Record<string, unknown>)['metadata'];
      check(metadata, found, 'metadata', 'ObjectMeta', 'metadata', problems);
    }
  }
  return problems;
}

const jsonSchemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
const ranges: Readonly<Record<string, [number, number]>> = {
  int32: [-2147483648, 2147483647],
  int64: [-(2 ** 63), 2 ** 63],
};

function check(
  schema: Schema,
  value: unknown,
  /** With indexes and keys. */
  path: string,
  /** Go's innermost struct, and the dotted names down to here. */
  struct: string,
  dotted: string,
  out: TypeProblem[],
): void {
  if (value === null || value === undefined) return;
  const wrong = (got: string): void => {
    const expected = goType(schema);
    const where = struct === '' ? 'value' : `struct field ${struct}.${dotted}`;
    out.push({
      field: path,
      expected,
      got,
      message: `json: cannot unmarshal ${got} into Go ${where} of type ${expected}`,
    });
  };
  const fails = (expected: string, message: string): void => {
    out.push({ field: path, expected, got: jsonName(value), message });
  };
  if (schema['x-kubernetes-int-or-string']) {
    if (schema.format === 'quantity') {
      const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
      const problem = text === '' ? undefined : quantityProblem(text);
      if (problem !== undefined) fails('resource.Quantity', problem);
    } else if (typeof value === 'number' ? !Number.isInteger(value) : typeof value !== 'string') {
      wrong(typeof value === 'number' ? `number ${value}` : jsonName(value));
    }
    return;
  }
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') wrong(jsonName(value));
      else if (schema.format === 'date-time') {
        if (value !== '' && parseTime(value) === undefined) fails(goType(schema), timeMessage(value));
      } else if (schema.format === 'byte' && !isBase64(value)) {
        fails('[]uint8', `illegal base64 data at input byte ${badBase64At(value)}`);
      }
      return;
    case 'integer': {
      if (typeof value !== 'number') return wrong(jsonName(value));
      const [low, high] = ranges[schema.format ?? 'int64'] ?? [-(2 ** 63), 2 ** 63];
      if (!Number.isInteger(value) || value < low || value > high) wrong(`number ${value}`);
      return;
    }
    case 'number':
      if (typeof value !== 'number') wrong(jsonName(value));
      return;
    case 'boolean':
      if (typeof value !== 'boolean') wrong(jsonName(value));
      return;
    case 'array':
      if (!Array.isArray(value)) return wrong(jsonName(value));
      if (schema.items) {
        for (let i = 0; i < value.length; i++)
          check(schema.items, value[i], `${path}[${i}]`, struct, dotted, out);
      }
      return;
    case undefined:
      // A schema or something simpler (JSONSchemaPropsOrBool, ...OrArray): only the object is looked into.
      if (schema.properties && typeof value === 'object' && !Array.isArray(value)) {
        check({ ...schema, type: 'object', definition: jsonSchemaProps }, value, path, struct, dotted, out);
      }
      return;
    case 'object': {
      if (typeof value !== 'object' || Array.isArray(value)) return wrong(jsonName(value));
      const { properties, additionalProperties } = schema;
      if (properties) {
        const name = schema.definition ? lastName(schema.definition) : struct;
        for (const key of Object.keys(value)) {
          const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
          if (!property) continue;
          const child = (value as Record<string, unknown>)[key];
          const at = path === '' ? key : `${path}.${key}`;
          check(property, child, at, name, dotted === '' ? key : `${dotted}.${key}`, out);
        }
      } else if (typeof additionalProperties === 'object') {
        for (const key of Object.keys(value)) {
          const child = (value as Record<string, unknown>)[key];
          check(additionalProperties, child, `${path}[${key}]`, struct, dotted, out);
        }
      }
    }
  }
}

/** The byte Go's decoder would name. */
function badBase64At(text: string): number {
  const at = text.search(/[^A-Za-z0-9+/\r\n]/);
  return at < 0 || text[at] === '=' ? text.length - (text.length % 4) : at;
}
