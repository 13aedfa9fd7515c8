import { describe, expect, test } from 'vitest';
import { memoryStore, StoreClosedError } from '../src/index.ts';
import { Collector, put, remove, revisionOf, text, until } from './support.ts';

/** A disk that finishes a flush when told, or fails it. */
function heldDisk() {
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  return {
    flush: () => new Promise<void>((resolve, reject) => waiting.push({ resolve, reject })),
    waiting,
    async release(error?: Error) {
      await until(() => waiting.length > 0);
      const { resolve, reject } = waiting.shift()!;
      if (error) reject(error);
      else resolve();
    },
  };
}

describe('a write', () => {
  test('is seen by reads and watches, and settles, only when it is on disk', async () => {
    const disk = heldDisk();
    const store = memoryStore({ flush: disk.flush });
    const seen = new Collector(store, '', 0);
    let settled = false;
    const written = put(store, 'a', '1').then((r) => {
      settled = true;
      return r;
    });
    await until(() => disk.waiting.length === 1);
    expect(settled).toBe(false);
    expect(store.get('a')).toBeUndefined();
    expect(store.revision).toBe(0);
    expect(store.stats().pendingWrites).toBe(1);
    expect(text(store.peek('a'))).toBe('1');
    await disk.release();
    expect(await written).toMatchObject({ ok: true, revision: 1 });
    expect(text(store.get('a'))).toBe('1');
    expect(seen.revisions).toEqual([1]);
  });

  test('is checked against accepted state, so that of two equal swaps in flight one wins', async () => {
    const store = memoryStore();
    const [first, second] = await Promise.all([put(store, 'a', 'x', 0), put(store, 'a', 'y', 0)]);
    expect(first).toMatchObject({ ok: true, revision: 1 });
    expect(second).toMatchObject({ ok: false, current: { revision: 1 } });
    expect(text(store.get('a'))).toBe('x');
  });

  test('shares one flush with all that came while the one before was going on', async () => {
    const disk = heldDisk();
    const store = memoryStore({ flush: disk.flush });
    const first = put(store, 'a', '0');
    await until(() => disk.waiting.length === 1);
    const rest = Promise.all(Array.from({ length: 50 }, (_, i) => put(store, `b${i}`, 'x')));
    await disk.release();
    await first;
    await disk.release();
    await rest;
    expect(disk.waiting.length).toBe(0);
    expect(store.revision).toBe(51);
  });

  test('in flight stays the newest accepted one when an earlier write of its key becomes durable', async () => {
    const disk = heldDisk();
    const store = memoryStore({ flush: disk.flush });
    const first = put(store, 'a', '1');
    await until(() => disk.waiting.length === 1);
    const second = put(store, 'a', '2');
    await disk.release();
    await first;
    expect(text(store.get('a'))).toBe('1');
    expect(text(store.peek('a'))).toBe('2');
    expect(await put(store, 'a', '3', 1)).toMatchObject({ ok: false, current: { revision: 2 } });
    await disk.release();
    await second;
  });

  test('whose key is missing cannot delete, and says so', async () => {
    const store = memoryStore();
    expect(await remove(store, 'nothing')).toEqual({ ok: false, current: undefined });
    expect(store.revision).toBe(0);
  });

  test('whose seal throws leaves no trace', async () => {
    const store = memoryStore();
    const broken = store.write({
      key: 'a',
      seal: () => {
        throw new RangeError('too large');
      },
    });
    await expect(broken).rejects.toThrow('too large');
    expect(await revisionOf(put(store, 'a', 'x'))).toBe(1);
  });

  test('inside a seal is refused: its revision is taken already', async () => {
    const store = memoryStore();
    const nested = store.write({
      key: 'a',
      seal: () => {
        void put(store, 'b', 'x');
        return { bytes: Buffer.from('') };
      },
    });
    await expect(nested).rejects.toThrow('must not write');
    await until(() => store.revision === 1);
    expect(store.get('a')).toBeUndefined();
  });

  test('of a key that is no Unicode text is refused', async () => {
    await expect(put(memoryStore(), 'a\ud800', 'x')).rejects.toThrow(TypeError);
  });

  test('of a key too long to be kept is refused, and harms nothing', async () => {
    const store = memoryStore();
    await expect(put(store, 'k'.repeat(65_536), 'x')).rejects.toThrow('longer than 65535 bytes');
    expect(await revisionOf(put(store, 'é'.repeat(32_767), 'x'))).toBe(1);
  });

  test('keeps the decoded object with its entry', async () => {
    const store = memoryStore();
    const object = Object.freeze({ a: 1 });
    await store.write({ key: 'a', seal: () => ({ bytes: Buffer.from('{"a":1}'), object }) });
    expect(store.get('a')?.object).toBe(object);
    expect(store.range('').entries[0]?.object).toBe(object);
  });
});

describe('a failing disk', () => {
  test('rejects the writes it held and all later ones, and shows none of them', async () => {
    const disk = heldDisk();
    const store = memoryStore({ flush: disk.flush });
    const kept = put(store, 'kept', '1');
    await disk.release();
    await kept;
    const lost = [put(store, 'a', '1'), put(store, 'b', '2')].map((p) =>
      expect(p).rejects.toThrow('could not write'),
    );
    await disk.release(new Error('no space left on device'));
    await Promise.all(lost);
    await expect(put(store, 'c', '3')).rejects.toMatchObject({
      cause: { message: 'no space left on device' },
    });
    expect(store.revision).toBe(1);
    expect(store.peek('a')).toBeUndefined();
    expect(text(store.get('kept'))).toBe('1');
    await store.close();
  });
});

describe('closing', () => {
  test('finishes the writes it has accepted and refuses later ones', async () => {
    const store = memoryStore();
    const last = put(store, 'a', '1');
    const closed = store.close();
    await expect(put(store, 'b', '1')).rejects.toThrow(StoreClosedError);
    expect(await last).toMatchObject({ ok: true });
    await closed;
    await store.close();
    await expect(store.compact(1)).rejects.toThrow(StoreClosedError);
    expect(() => new Collector(store, '', 0)).toThrow(StoreClosedError);
  });

  test('ends every watch', async () => {
    const store = memoryStore();
    const seen = new Collector(store, '', 0);
    const stopped = new Collector(store, '', 0);
    stopped.watch.stop();
    await store.close();
    expect(seen.ended).toBe('closed');
    expect(stopped.ended).toBeUndefined();
  });
});
