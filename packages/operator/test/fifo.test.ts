import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fifo } from '../src/index.ts';

describe('a fifo', () => {
  test('is an array with push and shift', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer(), fc.constant('shift' as const)), { maxLength: 200 }),
        (steps) => {
          const fifo = new Fifo<number>();
          const model: number[] = [];
          for (const step of steps) {
            if (step === 'shift') expect(fifo.shift()).toBe(model.shift());
            else {
              fifo.push(step);
              model.push(step);
            }
            expect(fifo.length).toBe(model.length);
          }
        },
      ),
    );
    const long = new Fifo<number>();
    for (let i = 0; i < 10_000; i++) long.push(i);
    for (let i = 0; i < 9_000; i++) expect(long.shift()).toBe(i);
    expect(long.length).toBe(1000);
  });
});
