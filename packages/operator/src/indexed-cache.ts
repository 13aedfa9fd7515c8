import { keyOf, type KubeObject } from '@coracle/machinery';

interface Index<T> {
  values: (object: T) => readonly string[];
  /** Index value -> key -> object. No empty maps are kept. */
  buckets: Map<string, Map<string, T>>;
}

/** Objects by key, by namespace, and by any number of index functions. All are changed together. */
export class IndexedCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #byNamespace: Index<T> | undefined;

  constructor(namespaced: boolean) {
    if (namespaced) {
      this.#byNamespace = { values: (object) => [object.metadata.namespace ?? ''], buckets: new Map() };
    }
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) throw new Error(`index ${name} exists already`);
    this.#indexes.set(name, { values, buckets: new Map() });
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): T[] {
    if (!namespace || !this.#byNamespace) return [...this.#objects.values()];
    return [...(this.#byNamespace.buckets.get(namespace)?.values() ?? [])];
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`there is no index ${name}`);
    return [...(index.buckets.get(value)?.values() ?? [])];
  }

  /** Answers the object that was there before. */
  put(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#all()) {
      if (before) removeFrom(index, key, before);
      for (const value of index.values(object)) {
        let bucket = index.buckets.get(value);
        if (!bucket) index.buckets.set(value, (bucket = new Map<string, T>()));
        bucket.set(key, object);
      }
    }
    return before;
  }

  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    if (!before) return undefined;
    this.#objects.delete(key);
    for (const index of this.#all()) removeFrom(index, key, before);
    return before;
  }

  *#all(): Iterable<Index<T>> {
    if (this.#byNamespace) yield this.#byNamespace;
    yield* this.#indexes.values();
  }
}

function removeFrom<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.buckets.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.buckets.delete(value);
  }
}
