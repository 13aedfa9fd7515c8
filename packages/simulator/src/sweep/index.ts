/** Many runs on many threads, and what they say. */
export { createSweeper, type Sweeper, type SweepListener, type SweepOptions } from './pool.ts';
export type { RunOutcome, SweepTask } from './protocol.ts';
export { runScenario, type Answer, type ScenarioOptions, type ScenarioResult } from './run-scenario.ts';
export { createRunner, type Runner } from './runner.ts';
export { runSaved, type SavedRun, type SavedRunOptions } from './saved-run.ts';
