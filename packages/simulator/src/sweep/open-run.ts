/** A run that is made a part at a time, so that who makes it stays awake. */
import { Simulation } from '../engine/index.ts';
import { modelsOf } from '../engine/speed.ts';
import type { RunSpec } from '../model/run.ts';
import type { RunningRun } from '../report/terminal/progress.ts';
import { summarise } from '../report/summary.ts';
import type { RunPlan } from '../scenario/plan.ts';
import { specOf, type Sources } from '../scenario/run-spec.ts';
import { ScenarioError } from '../scenario/scenario-error.ts';
import type { RunOutcome } from './protocol.ts';

/** Of the slowest policies each takes a few milliseconds. */
const fewEvents = 16;

export class OpenRun {
  readonly #spec: RunSpec;
  readonly #simulation: Simulation;

  /** `saved`: to go on from. Throws ScenarioError (also where `saved` is not of this plan) or InputError. */
  constructor(plan: RunPlan, sources: Sources, saved?: Uint8Array) {
    this.#spec = specOf(plan, sources);
    this.#simulation = saved ? resumed(this.#spec, saved) : new Simulation(this.#spec);
  }

  /** Goes on for so many events; true at the end. */
  step(events: number): boolean {
    return this.#simulation.step(events);
  }

  /** Goes on for about so many milliseconds of the caller's clock; true at the end. However slow a policy is, that is kept. */
  stepFor(ms: number, now: () => number): boolean {
    const until = now() + ms;
    for (;;) {
      if (this.step(fewEvents)) return true;
      if (now() >= until) return false;
    }
  }

  save(): Uint8Array {
    return this.#simulation.save();
  }

  running(): RunningRun {
    const { workload, untilMs } = this.#spec;
    return { progress: this.#simulation.progress(), jobs: workload.count, untilMs };
  }

  /** What it has given so far; `detail`: with the whole result. */
  outcome(detail: boolean): RunOutcome {
    const result = this.#simulation.result();
    const { notes, prioritised, recorded } = this.#spec.workload;
    const models = [...new Set(this.#spec.cluster.nodes.flatMap(modelsOf))];
    return {
      summary: summarise(result),
      progress: this.#simulation.progress(),
      notes,
      models,
      ...(prioritised !== undefined && { prioritised }),
      ...(recorded && { recorded }),
      ...(detail && { result }),
    };
  }
}

function resumed(spec: RunSpec, saved: Uint8Array): Simulation {
  try {
    return Simulation.resume(spec, saved);
  } catch (error) {
    throw new ScenarioError(`--resume: ${(error as Error).message}`, { cause: error });
  }
}
