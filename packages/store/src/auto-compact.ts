import type { Store } from './store.ts';
import type { StoreClock } from './timing.ts';

/** How much history stays readable. What either limit drops is dropped. */
export interface AutoCompact {
  /** Events kept; default 100,000. */
  keepEvents?: number | undefined;
  /** Minutes of events kept; default 10 (etcd as Kubernetes sets it up compacts every 5, keeping 5 to 10). */
  keepMinutes?: number | undefined;
  /** Milliseconds between looks; default 30,000. */
  everyMs?: number | undefined;
}

/** Compacts by policy until the returned function is called. A failed compaction is tried again at the next look. */
export function startAutoCompact(store: Store, clock: StoreClock, policy: AutoCompact): () => void {
  const { keepEvents = 100_000, keepMinutes = 10, everyMs = 30_000 } = policy;
  /** Which revision was newest when: events up to there are at least that old. Those of before the start count as new then. */
  const marks = [{ at: clock.now(), revision: store.revision }];
  let cancel = schedule();
  let stopped = false;
  return () => {
    stopped = true;
    cancel();
  };

  function schedule(): () => void {
    return clock.after(everyMs, () => {
      void look().finally(() => {
        if (!stopped) cancel = schedule();
      });
    });
  }

  async function look(): Promise<void> {
    const now = clock.now();
    marks.push({ at: now, revision: store.revision });
    let target = store.revision - keepEvents;
    while (marks.length > 0 && marks[0]!.at <= now - keepMinutes * 60_000) {
      target = Math.max(target, marks.shift()!.revision);
    }
    if (target <= store.compacted) return;
    try {
      await store.compact(target);
    } catch {
      // The store is closing or its disk failed; writers hear of the latter.
    }
  }
}
