/**
 * Read your own writes over an informer. A controller that acts on its cache right after a write would not see that write
 * and might do it twice (create the same pod again). client-go waits for the events ("expectations"); this lays the answers
 * of the writes over the cache instead, so that a controller may go on at once.
 *
 * Invariants: an answer is used only while the cache is older (by resourceVersion: decimal numbers that grow, as the
 * Kubernetes API promises since 1.35); a created object is listed until the cache has had it, or `patienceMs` long when the
 * event never comes (a relist may skip it).
 */
import type { KubeObject } from '@coracle/machinery';
import { keyOf } from '@coracle/machinery';
import type { Clock, Informer } from '@coracle/operator';

const patienceMs = 30_000;

export class OwnWrites<T extends KubeObject> {
  readonly #informer: Informer<T>;
  readonly #clock: Clock;
  /** By uid; undefined: we know that it is gone. Only of objects that are in the cache. */
  readonly #answers = new Map<string, T | undefined>();
  /** Created and not in the cache yet: group -> uid -> object. No empty groups. */
  readonly #created = new Map<string, Map<string, { object: T; until: number }>>();
  /** The group of each uid in `#created`. */
  readonly #groupOf = new Map<string, string>();
  /** Creations whose answer is awaited, and the uids deleted from the cache since the first of them began. */
  #inFlight = 0;
  #deletedInFlight = new Set<string>();

  constructor(informer: Informer<T>, clock: Clock) {
    this.#informer = informer;
    this.#clock = clock;
    informer.on({
      add: (object) => this.#seen(object),
      update: (_, object) => this.#seen(object),
      delete: (object) => {
        this.#answers.delete(object.metadata.uid);
        this.#dropCreated(object.metadata.uid);
        if (this.#inFlight > 0) this.#deletedInFlight.add(object.metadata.uid);
      },
    });
  }

  /**
   * The newest known state of an object just read from the cache (not one kept from earlier: answers are dropped when the
   * cache has caught up); undefined when it is known to be gone.
   */
  newest(cached: T): T | undefined {
    const { uid } = cached.metadata;
    return this.#answers.has(uid) ? this.#answers.get(uid) : cached;
  }

  /** Newest states of `cached`, and what was created for `group` and is not in the cache yet. */
  list(cached: readonly T[], group: string): T[] {
    const result: T[] = [];
    for (const object of cached) {
      const newest = this.newest(object);
      if (newest) result.push(newest);
    }
    for (const [uid, { object, until }] of this.#created.get(group) ?? []) {
      if (until > this.#clock.now()) result.push(object);
      else this.#dropCreated(uid);
    }
    return result;
  }

  /** Runs a creation and keeps its answer for `group`. */
  async create(group: string, call: () => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      const object = await call();
      const { uid } = object.metadata;
      const known = this.#informer.byKey(keyOf(object))?.metadata.uid === uid;
      if (!known && !this.#deletedInFlight.has(uid)) {
        const created = this.#created.get(group) ?? new Map<string, { object: T; until: number }>();
        created.set(uid, { object, until: this.#clock.now() + patienceMs });
        this.#created.set(group, created);
        this.#groupOf.set(uid, group);
      }
      return object;
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#deletedInFlight = new Set();
    }
  }

  /** The answer of an update, patch or delete (of one that goes on for a while). */
  wrote(object: T): void {
    const { uid } = object.metadata;
    const cached = this.#informer.byKey(keyOf(object));
    if (cached?.metadata.uid === uid) {
      const newest = this.#answers.has(uid) ? this.#answers.get(uid) : cached;
      if (newest && isOlder(newest, object)) this.#answers.set(uid, object);
      return;
    }
    const entry = this.#created.get(this.#groupOf.get(uid) ?? '')?.get(uid);
    if (entry) entry.object = object;
  }

  /** A delete that left nothing. */
  gone(object: T): void {
    const { uid } = object.metadata;
    if (this.#informer.byKey(keyOf(object))?.metadata.uid === uid) this.#answers.set(uid, undefined);
    this.#dropCreated(uid);
  }

  #seen(object: T): void {
    const { uid } = object.metadata;
    this.#dropCreated(uid);
    const answer = this.#answers.get(uid);
    if (answer && !isOlder(object, answer)) this.#answers.delete(uid);
  }

  #dropCreated(uid: string): void {
    const group = this.#groupOf.get(uid);
    if (group === undefined) return;
    this.#groupOf.delete(uid);
    const created = this.#created.get(group);
    if (created?.delete(uid) && created.size === 0) this.#created.delete(group);
  }
}

/** Versions that are not numbers of the usual kind count as not older: the cache is believed. */
function isOlder(a: KubeObject, b: KubeObject): boolean {
  const [x, y] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (!/^\d+$/.test(x) || !/^\d+$/.test(y)) return false;
  return x.length === y.length ? x < y : x.length < y.length;
}
