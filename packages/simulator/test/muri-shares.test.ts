/** The shares of time that Muri's Themis gives out: what they keep to, and that no better ones can be. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairestShares, type Asks } from '../src/experiments/muri/fairest-shares.ts';

const total = 64;
const near = 1e-9;

const positive = (max: number) => fc.double({ min: 1, max, noNaN: true });
const arbitraryAsks: fc.Arbitrary<readonly Asks[]> = fc.array(
  fc.record({
    cards: fc.constantFrom(1, 2, 4, 8, 16, 32),
    leftMs: positive(1e9),
    passedMs: fc.oneof(fc.constant(0), positive(1e9)),
    alone: positive(1e7),
  }),
  { minLength: 1, maxLength: 60 },
);

const cardsOf = (asks: readonly Asks[], shares: Float64Array): number =>
  asks.reduce((sum, { cards }, i) => sum + cards * shares[i]!, 0);
const ratioOf = ({ leftMs, passedMs, alone }: Asks, share: number): number =>
  (passedMs + leftMs / share) / alone;

/** Cards needed if nobody who can be helped is to be worse off than `ratio`. */
function needed(asks: readonly Asks[], ratio: number): number {
  return asks.reduce((sum, { cards, leftMs, passedMs, alone }) => {
    const time = ratio * alone - passedMs;
    return sum + cards * (time > leftMs ? leftMs / time : 1);
  }, 0);
}

test('shares are above 0 and at most 1, and need no more cards than there are', () => {
  fc.assert(
    fc.property(arbitraryAsks, (asks) => {
      const { shares } = fairestShares(asks, total, 1);
      for (const share of shares) expect(share > 0 && share <= 1).toBe(true);
      expect(cardsOf(asks, shares)).toBeLessThanOrEqual(total * (1 + near));
    }),
  );
});

test('who has less than all its time is at the ratio, nobody else could have a better one', () => {
  fc.assert(
    fc.property(arbitraryAsks, (asks) => {
      const { shares, ratio } = fairestShares(asks, total, 1);
      asks.forEach((ask, i) => {
        if (shares[i]! < 1) expect(Math.abs(ratioOf(ask, shares[i]!) / ratio - 1)).toBeLessThan(near);
      });
      // A ratio that is better by a little needs more cards than there are.
      if (shares.some((share) => share < 1))
        expect(needed(asks, ratio * (1 - near))).toBeGreaterThan(total * (1 - 1e-12));
    }),
  );
});

test('the worst is as well off as it can be', () => {
  fc.assert(
    fc.property(arbitraryAsks, (asks) => {
      const { shares, ratio } = fairestShares(asks, total, 1);
      const worst = Math.max(...asks.map((ask, i) => ratioOf(ask, shares[i]!)));
      const pastHelp = Math.max(...asks.map((ask) => ratioOf(ask, 1)));
      const bound = shares.some((share) => share < 1) ? Math.max(ratio, pastHelp) : pastHelp;
      expect(worst).toBeLessThanOrEqual(bound * (1 + near));
    }),
  );
});

test('a guess only says where to begin', () => {
  fc.assert(
    fc.property(arbitraryAsks, positive(1e6), (asks, guess) => {
      const [first, far] = [fairestShares(asks, total, 1), fairestShares(asks, total, guess)];
      first.shares.forEach((share, i) => expect(Math.abs(far.shares[i]! / share - 1)).toBeLessThan(near));
      expect(fairestShares(asks, total, guess)).toEqual(far);
    }),
  );
});
