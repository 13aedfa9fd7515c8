/** Waits for a condition; tests wait on conditions, never for a time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with the first value of `look` that is neither undefined nor false; rejects, saying `what`, after a minute. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`, { cause: last });
    await sleep(25);
  }
}
