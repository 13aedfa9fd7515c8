/**
 * decode: the body's bytes to an object of the kind the path names, or a 4xx that says what is wrong with them.
 * In-process bodies are already values: they are copied (the server changes what it decodes) and otherwise treated the same.
 */
import {
  ApiError,
  apiVersionOf,
  decodeJson,
  decodesCleanly,
  errors,
  isObject,
  jsonClone,
  type Kind,
  plainJson,
  prune,
  type Schema,
  typeErrors,
  type Unstructured,
} from '@coracle/machinery';
import { CORE_SCHEMA, load } from 'js-yaml';
import type { Call } from './call.ts';
import { contentType } from './negotiate.ts';
import type { WriteOptions } from './write-options.ts';

/** 415 for a media type that is not read here. */
export function unsupportedMedia(accepted: readonly string[]): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

export interface Decoded {
  value: unknown;
  /** Paths of fields that a JSON object had twice. */
  duplicates: readonly string[];
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text of the body. Throws BadRequest when it is not UTF-8. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ApiError('BadRequest', 'the body of the request is not valid UTF-8', undefined, { cause });
  }
}

/** The body as a JSON value, JSON or YAML by Content-Type. Undefined without a body. Throws BadRequest, UnsupportedMediaType. */
export function decodeBody(call: Pick<Call, 'request'>, what: string): Decoded | undefined {
  const { body, headers } = call.request;
  if (body === undefined) return undefined;
  if ('value' in body) return { value: jsonClone(body.value), duplicates: [] };
  if (body.bytes.length === 0) return undefined;
  const type = contentType(headers['content-type']);
  if (type !== 'application/json' && type !== 'application/yaml' && type !== 'application/x-yaml')
    throw unsupportedMedia(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']);
  return parseText(textOf(body.bytes), type === 'application/json' ? 'json' : 'yaml', what);
}

/** Throws BadRequest in the words of a Go API server. */
export function parseText(text: string, format: 'json' | 'yaml', what: string): Decoded {
  try {
    if (format === 'json') return decodeJson(text);
    return { value: plainJson(load(text, { schema: CORE_SCHEMA })), duplicates: [] };
  } catch (cause) {
    const message = (cause as Error).message.split('\n')[0] ?? '';
    throw new ApiError(
      'BadRequest',
      `the object provided is unrecognized (must be of type ${what}): couldn't get version/kind; ${format} parse error: ${message}`,
      undefined,
      { cause },
    );
  }
}

/** The kind and schema a body must have. */
export interface BodyShape {
  group: string;
  version: string;
  kind: string;
  schema?: Schema | undefined;
}

/**
 * Checks that `value` is an object of `shape`: apiVersion and kind (filled in when both are absent) and types.
 * Throws BadRequest.
 */
export function shapeOf(value: unknown, shape: BodyShape): Unstructured {
  const apiVersion = apiVersionOf(shape);
  if (!isObject(value))
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type ${shape.kind}): couldn't get version/kind; json parse error: cannot unmarshal ${goType(value)} into an object`,
    );
  const given = { apiVersion: value['apiVersion'], kind: value['kind'] };
  for (const field of ['apiVersion', 'kind'] as const)
    if (given[field] !== undefined && typeof given[field] !== 'string')
      throw errors.badRequest(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(given[field])} into Go struct field .${field} of type string`,
      );
  if (given.apiVersion && given.apiVersion !== apiVersion)
    throw errors.badRequest(
      `the API version in the data (${given.apiVersion as string}) does not match the expected API version (${apiVersion})`,
    );
  if (given.kind && given.kind !== shape.kind)
    throw errors.badRequest(
      `${given.kind as string} in version ${JSON.stringify(shape.version)} cannot be handled as a ${shape.kind}: the kind in the data (${given.kind as string}) does not match the expected kind (${shape.kind})`,
    );
  const object = value as Unstructured;
  object.apiVersion = apiVersion;
  object.kind = shape.kind;
  return object;
}

function goType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/**
 * Checks types and unknown fields by the kind's schema and drops the unknown ones. Throws BadRequest; warns on `call`.
 * `checked` is a stored object that this one was made from; what they share may be frozen.
 */
export function checkFields(
  call: Pick<Call, 'warnings'>,
  kind: Kind,
  object: Unstructured,
  validation: WriteOptions['fieldValidation'],
  duplicates: readonly string[] = [],
  checked?: Unstructured,
): Unstructured {
  if (object.metadata === undefined || object.metadata === null)
    object.metadata = {} as Unstructured['metadata'];
  if (kind.builtin && duplicates.length === 0 && decodesCleanly(kind.schema, object, checked)) return object;
  // What follows changes it in place.
  if (checked) for (const field of Object.keys(object)) object[field] = jsonClone(object[field]);
  const prefix = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: `;
  if (kind.builtin || !isObject(object.metadata)) {
    const wrong = typeErrors(kind.schema, object);
    if (wrong.length > 0) throw errors.badRequest(`${prefix}${wrong[0]?.message ?? ''}`);
  }
  const unknown = kind.preserveUnknownFields ? [] : prune(kind.schema, object);
  if (validation === 'Ignore') return object;
  const problems = [
    ...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
  if (problems.length === 0) return object;
  if (validation === 'Strict')
    throw errors.badRequest(`${prefix}strict decoding error: ${problems.join(', ')}`);
  call.warnings.push(...problems.slice(0, 100));
  return object;
}

/** The body as an object of the call's kind, mutable. */
export function decodeObject(
  call: Call,
  kind: Kind,
  validation: WriteOptions['fieldValidation'],
): Unstructured {
  const decoded = decodeBody(call, kind.kind);
  if (!decoded)
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: unexpected end of JSON input`,
    );
  return checkFields(call, kind, shapeOf(decoded.value, kind), validation, decoded.duplicates);
}
