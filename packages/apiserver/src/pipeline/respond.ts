/** The last step: an outcome in the form that was asked for. */
import {
  type ApiRequest,
  type ApiResponse,
  type Status,
  type Unstructured,
  ApiError,
  errors,
} from '@coracle/machinery';
import type { Entry } from '@coracle/store';
import { dump } from 'js-yaml';
import { bytesOf, objectOf } from '../storage/views.ts';
import type { Call } from './call.ts';
import type { OutputForm } from './negotiate.ts';
import { partialMetadata, tableOf } from './table.ts';

const encoder = new TextEncoder();

/** A quoted-string of HTTP. */
const quote = (text: string): string =>
  `"${text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')}"`;

/** Values of one Warning header: code 299, quoted (RFC 9110's warn-text). */
function warningHeader(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {};
  return { warning: warnings.map((text) => `299 - ${quote(text.slice(0, 4096))}`).join(', ') };
}

/** Media type of the answer's body. */
export function mediaType(form: OutputForm): string {
  if (form.media === 'yaml') return 'application/yaml';
  return 'application/json';
}

/** Encodes one value: JSON with a final newline, or YAML. */
export function encodeValue(value: unknown, form: OutputForm): Uint8Array {
  if (form.media === 'yaml') return encoder.encode(dump(value, { noRefs: true }));
  return encoder.encode(`${JSON.stringify(value, null, form.pretty ? 2 : undefined)}\n`);
}

/** Any value as an answer. */
export function respondValue(
  want: 'values' | 'bytes',
  form: OutputForm,
  code: number,
  value: unknown,
  warnings: readonly string[] = [],
): ApiResponse {
  if (want === 'values') return { kind: 'object', code, headers: warningHeader(warnings), value };
  return {
    kind: 'object',
    code,
    headers: { 'content-type': mediaType(form), ...warningHeader(warnings) },
    chunks: [encodeValue(value, form)],
  };
}

/** An object (of the kind the call is about) that is not an entry: a dry-run's, or one on its way out. */
export function respondObject(call: Call, code: number, object: Unstructured): ApiResponse {
  return respondValue(call.request.want, call.output, code, shaped(call, object), call.warnings);
}

/** A stored object. Plain JSON goes out as it lies in the store. */
export function respondEntry(call: Call, code: number, entry: Entry): ApiResponse {
  const { output, request, kind, strategy, warnings } = call;
  if (request.want === 'bytes' && output.as === 'object' && output.media === 'json' && !output.pretty)
    return {
      kind: 'object',
      code,
      headers: { 'content-type': 'application/json', ...warningHeader(warnings) },
      chunks: [bytesOf(kind, strategy, entry)],
    };
  return respondObject(call, code, objectOf(kind, strategy, entry));
}

function shaped(call: Call, object: Unstructured): unknown {
  if (call.output.as === 'Table')
    return tableOf(call, [object], { resourceVersion: object.metadata.resourceVersion });
  if (call.output.as === 'PartialObjectMetadata') return partialMetadata(object, call.output.version);
  return object;
}

/** The Status of a success that has no object to show. */
export function successStatus(details?: Status['details']): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(details ? { details } : {}),
  };
}

/** Anything thrown, as a Status; what is not an ApiError is a bug and told to the log by the caller. */
export function statusOf(error: unknown): Status {
  return (error instanceof ApiError ? error : errors.internal(error)).status;
}

/** Plain text, or the same as a value in-process. */
export function respondText(
  request: ApiRequest,
  code: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): ApiResponse {
  const headers = { 'content-type': type };
  return request.want === 'values'
    ? { kind: 'object', code, headers, value: text }
    : { kind: 'object', code, headers, chunks: [encoder.encode(text)] };
}
