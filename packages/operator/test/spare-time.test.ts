import { describe, expect, test } from 'vitest';
import { createSpareTime, manualClock } from '../src/index.ts';

/** Asks for `count` turns; answers how many have been given. */
function ask(spare: ReturnType<typeof createSpareTime>, count: number, since: number) {
  let given = 0;
  for (let i = 0; i < count; i++) {
    const turn = spare.turn(since);
    if (turn === undefined) given += 1;
    else void turn.then(() => (given += 1));
  }
  return () => given;
}

describe('spare time', () => {
  test('a loop with nothing to do: a few go at once, thousands within a fraction of a second', async () => {
    const clock = manualClock();
    const spare = createSpareTime({ clock, busy: () => 0.1 });
    const given = ask(spare, 5000, clock.now());
    expect(given()).toBeGreaterThanOrEqual(32);
    await clock.advance(300);
    expect(given()).toBe(5000);
    expect(clock.pending).toBe(0);
  });

  test('a loop without spare time: some hundreds a second, more when they have waited long', async () => {
    const clock = manualClock();
    const spare = createSpareTime({ clock, busy: () => 1 });
    const given = ask(spare, 50_000, clock.now());
    await clock.advance(1000);
    const first = given();
    expect(first).toBeGreaterThanOrEqual(400);
    expect(first).toBeLessThan(500);
    await clock.advance(9000);
    expect(given()).toBeGreaterThanOrEqual(4000);
    expect(given()).toBeLessThan(4500);
    await clock.advance(5000);
    expect(given()).toBeGreaterThan(13_000);
  });

  test('the rate falls when others come, and rises again when they have gone', async () => {
    const clock = manualClock();
    let share = 0;
    const spare = createSpareTime({ clock, busy: () => share });
    const given = ask(spare, 20_000, clock.now());
    await clock.advance(100);
    const before = given();
    share = 1;
    await clock.advance(1000);
    expect(given() - before).toBeLessThan(1500);
    share = 0;
    await clock.advance(1000);
    expect(given()).toBe(20_000);
  });

  test('turns are given in the order they were asked for', async () => {
    const clock = manualClock();
    const spare = createSpareTime({ clock, busy: () => 1 });
    const order: number[] = [];
    for (let i = 0; i < 300; i++) {
      const turn = spare.turn(clock.now());
      if (turn === undefined) order.push(i);
      else void turn.then(() => order.push(i));
    }
    await clock.advance(2000);
    expect(order).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test('what came up first goes first, though others have asked for thousands of turns before', async () => {
    const clock = manualClock();
    const spare = createSpareTime({ clock, busy: () => 1 });
    const came = clock.now();
    const others = ask(spare, 5000, came + 1);
    const before = others();
    const few = ask(spare, 20, came);
    await clock.advance(100);
    expect(few()).toBe(20);
    expect(others() - before).toBeLessThan(100);
  });

  test('nobody waits once all is to end', async () => {
    const clock = manualClock();
    const spare = createSpareTime({ clock, busy: () => 1 });
    const given = ask(spare, 1000, clock.now());
    spare.hurry();
    await Promise.resolve();
    expect(given()).toBe(1000);
    expect(spare.turn(clock.now())).toBeUndefined();
  });
});
