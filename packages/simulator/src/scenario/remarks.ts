/** What people should know of a scenario that its figures do not show. */
import { modelAnnotation } from '@coracle/machinery';
import { namesModel } from '../engine/speed.ts';
import { priority } from '../ordering/queue-policies.ts';
import { orderingOf } from './orderings.ts';
import type { Plan } from './plan.ts';
import type { RecordedWaits } from '../model/job.ts';
import { duration } from '../report/units.ts';
import { shapeOf } from './shapes.ts';
import type { ScenarioSpec } from './types.ts';

/** What a run of the scenario itself saw. */
export interface Seen {
  /** Jobs whose priority is not 0. */
  readonly prioritised?: number;
  /** Models of cards. */
  readonly models?: readonly string[];
  readonly recorded?: RecordedWaits;
}

/** In sentences. */
export function remarksOf(
  spec: ScenarioSpec,
  { runs }: Plan,
  { prioritised = 0, models = [], recorded }: Seen,
): string[] {
  const out: string[] = [];
  const { arrivals = 1, durations = 1, resample } = spec.workload;
  if (recorded && arrivals === 1 && durations === 1 && resample === undefined) {
    const { jobs, meanMs, p95Ms } = recorded;
    out.push(
      `As the input has it, jobs waited ${duration(meanMs)} in the mean and ${duration(p95Ms)} at the 95th percentile ` +
        `(${jobs.toLocaleString('en-US')} jobs).`,
    );
  }
  const used = runs.some((run) => run.spec.preemption || orderingOf(run.ordering).rank === priority.rank);
  if (prioritised > 0 && !used) {
    out.push(
      'Jobs have priorities, and nothing here uses them: they count with preemption (--preemption) and with the orderings "priority" and "kube-scheduler".',
    );
  }
  const all = [...models, ...brought(spec).flatMap((shape) => modelOf(spec, shape) ?? [])];
  for (const model of Object.keys(
    Object.assign({}, spec.speeds, ...(spec.variants ?? []).map(({ speeds }) => speeds)),
  )) {
    if (all.some((text) => namesModel(text, model))) continue;
    const there =
      all.length > 0 ? `there are ${[...new Set(all)].join(', ')}` : 'there are no cards of a known model';
    out.push(`No cards here are called "${model}", so that its speed counts for nothing; ${there}.`);
  }
  const shapes = asFast(spec, models);
  if (shapes.length > 0) {
    out.push(
      `Jobs take as long on ${shapes.join(' and ')} as the input says, whatever they ran on there: \`speeds\` (--speed h100=1.9) ` +
        'says how much faster cards are.',
    );
  }
  return out;
}

/** Shapes that a variant or a search brings, with cards of which nothing says how fast they are, and that are not there already. */
function asFast(spec: ScenarioSpec, there: readonly string[]): string[] {
  if (spec.speeds) return [];
  const variants = (spec.variants ?? []).filter(
    ({ speeds, durations }) => !speeds && durations === undefined,
  );
  const other = brought({ ...spec, variants }).filter((shape) => {
    const model = modelOf(spec, shape);
    return model !== undefined && !there.some((text) => namesModel(text, model));
  });
  return [...new Set(other)];
}

/** Shapes that are not there at first. */
function brought({ variants = [], find }: ScenarioSpec): string[] {
  const shapes = variants.flatMap(({ add = [], swap = [] }) => [...add, ...swap].map(({ shape }) => shape));
  return find ? [...shapes, find.shape] : shapes;
}

function modelOf({ shapes }: ScenarioSpec, shape: string): string | undefined {
  return shapeOf(shape, shapes).template.metadata?.labels?.[modelAnnotation];
}
