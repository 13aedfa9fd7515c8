/**
 * Keeps a burst of requests from holding the event loop. In-process callers are answered by promises, and a chain of settled
 * promises never leaves the microtask queue: a write wakes watchers, which wake controllers, which write. So a request that
 * comes when the present turn has lasted long enough waits for a later turn, in the order of arrival, a few a turn.
 */

/** Milliseconds of work in one turn after which requests wait. */
const budget = 6;
/** Requests let into one turn; at some tenths of a millisecond each they leave room for sockets and timers. */
const admitted = 16;

/** `enter()` is undefined when the request may go on at once. `now`: performance.now(), which the caller has read anyway. */
export function createTurns(): { enter(now?: number): Promise<void> | undefined } {
  const waiting: (() => void)[] = [];
  let began = 0;
  let entered = 0;
  let armed = false;
  const arm = (): void => {
    if (armed) return;
    armed = true;
    setImmediate(turn);
  };
  const turn = (): void => {
    armed = false;
    began = performance.now();
    const next = waiting.splice(0, admitted);
    entered = next.length;
    for (const go of next) go();
    if (entered > 0) arm();
    else began = 0;
  };
  return {
    enter(now = performance.now()) {
      if (began === 0) {
        began = now;
        entered = 0;
        arm();
      }
      if (waiting.length === 0 && entered < admitted && now - began < budget) {
        entered += 1;
        return undefined;
      }
      arm();
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
