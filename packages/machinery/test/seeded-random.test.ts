import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../src/index.ts';

const some = (text: string, count: number): number[] => {
  const random = seededRandom(text);
  return Array.from({ length: count }, random);
};

test('chance of a text is the same again, between 0 and 1, and another one for another text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      const drawn = some(a, 8);
      expect(some(a, 8)).toEqual(drawn);
      expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
      if (a !== b) expect(some(b, 8)).not.toEqual(drawn);
    }),
  );
});

test('the first draws of neighbouring texts are even, too', () => {
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) counts[Math.floor(seededRandom(`7 Pod default/p${i} 0`)() * 10)]! += 1;
  // Of a thousand each; 5.5 deviations.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(165);
});
