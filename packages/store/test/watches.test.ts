import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, memoryStore, type StoreEvent } from '../src/index.ts';
import { Collector, ManualClock, put, remove, until } from './support.ts';

async function filled(events: number, options = {}) {
  const store = memoryStore(options);
  await Promise.all(Array.from({ length: events }, (_, i) => put(store, `k/${i % 10}`, `${i}`)));
  return store;
}
const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => from + i);

describe('a watch', () => {
  test('far behind gets the kept events and then the new ones, without gap or double', async () => {
    const store = await filled(3000, { memory: { recentEvents: 100 } });
    const seen = new Collector(store, 'k/', 0);
    for (let i = 0; i < 50; i++) await put(store, 'k/new', `${i}`);
    await until(() => seen.events.length >= 3050);
    expect(seen.revisions).toEqual(upTo(3050));
  });

  test('added by a consumer in the middle of a delivery is not shown that delivery', async () => {
    const store = memoryStore();
    let inner: Collector | undefined;
    store.watch('', 0, {
      onEvents: () => {
        inner ??= new Collector(store, '', store.revision);
        return true;
      },
      onEnd: () => {},
    });
    await put(store, 'a', '1');
    await put(store, 'a', '2');
    expect(inner!.revisions).toEqual([2]);
  });

  test('sees the keys that begin with its prefix, wherever their slashes are', async () => {
    const name = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 5 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { maxLength: 8 }),
        fc.array(name, { maxLength: 12 }),
        async (prefixes, keys) => {
          const store = memoryStore();
          const seen = prefixes.map((prefix) => new Collector(store, prefix, 0));
          await Promise.all(keys.map((key) => put(store, `${key}x`, '1')));
          seen[0]?.watch.stop();
          await Promise.all(keys.map((key) => put(store, `${key}x`, '2')));
          const all = [...keys, ...keys].map((key) => `${key}x`);
          for (const [i, { events }] of seen.entries())
            expect(events.map(({ key }) => key)).toEqual(
              (i === 0 ? all.slice(0, keys.length) : all).filter((key) => key.startsWith(prefixes[i]!)),
            );
          await store.close();
        },
      ),
    );
  });

  test('that selects by a part hears of every event before or after which the part is so, in order', async () => {
    const text = (entry: Entry | undefined): string => (entry ? Buffer.from(entry.bytes).toString() : '');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y', 'z', 'gone')), {
          maxLength: 40,
        }),
        async (steps) => {
          const store = memoryStore();
          const part = { read: text };
          const seen = { x: [] as number[], y: [] as number[], all: [] as StoreEvent[] };
          const follow = (value: 'x' | 'y') => {
            const onEvents = (events: readonly StoreEvent[]): boolean => {
              for (const { entry, previous, revision } of events)
                if (text(entry) === value || text(previous) === value) seen[value].push(revision);
              return true;
            };
            return store.watch('', 0, { onEvents, onEnd: () => {} }, { part, value });
          };
          const watches = [follow('x'), follow('y')];
          store.watch('', 0, { onEvents: (events) => seen.all.push(...events) > 0, onEnd: () => {} });
          for (const [key, value] of steps) {
            if (value === 'gone') await remove(store, key);
            else await put(store, key, value);
          }
          for (const value of ['x', 'y'] as const) {
            const wanted = seen.all.filter((e) => text(e.entry) === value || text(e.previous) === value);
            expect(seen[value]).toEqual(wanted.map((e) => e.revision));
          }
          for (const watch of watches) watch.stop();
        },
      ),
      { numRuns: 40 },
    );
  });

  test('that selects by a part is left alone by other values', async () => {
    const store = memoryStore();
    const part = { read: ({ bytes }: Entry) => Buffer.from(bytes).toString() };
    let called = 0;
    for (let i = 0; i < 100; i++) {
      const onEvents = (): boolean => (called++, true);
      store.watch('', 0, { onEvents, onEnd: () => {} }, { part, value: `${i}` });
    }
    await put(store, 'a', '7');
    await put(store, 'a', '8');
    await put(store, 'a', 'none');
    expect(called).toBe(1 + 2 + 1);
  });

  test('that is full gets nothing until it resumes, then all of it in order', async () => {
    const store = memoryStore();
    const seen = new Collector(store, '', 0, 1);
    for (let i = 0; i < 20; i++) await put(store, 'a', `${i}`);
    expect(seen.revisions).toEqual([1]);
    seen.more(Infinity);
    await until(() => seen.events.length === 20);
    expect(seen.revisions).toEqual(upTo(20));
  });

  test('that resumes inside its delivery goes on', async () => {
    const store = memoryStore();
    const revisions: number[] = [];
    const watch = store.watch('', 0, {
      onEvents(events) {
        revisions.push(...events.map((e) => e.revision));
        watch.resume();
        return false;
      },
      onEnd: () => {},
    });
    for (let i = 0; i < 5; i++) await put(store, 'a', `${i}`);
    await until(() => revisions.length === 5);
    expect(revisions).toEqual(upTo(5));
  });

  test('that stays full for too long is ended as slow; one that resumes in time is not', async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock, maxWatcherBacklogMs: 5000 });
    const slow = new Collector(store, '', 0, 1);
    const saved = new Collector(store, '', 0, 1);
    await put(store, 'a', '1');
    clock.advance(4999);
    saved.more(Infinity);
    expect(slow.ended).toBeUndefined();
    clock.advance(1);
    expect(slow.ended).toBe('slow');
    clock.advance(60_000);
    expect(saved.ended).toBeUndefined();
    expect(store.stats().watchers).toBe(1);
  });

  test('that is full while its next events are compacted is ended', async () => {
    const store = memoryStore();
    const seen = new Collector(store, '', 0, 1);
    for (let i = 0; i < 10; i++) await put(store, 'a', `${i}`);
    await store.compact(5);
    seen.more(Infinity);
    await until(() => seen.ended !== undefined);
    expect(seen.ended).toBe('compacted');
    expect(seen.revisions).toEqual([1]);
  });

  test('that is caught up hears of progress within a second, once a revision, though nothing matches', async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const seen = new Collector(store, 'other/', 0);
    await put(store, 'a', '1');
    clock.advance(1000);
    expect(seen.progress).toEqual([1]);
    clock.advance(5000);
    expect(seen.progress).toEqual([1]);
    await put(store, 'a', '2');
    clock.advance(1000);
    expect(seen.progress).toEqual([1, 2]);
    expect(seen.events).toEqual([]);
  });

  test('that is full hears of no progress', async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const seen = new Collector(store, '', 0, 1);
    await put(store, 'a', '1');
    await put(store, 'a', '2');
    clock.advance(2000);
    expect(seen.progress).toEqual([]);
  });

  test('whose consumer throws is ended and does not disturb the others', async () => {
    const store = memoryStore();
    let ended: string | undefined;
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    store.watch('', 0, {
      onEvents() {
        throw new Error('consumer bug');
      },
      onEnd: (reason) => {
        ended = reason;
      },
    });
    const other = new Collector(store, '', 0);
    await put(store, 'a', '1');
    await put(store, 'a', '2');
    expect(ended).toBe('closed');
    expect(other.revisions).toEqual([1, 2]);
    expect((await warned).message).toBe('consumer bug');
  });

  test('that was stopped gets nothing more', async () => {
    const store = memoryStore();
    const seen = new Collector(store, '', 0);
    await put(store, 'a', '1');
    seen.watch.stop();
    await put(store, 'a', '2');
    seen.watch.resume();
    await put(store, 'a', '3');
    expect(seen.revisions).toEqual([1]);
    expect(seen.ended).toBeUndefined();
  });
});

describe('automatic compaction', () => {
  test('keeps the last N events', async () => {
    const clock = new ManualClock();
    const store = await filled(1000, { clock, autoCompact: { keepEvents: 100, everyMs: 1000 } });
    expect(store.compacted).toBe(0);
    clock.advance(1000);
    await until(() => store.compacted === 900);
    await store.close();
  });

  test('drops events older than the kept minutes', async () => {
    const clock = new ManualClock();
    const store = await filled(10, { clock, autoCompact: { keepMinutes: 2, everyMs: 60_000 } });
    const minute = async () => {
      clock.advance(60_000);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await minute();
    await put(store, 'later', '1');
    await minute();
    expect(store.compacted).toBe(0);
    await minute();
    await until(() => store.compacted === 10);
    expect(store.get('later')?.revision).toBe(11);
    await store.close();
  });
});

describe('compaction', () => {
  test('leaves nothing of a deleted key', async () => {
    const store = memoryStore();
    await put(store, 'a', '1');
    await remove(store, 'a');
    await store.compact(2);
    expect(store.stats()).toMatchObject({ keys: 0, bytesOnDisk: 0 });
    expect(store.get('a')).toBeUndefined();
  });

  test('of much history leaves the newest values, drops the rest from the journal, and lets others run meanwhile', async () => {
    const store = await filled(5000);
    const before = store.stats().bytesOnDisk;
    let turns = 0;
    const done = store.compact(4990);
    const counting = setInterval(() => turns++, 0);
    await done;
    clearInterval(counting);
    expect(store.stats().bytesOnDisk).toBeLessThan(before / 100);
    expect(store.range('k/').entries.length).toBe(10);
    expect(store.range('k/', { revision: 4991 }).entries.length).toBe(10);
  });
});
