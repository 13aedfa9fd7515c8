/** A single run in this thread, that can be left and gone on with. */
import { setImmediate } from 'node:timers/promises';
import { Simulation } from '../engine/index.ts';
import { summarise } from '../report/summary.ts';
import type { RunPlan } from '../scenario/plan.ts';
import { specOf, type Sources } from '../scenario/run-spec.ts';
import { createSources } from '../scenario/sources.ts';
import type { SweepListener } from './pool.ts';
import type { RunOutcome } from './protocol.ts';

/** Events between two looks at the signal. */
const burst = 20_000;

export interface SavedRunOptions {
  /** What a run of the same plan saved. */
  readonly from?: Uint8Array | undefined;
  readonly signal: AbortSignal;
  readonly listener?: SweepListener | undefined;
}

export interface SavedRun {
  readonly outcome: RunOutcome;
  /** False: the signal came before the end. */
  readonly ended: boolean;
  /** To go on with. */
  readonly bytes: Uint8Array;
}

/** Throws ScenarioError, InputError, or the engine's error where `from` is not of this plan. */
export async function runSaved(
  plan: RunPlan,
  { from, signal, listener }: SavedRunOptions,
  sources: Sources = createSources(),
): Promise<SavedRun> {
  const spec = specOf(plan, sources);
  const { workload, untilMs } = spec;
  const simulation = from ? Simulation.resume(spec, from) : new Simulation(spec);
  let ended = simulation.step(burst);
  while (!ended && !signal.aborted) {
    listener?.running([{ progress: simulation.progress(), jobs: workload.count, untilMs }]);
    await setImmediate();
    ended = simulation.step(burst);
  }
  const bytes = simulation.save();
  const result = simulation.result();
  const outcome: RunOutcome = {
    summary: summarise(result),
    progress: simulation.progress(),
    notes: workload.notes,
    result,
  };
  listener?.finished(outcome);
  return { outcome, ended, bytes };
}
