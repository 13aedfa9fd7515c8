import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CelError,
  type CelValue,
  compileCel,
  environment,
  kubernetesLibraries,
  types,
} from '../../src/cel/index.ts';
import { celCompare, celEqual } from '../../src/cel/equality.ts';

const env = environment({
  variables: { a: types.int, b: types.int, s: types.string, d: types.dyn, l: types.list(types.int) },
  libraries: kubernetesLibraries,
});
const min = -(1n << 63n);
const max = (1n << 63n) - 1n;
const int64 = fc.oneof(
  fc.bigInt({ min, max }),
  fc.bigInt({ min: -20n, max: 20n }),
  fc.constantFrom(min, max, min + 1n, 1n << 53n, -(1n << 53n), (1n << 53n) - 1n, (1n << 31n) - 1n),
);

/** An expression over ints, and what it is in exact arithmetic; undefined: it overflows or divides by zero. */
interface Sum {
  readonly text: string;
  readonly value: bigint | undefined;
}
function apply(operator: string, x: bigint, y: bigint): bigint | undefined {
  if ((operator === '/' || operator === '%') && (y === 0n || (x === min && y === -1n))) return undefined;
  const value =
    operator === '+'
      ? x + y
      : operator === '-'
        ? x - y
        : operator === '*'
          ? x * y
          : operator === '/'
            ? x / y
            : x % y;
  return value < min || value > max ? undefined : value;
}
const { sum } = fc.letrec<{ sum: Sum }>((tie) => ({
  sum: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    int64.map((value) => ({ text: String(value), value })),
    fc
      .tuple(tie('sum'), fc.constantFrom('+', '-', '*', '/', '%'), tie('sum'))
      .map(([left, operator, right]) => ({
        text: `(${left.text} ${operator} ${right.text})`,
        value:
          left.value === undefined || right.value === undefined
            ? undefined
            : apply(operator, left.value, right.value),
      })),
  ),
}));

function run(source: string, bindings: Record<string, CelValue> = {}): CelValue {
  const compiled = compileCel(source, env);
  if (!compiled.ok) throw new Error(compiled.issues[0]?.message);
  return compiled.program.evaluate(bindings);
}
const toInt = (value: bigint): CelValue =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;

describe('int arithmetic', () => {
  test('is that of 64-bit integers, and says so when it leaves them', () => {
    fc.assert(
      fc.property(sum, ({ text, value }) => {
        if (value === undefined) expect(() => run(text)).toThrow(CelError);
        else expect(run(text)).toEqual(toInt(value));
      }),
      { numRuns: 300 },
    );
  });

  test('is the same for variables as for literals', () => {
    fc.assert(
      fc.property(
        int64,
        int64,
        fc.constantFrom('+', '-', '*', '/', '%', '<', '<=', '==', '!='),
        (x, y, operator) => {
          const outcome = (make: () => CelValue): CelValue | 'error' => {
            try {
              return make();
            } catch (error) {
              expect(error).toBeInstanceOf(CelError);
              return 'error';
            }
          };
          const literal = outcome(() => run(`${x} ${operator} (${y})`));
          expect(outcome(() => run(`a ${operator} b`, { a: toInt(x), b: toInt(y) }))).toEqual(literal);
          expect(outcome(() => run(`dyn(a) ${operator} dyn(b)`, { a: toInt(x), b: toInt(y) }))).toEqual(
            literal,
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

const value: fc.Arbitrary<CelValue> = fc.letrec<{ value: CelValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    int64.map(toInt),
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).value;

test('equality is an equivalence, and agrees with order', () => {
  fc.assert(
    fc.property(value, value, (x, y) => {
      expect(celEqual(x, x)).toBe(true);
      expect(celEqual(x, y)).toBe(celEqual(y, x));
      if (typeof x === 'string' && typeof y === 'string') {
        expect(Math.sign(celCompare(x, y) ?? Number.NaN)).toBe(
          -Math.sign(celCompare(y, x) ?? Number.NaN) + 0,
        );
        expect(Math.sign(celCompare(x, y) ?? 0)).toBe(Buffer.compare(Buffer.from(x), Buffer.from(y)));
      }
    }),
    { numRuns: 300 },
  );
});

test('functions of texts agree with the text as a list of code points', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 8 }), fc.nat(8), fc.nat(8), (s, from, to) => {
      const points = [...s];
      expect(run('s.size()', { s })).toBe(points.length);
      if (from <= to && to <= points.length)
        expect(run('s.substring(a, b)', { s, a: from, b: to })).toBe(points.slice(from, to).join(''));
      expect(run('s.split("").join("")', { s })).toBe(s);
      expect(run('s.reverse().reverse()', { s })).toBe(s);
      const at = points.indexOf(points[from] ?? '');
      if (from < points.length) expect(run('s.indexOf(s.charAt(a))', { s, a: from })).toBe(at);
    }),
    { numRuns: 150 },
  );
});

const pieces = [
  'a',
  'b',
  's',
  'd',
  'l',
  '1',
  '2u',
  '1.5',
  '"x"',
  "b'y'",
  'true',
  'null',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '.',
  ',',
  ':',
  '?',
  '+',
  '-',
  '*',
  '/',
  '%',
  '!',
  '&&',
  '||',
  '==',
  '<',
  'in',
  'has',
  'size',
  '.map(i, i)',
  '.all(i, true)',
  '.?x',
  '[?0]',
  'quantity("1")',
  '.startsWith("x")',
  '.orValue(1)',
  'cel.bind(q, 1, q)',
  'optional.of(1)',
  '.format([1])',
  ' ',
];
test('whatever the text, compiling gives a program or issues, and evaluating a value or a CelError', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => {
      const compiled = compileCel(parts.join(''), env);
      if (!compiled.ok) {
        expect(compiled.issues.length).toBeGreaterThan(0);
        return;
      }
      try {
        compiled.program.evaluate({ a: 1, b: 2, s: 'x', d: [1], l: [1, 2] });
      } catch (error) {
        expect(error).toBeInstanceOf(CelError);
      }
    }),
    { numRuns: 1000 },
  );
});
