import { describe, expect, test } from 'vitest';
import { pacedClock } from '../src/replay/paced-clock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Longer than the work below takes. */
async function rest(): Promise<void> {
  for (let i = 0; i < 30; i++) await turn();
}

/** Resolves when `done` holds. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}

describe('a paced clock', () => {
  test('fires in order of time, each at its time, and what follows happens before time goes on', async () => {
    const clock = pacedClock({ startMs: 1000, speed: Infinity, idle: rest });
    const seen: string[] = [];
    const say = (what: string): void => void seen.push(`${what} ${clock.now() - 1000}`);
    const work = async (what: string): Promise<void> => {
      say(what);
      for (let i = 0; i < 20; i++) await turn();
      say(`${what} is done`);
      clock.after(0, () => say(`${what} at once`));
      clock.after(5, () => say(`${what} later`));
    };
    clock.after(20, () => void work('second'));
    clock.after(10, () => void work('first'));
    const cancel = clock.after(11, () => say('never'));
    cancel();
    await until(() => seen.length === 8);
    clock.stop();
    expect(seen).toEqual([
      'first 10',
      'first is done 10',
      'first at once 10',
      'first later 15',
      'second 20',
      'second is done 20',
      'second at once 20',
      'second later 25',
    ]);
  });

  test('goes at its pace while nothing is under way, and never past a timer that is due', async () => {
    let real = 0;
    const clock = pacedClock({ startMs: 0, speed: 10, elapsed: () => real, idle: turn });
    clock.after(1000, () => {});
    real = 50;
    expect(clock.now()).toBe(500);
    real = 500;
    expect(clock.now()).toBe(1000);
    clock.stop();
  });

  test('counts for how long it stood still', async () => {
    let real = 0;
    let fired = 0;
    const idle = async (): Promise<void> => {
      real += 30;
      await turn();
    };
    const clock = pacedClock({ startMs: 0, speed: 1, elapsed: () => real, idle });
    clock.after(0, () => fired++);
    await until(() => fired === 1 && clock.stoodMs > 0);
    expect(clock.stoodMs).toBe(30);
    expect(clock.now()).toBe(0);
    clock.stop();
  });
});
