/** What people should know of a scenario that its figures do not show. */
import { priority } from '../ordering/queue-policies.ts';
import { orderingOf } from './orderings.ts';
import type { Plan } from './plan.ts';
import { shapeOf } from './shapes.ts';
import type { ScenarioSpec } from './types.ts';

/** In sentences. `prioritised`: jobs whose priority is not 0. */
export function remarksOf(spec: ScenarioSpec, { runs }: Plan, prioritised: number): string[] {
  const out: string[] = [];
  const used = runs.some((run) => run.spec.preemption || orderingOf(run.ordering).rank === priority.rank);
  if (prioritised > 0 && !used) {
    out.push(
      'Jobs have priorities, and nothing here uses them: they count with preemption (--preemption) or the ordering "priority".',
    );
  }
  const shapes = asFast(spec);
  if (shapes.length > 0) {
    out.push(
      `Jobs take as long on ${shapes.join(' and ')} as the input says, whatever they ran on there: \`speeds\` (--speed h100=1.9) ` +
        'says how much faster cards are.',
    );
  }
  return out;
}

/** Shapes that a variant or a search brings, with cards of which nothing says how fast they are, and that are not there already. */
function asFast({ cluster: { pools = [] }, shapes, variants = [], find, speeds }: ScenarioSpec): string[] {
  const product = (name: string): string | undefined =>
    shapeOf(name, shapes).template.metadata?.labels?.['nvidia.com/gpu.product'];
  const there = pools.map(({ shape }) => product(shape));
  const brought = variants.flatMap(({ add = [], swap = [], speeds: own, durations }) =>
    own || durations !== undefined ? [] : [...add, ...swap].map(({ shape }) => shape),
  );
  if (find) brought.push(find.shape);
  const other = brought.filter((shape) => {
    const cards = product(shape);
    return cards !== undefined && !there.includes(cards);
  });
  return speeds ? [] : [...new Set(other)];
}
