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
 * RequestEntityTooLarge; the returned function throws Invalid when the patch does not fit.
 */
export function readPatch(call: Call, kind: Pick<Kind, 'builtin' | 'schema' | 'kind'>): Patcher {
  const type = contentType(call.request.headers['content-type']);
  const accepted = [jsonPatch, mergePatch, ...(kind.builtin ? [strategicPatch] : [])];
  if (type.startsWith('application/apply-patch'))
    throw new ApiError(
      'UnsupportedMediaType',
      `server-side apply is not offered by this server yet - accepted media types include: ${accepted.join(', ')}`,
    );
  if (!accepted.includes(type)) throw unsupportedMedia(accepted);
  const patch = patchValue(call);
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
  if (type === mergePatch) return attempt((current) => applyMergePatch(jsonClone(current), patch));
  return attempt((current) => applyStrategicMergePatch(kind.schema, jsonClone(current), patch));
}

function patchValue(call: Call): unknown {
  const { body } = call.request;
  if (body === undefined || ('bytes' in body && body.bytes.length === 0))
    throw errors.badRequest('error decoding patch: the body is empty');
  if ('value' in body) return decodeBody(call, 'patch')?.value;
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
  const patcher = readPatch(call, kind);
  const options = parseWriteOptions(request.query, 'PatchOptions');
  const swapped = await swap(call, { part, dryRun: options.dryRun }, (current) => {
    const patched = patcher(current);
    // The API server reads a patched object as it reads a sent one.
    const object = checkFields(call, kind, shapeOf(patched, kind), options.fieldValidation);
    matchName(call, object);
    checkPreconditions(call, object, current);
    return object;
  });
  return respondSwapped(call, swapped);
}
