/**
 * A map that forgets what has not been used for long, so that it holds at most `limit` entries, and at least the half of them
 * used last. Two generations: what is used goes into the younger; when that is half of `limit`, the older is dropped.
 */
export class Recent<V> {
  readonly #half: number;
  #younger = new Map<string, V>();
  #older = new Map<string, V>();

  /** `limit` is at least 2. */
  constructor(limit: number) {
    this.#half = Math.floor(limit / 2);
  }

  get(key: string): V | undefined {
    const value = this.#younger.get(key);
    if (value !== undefined) return value;
    const old = this.#older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    this.#younger.set(key, value);
    if (this.#younger.size < this.#half) return;
    this.#older = this.#younger;
    this.#younger = new Map();
  }
}
