import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IndexSet } from '../../src/job/indexes.ts';

describe('IndexSet', () => {
  test.each([
    ['', 0, ''],
    ['0', 1, '0'],
    ['0-1', 2, '0,1'],
    ['0,1,2', 3, '0-2'],
    ['1,3-5,7', 5, '1,3-5,7'],
    ['4,2,3,9', 4, '2-4,9'],
    ['1,rubbish,3', 2, '1,3'],
  ])('%s has %i and is written %s', (text, size, written) => {
    const set = IndexSet.parse(text);
    expect(set.size).toBe(size);
    expect(`${set}`).toBe(written);
  });

  test('indexes from the limit on are left out', () => {
    expect(`${IndexSet.parse('0-9,12', 5)}`).toBe('0-4');
  });

  const indexes = fc.array(fc.nat(40));
  test('behaves as a set of numbers', () => {
    fc.assert(
      fc.property(indexes, indexes, fc.nat(45), fc.nat(10), (a, b, limit, count) => {
        const [x, y] = [new Set(a), new Set(b)];
        const [p, q] = [IndexSet.of(a), IndexSet.of(b)];
        expect(p.size).toBe(x.size);
        expect(`${IndexSet.parse(`${p}`)}`).toBe(`${p}`);
        expect(p.union(q).size).toBe(new Set([...x, ...y]).size);
        expect(p.overlap(q)).toBe([...x].filter((i) => y.has(i)).length);
        for (let i = 0; i < 42; i += 1) expect(p.has(i)).toBe(x.has(i));
        const missing = Array.from({ length: limit }, (_, i) => i).filter((i) => !x.has(i));
        expect(p.firstMissing(count, limit)).toEqual(missing.slice(0, count));
      }),
    );
  });
});
