/** From the tree of a jq expression to a function. A jq expression yields none, one or many values. */
import type { Binary, Jq } from './jq-parse.ts';

export type Values = (input: unknown) => unknown[];

class JqError extends Error {}
/** One for all: it says nothing but that there is nothing, and stack traces for thousands of objects are dear. */
const nothing = new JqError('nothing there');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const truth = (value: unknown): boolean => value !== null && value !== undefined && value !== false;

/** A function that throws where jq would stop with an error. */
export function compileJq(tree: Jq): Values {
  switch (tree.op) {
    case 'here':
      return (input) => [input];
    case 'literal': {
      const value = [tree.value];
      return () => value;
    }
    case 'field': {
      const of = compileJq(tree.of);
      const name = compileJq(tree.name);
      return (input) => of(input).flatMap((value) => name(input).map((key) => fieldOf(value, key)));
    }
    case 'each': {
      const of = compileJq(tree.of);
      return (input) => of(input).flatMap(membersOf);
    }
    case 'optional': {
      const of = compileJq(tree.of);
      return (input) => {
        try {
          return of(input);
        } catch (error) {
          if (error instanceof JqError) return [];
          throw error;
        }
      };
    }
    case 'call':
      return call(tree.name, tree.args.map(compileJq));
    default:
      return binary(tree.op, compileJq(tree.left), compileJq(tree.right));
  }
}

function fieldOf(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof key === 'string' && isObject(value)) return Object.hasOwn(value, key) ? value[key] : null;
  if (typeof key === 'number' && Array.isArray(value)) return value.at(Math.floor(key)) ?? null;
  throw nothing;
}

function membersOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (isObject(value)) return Object.values(value);
  throw nothing;
}

function binary(op: Binary, left: Values, right: Values): Values {
  switch (op) {
    case '|':
      return (input) => left(input).flatMap(right);
    case ',':
      return (input) => [...left(input), ...right(input)];
    case '//':
      return (input) => {
        let found: unknown[] = [];
        try {
          found = left(input).filter(truth);
        } catch (error) {
          if (!(error instanceof JqError)) throw error;
        }
        return found.length > 0 ? found : right(input);
      };
    case 'and':
      return (input) => left(input).flatMap((value) => (truth(value) ? right(input).map(truth) : [false]));
    case 'or':
      return (input) => left(input).flatMap((value) => (truth(value) ? [true] : right(input).map(truth)));
    default: {
      const test = comparisons[op];
      return (input) => right(input).flatMap((b) => left(input).map((a) => test(compare(a, b))));
    }
  }
}
const comparisons = {
  '==': (order: number) => order === 0,
  '!=': (order: number) => order !== 0,
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
} as const;

/** jq's order of everything: null, false, true, numbers, strings (by code point), arrays, objects. */
function compare(a: unknown, b: unknown): number {
  const kind = (value: unknown): number => {
    if (value === null || value === undefined) return 0;
    if (typeof value === 'boolean') return value ? 2 : 1;
    if (typeof value === 'number') return 3;
    if (typeof value === 'string') return 4;
    return Array.isArray(value) ? 5 : 6;
  };
  const [x, y] = [kind(a), kind(b)];
  if (x !== y || x < 3) return x - y;
  if (x === 3) return (a as number) - (b as number);
  if (x === 4) return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
  if (x === 5) return compareLists(a as unknown[], b as unknown[]);
  const [keysA, keysB] = [Object.keys(a as object).toSorted(), Object.keys(b as object).toSorted()];
  const values = (of: unknown, keys: string[]): unknown[] =>
    keys.map((key) => (of as Record<string, unknown>)[key]);
  return compareLists(keysA, keysB) || compareLists(values(a, keysA), values(b, keysB));
}

function compareLists(a: unknown[], b: unknown[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compare(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function call(name: string, [arg = (input: unknown): unknown[] => [input]]: Values[]): Values {
  const text = (value: unknown): string => {
    if (typeof value !== 'string') throw nothing;
    return value;
  };
  switch (name) {
    case 'select':
      return (input) => arg(input).flatMap((value) => (truth(value) ? [input] : []));
    case 'empty':
      return () => [];
    case 'not':
      return (input) => [!truth(input)];
    case 'any':
      return (input) => [membersOf(input).some(truth)];
    case 'all':
      return (input) => [membersOf(input).every(truth)];
    case 'first':
      return (input) => [fieldOf(input, 0)];
    case 'last':
      return (input) => [fieldOf(input, -1)];
    case 'map':
      return (input) => [membersOf(input).flatMap(arg)];
    case 'length':
      return (input) => [lengthOf(input)];
    case 'keys':
      return (input) => {
        if (Array.isArray(input)) return [input.map((_, index) => index)];
        if (isObject(input)) return [Object.keys(input).toSorted()];
        throw nothing;
      };
    case 'tostring':
      return (input) => [typeof input === 'string' ? input : JSON.stringify(input ?? null)];
    case 'tonumber':
      return (input) => {
        const value = typeof input === 'string' && input.trim() !== '' ? Number(input) : input;
        if (typeof value !== 'number' || !Number.isFinite(value)) throw nothing;
        return [value];
      };
    case 'has':
      return (input) =>
        arg(input).map((key) => {
          if (isObject(input) && typeof key === 'string') return Object.hasOwn(input, key);
          if (Array.isArray(input) && typeof key === 'number') return key >= 0 && key < input.length;
          throw nothing;
        });
    case 'startswith':
      return (input) => arg(input).map((value) => text(input).startsWith(text(value)));
    case 'endswith':
      return (input) => arg(input).map((value) => text(input).endsWith(text(value)));
    default:
      throw new Error(`jq function ${name} is parsed and not known`);
  }
}

function lengthOf(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw nothing;
}
