/** Go's notions of values in templates: truth, equality, order and print. Values are JSON's; undefined is no value. */
import { TemplateError } from './template-error.ts';

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const absent = (value: unknown): value is null | undefined => value === null || value === undefined;

/** False for what is empty. */
export function truth(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return !absent(value) && value !== false && value !== 0 && value !== '';
}

export function print(value: unknown, inner = false): string {
  if (absent(value)) return inner ? '<nil>' : '<no value>';
  if (Array.isArray(value)) return `[${value.map((each) => print(each, true)).join(' ')}]`;
  if (isObject(value)) {
    const parts = Object.keys(value)
      .toSorted()
      .map((key) => `${key}:${print(value[key], true)}`);
    return `map[${parts.join(' ')}]`;
  }
  return String(value);
}

/** Of what is no list and no map. Numbers of an object and their texts are alike: upstream keeps them as texts. */
export function same(a: unknown, b: unknown): boolean {
  if (absent(a) || absent(b)) return absent(a) && absent(b);
  if (typeof a === 'object' || typeof b === 'object')
    throw new TemplateError('eq: lists and maps cannot be compared');
  if (typeof a === typeof b) return a === b;
  if (typeof a === 'boolean' || typeof b === 'boolean')
    throw new TemplateError('eq: incompatible types for comparison');
  return String(a) === String(b);
}

export function before(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  throw new TemplateError('lt: only numbers or only texts can be compared');
}

export function fieldOf(value: unknown, name: string): unknown {
  if (absent(value)) return undefined;
  if (isObject(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  throw new TemplateError(`there is no field ${name} of ${Array.isArray(value) ? 'a list' : print(value)}`);
}

/** `index x 1 "a"` is x[1]["a"]. */
export function indexed(value: unknown, keys: readonly unknown[]): unknown {
  let item = value;
  for (const key of keys) {
    if (absent(item)) throw new TemplateError('index of nothing');
    if (Array.isArray(item)) {
      if (typeof key !== 'number') throw new TemplateError(`a list has no index ${print(key)}`);
      if (key < 0 || key >= item.length) throw new TemplateError(`index out of range: ${key}`);
      item = item[key];
    } else if (isObject(item)) item = fieldOf(item, String(key));
    else throw new TemplateError(`${print(item)} has no index`);
  }
  return item;
}

export function numberOf(value: unknown): number {
  const number = typeof value === 'boolean' ? Number(value) : Number(value ?? 0);
  return Number.isFinite(number) ? number : 0;
}
