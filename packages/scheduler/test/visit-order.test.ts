import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowSet } from '../src/core/row-set.ts';
import { placeOf, rowAfter, rowAt, RowWalk, visitOrder } from '../src/core/visit-order.ts';

test('a walk comes by every row in use once, in the order of places, whatever it starts with and however it is cut', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.boolean(),
      fc.nat(),
      fc.array(fc.boolean(), { minLength: 512, maxLength: 512 }),
      fc.option(fc.array(fc.nat(511), { maxLength: 200 })),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      (rows, straight, from, used, within, limits) => {
        const order = visitOrder(rows, straight);
        const alive = Uint8Array.from(used, (is, row) => (is && row < rows ? 1 : 0));
        const set = within ? RowSet.of(512, within) : undefined;
        const start = from % order.places;
        const expected: number[] = [];
        for (let i = 0; i < order.places; i++) {
          const row = rowAt(order, (placeOf(order, start) + i) % order.places);
          if (alive[row] === 1 && (set?.has(row) ?? true)) expected.push(row);
        }
        const walk = new RowWalk();
        walk.begin(order, start);
        const batch = new Int32Array(64);
        const seen: number[] = [];
        for (let i = 0; walk.left > 0; i++) {
          const limit = limits[i % limits.length]!;
          const count = walk.take(batch, limit, alive, set);
          expect(count).toBeLessThanOrEqual(limit);
          seen.push(...batch.subarray(0, count));
        }
        expect(seen).toEqual(expected);
        expect(new Set(seen).size).toBe(seen.length);
      },
    ),
  );
});

test('rows have one place each, and the row after the last place is the first', () => {
  for (const rows of [1, 7, 8, 9, 100, 1213, 10_000]) {
    for (const straight of [false, true]) {
      const order = visitOrder(rows, straight);
      const places = Array.from({ length: rows }, (_, row) => placeOf(order, row));
      expect(new Set(places).size).toBe(rows);
      expect(places.map((place) => rowAt(order, place))).toEqual(places.map((_, row) => row));
      expect(rowAfter(order, rowAt(order, order.places - 1))).toBe(rowAt(order, 0));
    }
  }
});
