/**
 * Keeps a burst of requests from holding the event loop. In-process callers are answered by promises, and a chain of settled
 * promises never leaves the microtask queue: a write wakes watchers, which wake controllers, which write. So a request that
 * comes when the present turn has lasted long enough waits for a later turn, in the order of arrival, a few a turn.
 */

/** Milliseconds of work in one turn after which requests wait. */
const budget = 6;
/** Requests let in at the start of a turn; at some tenths of a millisecond each they leave room for sockets and timers. */
const admitted = 8;

/** `enter()` is undefined when the request may go on at once. */
export function createTurns(): { enter(): Promise<void> | undefined } {
  const waiting: (() => void)[] = [];
  let began = 0;
  let armed = false;
  const arm = (): void => {
    if (armed) return;
    armed = true;
    setImmediate(turn);
  };
  const turn = (): void => {
    armed = false;
    began = performance.now();
    for (const go of waiting.splice(0, admitted)) go();
    if (waiting.length > 0) arm();
    else began = 0;
  };
  return {
    enter() {
      if (began === 0) {
        began = performance.now();
        arm();
        return undefined;
      }
      if (waiting.length === 0 && performance.now() - began < budget) return undefined;
      arm();
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
