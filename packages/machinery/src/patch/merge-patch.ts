/** JSON Merge Patch (RFC 7386), and making one. */
import { deepEqual, isObject, jsonClone, setKey } from '../equality.ts';

/**
 * The document after the patch: null removes a key, objects merge, all else replaces. Changes neither argument, and shares
 * nothing with them; unless it `shares`: then what the patch does not name is the document's own, and only the objects on the
 * way to what it names are new.
 */
export function applyMergePatch(document: unknown, patch: unknown, shares = false): unknown {
  if (!isObject(patch)) return jsonClone(patch);
  if (!isObject(document)) return withoutNulls(patch);
  const result: Record<string, unknown> = {};
  for (const key in document) {
    // Undefined means absent, as in all values that callers in the same process hand over.
    const change = Object.hasOwn(patch, key) ? patch[key] : undefined;
    const before = document[key];
    if (change === undefined) {
      if (before !== undefined) setKey(result, key, shares ? before : jsonClone(before));
    } else if (change !== null) setKey(result, key, applyMergePatch(before, change, shares));
  }
  for (const key in patch) {
    const change = patch[key];
    if (change !== null && change !== undefined && !Object.hasOwn(document, key))
      setKey(result, key, isObject(change) ? withoutNulls(change) : jsonClone(change));
  }
  return result;
}

/** A patch applied to nothing. */
function withoutNulls(patch: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key in patch) {
    const value = patch[key];
    if (value !== null && value !== undefined)
      setKey(result, key, isObject(value) ? withoutNulls(value) : jsonClone(value));
  }
  return result;
}

/**
 * The smallest merge patch that turns `before` into `after`; `{}` if they are equal. Nulls inside `after` cannot be
 * expressed by a merge patch: they come out as absent.
 */
export function createJsonMergePatch(before: unknown, after: unknown): unknown {
  return createThreeWayMergePatch(before, after, before);
}

/**
 * What client-side apply sends for kinds without strategic merge: turns `current` into `modified` where `modified` speaks, and
 * removes what `original` (the last applied) had and `modified` has no more. Fields only `current` has are left alone.
 */
export function createThreeWayMergePatch(original: unknown, modified: unknown, current: unknown): unknown {
  if (!isObject(modified) || !isObject(current)) {
    return deepEqual(modified, current) ? {} : jsonClone(modified);
  }
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(modified)) {
    const wanted = modified[key];
    if (wanted === undefined) continue;
    const is = Object.hasOwn(current, key) ? current[key] : undefined;
    if (isObject(wanted) && isObject(is)) {
      const had = isObject(original) && Object.hasOwn(original, key) ? original[key] : undefined;
      const inner = createThreeWayMergePatch(had, wanted, is);
      if (isObject(inner) && Object.keys(inner).length > 0) setKey(patch, key, inner);
    } else if (!deepEqual(wanted, is)) setKey(patch, key, jsonClone(wanted));
  }
  if (isObject(original)) {
    for (const key of Object.keys(original)) {
      const gone =
        original[key] !== undefined && (!Object.hasOwn(modified, key) || modified[key] === undefined);
      if (gone && Object.hasOwn(current, key)) setKey(patch, key, null);
    }
  }
  return patch;
}
