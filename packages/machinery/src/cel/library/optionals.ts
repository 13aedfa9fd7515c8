/** Optional values: `optional.of`, `orValue`, `a[?b]` and their like. */
import { indexValue, optionalIndex } from '../access.ts';
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { CelMap, type CelValue, Double, Duration, Optional, Timestamp, Uint } from '../values.ts';

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0 || value === '') return true;
  if (value instanceof Uint || value instanceof Double) return value.value === 0;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelMap) return value.size === 0;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Timestamp) return value.nanos === 0n;
  return value instanceof Optional && value.value === undefined;
}
function valueOf(optional: Optional): CelValue {
  if (optional.value === undefined) throw new CelError('optional.none() dereference');
  return optional.value;
}
const index = (operand: CelValue, at: CelValue): CelValue => indexValue(operand, at);

export const optionals = [
  declare('#optional.of(A): optional<A>', (value: CelValue) => new Optional(value)),
  declare('#optional.ofNonZeroValue(A): optional<A>', (value: CelValue) =>
    isZero(value) ? Optional.none : new Optional(value),
  ),
  declare('#optional.none(): optional<A>', () => Optional.none),
  declare('optional<A>.hasValue(): bool', ({ value }: Optional) => value !== undefined),
  declare('optional<A>.value(): A', valueOf),
  declare('optional<A>.or(optional<A>): optional<A>', (first: Optional, second: Optional) =>
    first.value === undefined ? second : first,
  ),
  declare('optional<A>.orValue(A): A', (optional: Optional, other: CelValue) => optional.value ?? other),
  declare('_[?_](list<A>, int): optional<A>', optionalIndex),
  declare('_[?_](map<A, B>, A): optional<B>', optionalIndex),
  declare('_[?_](optional<list<A>>, int): optional<A>', optionalIndex),
  declare('_[?_](optional<map<A, B>>, A): optional<B>', optionalIndex),
  declare('_[_](optional<list<A>>, int): optional<A>', index),
  declare('_[_](optional<map<A, B>>, A): optional<B>', index),
];
