/** Runs of a sweep in this thread, one after the other: for one run, starting a thread takes longer than it saves. */
import { setImmediate } from 'node:timers/promises';
import { createSources } from '../scenario/sources.ts';
import { OpenRun } from './open-run.ts';
import type { Sweeper, SweepOptions } from './pool.ts';
import type { RunOutcome } from './protocol.ts';

/** Milliseconds between two looks at the signal. */
const burstMs = 40;

export function createInTurn({ signal, listener }: Omit<SweepOptions, 'threads'>): Sweeper {
  const sources = createSources();
  return {
    async run(tasks) {
      listener?.started?.(tasks.length);
      const outcomes = Array.from<unknown, RunOutcome | undefined>(tasks, () => undefined);
      for (const [index, { plan, detail }] of tasks.entries()) {
        if (signal.aborted) break;
        const run = new OpenRun(plan, sources);
        while (!run.stepFor(burstMs, () => performance.now())) {
          listener?.running([run.running()]);
          await setImmediate();
          if (signal.aborted) return outcomes;
        }
        const outcome = run.outcome(detail);
        outcomes[index] = outcome;
        listener?.finished(outcome);
        await setImmediate();
      }
      return outcomes;
    },
    close: () => Promise.resolve(),
  };
}
