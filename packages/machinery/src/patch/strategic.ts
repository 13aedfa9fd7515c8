/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are merged, and by which key.
 *
 * Directives in a patch: `$patch: replace|delete|merge` in a map or a list's element; `$retainKeys` (only these keys of
 * a union stay); `$deleteFromPrimitiveList/<field>`; `$setElementOrder/<field>` (the order the writer wants; elements it
 * does not name keep their place relative to those it does). A list merges if its schema has the patch strategy
 * `merge`: elements are matched by the merge key, or by value if they are scalars; all other lists are replaced.
 * Without an order, elements of the patch come in the patch's order, and new ones before the elements only the server has.
 */
import { isObject, jsonClone, setKey } from '../equality.ts';
import type { Schema } from '../kind.ts';
import { ApiError } from '../status.ts';

type Json = Record<string, unknown>;
const setOrder = '$setElementOrder/';
const deleteFrom = '$deleteFromPrimitiveList/';

const bad = (message: string): ApiError => new ApiError('BadRequest', message);

/**
 * The document after the patch. Throws ApiError BadRequest for a malformed patch. Changes no argument, and shares nothing with them;
 * unless it `shares`: then what the patch does not name is the document's own, and only what is on the way to what it names is new.
 */
export function applyStrategicMergePatch(
  schema: Schema,
  document: unknown,
  patch: unknown,
  shares = false,
): unknown {
  if (!isObject(patch)) throw bad('a strategic merge patch must be an object');
  return mergeMap(schema, isObject(document) ? document : {}, patch, shares);
}

/** Schema of a field of a map, as far as it is known. */
export function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  const { properties, additionalProperties } = schema ?? {};
  if (properties && Object.hasOwn(properties, field)) return properties[field];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}
export const strategies = (schema: Schema | undefined): readonly string[] =>
  schema?.['x-kubernetes-patch-strategy']?.split(',') ?? [];

/** Is this one of the schema's strategies? Mostly there is one, or none. */
const patched = (schema: Schema | undefined, how: string): boolean =>
  schema?.['x-kubernetes-patch-strategy'] !== undefined &&
  (schema['x-kubernetes-patch-strategy'] === how || strategies(schema).includes(how));

function mergeMap(schema: Schema | undefined, original: Json, patch: Json, shares: boolean): Json {
  const directive = patch['$patch'];
  if (directive === 'replace') return withoutDirectives(omit(patch, '$patch')) as Json;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    throw bad(`unknown patch type: ${String(directive)} in map: ${goText(patch)}`);
  }
  const result: Json = {};
  const retain = patch['$retainKeys'];
  if (retain !== undefined) checkRetain(retain, patch);
  const named = new Set<string>();
  const lists = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (key === '$patch' || key === '$retainKeys') continue;
    if (key.startsWith(setOrder)) lists.add(key.slice(setOrder.length));
    else if (key.startsWith(deleteFrom)) lists.add(key.slice(deleteFrom.length));
    else named.add(key);
  }
  for (const key of Object.keys(original)) {
    if (Array.isArray(retain) && !retain.includes(key)) continue;
    // What is named is copied where it is merged.
    const own = shares || named.has(key) || lists.has(key);
    setKey(result, key, own ? original[key] : jsonClone(original[key]));
  }
  for (const key of named) mergeField(fieldSchema(schema, key), result, key, patch, shares, lists.has(key));
  for (const key of lists)
    if (!named.has(key)) mergeField(fieldSchema(schema, key), result, key, patch, shares, true);
  return result;
}

function checkRetain(retain: unknown, patch: Json): void {
  if (!Array.isArray(retain)) throw bad('invalid patch format of retainKeys: it must be a list');
  for (const key of Object.keys(patch)) {
    if (!key.startsWith('$') && patch[key] !== null && !retain.includes(key)) {
      throw bad('patch contains keys that are not in retainKeys list');
    }
  }
}

/** Merges one field of the patch, with the directives that speak of it (`directed`: there are some), into `result`. */
function mergeField(
  schema: Schema | undefined,
  result: Json,
  key: string,
  patch: Json,
  shares: boolean,
  directed: boolean,
): void {
  const order = directed ? patch[setOrder + key] : undefined;
  const removals = directed ? patch[deleteFrom + key] : undefined;
  const inPatch = Object.hasOwn(patch, key);
  const change = patch[key];
  if (inPatch && change === null) {
    delete result[key];
    return;
  }
  const base = Object.hasOwn(result, key) ? result[key] : undefined;
  if (isObject(change)) {
    const merged =
      patched(schema, 'replace') || !isObject(base)
        ? mergeMap(schema, {}, change, shares)
        : mergeMap(schema, base, change, shares);
    if (change['$patch'] === 'delete') delete result[key];
    else setKey(result, key, merged);
    return;
  }
  const isList = Array.isArray(change) || (!inPatch && Array.isArray(base));
  if (!isList || !patched(schema, 'merge')) {
    if (inPatch) setKey(result, key, withoutDirectives(change));
    else if (!shares && base !== undefined) setKey(result, key, jsonClone(base));
    return;
  }
  const before = Array.isArray(base) ? base : [];
  const mergeKey = schema?.['x-kubernetes-patch-merge-key'];
  let list = before;
  if (Array.isArray(change) && Array.isArray(order) && order.length > 0) checkOrder(change, order, mergeKey);
  if (Array.isArray(removals)) list = list.filter((v) => !removals.some((r) => r === v));
  if (Array.isArray(change)) list = mergeList(schema, list, change, mergeKey, shares);
  if (Array.isArray(order)) list = inOrder(list, order, before, mergeKey);
  if (!shares) {
    const own = new Set(before);
    list = list.map((item) => (own.has(item) ? jsonClone(item) : item));
  }
  setKey(result, key, list);
}

/** Elements of the patch, but for directives, must stand in the order list, in the same order. */
function checkOrder(
  patch: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): void {
  const wanted = patch.filter((item) => !(isObject(item) && item['$patch'] !== undefined));
  let at = 0;
  for (const item of order)
    if (at < wanted.length && keyText(item, mergeKey) === keyText(wanted[at], mergeKey)) at++;
  if (at < wanted.length) {
    throw bad(
      `The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`,
    );
  }
}

function mergeList(
  schema: Schema | undefined,
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string | undefined,
  shares: boolean,
): unknown[] {
  if (mergeKey === undefined || !patch.every(isObject)) {
    const fresh = [...new Set(patch)];
    return inOrder([...new Set([...original, ...fresh])], fresh, original, undefined);
  }
  let base = [...original];
  const changes: Json[] = [];
  let replace = false;
  for (const item of patch) {
    const directive = item['$patch'];
    if (directive === undefined) {
      if (item[mergeKey] === undefined) {
        throw bad(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
      }
      changes.push(item);
    } else if (directive === 'replace') {
      replace = true; // Nothing else in such an element counts.
    } else if (directive === 'delete') {
      if (item[mergeKey] === undefined) {
        throw bad(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
      }
      base = base.filter((o) => keyText(o, mergeKey) !== keyText(item, mergeKey));
    } else if (directive === 'merge') throw bad('merging lists cannot yet be specified in the patch');
    else throw bad(`unknown patch type: ${String(directive)} in map: ${goText(item)}`);
  }
  if (replace) return changes.map(withoutDirectives);
  const items = schema?.items;
  const merged = [...base];
  for (const change of changes) {
    const at = merged.findIndex((o) => keyText(o, mergeKey) === keyText(change, mergeKey));
    const into = at < 0 ? {} : merged[at];
    const value = mergeMap(items, isObject(into) ? into : {}, change, shares);
    if (at < 0) merged.push(value);
    else merged[at] = value;
  }
  // Without elements of the server's they stand as the patch has them.
  return base.length === 0 ? merged : inOrder(merged, changes, base, mergeKey);
}

/** What an element is known by in a merging list. */
export function keyText(item: unknown, mergeKey: string | undefined): string {
  const identity = mergeKey === undefined ? item : isObject(item) ? item[mergeKey] : undefined;
  return `${typeof identity === 'object' ? JSON.stringify(identity) : String(identity)}`;
}

/**
 * `list` with the elements that `order` names in that order; the others stay in the server's order and go before the
 * first named element that stood behind them there.
 */
function inOrder(
  list: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const positions = (all: readonly unknown[]): Map<string, number> => {
    const map = new Map<string, number>();
    for (const [i, item] of all.entries()) {
      const text = keyText(item, mergeKey);
      if (!map.has(text)) map.set(text, i);
    }
    return map;
  };
  const wanted = positions(order);
  const stood = positions(server);
  const rank = (map: Map<string, number>, item: unknown): number =>
    map.get(keyText(item, mergeKey)) ?? Infinity;
  const named = list
    .filter((item) => wanted.has(keyText(item, mergeKey)))
    .toSorted((a, b) => rank(wanted, a) - rank(wanted, b));
  const others = list
    .filter((item) => !wanted.has(keyText(item, mergeKey)))
    .toSorted((a, b) => (rank(stood, a) < rank(stood, b) ? -1 : rank(stood, a) > rank(stood, b) ? 1 : 0));
  const result: unknown[] = [];
  let i = 0;
  for (const item of named) {
    const at = stood.get(keyText(item, mergeKey));
    while (at !== undefined && i < others.length) {
      const other = stood.get(keyText(others[i], mergeKey));
      if (other === undefined || other >= at) break;
      result.push(others[i++]);
    }
    result.push(item);
  }
  return [...result, ...others.slice(i)];
}

/** A value as Go's %v prints it: messages quote it so. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (value === null) return '<nil>';
  if (!isObject(value)) return String(value);
  const keys = Object.keys(value).toSorted();
  return `map[${keys.map((key) => `${key}:${goText(value[key])}`).join(' ')}]`;
}

const omit = (map: Json, key: string): Json =>
  Object.fromEntries(Object.entries(map).filter(([k]) => k !== key));

/** A copy of a part of the patch that is taken as it is: nulls in maps and directives mean nothing there. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isObject(item) && (item['$patch'] === 'delete' || isOnlyDirective(item))))
      .map(withoutDirectives);
  }
  if (!isObject(value)) return value;
  const result: Json = {};
  for (const key of Object.keys(value)) {
    const isDirective =
      key === '$patch' || key === '$retainKeys' || key.startsWith(setOrder) || key.startsWith(deleteFrom);
    if (!isDirective && value[key] !== null) setKey(result, key, withoutDirectives(value[key]));
  }
  return result;
}
const isOnlyDirective = (item: Json): boolean =>
  Object.keys(item).length === 1 && item['$patch'] !== undefined;
