/** What a schema cannot say of a scenario: fields that go together, and names that must be there. */
import { modelAnnotation } from '@coracle/machinery';
import { didYouMean } from './nearest.ts';
import { readDuration } from './duration.ts';
import { readGoal } from './goal.ts';
import { placementOf } from './placements.ts';
import { ScenarioError } from './scenario-error.ts';
import { isOfModel } from '../engine/speed.ts';
import { nodeOfPool, poolOf, shapeOf } from './shapes.ts';
import type { Changes, ScenarioSpec } from './types.ts';
import { orderingOf } from './orderings.ts';

export interface SpecProblem {
  /** Below `spec`. */
  readonly path: string;
  readonly says: string;
}

/** Of a spec that fits the schema. Files it names are not looked at. */
export function specProblems(spec: ScenarioSpec): SpecProblem[] {
  const out: SpecProblem[] = [];
  const attempt = (path: string, check: () => unknown): void => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      out.push({ path, says: error.message });
    }
  };
  const shape = (path: string, name: string): void => attempt(path, () => shapeOf(name, spec.shapes));
  const { pools = [], from } = spec.cluster;
  const { workload } = spec;

  if (pools.length === 0 && from === undefined) {
    // A recording or a trace may bring its nodes.
    if (workload.from === undefined) {
      out.push({ path: 'cluster', says: 'there are no nodes: pools or from is missing' });
    }
  }
  const names = new Set<string>();
  for (const [i, pool] of pools.entries()) {
    shape(`cluster.pools[${i}].shape`, pool.shape);
    const name = pool.name ?? pool.shape;
    if (names.has(name)) {
      out.push({ path: `cluster.pools[${i}]`, says: `there is a pool "${name}" before it: give it a name` });
    }
    names.add(name);
  }
  if ((workload.from === undefined) === (workload.generate === undefined)) {
    const why =
      workload.from === undefined
        ? 'one of from and generate is missing'
        : 'from and generate exclude each other';
    out.push({ path: 'workload', says: why });
  }
  for (const [i, name] of (spec.placement ?? []).entries()) placement(`placement[${i}]`, name);
  for (const [i, name] of (spec.ordering ?? []).entries()) attempt(`ordering[${i}]`, () => orderingOf(name));
  // Pools of a file are known only when it is read.
  const pool = (path: string, name: string): void => {
    if (from === undefined && pools.length > 0 && !names.has(name)) {
      const known = [...names];
      out.push({
        path,
        says: `there is no pool "${name}"; there are ${known.join(', ')}${didYouMean(name, known)}`,
      });
    }
  };
  changes('', spec);
  speeds();
  for (const [i, variant] of (spec.variants ?? []).entries()) changes(`variants[${i}].`, variant);
  if (spec.find) {
    shape('find.shape', spec.find.shape);
    attempt('find.goal', () => readGoal(spec.find!.goal));
    if (spec.find.max !== undefined && spec.find.max < (spec.find.min ?? 0)) {
      out.push({ path: 'find.max', says: `it is less than min, ${spec.find.min}` });
    }
  }
  return out;

  function placement(path: string, name: string): void {
    if (!/\.(ya?ml|json)(#|$)/.test(name)) attempt(path, () => placementOf(name, () => ''));
  }

  /** Where all nodes are known, each model must be one of theirs. */
  function speeds(): void {
    if (from !== undefined || pools.length === 0) return;
    const variants = spec.variants ?? [];
    const brought = variants.flatMap(({ add = [], swap = [] }) => [...add, ...swap].map((one) => one.shape));
    const names = [...pools.map((one) => one.shape), ...brought, ...(spec.find ? [spec.find.shape] : [])];
    const nodes = [...new Set(names)].flatMap((name) => {
      try {
        return [nodeOfPool(poolOf(name, shapeOf(name, spec.shapes), 1), 0)];
      } catch {
        // Said where it stands.
        return [];
      }
    });
    const models = [...new Set(nodes.flatMap(({ metadata }) => metadata.labels?.[modelAnnotation] ?? []))];
    const check = (at: string, given: Changes['speeds'] = {}): void => {
      for (const model of Object.keys(given)) {
        if (nodes.some((node) => isOfModel(node, model))) continue;
        const known = models.length > 0 ? `there are ${models.join(', ')}` : 'none has cards';
        out.push({
          path: `${at}speeds.${model}`,
          says: `no node here has such cards; ${known}${didYouMean(model, models)}`,
        });
      }
    };
    check('', spec.speeds);
    for (const [i, variant] of variants.entries()) check(`variants[${i}].`, variant.speeds);
  }

  function changes(
    at: string,
    from: Partial<Omit<Changes, 'placement' | 'ordering'>> & { placement?: unknown; ordering?: unknown },
  ): void {
    if (typeof from.placement === 'string') placement(`${at}placement`, from.placement);
    if (typeof from.ordering === 'string') {
      const name = from.ordering;
      attempt(`${at}ordering`, () => orderingOf(name));
    }
    const variant = at === '' ? {} : (from as Changes);
    for (const [i, add] of (variant.add ?? []).entries()) {
      shape(`${at}add[${i}].shape`, add.shape);
      // Later changes may name its pool.
      names.add(add.shape);
    }
    for (const [i, swap] of (variant.swap ?? []).entries()) {
      shape(`${at}swap[${i}].shape`, swap.shape);
      pool(`${at}swap[${i}].pool`, swap.pool);
      names.add(swap.shape);
    }
    for (const [i, remove] of (variant.remove ?? []).entries()) pool(`${at}remove[${i}].pool`, remove.pool);
    for (const [i, window] of (from.maintenance ?? []).entries()) {
      const path = `${at}maintenance[${i}]`;
      if ((window.pool === undefined) === (window.nodes === undefined)) {
        out.push({ path, says: 'it needs pool or nodes, and not both' });
      }
      if (window.pool !== undefined) pool(`${path}.pool`, window.pool);
      if (readDuration(window.to)! <= readDuration(window.from)!) {
        out.push({ path: `${path}.to`, says: `the end is not after the start, ${window.from}` });
      }
    }
    for (const [i, scaling] of (from.autoscaling ?? []).entries()) {
      const path = `${at}autoscaling[${i}]`;
      pool(`${path}.pool`, scaling.pool);
      if (scaling.max < scaling.min)
        out.push({ path: `${path}.max`, says: `it is less than min, ${scaling.min}` });
    }
  }
}
