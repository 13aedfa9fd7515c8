import { milliOf, valueOf_ } from '@coracle/machinery';

/** Whole units, rounded up; 0 for a text that is no quantity (the API server lets none through). */
export function value(quantity: string | number): number {
  return orZero(() => valueOf_(quantity));
}

/** Thousandths, rounded up; 0 for a text that is no quantity. */
export function milliValue(quantity: string | number): number {
  return orZero(() => milliOf(quantity));
}

function orZero(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
