/** What a job needs to know of itself when shares of time are given out. */
export interface Asks {
  readonly cards: number;
  readonly leftMs: number;
  readonly passedMs: number;
  /** Iterations. */
  readonly alone: number;
}

/** So close is the ratio found to the true one, relative. */
const exact = 1e-14;

/**
 * Shares with which (passed + left / share) / alone is at most some ratio, as small as can be, but for those past help: they have 1.
 * `guess`: a ratio that may be near.
 */
export function fairestShares(
  asks: readonly Asks[],
  total: number,
  guess: number,
): { readonly shares: Float64Array; readonly ratio: number } {
  const n = asks.length;
  const [cards, left, passed, alone, shares] = Array.from(
    { length: 5 },
    () => new Float64Array(n),
  ) as Columns;
  for (let i = 0; i < n; i++) {
    const ask = asks[i]!;
    cards[i] = ask.cards;
    left[i] = ask.leftMs;
    passed[i] = ask.passedMs;
    alone[i] = ask.alone;
  }
  /** Fills `shares`. Above 0: that is more than there is. Falls as the ratio rises. */
  function excess(ratio: number): number {
    let sum = -total;
    for (let i = 0; i < n; i++) {
      const time = ratio * alone[i]! - passed[i]!;
      const share = time > left[i]! ? left[i]! / time : 1;
      shares[i] = share;
      sum += share * cards[i]!;
    }
    return sum;
  }
  if (excess(0) <= 0) return { shares, ratio: guess };
  let low = guess;
  let high = guess;
  let atLow = excess(guess);
  let atHigh = atLow;
  while (atLow <= 0) atLow = excess((low /= 2));
  while (atHigh > 0) atHigh = excess((high *= 2));
  // Regula falsi (Illinois): where the line between both ends crosses 0; an end that stays counts half each time.
  for (let i = 0; i < 200 && high - low > exact * high; i++) {
    const line = high - (atHigh * (high - low)) / (atHigh - atLow);
    const middle = line > low && line < high ? line : (low + high) / 2;
    if (middle <= low || middle >= high) break;
    const value = excess(middle);
    if (value > 0) {
      low = middle;
      atLow = value;
      atHigh /= 2;
    } else {
      high = middle;
      atHigh = value;
      atLow /= 2;
      if (value === 0) break;
    }
  }
  excess(high);
  return { shares, ratio: high };
}

type Columns = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
