/** Makes runs from plans, with what was read for the last one kept for the next. */
import { Simulation } from '../engine/index.ts';
import type { RunningRun } from '../report/terminal/progress.ts';
import { summarise } from '../report/summary.ts';
import { specOf, type Sources } from '../scenario/run-spec.ts';
import { createSources } from '../scenario/sources.ts';
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
      const spec = specOf(plan, sources);
      const { workload, untilMs } = spec;
      const simulation = new Simulation(spec);
      let told = performance.now();
      while (!simulation.step(burst)) {
        if (!onProgress || performance.now() - told < tellEveryMs) continue;
        told = performance.now();
        onProgress({ progress: simulation.progress(), jobs: workload.count, untilMs });
      }
      const result = simulation.result();
      return {
        summary: summarise(result),
        progress: simulation.progress(),
        notes: workload.notes,
        ...(detail && { result }),
      };
    },
  };
}
