/** Checked trees to closures: each node becomes a function of the frame, chosen by what the checker knows. */
import { hasField, indexValue, optionalField, selectField, sizeOf } from './access.ts';
import type { Bind, Call, Expr, Select } from './ast.ts';
import type { Checked } from './check.ts';
import { CelError, CelSyntaxError } from './errors.ts';
import { Frame, type Step } from './frame.ts';
import { patternProblem } from './library/regex.ts';
import { planLoop } from './loops.ts';
import {
  callStep,
  comparison,
  dispatchStep,
  equality,
  identityTypes,
  isLoose,
  logical,
  missing,
  noOverload,
  trusted,
  variableStep,
} from './steps.ts';
import type { Type } from './types.ts';
import { CelMap, type CelValue, Double, EntryMap, mapKey, Optional, typeName } from './values.ts';

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

/** What folding may cost at most, so that compiling stays quick. */
const foldingLimit = 100_000;

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
