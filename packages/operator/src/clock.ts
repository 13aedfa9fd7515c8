import type { Clock } from './contracts.ts';

/** The machine's clock. A timer keeps the process alive until it fires or is cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, fire) {
    // Timers hold at most 2^31-1 ms; a longer wait is one of that length, repeated.
    const longest = 2 ** 31 - 1;
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = setTimeout(() => (left > longest ? arm(left - longest) : fire()), Math.min(left, longest));
    };
    arm(Math.max(0, milliseconds));
    return () => clearTimeout(timer);
  },
};

/** A clock that a test moves by hand. */
export interface ManualClock extends Clock {
  /**
   * Moves time forward, firing timers in order of their time (equal times: in order of their making). Between two timers
   * pending promises get to run, so that what one timer starts can set the next.
   */
  advance(milliseconds: number): Promise<void>;
  /** Timers waiting. */
  readonly pending: number;
}

/** Starts at `start` (milliseconds since 1970; default 2026-01-01T00:00:00Z). */
export function manualClock(start: number = Date.UTC(2026, 0, 1)): ManualClock {
  let time = start;
  const timers = new Set<{ at: number; fire: () => void }>();
  return {
    now: () => time,
    after(milliseconds, fire) {
      const timer = { at: time + Math.max(0, milliseconds), fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(milliseconds) {
      const end = time + milliseconds;
      await settle();
      for (;;) {
        let next: { at: number; fire: () => void } | undefined;
        for (const timer of timers) if (next === undefined || timer.at < next.at) next = timer;
        if (next === undefined || next.at > end) break;
        timers.delete(next);
        time = Math.max(time, next.at);
        next.fire();
        await settle();
      }
      time = end;
      await settle();
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Lets pending promises and immediates run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves after a time, or at once when the signal aborts (without error). */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(milliseconds, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
