/** A single run in this thread, that can be left and gone on with. */
import { setImmediate } from 'node:timers/promises';
import { Simulation } from '../engine/index.ts';
import { summarise } from '../report/summary.ts';
import type { RunSpec } from '../model/run.ts';
import type { RunPlan } from '../scenario/plan.ts';
import { specOf, type Sources } from '../scenario/run-spec.ts';
import { ScenarioError } from '../scenario/scenario-error.ts';
import { createSources } from '../scenario/sources.ts';
import type { SweepListener } from './pool.ts';
import type { RunOutcome } from './protocol.ts';

export interface SavedRunOptions {
  /** What a run of the same plan saved. */
  readonly from?: Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Events between two looks at it. Default 20,000. */
  readonly burst?: number;
  readonly listener?: SweepListener | undefined;
}

export interface SavedRun {
  readonly outcome: RunOutcome;
  /** False: the signal came before the end. */
  readonly ended: boolean;
  /** To go on with. */
  readonly bytes: Uint8Array;
}

/** Throws ScenarioError (also where `from` is not of this plan) or InputError. */
export async function runSaved(
  plan: RunPlan,
  { from, signal, listener, burst = 20_000 }: SavedRunOptions,
  sources: Sources = createSources(),
): Promise<SavedRun> {
  const spec = specOf(plan, sources);
  const { workload, untilMs } = spec;
  listener?.started?.(1);
  const simulation = from ? resumed(spec, from) : new Simulation(spec);
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

function resumed(spec: RunSpec, from: Uint8Array): Simulation {
  try {
    return Simulation.resume(spec, from);
  } catch (error) {
    throw new ScenarioError(`--resume: ${(error as Error).message}`, { cause: error });
  }
}
