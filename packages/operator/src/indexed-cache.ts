import type { KubeObject } from '@coracle/machinery';

/** One key's place: an update puts a new object into it and leaves the indexes alone unless a value differs. */
interface Slot<T> {
  object: T;
  /** What each index function, in the order they were added, returned for the object. */
  values: (readonly string[])[];
}

interface Index<T> {
  values: (object: T) => readonly string[];
  /** No empty sets are kept. */
  buckets: Map<string, Set<Slot<T>>>;
}

/** Of an object that an index leaves out: most indexes leave out most objects, and an array for each would fill the heap. */
const none: readonly string[] = Object.freeze([]);

/** Objects by key, by namespace, and by any number of index functions. All are changed together. */
export class IndexedCache<T extends KubeObject> {
  readonly #slots = new Map<string, Slot<T>>();
  readonly #indexes = new Map<string, Index<T>>();
  /** The same indexes; that of namespaces, if there is one, is first. */
  readonly #all: Index<T>[] = [];
  readonly #byNamespace: Index<T> | undefined;

  constructor(namespaced: boolean) {
    if (!namespaced) return;
    this.#byNamespace = { values: ({ metadata }) => [metadata.namespace ?? ''], buckets: new Map() };
    this.#all.push(this.#byNamespace);
  }

  /** Only while the cache is empty. */
  addIndex(name: string, values: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) throw new Error(`index ${name} exists already`);
    const index: Index<T> = { values, buckets: new Map() };
    this.#indexes.set(name, index);
    this.#all.push(index);
  }

  get(key: string): T | undefined {
    return this.#slots.get(key)?.object;
  }

  list(namespace?: string): T[] {
    const all = !namespace || !this.#byNamespace;
    return objectsOf(all ? this.#slots.values() : this.#byNamespace.buckets.get(namespace));
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`there is no index ${name}`);
    return objectsOf(index.buckets.get(value));
  }

  /** `key` is `keyOf(object)`. Answers the object that was there before. */
  put(key: string, object: T): T | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) {
      const fresh: Slot<T> = { object, values: this.#all.map((index) => valuesOf(index, object)) };
      this.#slots.set(key, fresh);
      for (let at = 0; at < this.#all.length; at++) enter(this.#all[at]!, fresh.values[at]!, fresh);
      return undefined;
    }
    const before = slot.object;
    slot.object = object;
    // The namespace is part of the key.
    for (let at = this.#byNamespace ? 1 : 0; at < this.#all.length; at++) {
      const index = this.#all[at]!;
      const values = valuesOf(index, object);
      const known = slot.values[at]!;
      if (same(known, values)) continue;
      leave(index, known, slot);
      enter(index, values, slot);
      slot.values[at] = values;
    }
    return before;
  }

  delete(key: string): T | undefined {
    const slot = this.#slots.get(key);
    if (!slot) return undefined;
    this.#slots.delete(key);
    for (let at = 0; at < this.#all.length; at++) leave(this.#all[at]!, slot.values[at]!, slot);
    return slot.object;
  }
}

function objectsOf<T>(slots: Iterable<Slot<T>> | undefined): T[] {
  const objects: T[] = [];
  if (slots) for (const slot of slots) objects.push(slot.object);
  return objects;
}

function valuesOf<T>(index: Index<T>, object: T): readonly string[] {
  const values = index.values(object);
  return values.length === 0 ? none : values;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

// Counted loops: `for of` makes an object for each index of each change where it is not optimized away.
function enter<T>({ buckets }: Index<T>, values: readonly string[], slot: Slot<T>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const bucket = buckets.get(value);
    if (bucket) bucket.add(slot);
    else buckets.set(value, new Set([slot]));
  }
}

function leave<T>({ buckets }: Index<T>, values: readonly string[], slot: Slot<T>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const bucket = buckets.get(value);
    bucket?.delete(slot);
    if (bucket?.size === 0) buckets.delete(value);
  }
}
