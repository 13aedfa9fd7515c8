/**
 * Values of expressions.
 *
 * | CEL | here |
 * |---|---|
 * | int | `number` where it is a safe integer, else `bigint` (always that way round, so that `===` works within each) |
 * | uint, double | `Uint`, `Double` |
 * | string, bool, null, bytes | `string`, `boolean`, `null`, `Uint8Array` |
 * | list, map, message | array, `CelMap`, `CelObject` |
 * | type, timestamp, duration, optional | `TypeValue`, `Timestamp`, `Duration`, `Optional` |
 * | quantity, semver, ip, ... | a subclass of `Opaque` |
 *
 * Ints are plain numbers since they are what expressions are made of; doubles are rare in policy, and pay for the box.
 */
import { CelError } from './errors.ts';

/** An int: a number where it is safe, a bigint where not. */
export type Int = number | bigint;
export type CelValue =
  | null
  | boolean
  | Int
  | string
  | Uint
  | Double
  | Uint8Array
  | readonly CelValue[]
  | CelMap
  | CelObject
  | TypeValue
  | Timestamp
  | Duration
  | Optional
  | Opaque;

export class Uint {
  readonly value: Int;
  constructor(value: Int) {
    this.value = value;
  }
}
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
/** A type as a value: what `type(x)` gives and what `int`, `list`, ... stand for. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
/** A moment, in nanoseconds since 1970. Between the years 1 and 9999. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (nanos < minTimestamp || nanos > maxTimestamp) throw new CelError('timestamp out of range');
    this.nanos = nanos;
  }
}
const minTimestamp = -62_135_596_800_000_000_000n;
const maxTimestamp = 253_402_300_799_999_999_999n;
/** A span in nanoseconds, within 64 bits. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (BigInt.asIntN(64, nanos) !== nanos) throw new CelError('duration out of range');
    this.nanos = nanos;
  }
}
export class Optional {
  static readonly none = new Optional(undefined);
  /** Undefined: no value. */
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}
/** A value of a library's type. */
export abstract class Opaque {
  abstract readonly typeName: string;
  abstract equals(other: Opaque): boolean;
}

/** A map. Numeric keys are one key whatever their type: 1, 1u and 1.0. */
export abstract class CelMap {
  abstract readonly size: number;
  /** Undefined: there is no such key. */
  abstract get(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;
  /** By a string, from an expression's `map.field`. */
  field(name: string): CelValue | undefined {
    return this.get(name);
  }
}
/** A message: fields of a declared type. */
export abstract class CelObject {
  abstract readonly typeName: string;
  /** Undefined: not set. Throws CelError for a field that the type does not have. */
  abstract field(name: string): CelValue | undefined;
  abstract equals(other: CelObject): boolean;
}

/** A key in the form in which equal keys are identical; undefined for what can be no key. */
export function mapKey(key: CelValue): string | boolean | Int | undefined {
  if (typeof key === 'string' || typeof key === 'number') return key;
  if (typeof key === 'boolean' || typeof key === 'bigint') return key;
  if (key instanceof Uint) return key.value;
  if (key instanceof Double && Number.isInteger(key.value)) return toInt(BigInt(key.value));
  return undefined;
}

/** A map that an expression or a binding wrote out. */
export class EntryMap extends CelMap {
  readonly #entries: Map<string | boolean | Int, [key: CelValue, value: CelValue]>;
  constructor(entries: Map<string | boolean | Int, [key: CelValue, value: CelValue]> = new Map()) {
    super();
    this.#entries = entries;
  }
  override get size(): number {
    return this.#entries.size;
  }
  override get(key: CelValue): CelValue | undefined {
    const form = mapKey(key);
    return form === undefined ? undefined : this.#entries.get(form)?.[1];
  }
  override field(name: string): CelValue | undefined {
    return this.#entries.get(name)?.[1];
  }
  override *keys(): Iterable<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** A map whose keys are all texts. */
export class TextMap extends CelMap {
  readonly #values: ReadonlyMap<string, CelValue>;
  constructor(values: ReadonlyMap<string, CelValue>) {
    super();
    this.#values = values;
  }
  override get size(): number {
    return this.#values.size;
  }
  override field(name: string): CelValue | undefined {
    return this.#values.get(name);
  }
  override get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' ? this.#values.get(key) : undefined;
  }
  override keys(): Iterable<CelValue> {
    return this.#values.keys();
  }
}

const minInt = -(1n << 63n);
const maxInt = (1n << 63n) - 1n;
const maxUint = (1n << 64n) - 1n;
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

/** A bigint in an int's form, without a check of its range. */
export const toInt = (value: bigint): Int => (value <= maxSafe && value >= -maxSafe ? Number(value) : value);
/** A bigint as an int; throws CelError outside of 64 bits. */
export function checkedInt(value: bigint, message = 'integer overflow'): Int {
  if (value < minInt || value > maxInt) throw new CelError(message);
  return toInt(value);
}
export function checkedUint(value: bigint, message = 'unsigned integer overflow'): Uint {
  if (value < 0n || value > maxUint) throw new CelError(message);
  return new Uint(toInt(value));
}
export const isInt = (value: CelValue): value is Int =>
  typeof value === 'number' || typeof value === 'bigint';

/** The name of a value's type, as error messages and `type()` give it. */
export function typeName(value: CelValue): string {
  if (value === null) return 'null_type';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'int';
    case 'string':
      return 'string';
    default:
  }
  if (value instanceof Uint) return 'uint';
  if (value instanceof Double) return 'double';
  if (Array.isArray(value)) return 'list';
  if (value instanceof CelMap) return 'map';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional_type';
  return (value as CelObject | Opaque).typeName;
}

/** The number of code points. */
export function textSize(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    count--;
    index++;
  }
  return count;
}
