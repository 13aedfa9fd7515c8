/** Checked trees to closures: each node becomes a function of the frame, chosen by what the checker knows. */
import { hasField, indexValue, optionalField, selectField, sizeOf } from './access.ts';
import type { Bind, Call, Expr, Select } from './ast.ts';
import type { Checked } from './check.ts';
import type { Overload, Run } from './declare.ts';
import { celCompare, celEqual } from './equality.ts';
import { CelError, CelSyntaxError } from './errors.ts';
import { CelCostError, Frame, type Step } from './frame.ts';
import { patternProblem } from './library/regex.ts';
import { planLoop } from './loops.ts';
import { type Type, types } from './types.ts';
import {
  CelMap,
  CelObject,
  type CelValue,
  Double,
  Duration,
  EntryMap,
  isInt,
  mapKey,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  typeName,
  Uint,
} from './values.ts';

export interface Plan {
  readonly step: Step;
  /** The declared variables that the expression names, in the order of their slots. */
  readonly variables: readonly string[];
  /** How many slots macros need besides. */
  readonly locals: number;
}

export function plan(root: Expr, checked: Checked, variables: readonly string[]): Plan {
  const planner = new Planner(checked, variables);
  const step = planner.plan(root);
  return { step, variables, locals: planner.locals };
}

/** The declared variables that a tree names. */
export function usedVariables(root: Expr, checked: Checked): string[] {
  const used = new Set<string>();
  const visit = (expr: Expr): void => {
    const reference = checked.referenceOf(expr);
    if (reference?.kind === 'variable') used.add(reference.name);
    if (reference) return;
    for (const child of children(expr)) visit(child);
  };
  visit(root);
  return [...used];
}

export function children(expr: Expr): Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : [...expr.args];
    case 'list':
      return expr.elements.map(({ value }) => value);
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.fields.map(({ value }) => value);
    case 'loop':
      return expr.filter ? [expr.range, expr.filter, expr.body] : [expr.range, expr.body];
    case 'bind':
      return [expr.value, expr.body];
    default:
      return [];
  }
}

export class Planner {
  readonly #checked: Checked;
  readonly #slots: ReadonlyMap<string, number>;
  /** Names that macros bind, with their slots, the innermost last. */
  readonly #scope: { readonly name: string; readonly slot: number }[] = [];
  readonly #first: number;
  /** Steps whose value is known, with that value. */
  readonly #constants = new Map<Step, CelValue>();
  locals = 0;

  constructor(checked: Checked, variables: readonly string[]) {
    this.#checked = checked;
    this.#slots = new Map(variables.map((name, slot) => [name, slot]));
    this.#first = variables.length;
  }

  /** Plans something in which these names are bound; gives their slots. */
  within<T>(names: readonly string[], make: (slots: readonly number[]) => T): T {
    const depth = this.#scope.length;
    const slots = names.map((name, index) => {
      const slot = this.#first + depth + index;
      this.#scope.push({ name, slot });
      return slot;
    });
    this.locals = Math.max(this.locals, this.#scope.length);
    const result = make(slots);
    this.#scope.length = depth;
    return result;
  }
  typeOf(expr: Expr): Type {
    return this.#checked.typeOf(expr);
  }

  plan(expr: Expr): Step {
    const reference = this.#checked.referenceOf(expr);
    if (reference?.kind === 'constant') return this.#constant(reference.value);
    if (reference?.kind === 'variable')
      return variableStep(this.#slots.get(reference.name) ?? 0, reference.name);
    if (reference?.kind === 'local') {
      const slot = this.#scope.findLast(({ name }) => name === reference.name)?.slot ?? 0;
      return (frame) => frame.slots[slot] as CelValue;
    }
    switch (expr.kind) {
      case 'literal':
        return this.#constant(expr.value);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr.elements);
      case 'map':
        return this.#map(expr.entries);
      case 'loop':
        return planLoop(this, expr);
      case 'bind':
        return this.#bind(expr);
      default:
        throw new CelError(`nothing to evaluate: ${expr.kind}`);
    }
  }

  #constant(value: CelValue): Step {
    const step = (): CelValue => value;
    this.#constants.set(step, value);
    return step;
  }
  /** A call of constants is a constant: all functions are pure. One that fails does so when it is evaluated. */
  #folded(step: Step, operands: readonly Step[]): Step {
    if (!operands.every((operand) => this.#constants.has(operand))) return step;
    try {
      return this.#constant(step(new Frame([], foldingLimit)));
    } catch (error) {
      if (error instanceof CelError) return step;
      throw error;
    }
  }

  #select({ operand, field, test }: Select): Step {
    const value = this.plan(operand);
    if (test) return (frame) => hasField(value(frame), field);
    return (frame) => {
      const from = value(frame);
      if (from instanceof CelMap) {
        const found = from.field(field);
        if (found !== undefined) return found;
      }
      return selectField(from, field);
    };
  }

  #call(expr: Call): Step {
    const target = expr.target && !this.#checked.isNamespaced(expr) ? [expr.target] : [];
    const operands = [...target, ...expr.args];
    const steps = operands.map((operand) => this.plan(operand));
    return this.#folded(
      this.#operator(expr, operands, steps) ?? this.#function(expr, operands, steps),
      steps,
    );
  }
  #function(expr: Call, operands: readonly Expr[], steps: readonly Step[]): Step {
    const problem = patternProblem(expr.name, this.#constants.get(steps[1] ?? missing));
    if (problem !== undefined) throw new CelSyntaxError(problem, expr.at);
    const overloads = this.#checked.overloadsOf(expr);
    const [only] = overloads;
    if (only && overloads.length === 1) {
      // Values of dyn come unchecked: the overload trusts its types, so that they are looked at here.
      const doubtful = operands.some((operand, index) => {
        const param = only.params[index];
        return param !== undefined && trusted(param) && isLoose(this.typeOf(operand));
      });
      if (!doubtful) return callStep(only.run, only.cost, steps);
    }
    return dispatchStep(expr.name, overloads, steps);
  }

  /** Operators that need no overload to be chosen at evaluation, or must not evaluate all their operands. */
  #operator(expr: Call, operands: readonly Expr[], steps: readonly Step[]): Step | undefined {
    const [a = missing, b = missing, c = missing] = steps;
    switch (expr.name) {
      case '_&&_':
        return logical(a, b, false);
      case '_||_':
        return logical(a, b, true);
      case '!_':
        return (frame) => {
          const value = a(frame);
          if (typeof value !== 'boolean') throw noOverload('!_', [value]);
          return !value;
        };
      case '_?_:_':
        return (frame) => {
          const condition = a(frame);
          if (condition === true) return b(frame);
          if (condition === false) return c(frame);
          throw noOverload('_?_:_', [condition]);
        };
      case '_==_':
      case '_!=_':
        return equality(
          a,
          b,
          operands.every((operand) => identityTypes.has(this.typeOf(operand).kind)),
          expr.name === '_==_',
        );
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_':
        return comparison(
          expr.name,
          a,
          b,
          operands.every((operand) => this.typeOf(operand).kind === 'int'),
        );
      case '_[_]':
        return (frame) => {
          const from = a(frame);
          const index = b(frame);
          if (from instanceof CelMap && typeof index === 'string') {
            const found = from.field(index);
            if (found !== undefined) return found;
          }
          return indexValue(from, index);
        };
      case '_?._': {
        const [, key] = operands;
        const field = key?.kind === 'literal' ? String(key.value) : '';
        return (frame) => optionalField(a(frame), field);
      }
      case 'size':
        return steps.length === 1 ? (frame) => sizeOf(a(frame)) : undefined;
      default:
        return undefined;
    }
  }

  #list(elements: readonly { readonly value: Expr; readonly optional: boolean }[]): Step {
    const steps = elements.map(({ value }) => this.plan(value));
    if (!elements.some(({ optional }) => optional)) {
      const step: Step = (frame) => {
        frame.spend(steps.length);
        return steps.map((item) => item(frame));
      };
      return this.#folded(step, steps);
    }
    return (frame) => {
      frame.spend(steps.length);
      const list: CelValue[] = [];
      steps.forEach((step, index) => {
        const value = step(frame);
        if (!elements[index]?.optional) list.push(value);
        else if (!(value instanceof Optional)) throw noOverload('optional element', [value]);
        else if (value.value !== undefined) list.push(value.value);
      });
      return list;
    };
  }
  #map(entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[]): Step {
    const steps = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    return (frame) => {
      frame.spend(steps.length);
      const map = new Map<string | boolean | number | bigint, [CelValue, CelValue]>();
      for (const { key, value, optional } of steps) {
        const name = key(frame);
        const form = name instanceof Double ? undefined : mapKey(name);
        if (form === undefined) throw new CelError(`unsupported key type: ${typeName(name)}`);
        let item: CelValue | undefined = value(frame);
        if (optional) {
          if (!(item instanceof Optional)) throw noOverload('optional entry', [item]);
          item = item.value;
          if (item === undefined) continue;
        }
        if (map.has(form)) throw new CelError(`insert failed: key ${String(form)} already exists`);
        map.set(form, [name, item]);
      }
      return new EntryMap(map);
    };
  }

  #bind(expr: Bind): Step {
    const value = this.plan(expr.value);
    const { bind } = expr;
    return this.within([expr.name], ([slot = 0]) => {
      const body = this.plan(expr.body);
      if (bind === 'bind')
        return (frame) => {
          frame.slots[slot] = value(frame);
          return body(frame);
        };
      return (frame) => {
        const optional = value(frame);
        if (!(optional instanceof Optional)) throw noOverload(bind, [optional]);
        if (optional.value === undefined) return optional;
        frame.slots[slot] = optional.value;
        const result = body(frame);
        return bind === 'optMap' ? new Optional(result) : result;
      };
    });
  }
}

/** What folding may cost at most, so that compiling stays quick. */
const foldingLimit = 100_000;

const missing: Step = () => {
  throw new CelError('an operand is missing');
};

function variableStep(slot: number, name: string): Step {
  return (frame) => {
    const value = frame.slots[slot];
    if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
    return value;
  };
}

/** Types whose equal values are identical (strings, and numbers in their one form). */
const identityTypes = new Set<Type['kind']>(['string', 'int', 'bool']);

function equality(a: Step, b: Step, identical: boolean, wanted: boolean): Step {
  if (identical) return (frame) => (a(frame) === b(frame)) === wanted;
  return (frame) => {
    const left = a(frame);
    const right = b(frame);
    return celEqual(left, right) === wanted;
  };
}

function comparison(name: string, a: Step, b: Step, ints: boolean): Step {
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
function logical(a: Step, b: Step, decisive: boolean): Step {
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

function callStep(run: Run, cost: Overload['cost'], steps: readonly Step[]): Step {
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
function dispatchStep(name: string, overloads: readonly Overload[], steps: readonly Step[]): Step {
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

const noOverload = (name: string, values: readonly CelValue[]): CelError =>
  new CelError(`no such overload: ${name}(${values.map(typeName).join(', ')})`);

/** Whether functions rely on a value's being of this type. */
const trusted = (type: Type): boolean => type.kind !== 'dyn' && type.kind !== 'param';
/** Whether a value of this static type, or something in it, may be anything. */
function isLoose(type: Type): boolean {
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
