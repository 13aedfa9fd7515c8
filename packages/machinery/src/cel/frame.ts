/** What one evaluation holds: the values of variables, and what it has cost so far. */
import { CelError } from './errors.ts';
import type { CelValue } from './values.ts';

/** The evaluation did more than its limit allows. Unlike other errors, `&&`, `||` and loops do not pass over it. */
export class CelCostError extends CelError {}

export class Frame {
  /** Declared variables first (undefined: not given), then those that macros bind. */
  readonly slots: (CelValue | undefined)[];
  /** Steps that are left. */
  left: number;
  constructor(slots: (CelValue | undefined)[], limit: number) {
    this.slots = slots;
    this.left = limit;
  }
  /** Takes `steps` from what is left. Throws CelCostError when nothing is. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw new CelCostError('operation cancelled: actual cost limit exceeded');
  }
}

/** A compiled node. */
export type Step = (frame: Frame) => CelValue;
