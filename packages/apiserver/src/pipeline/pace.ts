/** Keeps long loops from holding the event loop: others get a turn after every few milliseconds of work. */

/** Milliseconds of work between two turns. */
const slice = 8;

/** Call `await pace()` (when it returns a promise) once an item or so. */
export function pacer(): () => Promise<void> | undefined {
  let started = performance.now();
  let calls = 0;
  return () => {
    if (++calls % 32 !== 0 || performance.now() - started < slice) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        started = performance.now();
        resolve();
      });
    });
  };
}
