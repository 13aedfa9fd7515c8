import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createWorkQueue, manualClock } from '../src/index.ts';

describe('work queue', () => {
  test('hands out keys in order of arrival, each once however often it was added', async () => {
    const queue = createWorkQueue({ clock: manualClock() });
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.next(), await queue.next(), await queue.next()]).toEqual(['a', 'b', 'c']);
  });

  test('a key added during its work is handed out again, after that work', async () => {
    const queue = createWorkQueue({ clock: manualClock() });
    queue.add('a');
    expect(await queue.next()).toBe('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.next()).toBe('a');
  });

  test('gives waiting workers keys as they come', async () => {
    const queue = createWorkQueue({ clock: manualClock() });
    const both = Promise.all([queue.next(), queue.next()]);
    queue.add('a');
    queue.add('b');
    expect(await both).toEqual(['a', 'b']);
  });

  test('backs off from 5 ms, doubling to 1000 s, until forgotten', async () => {
    const clock = manualClock();
    const queue = createWorkQueue({ clock });
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      const before = clock.now();
      queue.addRateLimited('a');
      while (queue.length === 0) await clock.advance(5);
      waits.push(clock.now() - before);
      await queue.next();
      queue.done('a');
      if (waits.at(-1)! > 50) break;
    }
    expect(waits).toEqual([5, 10, 20, 40, 80]);
    expect(queue.retries('a')).toBe(5);
    for (let i = 0; i < 60; i++) queue.addRateLimited('b');
    expect(queue.retries('b')).toBe(60);
    queue.forget('a');
    expect(queue.retries('a')).toBe(0);
    await clock.advance(999_999);
    queue.shutDown();
  });

  test('keeps the earliest time of a delayed key', async () => {
    const clock = manualClock();
    const queue = createWorkQueue({ clock });
    queue.addAfter('a', 1000);
    queue.addAfter('a', 10);
    queue.addAfter('a', 500);
    expect(clock.pending).toBe(1);
    await clock.advance(10);
    expect(queue.length).toBe(1);
    await clock.advance(5000);
    expect(queue.length).toBe(1);
  });

  test('shuts down: waiting workers get undefined, timers are gone', async () => {
    const clock = manualClock();
    const queue = createWorkQueue({ clock });
    const waiting = queue.next();
    queue.addAfter('a', 10);
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    expect(clock.pending).toBe(0);
    queue.add('b');
    expect(await queue.next()).toBeUndefined();
  });

  test('no two workers have one key, and no add is missed, whatever the order', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constant('take' as const), key: fc.constant('') }),
      fc.record({ do: fc.constant('done' as const), key: fc.constantFrom('a', 'b', 'c') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const queue = createWorkQueue({ clock: manualClock() });
        const held = new Set<string>();
        /** Keys added since their last hand-out. */
        const owed = new Set<string>();
        const take = async (): Promise<void> => {
          const key = (await queue.next())!;
          expect(held.has(key)).toBe(false);
          expect(owed.delete(key)).toBe(true);
          held.add(key);
        };
        for (const { do: action, key } of steps) {
          if (action === 'add') {
            queue.add(key);
            owed.add(key);
          } else if (action === 'take' && queue.length > 0) await take();
          else if (action === 'done' && held.delete(key)) queue.done(key);
        }
        for (const key of held) queue.done(key);
        held.clear();
        while (queue.length > 0) await take();
        expect([...owed]).toEqual([]);
      }),
    );
  });
});
