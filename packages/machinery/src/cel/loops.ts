/** The macros that walk through lists and maps. */
import type { Loop } from './ast.ts';
import { CelError } from './errors.ts';
import { CelCostError, type Frame, type Step } from './frame.ts';
import type { Planner } from './plan.ts';
import { CelMap, type CelValue, EntryMap, mapKey, typeName } from './values.ts';

/** Tells `visit` each element; it ends the walk by true. */
type Walk = (frame: Frame, visit: () => boolean) => void;

const notRange = (value: CelValue): CelError =>
  new CelError(`no such overload: ${typeName(value)} is no list or map to walk through`);

/** The walk that puts elements into their slots. Each costs one step. */
function walkOver(range: Step, slots: readonly number[]): Walk {
  const [first = 0, second] = slots;
  return (frame, visit) => {
    const value = range(frame);
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        frame.spend(1);
        if (second === undefined) frame.slots[first] = value[index];
        else {
          frame.slots[first] = index;
          frame.slots[second] = value[index];
        }
        if (visit()) return;
      }
    } else if (value instanceof CelMap) {
      for (const key of value.keys()) {
        frame.spend(1);
        frame.slots[first] = key;
        if (second !== undefined) frame.slots[second] = value.get(key);
        if (visit()) return;
      }
    } else throw notRange(value);
  };
}

function truth(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw new CelError(`no such overload: ${typeName(value)} is no bool`);
  return value;
}

/** `all` (decisive: false) and `exists` (decisive: true): errors count only where no element decides. */
function quantifier(walk: Walk, body: Step, decisive: boolean): Step {
  return (frame) => {
    let decided = false;
    let problem: CelError | undefined;
    walk(frame, () => {
      try {
        decided = truth(body(frame)) === decisive;
      } catch (error) {
        if (!(error instanceof CelError) || error instanceof CelCostError) throw error;
        problem ??= error;
      }
      return decided;
    });
    if (decided) return decisive;
    if (problem) throw problem;
    return !decisive;
  };
}

export function planLoop(planner: Planner, expr: Loop): Step {
  const range = planner.plan(expr.range);
  return planner.within(expr.variables, (slots) => {
    const walk = walkOver(range, slots);
    const filter = expr.filter && planner.plan(expr.filter);
    const body = planner.plan(expr.body);
    const passes = (frame: Frame): boolean => filter === undefined || truth(filter(frame));
    const [first = 0] = slots;
    switch (expr.loop) {
      case 'all':
        return quantifier(walk, body, false);
      case 'exists':
        return quantifier(walk, body, true);
      case 'exists_one':
        return (frame) => {
          let count = 0;
          walk(frame, () => {
            if (truth(body(frame))) count++;
            return false;
          });
          return count === 1;
        };
      case 'filter':
        return (frame) => {
          const kept: CelValue[] = [];
          walk(frame, () => {
            const element = frame.slots[first] as CelValue;
            if (truth(body(frame))) kept.push(element);
            return false;
          });
          return kept;
        };
      case 'map':
      case 'transformList':
        return (frame) => {
          const made: CelValue[] = [];
          walk(frame, () => {
            if (passes(frame)) made.push(body(frame));
            return false;
          });
          return made;
        };
      default:
        return transformMap(walk, passes, body, first, expr.loop === 'transformMapEntry');
    }
  });
}

function transformMap(
  walk: Walk,
  passes: (frame: Frame) => boolean,
  body: Step,
  first: number,
  entries: boolean,
): Step {
  return (frame) => {
    const map = new Map<string | boolean | number | bigint, [CelValue, CelValue]>();
    const put = (key: CelValue, value: CelValue): void => {
      const form = mapKey(key);
      if (form === undefined) throw new CelError(`unsupported key type: ${typeName(key)}`);
      if (map.has(form)) throw new CelError(`insert failed: key ${String(form)} already exists`);
      map.set(form, [key, value]);
    };
    walk(frame, () => {
      if (!passes(frame)) return false;
      const key = frame.slots[first] as CelValue;
      const value = body(frame);
      if (!entries) put(key, value);
      else if (value instanceof CelMap) for (const own of value.keys()) put(own, value.get(own) as CelValue);
      else throw notRange(value);
      return false;
    });
    return new EntryMap(map);
  };
}
