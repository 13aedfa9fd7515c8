/** Makes runs from plans at one go, with what was read for the last one kept for the next: what a thread does. */
import type { RunningRun } from '../report/terminal/progress.ts';
import type { Sources } from '../scenario/run-spec.ts';
import { createSources } from '../scenario/sources.ts';
import { OpenRun } from './open-run.ts';
import type { RunOutcome, SweepTask } from './protocol.ts';

/** Events between two looks at the clock. */
const burst = 20_000;
const tellEveryMs = 250;

export interface Runner {
  /** Throws ScenarioError or InputError where the scenario or a file is wrong. */
  run(task: SweepTask, onProgress?: (running: RunningRun) => void): RunOutcome;
}

export function createRunner(sources: Sources = createSources()): Runner {
  return {
    run({ plan, detail }, onProgress) {
      const run = new OpenRun(plan, sources);
      let told = performance.now();
      while (!run.step(burst)) {
        if (!onProgress || performance.now() - told < tellEveryMs) continue;
        told = performance.now();
        onProgress(run.running());
      }
      return run.outcome(detail);
    },
  };
}
