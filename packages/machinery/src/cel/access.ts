/** Fields and indexes of values. */
import { CelError } from './errors.ts';
import {
  CelMap,
  CelObject,
  type CelValue,
  Double,
  isInt,
  mapKey,
  Optional,
  textSize,
  typeName,
  Uint,
} from './values.ts';

const shown = (key: CelValue): string => {
  const form = mapKey(key);
  return form === undefined ? typeName(key) : String(form);
};
const noSuchKey = (key: CelValue): CelError => new CelError(`no such key: ${shown(key)}`);

/** `value.field`. Throws CelError for a missing one. */
export function selectField(value: CelValue, field: string): CelValue {
  if (value instanceof CelMap || value instanceof CelObject) {
    const found = value.field(field);
    if (found === undefined) throw noSuchKey(field);
    return found;
  }
  if (value instanceof Optional) return optionalField(value, field);
  throw new CelError(`no such overload: type '${typeName(value)}' does not support field selection`);
}

/** `has(value.field)`. */
export function hasField(value: CelValue, field: string): boolean {
  if (value instanceof CelMap || value instanceof CelObject) return value.field(field) !== undefined;
  if (value instanceof Optional) return value.value !== undefined && hasField(value.value, field);
  throw new CelError(`no such overload: type '${typeName(value)}' does not support field selection`);
}

const asOptional = (value: CelValue | undefined): Optional =>
  value === undefined ? Optional.none : value instanceof Optional ? value : new Optional(value);

/** `value.?field`, and `.field` of an optional. */
export function optionalField(value: CelValue, field: string): Optional {
  const operand = value instanceof Optional ? value.value : value;
  if (operand === undefined) return Optional.none;
  if (operand instanceof CelMap || operand instanceof CelObject) return asOptional(operand.field(field));
  throw new CelError(`no such overload: type '${typeName(operand)}' does not support field selection`);
}

/** The position that a value means in a list; undefined if it is no whole number. */
function position(index: CelValue): number | undefined {
  if (typeof index === 'number') return index;
  if (isInt(index)) return Number(index);
  if (index instanceof Uint) return Number(index.value);
  return index instanceof Double && Number.isInteger(index.value) ? index.value : undefined;
}

/** `operand[index]`; undefined: there is none. */
function find(operand: CelValue, index: CelValue): CelValue | undefined {
  if (operand instanceof CelMap) {
    if (mapKey(index) === undefined && !(index instanceof Double))
      throw new CelError(`unsupported key type: ${typeName(index)}`);
    return operand.get(index);
  }
  if (Array.isArray(operand)) {
    const at = position(index);
    if (at === undefined) throw new CelError(`unsupported index type '${typeName(index)}' in list`);
    return operand[at] as CelValue | undefined;
  }
  throw new CelError(`no such overload: ${typeName(operand)}[${typeName(index)}]`);
}

/** `operand[index]`. Throws CelError for a missing one. */
export function indexValue(operand: CelValue, index: CelValue): CelValue {
  if (operand instanceof Optional) return optionalIndex(operand, index);
  const found = find(operand, index);
  if (found !== undefined) return found;
  throw operand instanceof CelMap ? noSuchKey(index) : new CelError(`index out of bounds: ${shown(index)}`);
}

/** `operand[?index]`. */
export function optionalIndex(operand: CelValue, index: CelValue): Optional {
  const value = operand instanceof Optional ? operand.value : operand;
  return value === undefined ? Optional.none : asOptional(find(value, index));
}

/** `size(value)`, for what has one. */
export function sizeOf(value: CelValue): number {
  if (typeof value === 'string') return textSize(value);
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof CelMap) return value.size;
  throw new CelError(`no such overload: size(${typeName(value)})`);
}
