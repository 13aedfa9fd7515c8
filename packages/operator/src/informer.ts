/**
 * A local copy of one resource.
 *
 * One loop: list; then watch from the list's resourceVersion; when the watch ends, watch again from the last version seen
 * (bookmarks move it on while nothing matches); when the server has forgotten that version (410 Expired or Gone), list
 * again and tell handlers only of what differs. Errors wait with back-off: 0.8 s doubling to 30 s, with jitter
 * (client-go's reflector).
 *
 * Invariants: an object is in the cache, in every index, and in no other state, before a handler hears of it; handlers hear
 * of changes in the server's order, one at a time; each change of one object is told once. An object deleted and made
 * again under its name while the watch was broken is told as delete, then add.
 */
import { apiVersionOf, isReason, keyOf, type KubeObject, type ResourceType } from '@coracle/machinery';
import type { Client } from '@coracle/client';
import { sleep } from './clock.ts';
import type { Clock, Informer, InformerHandler, Logger } from './contracts.ts';
import { IndexedCache } from './indexed-cache.ts';
import { createTurns } from './turns.ts';

export interface InformerDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
  /** 0 <= random() < 1; jitter of back-off and of watch time-outs. */
  random: () => number;
}
export interface InformerSelection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

const firstRetryMs = 800;
const longestRetryMs = 30_000;
/** A watch is asked to end after 5 to 10 minutes, so that one server does not keep all watchers for ever. */
const watchSeconds = 300;

export class LiveInformer<T extends KubeObject> implements Informer<T> {
  readonly type: ResourceType<T>;
  readonly #deps: InformerDeps;
  readonly #selection: InformerSelection;
  readonly #cache: IndexedCache<T>;
  #handlers: readonly InformerHandler<T>[] = [];
  /** What of `#handlers` hears of each kind of change: thirty follow pods, and each cares for some changes only. */
  #adds: readonly NonNullable<InformerHandler<T>['add']>[] = [];
  #updates: readonly NonNullable<InformerHandler<T>['update']>[] = [];
  #deletes: readonly NonNullable<InformerHandler<T>['delete']>[] = [];
  #synced = false;
  #started = false;
  #markReady!: () => void;
  readonly #ready: Promise<void>;
  /** Version to watch from; '' asks for a list. */
  #resourceVersion = '';

  constructor(deps: InformerDeps, type: ResourceType<T>, selection: InformerSelection) {
    this.#deps = deps;
    this.type = type;
    this.#selection = selection;
    this.#cache = new IndexedCache<T>(type.namespaced);
    this.#ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
  }

  get synced(): boolean {
    return this.#synced;
  }
  ready(): Promise<void> {
    return this.#ready;
  }
  get(name: string, namespace?: string): T | undefined {
    return this.#cache.get(namespace ? `${namespace}/${name}` : name);
  }
  byKey(key: string): T | undefined {
    return this.#cache.get(key);
  }
  list(namespace?: string): T[] {
    return this.#cache.list(namespace);
  }
  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }
  addIndex(index: string, values: (object: T) => readonly string[]): void {
    if (this.#started) throw new Error(`index ${index} of ${this.type.resource} added after start`);
    this.#cache.addIndex(index, values);
  }

  on(handler: InformerHandler<T>): () => void {
    const remove = this.#attach(handler);
    for (const object of this.#cache.list()) {
      try {
        handler.add?.(object, true);
      } catch (error) {
        this.#threw(error);
      }
    }
    return remove;
  }

  async join(handler: InformerHandler<T>): Promise<() => void> {
    const told = new Set<string>();
    let all = false;
    const remove = this.#attach({
      add: (object, initial) => {
        if (!all) told.add(keyOf(object));
        handler.add?.(object, initial);
      },
      // What it has not been told of yet it will be told of as it is then.
      update: (before, object) => {
        if (all || told.has(keyOf(object))) handler.update?.(before, object);
      },
      delete: (object) => {
        if (all || told.delete(keyOf(object))) handler.delete?.(object);
      },
    });
    const turns = createTurns();
    for (const known of this.#cache.list()) {
      const key = keyOf(known);
      const object = this.#cache.get(key);
      if (object !== undefined && !told.has(key)) {
        told.add(key);
        try {
          handler.add?.(object, true);
        } catch (error) {
          this.#threw(error);
        }
      }
      await turns.pause();
    }
    all = true;
    told.clear();
    return remove;
  }

  #attach(handler: InformerHandler<T>): () => void {
    this.#use([...this.#handlers, handler]);
    return () => this.#use(this.#handlers.filter((other) => other !== handler));
  }

  /** New arrays each time: a running dispatch goes on over those it began with. */
  #use(handlers: readonly InformerHandler<T>[]): void {
    this.#handlers = handlers;
    this.#adds = handlers.flatMap((handler) => handler.add?.bind(handler) ?? []);
    this.#updates = handlers.flatMap((handler) => handler.update?.bind(handler) ?? []);
    this.#deletes = handlers.flatMap((handler) => handler.delete?.bind(handler) ?? []);
  }

  /** Tells every handler of every object again, as an update from itself to itself. */
  resync(): void {
    if (!this.#synced) return;
    for (const object of this.#cache.list()) {
      for (const update of this.#updates) {
        try {
          update(object, object);
        } catch (error) {
          this.#threw(error);
        }
      }
    }
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    const { clock, logger, random } = this.#deps;
    let retryMs = firstRetryMs;
    let expiredAt = -Infinity;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === '') await this.#list(signal);
        const began = clock.now();
        const events = await this.#watch(signal);
        if (events > 0 || clock.now() - began >= 1000) retryMs = firstRetryMs;
        else if (!signal.aborted) await sleep(clock, retryMs * (0.5 + random() / 2), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isReason(error, 'Expired') || isReason(error, 'Gone')) {
          logger.debug({ resource: this.type.resource, error }, 'watch expired, listing again');
          const listed = this.#resourceVersion !== '';
          this.#resourceVersion = '';
          // Once is ordinary. A list that expires itself, or a watch straight after its list, must not become a tight loop.
          const again = clock.now() - expiredAt < 1000;
          expiredAt = clock.now();
          if (listed && !again) continue;
          await sleep(clock, retryMs, signal);
          retryMs = Math.min(retryMs * 2, longestRetryMs);
          continue;
        }
        logger.warn({ resource: this.type.resource, error }, 'list or watch failed, trying again');
        await sleep(clock, retryMs * (1 + random()), signal);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const turns = createTurns();
    const seen = new Set<string>();
    let token: string | undefined;
    let version = '';
    const found: T[] = [];
    do {
      const page = await this.#deps.client.list(this.type, {
        ...this.#selection,
        limit: 5000,
        continue: token,
        signal,
      });
      for (const object of page.items) found.push(object);
      version = page.metadata.resourceVersion ?? '';
      token = page.metadata.continue || undefined;
    } while (token !== undefined && !signal.aborted);
    if (signal.aborted) return;
    for (const object of found) {
      seen.add(keyOf(object));
      this.#put(object);
      await turns.pause();
    }
    for (const object of this.#cache.list()) {
      if (!seen.has(keyOf(object))) this.#remove(object);
      await turns.pause();
    }
    this.#resourceVersion = version;
    if (!this.#synced) {
      this.#synced = true;
      this.#markReady();
    }
  }

  /** Follows one watch to its end; answers how many events came. */
  async #watch(signal: AbortSignal): Promise<number> {
    const turns = createTurns();
    let count = 0;
    const batches = this.#deps.client.watchBatches(this.type, {
      ...this.#selection,
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.floor(watchSeconds * (1 + this.#deps.random())),
      signal,
    });
    for await (const events of batches) {
      for (const { type, object } of events) {
        if (signal.aborted) return count;
        count += 1;
        if (type === 'DELETED') this.#remove(object);
        else if (type !== 'BOOKMARK') this.#put(object);
        this.#resourceVersion = object.metadata.resourceVersion;
        const pause = turns.pause();
        if (pause) await pause;
      }
    }
    return count;
  }

  #put(object: T): void {
    const whole = this.#withKind(object);
    const key = keyOf(whole);
    const before = this.#cache.get(key);
    if (before?.metadata.resourceVersion === whole.metadata.resourceVersion) return;
    if (before && before.metadata.uid !== whole.metadata.uid) this.#remove(before);
    const previous = this.#cache.put(key, whole);
    if (previous === undefined) {
      for (const add of this.#adds) {
        try {
          add(whole, !this.#synced);
        } catch (error) {
          this.#threw(error);
        }
      }
      return;
    }
    for (const update of this.#updates) {
      try {
        update(previous, whole);
      } catch (error) {
        this.#threw(error);
      }
    }
  }

  #remove(object: T): void {
    const whole = this.#withKind(object);
    if (!this.#cache.delete(keyOf(whole))) return;
    for (const remove of this.#deletes) {
      try {
        remove(whole);
      } catch (error) {
        this.#threw(error);
      }
    }
  }

  #withKind(object: T): T {
    if (object.kind !== undefined && object.apiVersion !== undefined) return object;
    return Object.freeze({ ...object, kind: this.type.kind, apiVersion: apiVersionOf(this.type) });
  }

  /** A handler that throws is a bug in it; the others and the cache go on. */
  #threw(error: unknown): void {
    this.#deps.logger.error({ resource: this.type.resource, error }, 'an informer handler threw');
  }
}
