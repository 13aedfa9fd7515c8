/** Operators and their arithmetic: 64-bit ints that say so when they overflow. */
import { sizeOf } from '../access.ts';
import { declare } from '../declare.ts';
import { celEqual } from '../equality.ts';
import { CelError } from '../errors.ts';
import {
  type CelMap,
  type CelValue,
  checkedInt,
  checkedUint,
  Double,
  Duration,
  type Int,
  mapKey,
  Timestamp,
  type Uint,
} from '../values.ts';

// Numbers first: a result that is a safe integer is exact. Adding 0 makes -0 the 0 that ints have.
export function addInt(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return checkedInt(BigInt(a) + BigInt(b));
}
export function subtractInt(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return checkedInt(BigInt(a) - BigInt(b));
}
export function multiplyInt(a: Int, b: Int): Int {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return checkedInt(BigInt(a) * BigInt(b));
}
export function divideInt(a: Int, b: Int): Int {
  if (b === 0) throw new CelError('division by zero');
  if (typeof a === 'number' && typeof b === 'number') return (a - (a % b)) / b + 0;
  return checkedInt(BigInt(a) / BigInt(b));
}
export function moduloInt(a: Int, b: Int): Int {
  if (b === 0) throw new CelError('modulus by zero');
  // Go, and so cel-go, takes the one quotient that overflows for an overflow here too.
  if (b === -1 && a === minInt) throw new CelError('integer overflow');
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  return checkedInt(BigInt(a) % BigInt(b));
}
export const negateInt = (a: Int): Int => subtractInt(0, a);
const minInt = -(1n << 63n);

const big = (value: Uint): bigint => BigInt(value.value);
function nonZero(value: Uint, message: string): bigint {
  if (value.value === 0) throw new CelError(message);
  return big(value);
}
const joinBytes = (a: Uint8Array, b: Uint8Array): Uint8Array => new Uint8Array(Buffer.concat([a, b]));
const listCost = (_: CelValue, list: readonly CelValue[]): number => list.length;
/** Walking through a text costs a tenth of a step a character. */
export const textCost = (...texts: CelValue[]): number =>
  texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length / 10 : 0), 0);

function contains(value: CelValue, list: readonly CelValue[]): boolean {
  if (typeof value === 'string' || typeof value === 'boolean') return list.includes(value);
  return list.some((item) => celEqual(item, value));
}
function hasKey(key: CelValue, map: CelMap): boolean {
  return mapKey(key) !== undefined && map.get(key) !== undefined;
}

// Types that the planner evaluates itself (see plan.ts) are declared here for the checker; their functions are never called.
const planned = (): never => {
  throw new CelError('evaluated by the planner');
};
const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const numbers = ['int', 'uint', 'double'];

export const operators = [
  declare('_&&_(bool, bool): bool', planned),
  declare('_||_(bool, bool): bool', planned),
  declare('!_(bool): bool', planned),
  declare('_?_:_(bool, A, A): A', planned),
  declare('_==_(A, A): bool', planned),
  declare('_!=_(A, A): bool', planned),
  ...['<', '<=', '>', '>='].flatMap((operator) => [
    ...ordered.map((type) => declare(`_${operator}_(${type}, ${type}): bool`, planned)),
    ...numbers.flatMap((left) =>
      numbers
        .filter((right) => right !== left)
        .map((right) => declare(`_${operator}_(${left}, ${right}): bool`, planned)),
    ),
  ]),
  declare('_[_](list<A>, int): A', planned),
  declare('_[_](map<A, B>, A): B', planned),
  declare('@in(A, list<A>): bool', contains, listCost),
  declare('@in(A, map<A, B>): bool', hasKey),

  declare('_+_(int, int): int', addInt),
  declare('_-_(int, int): int', subtractInt),
  declare('_*_(int, int): int', multiplyInt),
  declare('_/_(int, int): int', divideInt),
  declare('_%_(int, int): int', moduloInt),
  declare('-_(int): int', negateInt),
  declare('_+_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(big(a) + big(b))),
  declare('_-_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(big(a) - big(b))),
  declare('_*_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(big(a) * big(b))),
  declare('_/_(uint, uint): uint', (a: Uint, b: Uint) =>
    checkedUint(big(a) / nonZero(b, 'division by zero')),
  ),
  declare('_%_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(big(a) % nonZero(b, 'modulus by zero'))),
  declare('_+_(double, double): double', (a: Double, b: Double) => new Double(a.value + b.value)),
  declare('_-_(double, double): double', (a: Double, b: Double) => new Double(a.value - b.value)),
  declare('_*_(double, double): double', (a: Double, b: Double) => new Double(a.value * b.value)),
  declare('_/_(double, double): double', (a: Double, b: Double) => new Double(a.value / b.value)),
  declare('-_(double): double', (a: Double) => new Double(-a.value)),
  declare('_+_(string, string): string', (a: string, b: string) => a + b, textCost),
  declare(
    '_+_(bytes, bytes): bytes',
    joinBytes,
    (a: Uint8Array, b: Uint8Array) => (a.length + b.length) / 10,
  ),
  declare(
    '_+_(list<A>, list<A>): list<A>',
    (a: readonly CelValue[], b: readonly CelValue[]) => [...a, ...b],
    (a: readonly CelValue[], b: readonly CelValue[]) => a.length + b.length,
  ),
  declare(
    '_+_(timestamp, duration): timestamp',
    (a: Timestamp, b: Duration) => new Timestamp(a.nanos + b.nanos),
  ),
  declare(
    '_+_(duration, timestamp): timestamp',
    (a: Duration, b: Timestamp) => new Timestamp(a.nanos + b.nanos),
  ),
  declare('_+_(duration, duration): duration', (a: Duration, b: Duration) => new Duration(a.nanos + b.nanos)),
  declare(
    '_-_(timestamp, timestamp): duration',
    (a: Timestamp, b: Timestamp) => new Duration(a.nanos - b.nanos),
  ),
  declare(
    '_-_(timestamp, duration): timestamp',
    (a: Timestamp, b: Duration) => new Timestamp(a.nanos - b.nanos),
  ),
  declare('_-_(duration, duration): duration', (a: Duration, b: Duration) => new Duration(a.nanos - b.nanos)),

  ...['string', 'bytes', 'list<A>', 'map<A, B>'].flatMap((type) => [
    declare(`size(${type}): int`, sizeOf as (value: never) => number),
    declare(`${type}.size(): int`, sizeOf as (value: never) => number),
  ]),
];
