/**
 * The type checker: gives every node its type and every call the overloads that may be meant.
 *
 * Types are inferred by unification (an empty list is a list of something not known yet); `dyn` fits everywhere and puts the question
 * off to evaluation. A call of which one overload is left is bound to it here, so that evaluation does not choose again.
 */
import type { Bind, Call, Expr, Ident, Loop, Select } from './ast.ts';
import type { Overload } from './declare.ts';
import { type Environment, typeNames } from './environment.ts';
import { dottedName } from './parser.ts';
import { type Bindings, joinTypes, showType, substitute, type Type, types, unify } from './types.ts';
import type { CelValue } from './values.ts';
import { typeName } from './values.ts';

export interface Checked {
  /** Types, final: no parameters are left in them. */
  readonly typeOf: (expr: Expr) => Type;
  /** The overloads a call may mean, at least one. */
  readonly overloadsOf: (call: Call) => readonly Overload[];
  /** The variable, type or constant that a name or a chain of selects stands for; undefined for other nodes. */
  readonly referenceOf: (expr: Expr) => Reference | undefined;
  /** Calls whose target is a namespace (`math.abs(x)`), not a value. */
  readonly isNamespaced: (call: Call) => boolean;
  readonly problems: readonly { readonly at: number; readonly message: string }[];
}
export type Reference =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'local'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: CelValue };

export function check(root: Expr, env: Environment): Checked {
  return new Checker(env).run(root);
}

class Checker {
  readonly #env: Environment;
  readonly #types = new Map<Expr, Type>();
  readonly #overloads = new Map<Call, readonly Overload[]>();
  readonly #references = new Map<Expr, Reference>();
  readonly #namespaced = new Set<Call>();
  readonly #problems: { at: number; message: string }[] = [];
  /** Variables that macros bind, the innermost last. */
  readonly #scope: { readonly name: string; readonly type: Type }[] = [];
  #bindings: Bindings = new Map();
  #fresh = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  run(root: Expr): Checked {
    this.#check(root);
    return {
      typeOf: (expr) => substitute(this.#types.get(expr) ?? types.dyn, this.#bindings, types.dyn),
      overloadsOf: (call) => this.#overloads.get(call) ?? [],
      referenceOf: (expr) => this.#references.get(expr),
      isNamespaced: (call) => this.#namespaced.has(call),
      problems: this.#problems,
    };
  }

  #problem(at: number, message: string): Type {
    this.#problems.push({ at, message });
    return types.dyn;
  }
  #check(expr: Expr): Type {
    const type = this.#infer(expr);
    this.#types.set(expr, type);
    return type;
  }
  #newParameter(): Type {
    return types.param(`_${this.#fresh++}`);
  }
  /** A type as far as it is known by now. */
  #known(type: Type): Type {
    return substitute(type, this.#bindings);
  }
  #show(type: Type): string {
    return showType(substitute(type, this.#bindings, types.dyn));
  }
  /** Whether `from` fits where `to` is wanted; only then are the bindings changed. */
  #fits(to: Type, from: Type): boolean {
    const trial = new Map(this.#bindings);
    if (!unify(to, from, trial)) return false;
    this.#bindings = trial;
    return true;
  }

  #infer(expr: Expr): Type {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#ident(expr);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list': {
        const parts = expr.elements.map(({ value, optional }) => this.#element(value, optional));
        return types.list(this.#joined(parts));
      }
      case 'map': {
        const keys = expr.entries.map(({ key }) => ({ type: this.#key(key), at: key.at }));
        const values = expr.entries.map(({ value, optional }) => this.#element(value, optional));
        return types.map(this.#joined(keys), this.#joined(values));
      }
      case 'struct':
        for (const { value } of expr.fields) this.#check(value);
        return this.#problem(expr.at, `undeclared reference to '${expr.type}' (in container '')`);
      case 'loop':
        return this.#loop(expr);
      case 'bind':
        return this.#bind(expr);
    }
  }

  #key(key: Expr): Type {
    const type = this.#check(key);
    const known = this.#known(type).kind;
    if (!['bool', 'int', 'uint', 'string', 'dyn', 'param'].includes(known))
      this.#problem(key.at, `unsupported map key type: ${this.#show(type)}`);
    return type;
  }
  #element(value: Expr, optional: boolean): { type: Type; at: number } {
    const type = this.#check(value);
    if (!optional) return { type, at: value.at };
    const inner = this.#newParameter();
    if (!this.#fits(types.optional(inner), type))
      this.#problem(value.at, `expected type 'optional_type(dyn)' but found '${this.#show(type)}'`);
    return { type: this.#known(inner), at: value.at };
  }
  /** The one type of several elements. */
  #joined(parts: readonly { type: Type; at: number }[]): Type {
    let joined: Type | undefined;
    for (const { type, at } of parts) {
      if (joined === undefined) {
        joined = type;
        continue;
      }
      if (joined.kind === type.kind && scalars.has(type.kind)) continue;
      const both = joinTypes(this.#known(joined), this.#known(type), this.#bindings);
      if (both) joined = both;
      else if (this.#env.homogeneous)
        this.#problem(at, `expected type '${this.#show(joined)}' but found '${this.#show(type)}'`);
      else joined = types.dyn;
    }
    return joined ?? this.#newParameter();
  }

  /** What a plain or dotted name means, if anything. */
  #resolve(name: string): { reference: Reference; type: Type } | undefined {
    const absolute = name.startsWith('.');
    const plain = absolute ? name.slice(1) : name;
    if (!absolute) {
      const local = this.#scope.findLast((variable) => variable.name === plain);
      if (local) return { reference: { kind: 'local', name: plain }, type: local.type };
    }
    const variable = this.#env.variables.get(plain);
    if (variable) return { reference: { kind: 'variable', name: plain }, type: variable };
    const denoted = typeNames.get(plain);
    if (denoted) return { reference: { kind: 'constant', value: denoted.value }, type: denoted.type };
    return undefined;
  }
  #ident(expr: Ident): Type {
    const found = this.#resolve(expr.name);
    if (!found) return this.#undeclared(expr.at, expr.name);
    this.#references.set(expr, found.reference);
    return found.type;
  }
  #undeclared(at: number, name: string): Type {
    return this.#problem(at, `undeclared reference to '${name}' (in container '')`);
  }

  #select(expr: Select): Type {
    const dotted = expr.test ? undefined : dottedName(expr);
    const head = dotted?.split('.', 1)[0] ?? '';
    if (dotted !== undefined && !this.#scope.some(({ name }) => name === head)) {
      const found = this.#resolve(dotted);
      if (found) {
        this.#references.set(expr, found.reference);
        return found.type;
      }
    }
    const type = this.#field(this.#check(expr.operand), expr.field, expr.at);
    return expr.test ? types.bool : type;
  }
  #field(operand: Type, field: string, at: number): Type {
    const known = this.#known(operand);
    switch (known.kind) {
      case 'dyn':
        return types.dyn;
      case 'param':
        return types.dyn;
      case 'map':
        return known.value;
      case 'object':
        return known.field(field) ?? this.#problem(at, `undefined field '${field}'`);
      case 'optional':
        return types.optional(unwrapped(this.#field(known.value, field, at)));
      default:
        return this.#problem(at, `type '${this.#show(known)}' does not support field selection`);
    }
  }

  #call(expr: Call): Type {
    if (expr.name === '_?._') return this.#optionalSelect(expr);
    const namespace = expr.target && dottedName(expr.target);
    const qualified = namespace === undefined ? undefined : `${namespace}.${expr.name}`;
    const namespaced =
      qualified !== undefined &&
      this.#env.functions.has(qualified) &&
      !this.#scope.some(({ name }) => name === namespace);
    if (namespaced) this.#namespaced.add(expr);
    const target = namespaced ? undefined : expr.target && this.#check(expr.target);
    const args = expr.args.map((arg) => this.#check(arg));
    const name = namespaced ? qualified : expr.name.replace(/^\./, '');
    const declared = this.#env.functions.get(name);
    if (!declared) return this.#undeclared(expr.at, name);
    return this.#overload(expr, name, declared, target, args);
  }
  #overload(
    expr: Call,
    name: string,
    declared: readonly Overload[],
    target: Type | undefined,
    args: readonly Type[],
  ): Type {
    const all = target ? [target, ...args] : args;
    const known = all.map((type) => this.#known(type));
    const matching: Overload[] = [];
    let result: Type | undefined;
    let chosen: Bindings | undefined;
    for (const overload of declared) {
      if (overload.member !== (target !== undefined) || overload.params.length !== all.length) continue;
      if (overload.params.some((param, index) => isPlainMismatch(param, known[index] ?? types.dyn))) continue;
      const trial = new Map(this.#bindings);
      const fresh: Bindings = new Map();
      const own = (type: Type): Type => this.#instantiate(type, fresh);
      if (!overload.params.every((param, index) => unify(own(param), all[index] ?? types.dyn, trial)))
        continue;
      matching.push(overload);
      const type = substitute(own(overload.result), trial);
      if (result === undefined) {
        result = type;
        chosen = trial;
      } else if (this.#show(result) !== this.#show(type)) result = types.dyn;
    }
    if (!result || !chosen) {
      const shown = args.map((type) => this.#show(type)).join(', ');
      const applied = target ? `${this.#show(target)}.(${shown})` : `(${shown})`;
      return this.#problem(expr.at, `found no matching overload for '${name}' applied to '${applied}'`);
    }
    if (matching.length === 1) this.#bindings = chosen;
    this.#overloads.set(expr, matching);
    return matching.length === 1 ? result : substitute(result, this.#bindings, types.dyn);
  }
  /** The type with parameters of its own, new for each call. */
  #instantiate(type: Type, fresh: Bindings): Type {
    switch (type.kind) {
      case 'param': {
        const known = fresh.get(type.name) ?? this.#newParameter();
        fresh.set(type.name, known);
        return known;
      }
      case 'list':
        return types.list(this.#instantiate(type.element, fresh));
      case 'map':
        return types.map(this.#instantiate(type.key, fresh), this.#instantiate(type.value, fresh));
      case 'optional':
        return types.optional(this.#instantiate(type.value, fresh));
      case 'type':
        return types.type(this.#instantiate(type.of, fresh));
      default:
        return type;
    }
  }
  #optionalSelect(expr: Call): Type {
    const [operand, key] = expr.args as readonly [Expr, Expr];
    const field = key.kind === 'literal' ? String(key.value) : '';
    this.#check(key);
    const inner = unwrapped(this.#known(this.#check(operand)));
    return types.optional(unwrapped(this.#field(inner, field, expr.at)));
  }

  #loop(expr: Loop): Type {
    const range = this.#known(this.#check(expr.range));
    const [first, second] = this.#rangeTypes(range, expr);
    const depth = this.#scope.length;
    const [one = '', two] = expr.variables;
    if (two === undefined) this.#scope.push({ name: one, type: range.kind === 'list' ? second : first });
    else this.#scope.push({ name: one, type: first }, { name: two, type: second });
    if (expr.filter) this.#wantBool(expr.filter);
    const conditional = ['all', 'exists', 'exists_one', 'filter'].includes(expr.loop);
    const body = conditional ? this.#wantBool(expr.body) : this.#check(expr.body);
    this.#scope.length = depth;
    switch (expr.loop) {
      case 'map':
      case 'transformList':
        return types.list(body);
      case 'filter':
        return types.list(range.kind === 'list' ? second : first);
      case 'transformMap':
        return types.map(first, body);
      case 'transformMapEntry':
        if (this.#known(body).kind !== 'map' && this.#known(body).kind !== 'dyn')
          this.#problem(expr.body.at, `expected type 'map(dyn, dyn)' but found '${this.#show(body)}'`);
        return body;
      default:
        return types.bool;
    }
  }
  /** Types of index and element of a list, or of key and value of a map. */
  #rangeTypes(range: Type, expr: Loop): [Type, Type] {
    switch (range.kind) {
      case 'list':
        return [types.int, range.element];
      case 'map':
        return [range.key, range.value];
      case 'dyn':
      case 'param':
        return [types.dyn, types.dyn];
      default:
        this.#problem(
          expr.range.at,
          `expression of type '${this.#show(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        );
        return [types.dyn, types.dyn];
    }
  }
  #wantBool(expr: Expr): Type {
    const type = this.#check(expr);
    if (!this.#fits(types.bool, type))
      this.#problem(expr.at, `expected type 'bool' but found '${this.#show(type)}'`);
    return types.bool;
  }

  #bind(expr: Bind): Type {
    let value = this.#check(expr.value);
    if (expr.bind !== 'bind') {
      const inner = this.#newParameter();
      if (!this.#fits(types.optional(inner), value))
        return this.#problem(
          expr.at,
          `found no matching overload for '${expr.bind}' applied to '${this.#show(value)}'`,
        );
      value = this.#known(inner);
    }
    this.#scope.push({ name: expr.name, type: value });
    const body = this.#check(expr.body);
    this.#scope.pop();
    if (expr.bind === 'optMap') return types.optional(body);
    if (expr.bind === 'optFlatMap' && !this.#fits(types.optional(this.#newParameter()), body))
      this.#problem(expr.body.at, `expected type 'optional_type(dyn)' but found '${this.#show(body)}'`);
    return body;
  }
}

const scalars = new Set<Type['kind']>(['bool', 'int', 'uint', 'double', 'string', 'bytes']);
/** Two scalar types that differ: most overloads of an operator are ruled out by this look alone. */
const isPlainMismatch = (param: Type, arg: Type): boolean =>
  param.kind !== arg.kind && scalars.has(param.kind) && scalars.has(arg.kind);

const unwrapped = (type: Type): Type => (type.kind === 'optional' ? type.value : type);

function literalType(value: CelValue): Type {
  const name = typeName(value);
  switch (name) {
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'string':
    case 'bytes':
      return types[name];
    case 'null_type':
      return types.null;
    default:
      return types.dyn;
  }
}
