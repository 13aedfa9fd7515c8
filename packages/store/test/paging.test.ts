import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../src/index.ts';
import { put, remove } from './support.ts';

describe('thousands of keys', () => {
  test('are counted and paged through in order, whatever was inserted and deleted before', async () => {
    const number = fc.nat(9999);
    await fc.assert(
      fc.asyncProperty(
        fc.array(number, { minLength: 1500, maxLength: 3000, size: 'max' }),
        fc.array(number, { maxLength: 2000, size: 'max' }),
        fc.integer({ min: 1, max: 700 }),
        async (added, removed, limit) => {
          const store = memoryStore();
          await Promise.all(added.map((n) => put(store, `k/${n}`, '')));
          await Promise.all(removed.map((n) => remove(store, `k/${n}`)));
          if (limit % 2 === 0) await store.compact(store.revision);
          const gone = new Set(removed);
          const expected = [...new Set(added)].filter((n) => !gone.has(n)).map((n) => `k/${n}`);
          expected.sort();
          expect(store.count('k/')).toBe(expected.length);
          expect(store.count('k/1')).toBe(expected.filter((k) => k.startsWith('k/1')).length);
          const found: string[] = [];
          for (let after: string | undefined; ; after = found.at(-1)) {
            const page = store.range('k/', { limit, after });
            found.push(...page.entries.map((e) => e.key));
            expect(page.remaining).toBe(expected.length - found.length);
            if (!page.more) break;
          }
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 10 },
    );
  });
});
