/**
 * The JSON merge patch (RFC 7386) that makes `after` of `before`: changed and new fields with their value, removed ones as
 * null, lists whole. Undefined means absent. Answers undefined when nothing differs.
 */
export function mergeDiff(before: unknown, after: unknown): unknown {
  if (!isMap(before) || !isMap(after)) return same(before, after) ? undefined : after;
  const patch: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const change = name in before ? mergeDiff(before[name], value) : value;
    if (change !== undefined) patch[name] = change;
  }
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined && after[name] === undefined) patch[name] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Equal as JSON: undefined fields count as absent, order of fields does not matter. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (!isMap(a) || !isMap(b)) return false;
  for (const [name, value] of Object.entries(a)) if (!same(value, b[name])) return false;
  for (const [name, value] of Object.entries(b))
    if (value !== undefined && a[name] === undefined) return false;
  return true;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
