/** Steps taken before the event loop gets a turn; at some microseconds a step this is about a millisecond. */
const stepsPerTurn = 128;

/**
 * Lets long runs of short steps share the event loop. Awaiting a settled promise never leaves the microtask queue, so a
 * loop over them blocks timers and sockets; `pause` lets them in once every `stepsPerTurn` calls and is free otherwise.
 */
export function createTurns(): { pause(): Promise<void> | undefined } {
  let steps = 0;
  return {
    pause() {
      steps += 1;
      if (steps < stepsPerTurn) return undefined;
      steps = 0;
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}
