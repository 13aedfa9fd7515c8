/** patch: JSON Patch, JSON merge patch and strategic merge patch; server-side apply is refused (it is a later issue). */
import {
  ApiError,
  type ApiResponse,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  errors,
  isObject,
  jsonClone,
  type Kind,
  setKey,
  type Unstructured,
} from '@coracle/machinery';
import type { Call } from '../pipeline/call.ts';
import { checkFields, decodeBody, parseText, shapeOf, unsupportedMedia } from '../pipeline/decode.ts';
import { contentType } from '../pipeline/negotiate.ts';
import type { Part } from '../pipeline/write.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { checkPreconditions, matchName, respondSwapped, swap } from './update.ts';

export type Patcher = (current: Unstructured) => unknown;

const jsonPatch = 'application/json-patch+json';
const mergePatch = 'application/merge-patch+json';
const strategicPatch = 'application/strategic-merge-patch+json';
const forCustom = [jsonPatch, mergePatch];
const forBuiltins = [...forCustom, strategicPatch];

/** What the result of a merge patch may have in common with the current object, which is frozen. */
interface Shared {
  /** Is this field the current object's own where the patch does not name it? */
  whole(field: string): boolean;
  /** And are the parts of fields that the patch does not name? The fields themselves and their metadata can be changed then. */
  readonly parts: boolean;
}
const nothing: Shared = { whole: () => false, parts: false };

/** 422 for a patch that does not fit the object. */
function unprocessable(cause: unknown): ApiError {
  return new ApiError(
    'Invalid',
    `the server rejected our request due to an error in our request: ${(cause as Error).message}`,
    undefined,
    { cause },
  );
}

/**
 * Reads the patch of a request for objects of `kind`. Throws UnsupportedMediaType, BadRequest (it is no patch),
 * RequestEntityTooLarge; the returned function throws Invalid when the patch does not fit. What it returns may be changed, but
 * for what is `shared`: see Shared.
 */
export function readPatch(
  call: Call,
  kind: Pick<Kind, 'builtin' | 'schema' | 'kind'>,
  shared: Shared = nothing,
): Patcher {
  const type = contentType(call.request.headers['content-type']);
  const accepted = kind.builtin ? forBuiltins : forCustom;
  if (type.startsWith('application/apply-patch'))
    throw new ApiError(
      'UnsupportedMediaType',
      `server-side apply is not offered by this server yet - accepted media types include: ${accepted.join(', ')}`,
    );
  if (!accepted.includes(type)) throw unsupportedMedia(accepted);
  const patch = patchValue(call, type);
  if (type === jsonPatch) {
    if (!Array.isArray(patch))
      throw errors.badRequest('error decoding patch: a JSON patch must be an array of operations');
    const limit = call.ctx.limits.patchOperations;
    if (patch.length > limit)
      throw new ApiError(
        'RequestEntityTooLarge',
        `Request entity too large: The allowed maximum operations in a JSON patch is ${limit}, got ${patch.length}`,
      );
    return attempt((current) => applyJsonPatch(jsonClone(current), patch));
  }
  if (!isObject(patch)) throw errors.badRequest('error decoding patch: it must be an object');
  if (type === mergePatch) return attempt((current) => merged(current, patch, shared));
  return attempt((current) => strategicallyMerged(kind.schema, current, patch, shared));
}

/** A field that the patch does not name. */
function unnamed(current: Unstructured, field: string, shared: Shared): unknown {
  const value = current[field];
  if (shared.whole(field)) return value;
  return shared.parts && isObject(value) ? { ...value } : jsonClone(value);
}

/** The strategic merge patch, with the fields that it does not name as they may be shared. */
function strategicallyMerged(
  schema: Kind['schema'],
  current: Unstructured,
  patch: Record<string, unknown>,
  shared: Shared,
): unknown {
  const directed = Object.keys(patch).some((field) => field.startsWith('$'));
  if (directed) return applyStrategicMergePatch(schema, current, patch);
  const named: Record<string, unknown> = {};
  for (const field of Object.keys(patch))
    if (Object.hasOwn(current, field)) setKey(named, field, current[field]);
  const changed = applyStrategicMergePatch(schema, named, patch, shared.parts) as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const field of Object.keys(current)) {
    if (!Object.hasOwn(patch, field)) result[field] = unnamed(current, field, shared);
    else if (Object.hasOwn(changed, field)) result[field] = changed[field];
  }
  for (const field of Object.keys(changed))
    if (!Object.hasOwn(result, field)) setKey(result, field, changed[field]);
  return result;
}

/** The merge patch applied field by field, so that fields may be shared. */
function merged(current: Unstructured, patch: Record<string, unknown>, shared: Shared): unknown {
  const result: Record<string, unknown> = {};
  for (const field of Object.keys(current)) {
    const change = Object.hasOwn(patch, field) ? patch[field] : undefined;
    if (change === undefined) result[field] = unnamed(current, field, shared);
    else if (change !== null) result[field] = applyMergePatch(current[field], change, shared.parts);
  }
  for (const field of Object.keys(patch)) {
    if (Object.hasOwn(current, field)) continue;
    const change = patch[field];
    if (change !== undefined && change !== null) setKey(result, field, applyMergePatch(undefined, change));
  }
  return result;
}

function patchValue(call: Call, type: string): unknown {
  const { body } = call.request;
  if (body === undefined || ('bytes' in body && body.bytes.length === 0))
    throw errors.badRequest('error decoding patch: the body is empty');
  // Merging copies what it takes over from the patch.
  if ('value' in body) return type === mergePatch ? body.value : decodeBody(call, 'patch')?.value;
  try {
    return parseText(new TextDecoder('utf-8', { fatal: true }).decode(body.bytes), 'json', 'patch').value;
  } catch (cause) {
    throw new ApiError('BadRequest', `error decoding patch: ${(cause as Error).message}`, undefined, {
      cause,
    });
  }
}

function attempt(patcher: Patcher): Patcher {
  return (current) => {
    try {
      return patcher(current);
    } catch (error) {
      throw error instanceof ApiError ? error : unprocessable(error);
    }
  };
}

/** PATCH of an object or of its status; tried again when somebody else writes in between, unless it names a version. */
export async function patch(call: Call, part: Part): Promise<ApiResponse> {
  const { kind, request } = call;
  // The type is checked before the options: apply sends options of its own.
  const hasStatus = kind.subresources['status'] !== undefined;
  const patcher = readPatch(call, kind, {
    whole: (field) => (part === 'status' ? field !== 'metadata' : hasStatus && field === 'status'),
    parts: part === 'status' && call.strategy.leavesStatusParts === true,
  });
  const options = parseWriteOptions(request.query, 'PatchOptions');
  const swapped = await swap(call, { part, dryRun: options.dryRun }, (current) => {
    const patched = patcher(current);
    // The API server reads a patched object as it reads a sent one.
    const object = checkFields(call, kind, shapeOf(patched, kind), options.fieldValidation, [], current);
    matchName(call, object);
    checkPreconditions(call, object, current);
    return object;
  });
  return respondSwapped(call, swapped);
}
