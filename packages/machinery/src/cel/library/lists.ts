/** Kubernetes' functions of lists (`sum`, `min`, `isSorted`, ...), and CEL's sets extension. */
import { declare } from '../declare.ts';
import { celCompare, celEqual } from '../equality.ts';
import { CelError } from '../errors.ts';
import { type CelValue, checkedUint, Double, Duration, type Int, Uint } from '../values.ts';
import { addInt } from './operators.ts';

type List = readonly CelValue[];
const listCost = (list: List): number => list.length;
const pairCost = (a: List, b: List): number => a.length * b.length;

function isSorted(list: List): boolean {
  return list.every(
    (item, index) => index === 0 || !((celCompare(list[index - 1] as CelValue, item) ?? 1) > 0),
  );
}
/** The first of the extreme elements. */
const extreme =
  (name: string, sign: 1 | -1) =>
  (list: List): CelValue => {
    const [first] = list;
    if (first === undefined) throw new CelError(`${name} called on empty list`);
    let best = first;
    for (const item of list) if (sign * (celCompare(item, best) ?? 0) > 0) best = item;
    return best;
  };
const indexOf = (list: List, value: CelValue): number => list.findIndex((item) => celEqual(item, value));
const lastIndexOf = (list: List, value: CelValue): number =>
  list.findLastIndex((item) => celEqual(item, value));

const sumInts = (list: readonly Int[]): Int => list.reduce((sum, item) => addInt(sum, item), 0);
const sumUints = (list: readonly Uint[]): Uint =>
  list.reduce((sum, { value }) => checkedUint(BigInt(sum.value) + BigInt(value)), new Uint(0));
const sumDoubles = (list: readonly Double[]): Double =>
  new Double(list.reduce((sum, { value }) => sum + value, 0));
const sumDurations = (list: readonly Duration[]): Duration =>
  new Duration(list.reduce((sum, { nanos }) => sum + nanos, 0n));

const holds = (list: List, part: List): boolean =>
  part.every((value) => list.some((item) => celEqual(item, value)));

const ordered = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'duration', 'timestamp'];

export const lists = [
  declare('list<int>.sum(): int', sumInts, listCost),
  declare('list<uint>.sum(): uint', sumUints, listCost),
  declare('list<double>.sum(): double', sumDoubles, listCost),
  declare('list<duration>.sum(): duration', sumDurations, listCost),
  ...ordered.flatMap((type) => [
    declare(`list<${type}>.isSorted(): bool`, isSorted, listCost),
    declare(`list<${type}>.min(): ${type}`, extreme('min', -1), listCost),
    declare(`list<${type}>.max(): ${type}`, extreme('max', 1), listCost),
  ]),
  declare('list<A>.indexOf(A): int', indexOf, listCost),
  declare('list<A>.lastIndexOf(A): int', lastIndexOf, listCost),
  declare('#sets.contains(list<A>, list<A>): bool', holds, pairCost),
  declare(
    '#sets.equivalent(list<A>, list<A>): bool',
    (a: List, b: List) => holds(a, b) && holds(b, a),
    pairCost,
  ),
  declare(
    '#sets.intersects(list<A>, list<A>): bool',
    (a: List, b: List) => a.some((item) => b.some((other) => celEqual(item, other))),
    pairCost,
  ),
];
