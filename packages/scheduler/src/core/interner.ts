/**
 * Strings as small integers, so that columns are typed arrays and equality is one compare. Ids start at 1; 0 means
 * "absent". Ids are never reused: a prepared plugin may keep them.
 */
export class Interner {
  readonly #ids = new Map<string, number>();
  readonly #strings: string[] = [''];
  /** Invariant: `#numbers[id]` is the parsed integer of the string, NaN if it is none; filled on first use. */
  readonly #numbers: (number | undefined)[] = [];

  /** The id of `text`, given out now if it is new. */
  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#strings.length;
      this.#ids.set(text, id);
      this.#strings.push(text);
    }
    return id;
  }

  /** Ids given out. */
  get size(): number {
    return this.#ids.size;
  }

  /** The string of an id; '' for 0. */
  text(id: number): string {
    return this.#strings[id] ?? '';
  }

  /** The string read as a base-10 64-bit integer, as strconv.ParseInt does; NaN when it is none (or absent). */
  integer(id: number): number {
    let value = this.#numbers[id];
    if (value === undefined) {
      const text = this.text(id);
      value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
      this.#numbers[id] = value;
    }
    return value;
  }
}
