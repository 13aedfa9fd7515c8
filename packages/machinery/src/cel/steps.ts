/** The closures that calls and operators become. */
import type { Overload, Run } from './declare.ts';
import { celCompare, celEqual } from './equality.ts';
import { CelError } from './errors.ts';
import { CelCostError, type Frame, type Step } from './frame.ts';
import { type Type, types } from './types.ts';
import {
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  isInt,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  typeName,
  Uint,
} from './values.ts';

export const missing: Step = () => {
  throw new CelError('an operand is missing');
};

export function variableStep(slot: number, name: string): Step {
  return (frame) => {
    const value = frame.slots[slot];
    if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
    return value;
  };
}

/** Types whose equal values are identical (strings, and numbers in their one form). */
export const identityTypes = new Set<Type['kind']>(['string', 'int', 'bool']);

export function equality(a: Step, b: Step, identical: boolean, wanted: boolean): Step {
  if (identical) return (frame) => (a(frame) === b(frame)) === wanted;
  return (frame) => {
    const left = a(frame);
    const right = b(frame);
    return celEqual(left, right) === wanted;
  };
}

export function comparison(name: string, a: Step, b: Step, ints: boolean): Step {
  if (ints) {
    // The checker vouches for ints, and JavaScript orders numbers and bigints by value.
    switch (name) {
      case '_<_':
        return (frame) => (a(frame) as number) < (b(frame) as number);
      case '_<=_':
        return (frame) => (a(frame) as number) <= (b(frame) as number);
      case '_>_':
        return (frame) => (a(frame) as number) > (b(frame) as number);
      default:
        return (frame) => (a(frame) as number) >= (b(frame) as number);
    }
  }
  const order = (frame: Frame): number => celCompare(a(frame), b(frame)) ?? Number.NaN;
  switch (name) {
    case '_<_':
      return (frame) => order(frame) < 0;
    case '_<=_':
      return (frame) => order(frame) <= 0;
    case '_>_':
      return (frame) => order(frame) > 0;
    default:
      return (frame) => order(frame) >= 0;
  }
}

/** `&&` (decisive: false) and `||` (decisive: true): an error of one side counts only where the other does not decide. */
export function logical(a: Step, b: Step, decisive: boolean): Step {
  const name = decisive ? '_||_' : '_&&_';
  return (frame) => {
    let left: CelValue = null;
    let problem: CelError | undefined;
    try {
      left = a(frame);
    } catch (error) {
      if (!(error instanceof CelError) || error instanceof CelCostError) throw error;
      problem = error;
    }
    if (left === decisive) return left;
    const right = b(frame);
    if (right === decisive) return right;
    if (problem) throw problem;
    if (typeof left !== 'boolean' || typeof right !== 'boolean') throw noOverload(name, [left, right]);
    return right;
  };
}

export function callStep(run: Run, cost: Overload['cost'], steps: readonly Step[]): Step {
  const [a = missing, b = missing] = steps;
  if (steps.length === 1)
    return (frame) => {
      const value = a(frame);
      if (cost) frame.spend(1 + cost(value));
      return run(value);
    };
  if (steps.length === 2)
    return (frame) => {
      const left = a(frame);
      const right = b(frame);
      if (cost) frame.spend(1 + cost(left, right));
      return run(left, right);
    };
  return (frame) => {
    const values = steps.map((step) => step(frame));
    frame.spend(1 + (cost ? cost(...values) : 0));
    return run(...values);
  };
}

/** Chooses among overloads by the values. The usual case, a method with one argument of something that is dyn, makes no lists. */
export function dispatchStep(name: string, overloads: readonly Overload[], steps: readonly Step[]): Step {
  const [a = missing, b = missing] = steps;
  if (steps.length === 2) {
    const choices = overloads.map(({ params, run, cost }) => ({
      first: params[0] ?? types.dyn,
      second: params[1] ?? types.dyn,
      run,
      cost,
    }));
    return (frame) => {
      const left = a(frame);
      const right = b(frame);
      for (const { first, second, run, cost } of choices) {
        if (!suits(first, left) || !suits(second, right)) continue;
        frame.spend(1 + (cost ? cost(left, right) : 0));
        return run(left, right);
      }
      throw noOverload(name, [left, right]);
    };
  }
  return (frame) => {
    const values = steps.map((step) => step(frame));
    for (const { params, run, cost } of overloads) {
      if (!params.every((param, index) => suits(param, values[index] as CelValue))) continue;
      frame.spend(1 + (cost ? cost(...values) : 0));
      return run(...values);
    }
    throw noOverload(name, values);
  };
}

export const noOverload = (name: string, values: readonly CelValue[]): CelError =>
  new CelError(`no such overload: ${name}(${values.map(typeName).join(', ')})`);

/** Whether functions rely on a value's being of this type. */
export const trusted = (type: Type): boolean => type.kind !== 'dyn' && type.kind !== 'param';
/** Whether a value of this static type, or something in it, may be anything. */
export function isLoose(type: Type): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
    case 'nullable':
    case 'null':
      return true;
    case 'list':
      return isLoose(type.element);
    case 'map':
      return isLoose(type.key) || isLoose(type.value);
    case 'optional':
      return isLoose(type.value);
    default:
      return false;
  }
}

/** Whether a value is of a type, as far as overloads have to know: elements of lists are looked at where the type names them. */
function suits(type: Type, value: CelValue): boolean {
  switch (type.kind) {
    case 'int':
      return isInt(value);
    case 'uint':
      return value instanceof Uint;
    case 'double':
      return value instanceof Double;
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'null':
      return value === null;
    case 'timestamp':
      return value instanceof Timestamp;
    case 'duration':
      return value instanceof Duration;
    case 'type':
      return value instanceof TypeValue;
    case 'optional':
      return value instanceof Optional;
    case 'list': {
      const { element } = type;
      return Array.isArray(value) && (!trusted(element) || value.every((item) => suits(element, item)));
    }
    case 'map':
      return value instanceof CelMap;
    case 'object':
      return value instanceof CelObject && value.typeName === type.name;
    case 'opaque':
      return value instanceof Opaque && value.typeName === type.name;
    case 'nullable':
      return value === null || suits(type.value, value);
    default:
      return true;
  }
}
