/**
 * Label selectors: the string form of queries (`app=web,tier in (a,b),!debug`) and the object form in specs
 * (`matchLabels`, `matchExpressions`).
 */
import { labelValue, qualifiedName } from './names.ts';
import { ApiError, type FieldError, fieldErrorBody } from './status.ts';

export type SelectorOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';
export interface Requirement {
  key: string;
  operator: SelectorOperator;
  values: readonly string[];
}
type Labels = Readonly<Record<string, string>> | undefined;

const integer = /^[+-]?\d+$/;

function requirementMatches(r: Requirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, r.key) ? labels[r.key] : undefined;
  switch (r.operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '=':
    case '==':
    case 'in':
      return value !== undefined && r.values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !r.values.includes(value);
    default: {
      if (value === undefined || !integer.test(value)) return false;
      const [x, y] = [BigInt(value), BigInt(r.values[0] ?? '0')];
      return r.operator === 'gt' ? x > y : x < y;
    }
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      // A lone empty value must not read as no value.
      return `${key} ${operator} (${values.length === 1 && values[0] === '' ? ',' : values.toSorted().join(',')})`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
    default:
      return key + operator + (values[0] ?? '');
  }
}

/** What labels must be like. Immutable. */
export class Selector {
  /** All of them must hold; sorted by key. */
  readonly requirements: readonly Requirement[];
  /** Matches no object at all. */
  readonly nothing: boolean;
  constructor(requirements: readonly Requirement[], nothing = false) {
    this.requirements = requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.nothing = nothing;
  }
  /** Matches every object. */
  get empty(): boolean {
    return !this.nothing && this.requirements.length === 0;
  }
  matches(labels: Labels): boolean {
    if (this.nothing) return false;
    for (const r of this.requirements) if (!requirementMatches(r, labels)) return false;
    return true;
  }
  /** The string form; parseSelector gives an equal selector back (but for `nothing`, which has none). */
  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
  /** The one value `key` must have, if the selector says so; for indexes. */
  exactValue(key: string): string | undefined {
    const r = this.requirements.find((q) => q.key === key && q.values.length === 1);
    return r && (r.operator === '=' || r.operator === '==' || r.operator === 'in') ? r.values[0] : undefined;
  }
}
export const everything: Selector = new Selector([]);
export const nothing: Selector = new Selector([], true);

/** A selector for exactly these labels. */
export const selectorFromSet = (labels: Readonly<Record<string, string>>): Selector =>
  new Selector(Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] })));

interface Token {
  type: 'identifier' | 'end' | ',' | '(' | ')' | '!' | 'in' | 'notin' | '=' | '==' | '!=' | '>' | '<' | 'bad';
  text: string;
}
const special = '=!,()<>';
function tokens(text: string): Token[] {
  const list: Token[] = [];
  let i = 0;
  while (i < text.length) {
    const c = text[i] ?? '';
    if (/[ \t\r\n]/.test(c)) {
      i++;
    } else if (special.includes(c)) {
      let symbol = c;
      if ((c === '=' || c === '!') && text[i + 1] === '=') symbol += '=';
      i += symbol.length;
      list.push({ type: symbol as Token['type'], text: symbol });
    } else {
      const start = i;
      while (i < text.length && !special.includes(text[i] ?? '') && !/[ \t\r\n]/.test(text[i] ?? '')) i++;
      const word = text.slice(start, i);
      list.push({ type: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
    }
  }
  list.push({ type: 'end', text: '' });
  return list;
}

const operators = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];

class SelectorParser {
  readonly #tokens: Token[];
  #at = 0;
  constructor(text: string) {
    this.#tokens = tokens(text);
  }
  /** The next token; after an operator `in` and `notin` are ordinary words. */
  #peek(words = false): Token {
    const token = this.#tokens[this.#at] ?? { type: 'end', text: '' };
    return words && (token.type === 'in' || token.type === 'notin')
      ? { ...token, type: 'identifier' }
      : token;
  }
  #next(words = false): Token {
    const token = this.#peek(words);
    this.#at++;
    return token;
  }
  parse(): Requirement[] {
    const list: Requirement[] = [];
    for (;;) {
      const token = this.#peek(true);
      if (token.type === 'end') return list;
      if (token.type !== 'identifier' && token.type !== '!') {
        throw new Error(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      }
      try {
        list.push(this.#requirement());
      } catch (error) {
        throw new Error(`unable to parse requirement: ${(error as Error).message}`, { cause: error });
      }
      const after = this.#next(true);
      if (after.type === 'end') return list;
      if (after.type !== ',') throw new Error(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.#peek(true);
      if (following.type !== 'identifier' && following.type !== '!') {
        throw new Error(`found '${following.text}', expected: identifier after ','`);
      }
    }
  }
  #requirement(): Requirement {
    let token = this.#next(true);
    const absent = token.type === '!';
    if (absent) token = this.#next(true);
    if (token.type !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const problem = qualifiedName(key);
    if (problem) throw new Error(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problem}`);
    if (absent) return { key, operator: '!', values: [] };
    const after = this.#peek().type;
    if (after === 'end' || after === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    const requirement = { key, operator, values };
    const wrong = requirementProblem(requirement);
    if (wrong) throw new Error(wrong);
    return requirement;
  }
  #operator(): SelectorOperator {
    const { type, text } = this.#next();
    if (type === '>') return 'gt';
    if (type === '<') return 'lt';
    if (type === 'in' || type === 'notin' || type === '=' || type === '==' || type === '!=') return type;
    throw new Error(`found '${text}', expected: ${operators.join(', ')}`);
  }
  #exactValue(): string {
    const { type } = this.#peek(true);
    if (type === 'end' || type === ',') return '';
    const token = this.#next(true);
    if (token.type !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`);
    return token.text;
  }
  #values(): string[] {
    const open = this.#next(true);
    if (open.type !== '(') throw new Error(`found '${open.text}' expected: '('`);
    const first = this.#peek(true);
    if (first.type === ')') {
      this.#at++;
      return [];
    }
    if (first.type !== 'identifier' && first.type !== ',') {
      throw new Error(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values: string[] = [];
    for (;;) {
      // An element may be the empty string: `(a,)`, `(,a)`.
      if (this.#peek(true).type === 'identifier') values.push(this.#next(true).text);
      else values.push('');
      const after = this.#next(true);
      if (after.type === ')') return [...new Set(values)].toSorted();
      if (after.type !== ',') throw new Error(`found '${after.text}', expected: ',' or ')'`);
    }
  }
}

function requirementProblem(r: Requirement): string | undefined {
  if ((r.operator === 'in' || r.operator === 'notin') && r.values.length === 0) {
    return "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty";
  }
  if ((r.operator === 'gt' || r.operator === 'lt') && !integer.test(r.values[0] ?? '')) {
    return `values[0]: Invalid value: ${JSON.stringify(r.values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`;
  }
  for (const [i, value] of r.values.entries()) {
    const problem = labelValue(value);
    if (problem) return `values[${i}][${r.key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`;
  }
  return undefined;
}

/** Parses the string form. Empty text selects everything. Throws ApiError BadRequest in the API server's words. */
export function parseSelector(text: string): Selector {
  try {
    const requirements = new SelectorParser(text).parse();
    return requirements.length === 0 ? everything : new Selector(requirements);
  } catch (error) {
    throw new ApiError('BadRequest', (error as Error).message, undefined, { cause: error });
  }
}

/** meta/v1 LabelSelector as it stands in specs. */
export interface LabelSelectorLike {
  matchLabels?: Readonly<Record<string, string>> | undefined;
  matchExpressions?:
    | readonly { key: string; operator: string; values?: readonly string[] | undefined }[]
    | undefined;
}
const objectOperators: Readonly<Record<string, SelectorOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** The selector of a spec. Absent (undefined, null) selects nothing, an empty one everything. Throws ApiError BadRequest. */
export function selectorFrom(selector: LabelSelectorLike | undefined | null): Selector {
  if (selector === undefined || selector === null) return nothing;
  const problem = labelSelectorProblems(selector, '')[0];
  if (problem) throw new ApiError('BadRequest', `${problem.field}: ${fieldErrorBody(problem)}`);
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const e of selector.matchExpressions ?? []) {
    requirements.push({ key: e.key, operator: objectOperators[e.operator] ?? 'in', values: e.values ?? [] });
  }
  return requirements.length === 0 ? everything : new Selector(requirements);
}

/** What is wrong with a spec's selector, by field; `path` is where it stands (`spec.selector`). */
export function labelSelectorProblems(
  selector: LabelSelectorLike | undefined | null,
  path: string,
): FieldError[] {
  const problems: FieldError[] = [];
  const child = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    const bad = qualifiedName(key);
    if (bad)
      problems.push({ type: 'FieldValueInvalid', field: child('matchLabels'), badValue: key, detail: bad });
    const badValue = labelValue(value);
    if (badValue) {
      problems.push({
        type: 'FieldValueInvalid',
        field: child('matchLabels'),
        badValue: value,
        detail: badValue,
      });
    }
  }
  for (const [i, e] of (selector?.matchExpressions ?? []).entries()) {
    const at = `${child('matchExpressions')}[${i}]`;
    const count = e.values?.length ?? 0;
    if (e.operator === 'In' || e.operator === 'NotIn') {
      if (count === 0) {
        problems.push({
          type: 'FieldValueRequired',
          field: `${at}.values`,
          detail: "must be specified when `operator` is 'In' or 'NotIn'",
        });
      }
    } else if (e.operator === 'Exists' || e.operator === 'DoesNotExist') {
      if (count > 0) {
        problems.push({
          type: 'FieldValueForbidden',
          field: `${at}.values`,
          detail: "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
      }
    } else {
      problems.push({
        type: 'FieldValueInvalid',
        field: `${at}.operator`,
        badValue: e.operator,
        detail: 'not a valid selector operator',
      });
    }
    const bad = qualifiedName(e.key ?? '');
    if (bad) problems.push({ type: 'FieldValueInvalid', field: `${at}.key`, badValue: e.key, detail: bad });
    for (const [j, value] of (e.values ?? []).entries()) {
      const badValue = labelValue(value);
      if (badValue) {
        problems.push({
          type: 'FieldValueInvalid',
          field: `${at}.values[${j}]`,
          badValue: value,
          detail: badValue,
        });
      }
    }
  }
  return problems;
}
