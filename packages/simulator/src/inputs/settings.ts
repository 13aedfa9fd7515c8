/** Settings from a scenario file or a program: checked, with errors that name the setting and what was expected. */
import { readDuration } from '../scenario/duration.ts';
import { InputError, quote } from './input-error.ts';

export class Settings {
  /** Of the outermost object, for messages. */
  readonly #where: string;
  readonly #path: string;
  readonly #value: Readonly<Record<string, unknown>>;

  /** Throws InputError unless `value` is an object with no other fields than `known`. */
  constructor(where: string, value: unknown, known: readonly string[], path = '') {
    this.#where = where;
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InputError(where, `${show(value)} is there; settings by name were expected`, place(path));
    }
    this.#value = value as Record<string, unknown>;
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) throw this.error(name, `is not known; known are ${known.join(', ')}`);
    }
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined;
  }
  raw(name: string): unknown {
    return this.#value[name];
  }

  number<D extends number | undefined>(
    name: string,
    fallback: D,
    { min = -Infinity, max = Infinity, whole = false }: { min?: number; max?: number; whole?: boolean } = {},
  ): number | D {
    const value = this.#value[name];
    if (value === undefined) return fallback;
    if (typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value)))
      return value;
    const range =
      min > -Infinity && max < Infinity
        ? ` from ${min} to ${max}`
        : min > -Infinity
          ? ` of at least ${min}`
          : '';
    throw this.error(name, `${show(value)} is not a ${whole ? 'whole ' : ''}number${range}`);
  }

  text<D extends string | undefined>(name: string, fallback: D): string | D {
    const value = this.#value[name];
    if (value === undefined) return fallback;
    if (typeof value === 'string') return value;
    throw this.error(name, `${show(value)} is not a text`);
  }

  oneOf<T extends string>(name: string, all: readonly T[], fallback: T): T {
    const value = this.#value[name];
    if (value === undefined) return fallback;
    if ((all as readonly unknown[]).includes(value)) return value as T;
    throw this.error(name, `${show(value)} is none of ${all.join(', ')}`);
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#value[name];
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    throw this.error(name, `${show(value)} is neither true nor false`);
  }

  /** A text such as `90s`, in milliseconds. */
  duration<D extends number | undefined>(name: string, fallback: D): number | D {
    const value = this.#value[name];
    if (value === undefined) return fallback;
    const ms = typeof value === 'string' ? readDuration(value) : undefined;
    if (ms === undefined) throw this.error(name, `${show(value)} is no length of time such as 90s or 1h30m`);
    return ms;
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.#value[name];
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value as unknown[];
    throw this.error(name, `${show(value)} is not a list`);
  }

  /** Names or texts. */
  texts(name: string): readonly string[] | undefined {
    const all = this.list(name);
    if (all === undefined || all.every((one) => typeof one === 'string'))
      return all as readonly string[] | undefined;
    throw this.error(name, 'is not a list of texts');
  }

  /** Undefined if it is not there. */
  object(name: string, known: readonly string[]): Settings | undefined {
    const value = this.#value[name];
    return value === undefined ? undefined : new Settings(this.#where, value, known, this.#inner(name));
  }

  /** The items of a list of objects. */
  objects(name: string, known: readonly string[]): Settings[] | undefined {
    return this.list(name)?.map(
      (value, i) => new Settings(this.#where, value, known, `${this.#inner(name)}[${i}]`),
    );
  }

  error(name: string, problem: string): InputError {
    return new InputError(this.#where, problem, { column: this.#inner(name) });
  }

  #inner(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function place(path: string): { column?: string } {
  return path === '' ? {} : { column: path };
}

function show(value: unknown): string {
  return quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).replaceAll(
    '\\"',
    "'",
  );
}
