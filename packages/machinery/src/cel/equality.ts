/** Equality and order of values. */
import { CelError } from './errors.ts';
import {
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  type Int,
  isInt,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  typeName,
  Uint,
} from './values.ts';

const isNumeric = (value: CelValue): value is Int | Uint | Double =>
  isInt(value) || value instanceof Uint || value instanceof Double;

/** Order of two numbers by value; undefined with NaN. Beside a double, an int counts as the nearest double, as in cel-go. */
function compareNumbers(a: Int | Uint | Double, b: Int | Uint | Double): number | undefined {
  const rough = a instanceof Double || b instanceof Double;
  const left = isInt(a) ? a : a.value;
  const right = isInt(b) ? b : b.value;
  const x = rough ? Number(left) : left;
  const y = rough ? Number(right) : right;
  // JavaScript orders numbers and bigints by their mathematical value.
  return x < y ? -1 : x > y ? 1 : x >= y ? 0 : undefined;
}

/** CEL's `==`: numbers by value across their types, lists and maps deeply; values of different types are unequal. */
export function celEqual(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (typeof a !== 'object' && typeof a === typeof b) return false;
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => celEqual(item, b[index]));
  }
  if (a instanceof CelMap) {
    if (!(b instanceof CelMap) || a.size !== b.size) return false;
    for (const key of a.keys()) {
      const other = b.get(key);
      const own = a.get(key);
      if (other === undefined || own === undefined || !celEqual(own, other)) return false;
    }
    return true;
  }
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    return a.value === undefined || b.value === undefined ? a.value === b.value : celEqual(a.value, b.value);
  }
  if (a instanceof CelObject) return b instanceof CelObject && a.typeName === b.typeName && a.equals(b);
  return a instanceof Opaque && b instanceof Opaque && a.typeName === b.typeName && a.equals(b);
}

/** Order of texts by code points (JavaScript's own order is by UTF-16 units). */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    let left = a.charCodeAt(index);
    let right = b.charCodeAt(index);
    if (left === right) continue;
    // Surrogates stand for code points above all that one unit can hold.
    if (left >= 0xd800 && right >= 0xd800) {
      if (left < 0xe000) left += 0x10000;
      if (right < 0xe000) right += 0x10000;
    }
    return left - right;
  }
  return a.length - b.length;
}

/** Negative, 0 or positive; undefined where the two have no order (NaN); throws CelError for types that have none. */
export function celCompare(a: CelValue, b: CelValue): number | undefined {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration))
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  throw new CelError(`no such overload: cannot compare ${typeName(a)} with ${typeName(b)}`);
}
