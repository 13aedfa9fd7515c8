import type { Clock } from './contracts.ts';

/** Creations and deletions a controller has asked for and not yet seen in its informers. */
export interface Expectations {
  /** True: all that was expected has been seen (or was never set, or is too old to wait for): the cache may be trusted. */
  satisfied(key: string): boolean;
  /** Replaces what is expected of `key`. */
  expectCreations(key: string, count: number): void;
  expectDeletions(key: string, count: number): void;
  /** Adds to what is expected. */
  raise(key: string, creations: number, deletions: number): void;
  /** One was seen, or its call failed. */
  creationObserved(key: string): void;
  deletionObserved(key: string): void;
  /** The owner is gone. */
  forget(key: string): void;
}

/** After this long a lost event no longer holds a controller up (client-go's ExpectationsTimeout). */
const timeoutMs = 5 * 60_000;

/** client-go's ControllerExpectations: keeps a controller from acting twice while its own writes are on their way back. */
export function createExpectations(clock: Clock): Expectations {
  const waiting = new Map<string, { creations: number; deletions: number; since: number }>();
  const lower = (key: string, field: 'creations' | 'deletions'): void => {
    const entry = waiting.get(key);
    if (entry) entry[field] -= 1;
  };
  return {
    satisfied(key) {
      const entry = waiting.get(key);
      if (!entry) return true;
      return (entry.creations <= 0 && entry.deletions <= 0) || clock.now() - entry.since > timeoutMs;
    },
    expectCreations(key, count) {
      waiting.set(key, { creations: count, deletions: 0, since: clock.now() });
    },
    expectDeletions(key, count) {
      waiting.set(key, { creations: 0, deletions: count, since: clock.now() });
    },
    raise(key, creations, deletions) {
      const entry = waiting.get(key) ?? { creations: 0, deletions: 0, since: clock.now() };
      entry.creations += creations;
      entry.deletions += deletions;
      waiting.set(key, entry);
    },
    creationObserved: (key) => lower(key, 'creations'),
    deletionObserved: (key) => lower(key, 'deletions'),
    forget(key) {
      waiting.delete(key);
    },
  };
}
