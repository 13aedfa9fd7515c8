/**
 * Decoding of JSON bodies: the value, and the paths of keys that stand twice in one object (Go's strict decoder names
 * them; JSON.parse keeps the last in silence). The fast path is JSON.parse plus two counts: if the text has as many
 * colons outside strings as the value has keys, no key stands twice. Only otherwise is the text walked.
 */
import { setKey } from './equality.ts';
import { ApiError } from './status.ts';

export interface DecodedJson {
  value: unknown;
  /** Paths as Go's strict decoder writes them: `spec.replicas`, `spec.containers[0].image`. */
  duplicates: string[];
}

/** Deepest nesting that is read; Go's decoder stops at 10,000, real objects at about 100. */
const maxDepth = 1_000;

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false });

/**
 * Throws ApiError BadRequest with Go's words and the byte offset where the text is not JSON, or if it is nested more than
 * 1,000 deep.
 */
export function decodeJson(source: Uint8Array | string): DecodedJson {
  const text = typeof source === 'string' ? source : decoder.decode(source);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message, at } = new Walker(text).explain();
    throw new ApiError(
      'BadRequest',
      `${message} (at byte ${Buffer.byteLength(text.slice(0, at))})`,
      undefined,
      {
        cause: error,
      },
    );
  }
  if (countColons(text) === countKeys(value, 0)) return { value, duplicates: [] };
  const walker = new Walker(text);
  walker.walk();
  return { value, duplicates: walker.duplicates };
}

/** Most values (of maps and lists, at all depths) that plainJson copies: bodies of real objects have far fewer. */
const maxValues = 400_000;

/**
 * A YAML document as a JSON value. Aliases are written out as copies; what JSON cannot say (infinite numbers, functions) becomes
 * null. A few hundred bytes of YAML can alias each other to gigabytes: throws ApiError BadRequest before that.
 */
export function plainJson(document: unknown): unknown {
  let left = maxValues;
  const copy = (value: unknown, depth: number): unknown => {
    if (--left < 0) throw new ApiError('BadRequest', 'document contains excessive aliasing');
    if (depth > maxDepth) throw new ApiError('BadRequest', 'exceeded max depth');
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (value instanceof Date) return value.toISOString();
    if (typeof value !== 'object' || value === null) return null;
    if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
    const out: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const child = (value as Record<string, unknown>)[key];
      if (child !== undefined) setKey(out, key, copy(child, depth + 1));
    }
    return out;
  };
  return copy(document, 0);
}

function countColons(text: string): number {
  let count = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) inside = !inside;
    else if (inside) {
      if (c === 92) i++;
    } else if (c === 58) count++;
  }
  return count;
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > maxDepth) throw new ApiError('BadRequest', 'exceeded max depth');
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as unknown[])
      if (typeof item === 'object' && item !== null) count += countKeys(item, depth + 1);
    return count;
  }
  for (const key in value) {
    count++;
    const child = (value as Record<string, unknown>)[key];
    if (typeof child === 'object' && child !== null) count += countKeys(child, depth + 1);
  }
  return count;
}

class JsonProblem extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** A slow, exact reader: finds double keys, or the first wrong character. */
class Walker {
  readonly duplicates: string[] = [];
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }
  walk(): void {
    this.#space();
    this.#value('');
    this.#space();
    if (this.#at < this.#text.length) this.#bad('after top-level value');
  }
  explain(): { message: string; at: number } {
    try {
      this.walk();
    } catch (error) {
      if (error instanceof JsonProblem) return { message: error.message, at: error.at };
      if (error instanceof RangeError) return { message: 'exceeded max depth', at: this.#at };
      throw error;
    }
    return { message: 'invalid JSON', at: 0 };
  }
  #bad(context: string): never {
    const c = this.#text[this.#at];
    if (c === undefined) throw new JsonProblem('unexpected end of JSON input', this.#at);
    const shown = c === "'" ? `'\\''` : c === '"' ? `'"'` : `'${JSON.stringify(c).slice(1, -1)}'`;
    throw new JsonProblem(`invalid character ${shown} ${context}`, this.#at);
  }
  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }
  #value(path: string): void {
    const c = this.#text[this.#at];
    if (c === '{') return this.#object(path);
    if (c === '[') return this.#array(path);
    if (c === '"') {
      this.#string();
      return;
    }
    for (const word of ['true', 'false', 'null']) if (c === word[0]) return this.#word(word);
    if (c !== undefined && (c === '-' || (c >= '0' && c <= '9'))) return this.#number();
    this.#bad('looking for beginning of value');
  }
  #object(path: string): void {
    const seen: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return;
    }
    for (;;) {
      if (this.#text[this.#at] !== '"') this.#bad('looking for beginning of object key string');
      const key = this.#string();
      const at = path === '' ? key : `${path}.${key}`;
      if (key in seen) this.duplicates.push(at);
      setKey(seen, key, true);
      this.#space();
      if (this.#text[this.#at] !== ':') this.#bad('after object key');
      this.#at++;
      this.#space();
      this.#value(at);
      this.#space();
      const c = this.#text[this.#at];
      if (c !== ',' && c !== '}') this.#bad('after object key:value pair');
      this.#at++;
      if (c === '}') return;
      this.#space();
    }
  }
  #array(path: string): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return;
    }
    for (let i = 0; ; i++) {
      this.#value(`${path}[${i}]`);
      this.#space();
      const c = this.#text[this.#at];
      if (c !== ',' && c !== ']') this.#bad('after array element');
      this.#at++;
      if (c === ']') return;
      this.#space();
    }
  }
  #string(): string {
    const start = this.#at++;
    for (;;) {
      const c = this.#text[this.#at];
      if (c === undefined || c < ' ') this.#bad('in string literal');
      this.#at++;
      if (c === '"') return JSON.parse(this.#text.slice(start, this.#at)) as string;
      if (c !== '\\') continue;
      const escape = this.#text[this.#at];
      if (escape === undefined || !'"\\/bfnrtu'.includes(escape)) this.#bad('in string escape code');
      this.#at++;
      for (let i = 0; escape === 'u' && i < 4; i++, this.#at++) {
        if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? 'x'))
          this.#bad('in \\u hexadecimal character escape');
      }
    }
  }
  #word(word: string): void {
    for (let i = 0; i < word.length; i++, this.#at++) {
      if (this.#text[this.#at] !== word[i]) this.#bad(`in literal ${word} (expecting '${word[i] ?? ''}')`);
    }
  }
  #number(): void {
    const digits = (context: string): void => {
      if (!/\d/.test(this.#text[this.#at] ?? 'x')) this.#bad(context);
      while (/\d/.test(this.#text[this.#at] ?? 'x')) this.#at++;
    };
    if (this.#text[this.#at] === '-') this.#at++;
    if (this.#text[this.#at] === '0') this.#at++;
    else digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#text[this.#at] ?? 'x')) {
      this.#at++;
      if (/[-+]/.test(this.#text[this.#at] ?? 'x')) this.#at++;
      digits('in exponent of numeric literal');
    }
  }
}
