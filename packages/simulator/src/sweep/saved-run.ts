/** A single run in this thread, that can be left and gone on with. */
import { setImmediate } from 'node:timers/promises';
import type { RunPlan } from '../scenario/plan.ts';
import type { Sources } from '../scenario/run-spec.ts';
import { createSources } from '../scenario/sources.ts';
import { OpenRun } from './open-run.ts';
import type { SweepListener } from './pool.ts';
import type { RunOutcome } from './protocol.ts';

const burstMs = 40;

export interface SavedRunOptions {
  /** What a run of the same plan saved. */
  readonly from?: Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Events between two looks at it. Default: as many as some tens of milliseconds take. */
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
  { from, signal, listener, burst }: SavedRunOptions,
  sources: Sources = createSources(),
): Promise<SavedRun> {
  listener?.started?.(1);
  const run = new OpenRun(plan, sources, from);
  const step = (): boolean =>
    burst === undefined ? run.stepFor(burstMs, () => performance.now()) : run.step(burst);
  let ended = step();
  while (!ended && !signal.aborted) {
    listener?.running([run.running()]);
    await setImmediate();
    ended = step();
  }
  const outcome = run.outcome(true);
  if (ended) listener?.finished(outcome);
  return { outcome, ended, bytes: run.save() };
}
