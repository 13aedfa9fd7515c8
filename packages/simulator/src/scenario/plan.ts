/** Which runs a scenario asks for. */
import type { ScenarioSpec } from './types.ts';
import { variantName, withChanges, type NodeChanges } from './variants.ts';

/** One run as plain data: with it, and the files it names, a run can be made anywhere. */
export interface RunPlan {
  readonly spec: ScenarioSpec & { readonly nodes?: NodeChanges };
  /** Index into `Plan.cells`. */
  readonly cell: number;
  readonly placement: string;
  readonly ordering: string;
  readonly seed: number;
}

/** Runs that differ in nothing but the seed. */
export interface Cell {
  /** '': the scenario as it is. */
  readonly variant: string;
  readonly placement: string;
  readonly ordering: string;
  /** Index of the cell it is compared with; undefined: of none, it is what others are compared with. */
  readonly against: number | undefined;
}

export interface Plan {
  readonly cells: readonly Cell[];
  readonly seeds: readonly number[];
  /** Cell by cell, in each seed by seed. */
  readonly runs: readonly RunPlan[];
}

export const defaultPlacement = 'default';
export const defaultOrdering = 'fifo';

export function seedsOf({ seeds = 1, firstSeed = 1 }: Pick<ScenarioSpec, 'seeds' | 'firstSeed'>): number[] {
  return Array.from({ length: seeds }, (_, i) => firstSeed + i);
}

/** The scenario as it is, under each pair of policies; then each variant, under those or its own. */
export function planOf(spec: ScenarioSpec): Plan {
  const seeds = seedsOf(spec);
  const cells: Cell[] = [];
  const runs: RunPlan[] = [];
  const add = (changed: RunPlan['spec'], name: string): void => {
    for (const placement of changed.placement ?? [defaultPlacement]) {
      for (const ordering of changed.ordering ?? [defaultOrdering]) {
        const same = cells.findIndex(
          (cell) => cell.variant === '' && cell.placement === placement && cell.ordering === ordering,
        );
        const first = cells.length === 0 ? undefined : 0;
        // A variant is compared with the scenario under the same policies; where they are its own, with the first.
        const against = name === '' ? first : same >= 0 && !changesPolicy(changed, spec) ? same : first;
        for (const seed of seeds) runs.push({ spec: changed, cell: cells.length, placement, ordering, seed });
        cells.push({ variant: name, placement, ordering, against });
      }
    }
  };
  add(withChanges(spec, {}), '');
  const names = new Set(['']);
  for (const variant of spec.variants ?? [])
    add(withChanges(spec, variant), unique(variantName(variant), names));
  return { cells, seeds, runs };
}

const changesPolicy = (changed: ScenarioSpec, spec: ScenarioSpec): boolean =>
  changed.placement !== spec.placement || changed.ordering !== spec.ordering;

function unique(name: string, taken: Set<string>): string {
  let result = name;
  for (let i = 2; taken.has(result); i++) result = `${name} (${i})`;
  taken.add(result);
  return result;
}

/** What to call a cell in a table of these cells: policies only where its variant is run under several. */
export function cellName(cell: Cell, cells: readonly Cell[]): string {
  const group = cells.filter(({ variant }) => variant === cell.variant);
  const several = (key: 'placement' | 'ordering'): boolean => group.some((other) => other[key] !== cell[key]);
  const policies = (['placement', 'ordering'] as const)
    .filter((key) => several(key))
    .map((key) => cell[key])
    .join(' + ');
  if (cell.variant !== '') return policies === '' ? cell.variant : `${cell.variant}, ${policies}`;
  if (policies !== '') return policies;
  return cells.length > group.length ? 'no change' : `${cell.placement} + ${cell.ordering}`;
}
