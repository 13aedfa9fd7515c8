import { describe, expect, test } from 'vitest';
import { createTurns } from '../src/pipeline/turns.ts';

const work = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe('turns', () => {
  test('a burst of requests lets timers in between, and keeps its order', async () => {
    const turns = createTurns();
    const order: number[] = [];
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 0);
    await Promise.all(
      Array.from({ length: 120 }, async (_, i) => {
        await turns.enter();
        order.push(i);
        work(1);
      }),
    );
    clearInterval(ticking);
    expect(order).toEqual(Array.from({ length: 120 }, (_, i) => i));
    expect(ticks).toBeGreaterThanOrEqual(3);
  });

  test('a request that comes alone does not wait', () => {
    expect(createTurns().enter()).toBeUndefined();
  });
});
