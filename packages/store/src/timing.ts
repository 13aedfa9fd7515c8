/** Time as a parameter. `now` in milliseconds since 1970; timers return a cancel function. */
export interface StoreClock {
  now(): number;
  after(milliseconds: number, fire: () => void): () => void;
}

/** Real time. Its timers do not keep the process alive: an idle store is no reason to stay. */
export const systemClock: StoreClock = {
  now: () => Date.now(),
  after(milliseconds, fire) {
    const timer = setTimeout(fire, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
