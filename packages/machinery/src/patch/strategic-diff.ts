/** Makes strategic merge patches, for client-side apply (`kubectl apply`) and edits. */
import { deepEqual, isObject, jsonClone, setKey } from '../equality.ts';
import type { Schema } from '../kind.ts';
import { fieldSchema, keyText, strategies } from './strategic.ts';

type Json = Record<string, unknown>;

/** The patch that turns `before` into `after`; `{}` if they are equal. */
export function createStrategicPatch(
  schema: Schema,
  before: unknown,
  after: unknown,
): Record<string, unknown> {
  return createThreeWayStrategicPatch(schema, before, after, before);
}

/**
 * The patch that client-side apply sends: makes `current` (the live object) be as `modified` (the new manifest) where
 * that speaks, and removes what `original` (the last applied manifest) had and `modified` has no more. What others
 * added to `current` stays. `{}`: nothing to do. Changes no argument.
 */
export function createThreeWayStrategicPatch(
  schema: Schema,
  original: unknown,
  modified: unknown,
  current: unknown,
): Record<string, unknown> {
  return diffMap(
    schema,
    isObject(original) ? original : {},
    isObject(modified) ? modified : {},
    isObject(current) ? current : {},
  );
}

function diffMap(schema: Schema | undefined, original: Json, modified: Json, current: Json): Json {
  const patch: Json = {};
  for (const key of Object.keys(modified)) {
    const wanted = modified[key];
    if (wanted === undefined) continue;
    const is = Object.hasOwn(current, key) ? current[key] : undefined;
    const had = Object.hasOwn(original, key) ? original[key] : undefined;
    const field = fieldSchema(schema, key);
    const how = strategies(field);
    if (isObject(wanted) && isObject(is)) {
      if (how.includes('replace')) {
        if (!deepEqual(wanted, is)) setKey(patch, key, { ...jsonClone(wanted), $patch: 'replace' });
        continue;
      }
      const inner = diffMap(field, isObject(had) ? had : {}, wanted, is);
      if (Object.keys(inner).length > 0) {
        if (how.includes('retainKeys')) inner['$retainKeys'] = Object.keys(wanted).toSorted();
        setKey(patch, key, inner);
      }
    } else if (Array.isArray(wanted) && Array.isArray(is) && how.includes('merge')) {
      diffList(field, key, Array.isArray(had) ? had : [], wanted, is, patch);
    } else if (!deepEqual(wanted, is)) setKey(patch, key, jsonClone(wanted));
  }
  for (const key of Object.keys(original)) {
    if (original[key] === undefined || modified[key] !== undefined) continue;
    if (Object.hasOwn(current, key)) setKey(patch, key, null);
  }
  return patch;
}

/** Adds to `patch` what makes the merging list `key` of the live object be as wanted. */
function diffList(
  schema: Schema | undefined,
  key: string,
  original: readonly unknown[],
  modified: readonly unknown[],
  current: readonly unknown[],
  patch: Json,
): void {
  const mergeKey = schema?.['x-kubernetes-patch-merge-key'];
  if (mergeKey === undefined || !modified.every(isObject)) {
    const added = modified.filter((v) => !current.includes(v));
    const removed = original.filter((v) => !modified.includes(v) && current.includes(v));
    if (added.length === 0 && removed.length === 0 && sameOrder(modified, current, undefined)) return;
    if (added.length > 0) setKey(patch, key, jsonClone(added));
    if (removed.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = removed;
    patch[`$setElementOrder/${key}`] = jsonClone(modified);
    return;
  }
  const find = (list: readonly unknown[], item: unknown): Json | undefined => {
    const found = list.find((other) => keyText(other, mergeKey) === keyText(item, mergeKey));
    return isObject(found) ? found : undefined;
  };
  const elementHow = strategies(schema);
  const changes: Json[] = [];
  for (const wanted of modified) {
    const is = find(current, wanted);
    if (!is) {
      changes.push(jsonClone(wanted));
      continue;
    }
    const inner = diffMap(schema?.items, find(original, wanted) ?? {}, wanted, is);
    if (Object.keys(inner).length === 0) continue;
    if (elementHow.includes('retainKeys')) inner['$retainKeys'] = Object.keys(wanted).toSorted();
    changes.push({ ...inner, [mergeKey]: wanted[mergeKey] });
  }
  for (const had of original) {
    if (!find(modified, had) && find(current, had) && isObject(had)) {
      changes.push({ $patch: 'delete', [mergeKey]: had[mergeKey] });
    }
  }
  if (changes.length === 0 && sameOrder(modified, current, mergeKey)) return;
  if (changes.length > 0) setKey(patch, key, changes);
  patch[`$setElementOrder/${key}`] = modified.map((item) => ({ [mergeKey]: (item as Json)[mergeKey] }));
}

/** Do the elements both lists have stand in the same order? */
function sameOrder(
  wanted: readonly unknown[],
  is: readonly unknown[],
  mergeKey: string | undefined,
): boolean {
  const names = new Set(wanted.map((v) => keyText(v, mergeKey)));
  const order = is.map((v) => keyText(v, mergeKey)).filter((t) => names.has(t));
  return order.every((t, i) => t === keyText(wanted[i], mergeKey));
}
