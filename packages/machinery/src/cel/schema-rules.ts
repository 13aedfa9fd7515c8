/**
 * `x-kubernetes-validations`: the rules of a definition's schema, compiled once a schema, and what objects break of them.
 *
 * A rule sees `self`, the value at its place in the schema, and (then it is about changes only) `oldSelf`, what stood there before.
 * Which old value belongs to a value is known along fields and map keys, and in lists that are maps by their keys; not in other lists.
 */
import { deepEqual, isObject } from '../equality.ts';
import type { Schema } from '../kind.ts';
import type { CauseReason, FieldError } from '../status.ts';
import { type Environment, environment, withVariables } from './environment.ts';
import { CelError } from './errors.ts';
import { CelCostError } from './frame.ts';
import { formatIssues } from './issues.ts';
import { kubernetesLibraries } from './library/index.ts';
import { type CelProgram, compileCel } from './program.ts';
import { isEmbedded, schemaView, type SchemaView } from './schema-values.ts';
import { type Type, types } from './types.ts';
import { type CelValue, Optional } from './values.ts';

/** A rule as a definition writes it. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string | undefined;
  readonly messageExpression?: string | undefined;
  readonly reason?: string | undefined;
  readonly fieldPath?: string | undefined;
  readonly optionalOldSelf?: boolean | undefined;
}

/** Steps that one rule, and all rules for one object, may take. */
const ruleLimit = 1_000_000;
const objectLimit = 10_000_000;
/** Bytes of a message that an expression makes. */
const messageLimit = 5 * 1024;

let base: Environment | undefined;
/** Made on first use. */
function environmentOf(self: Type, oldSelf: Type): Environment {
  base ??= environment({ libraries: kubernetesLibraries, homogeneous: true });
  return withVariables(base, { self, oldSelf });
}

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram | undefined;
  readonly message: CelProgram | undefined;
  /** Why the rule or the expression of its message can not be compiled. */
  readonly problem: string | undefined;
  readonly messageProblem: string | undefined;
  readonly usesOldSelf: boolean;
}

function compileOne(source: string, self: Type, old: Type): { program?: CelProgram; problem?: string } {
  const compiled = compileCel(source, environmentOf(self, old));
  if (compiled.ok) return { program: compiled.program };
  return { problem: `compilation failed: ${formatIssues(source, compiled.issues)}` };
}
function compileRule(rule: ValidationRule, self: Type): CompiledRule {
  const old = rule.optionalOldSelf ? types.optional(self) : self;
  const { program, problem } = compileOne(rule.rule, self, old);
  const isBool = !program || program.type.kind === 'bool' || program.type.kind === 'dyn';
  const made = rule.messageExpression ? compileOne(rule.messageExpression, self, old) : {};
  const isText = !made.program || made.program.type.kind === 'string';
  return {
    rule,
    program: isBool ? program : undefined,
    problem: isBool ? problem : 'cel expression must evaluate to a bool',
    message: isText ? made.program : undefined,
    messageProblem: isText ? made.problem : 'messageExpression must evaluate to a string',
    usesOldSelf: program?.variables.includes('oldSelf') === true,
  };
}

export const rulesOf = (schema: Schema): readonly ValidationRule[] =>
  (schema['x-kubernetes-validations'] ?? []).filter((rule): rule is ValidationRule => {
    return isObject(rule) && typeof rule['rule'] === 'string';
  });

/** A place in a schema that has rules, or below which there are some. */
export interface RuleNode {
  readonly schema: Schema;
  readonly view: SchemaView | undefined;
  readonly rules: readonly CompiledRule[];
  readonly properties: readonly (readonly [name: string, node: RuleNode])[];
  readonly items: RuleNode | undefined;
  readonly values: RuleNode | undefined;
}

/** Compiled rules by the schema of the kind. */
const compiledSchemas = new WeakMap<Schema, RuleNode | { none: true }>();

/** The rules of a whole schema; undefined if it has none. */
function rulesFor(schema: Schema): RuleNode | undefined {
  const known = compiledSchemas.get(schema);
  if (known) return 'none' in known ? undefined : known;
  const made = ruleNode(schema, 'selfType', true);
  compiledSchemas.set(schema, made ?? { none: true });
  return made;
}

/** Whether a schema has rules anywhere. */
export const hasRules = (schema: Schema): boolean => rulesFor(schema) !== undefined;

export function ruleNode(schema: Schema, path: string, isResource: boolean): RuleNode | undefined {
  // What built-in kinds say of themselves (metadata) has no rules for custom resources.
  if (schema.goTyped) return undefined;
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const node = ruleNode(property, `${path}.${name}`, isEmbedded(property));
    return node ? [[name, node] as const] : [];
  });
  const below = (part: Schema | boolean | undefined, name: string): RuleNode | undefined =>
    typeof part === 'object' ? ruleNode(part, `${path}.${name}`, isEmbedded(part)) : undefined;
  const items = below(schema.items, '@idx');
  const values = below(schema.additionalProperties, '@elem');
  const own = rulesOf(schema);
  if (own.length === 0 && properties.length === 0 && !items && !values) return undefined;
  const view = own.length > 0 ? schemaView(schema, path, isResource) : undefined;
  const rules = view ? own.map((rule) => compileRule(rule, view.type)) : [];
  return { schema, view, rules, properties, items, values };
}

interface Walk {
  readonly errors: FieldError[];
  /** Steps that are left for the object. */
  budget: number;
}

/**
 * What an object breaks of the rules. `old` is what it was before an update. Of a value that an update leaves as it was only rules
 * about changes are told: a definition may have become stricter since.
 */
export function ruleErrors(schema: Schema, object: unknown, old?: unknown): FieldError[] {
  const node = rulesFor(schema);
  if (!node) return [];
  const walk: Walk = { errors: [], budget: objectLimit };
  visit(walk, node, object, old, '', false);
  return walk.errors;
}

/** `same`: the nearest place above whose old value is known is as it was. */
function visit(walk: Walk, node: RuleNode, value: unknown, old: unknown, path: string, same: boolean): void {
  if (value === null || value === undefined || walk.budget < 0) return;
  const before = old === null ? undefined : old;
  const unchanged = before === undefined ? same : deepEqual(value, before);
  checkRules(walk, node, value, before, path, unchanged);
  if (isObject(value)) {
    const was = isObject(before) ? before : {};
    for (const [name, child] of node.properties)
      if (Object.hasOwn(value, name))
        visit(walk, child, value[name], was[name], path === '' ? name : `${path}.${name}`, unchanged);
    const { values } = node;
    const known = node.schema['x-kubernetes-map-type'] !== 'atomic';
    if (values)
      for (const key of Object.keys(value))
        visit(walk, values, value[key], known ? was[key] : undefined, `${path}[${key}]`, unchanged);
  } else if (Array.isArray(value) && node.items) {
    const { items, schema } = node;
    const find = correlation(schema, before);
    value.forEach((item: unknown, index) =>
      visit(walk, items, item, find(item), `${path}[${index}]`, unchanged),
    );
  }
}

/** Finds an item's old state in lists that are maps; in others none is known. */
function correlation(schema: Schema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const idOf = (item: unknown): string =>
    JSON.stringify(keys.map((key) => (isObject(item) ? item[key] : undefined)));
  const byId = new Map(old.map((item: unknown) => [idOf(item), item]));
  return (item) => byId.get(idOf(item));
}

function checkRules(
  walk: Walk,
  { rules, view, schema }: RuleNode,
  value: unknown,
  old: unknown,
  path: string,
  unchanged: boolean,
): void {
  if (rules.length === 0 || !view) return;
  const field = path === '' ? '<nil>' : path;
  const add = (detail: string): void => {
    walk.errors.push({ type: 'FieldValueInvalid', field, badValue: schema.type ?? '', detail });
  };
  for (const compiled of rules) {
    const { rule, program, usesOldSelf } = compiled;
    if (walk.budget < 0) return;
    if (!program) {
      add(`rule compile error: ${compiled.problem}`);
      continue;
    }
    if (usesOldSelf && old === undefined && !rule.optionalOldSelf) continue;
    if (unchanged && !usesOldSelf) continue;
    try {
      const bindings = bind(view, value, old, rule);
      if (spend(walk, program, bindings) === true) continue;
      walk.errors.push(broken(walk, compiled, bindings, path, schema.type ?? ''));
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const said = shownRule(rule);
      if (error instanceof CelCostError) {
        add(
          `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${said}`,
        );
        walk.budget = -1;
      } else if (error.message.startsWith('no such overload'))
        add(
          `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${said}`,
        );
      else add(`${error.message} evaluating rule: ${said}`);
    }
  }
}

function bind(
  view: SchemaView,
  value: unknown,
  old: unknown,
  rule: ValidationRule,
): Record<string, CelValue | undefined> {
  const oldSelf = old === undefined ? undefined : view.read(old);
  return {
    self: view.read(value),
    oldSelf: rule.optionalOldSelf ? (oldSelf === undefined ? Optional.none : new Optional(oldSelf)) : oldSelf,
  };
}
function spend(walk: Walk, program: CelProgram, bindings: Record<string, CelValue | undefined>): CelValue {
  const limit = Math.min(ruleLimit, walk.budget);
  const spent = { steps: 0 };
  try {
    return program.evaluate(bindings, limit, spent);
  } finally {
    walk.budget -= spent.steps;
  }
}

const shownRule = ({ message, rule }: ValidationRule): string => message?.trim() || rule.trim();

function broken(
  walk: Walk,
  { rule, message }: CompiledRule,
  bindings: Record<string, CelValue | undefined>,
  path: string,
  type: string,
): FieldError {
  const relative = rule.fieldPath ? normalPath(rule.fieldPath) : '';
  const whole = `${path}${relative}`.replace(/^\./, '');
  const field = whole === '' ? '<nil>' : whole;
  const detail =
    messageOf(walk, message, bindings) ?? (rule.message?.trim() || `failed rule: ${rule.rule.trim()}`);
  const reason = (rule.reason ?? 'FieldValueInvalid') as CauseReason;
  switch (reason) {
    case 'FieldValueForbidden':
    case 'FieldValueRequired':
      return { type: reason, field, detail };
    case 'FieldValueDuplicate':
      return { type: reason, field, badValue: type };
    default:
      return { type: 'FieldValueInvalid', field, badValue: type, detail };
  }
}
/** The message that the rule's expression makes; undefined if it makes none that can be shown. */
function messageOf(
  walk: Walk,
  program: CelProgram | undefined,
  bindings: Record<string, CelValue | undefined>,
): string | undefined {
  if (!program) return undefined;
  try {
    const text = spend(walk, program, bindings);
    if (typeof text !== 'string' || text.includes('\n') || Buffer.byteLength(text) > messageLimit)
      return undefined;
    return text.trim() || undefined;
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

const step = /\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/y;
/** `.spec['a.b']` as field errors write it: `.spec[a.b]`. */
export function normalPath(path: string): string | undefined {
  const parts = pathSteps(path);
  return parts?.map(({ name, key }) => (key ? `[${name}]` : `.${name}`)).join('');
}
/** The steps of a field path; undefined if it is none. */
export function pathSteps(path: string): { name: string; key: boolean }[] | undefined {
  const steps: { name: string; key: boolean }[] = [];
  step.lastIndex = 0;
  let at = 0;
  while (at < path.length) {
    step.lastIndex = at;
    const match = step.exec(path);
    if (!match) return undefined;
    const [whole, name, key] = match;
    steps.push({ name: name ?? (key ?? '').replace(/\\(.)/g, '$1'), key: name === undefined });
    at += whole.length;
  }
  return steps.length > 0 ? steps : undefined;
}
