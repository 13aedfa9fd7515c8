/** What compaction leaves is moved out of the memory that it shared with what is gone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStore } from '../src/index.ts';
import { settledBytes } from '../src/settled-bytes.ts';
import { put, text } from './support.ts';

test('settled values are equal, and share no memory with what they were', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 12 }), (values) => {
      const settled = settledBytes();
      const moved = values.map((value) => settled(value));
      for (const [i, value] of values.entries()) {
        expect(Buffer.compare(moved[i]!, value)).toBe(0);
        // More than a quarter of a piece has memory of its own already.
        expect(moved[i]!.buffer === value.buffer).toBe(value.length > 16_384);
      }
    }),
    { numRuns: 30 },
  );
});

test('values that outlive the history around them are moved once, are told so, and read as before', async () => {
  const store = memoryStore();
  const shared = Buffer.from('first,last');
  let told = 0;
  const write = (key: string, from: number, to: number) =>
    store.write({
      key,
      seal: () => ({ bytes: shared.subarray(from, to), notes: { settled: () => (told += 1) } }),
    });
  await write('a', 0, 5);
  await write('a', 6, 10);
  const newest = store.get('a')!;
  await store.compact(1);
  expect(told).toBe(0);
  expect(newest.bytes.buffer).toBe(shared.buffer);
  await store.compact(2);
  expect(told).toBe(1);
  expect(newest.bytes.buffer).not.toBe(shared.buffer);
  expect(text(store.get('a'))).toBe('last');
  await put(store, 'b', 'other');
  await put(store, 'b', 'newer');
  expect(text(store.get('a', 3))).toBe('last');
  await store.compact(4);
  expect(told).toBe(1);
});
