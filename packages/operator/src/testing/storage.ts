import {
  apiVersionOf,
  deepFreeze,
  errors,
  keyOf,
  type ResourceType,
  type Unstructured,
  type WatchEvent,
  type WatchHandle,
  type WatchSink,
} from '@coracle/machinery';
import * as api from '@coracle/machinery/api';
import type { Clock } from '../contracts.ts';

type Test = (object: Unstructured) => boolean;
interface Change {
  revision: number;
  collection: string;
  before: Unstructured | undefined;
  after: Unstructured | undefined;
}
interface Watcher {
  collection: string;
  test: Test;
  sink: WatchSink;
  bookmarks: boolean;
}

const collectionOf = (type: { group: string; resource: string }): string => `${type.group}/${type.resource}`;

/** Objects of all collections, the log of changes, and the watchers. One counter is revision and resourceVersion. */
export class FakeStorage {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #types: readonly ResourceType[];
  readonly #collections = new Map<string, Map<string, Unstructured>>();
  readonly #watchers = new Set<Watcher>();
  #log: Change[] = [];
  revision = 1;
  #compacted = 0;
  #names = 0;

  constructor(clock: Pick<Clock, 'now'>, types: readonly ResourceType[]) {
    this.#clock = clock;
    this.#types = [...types, ...(Object.values(api) as ResourceType[])];
  }

  get watches(): number {
    return this.#watchers.size;
  }

  type(group: string, version: string, resource: string): ResourceType | undefined {
    return this.#types.find((t) => t.group === group && t.version === version && t.resource === resource);
  }
  types(): readonly ResourceType[] {
    return this.#types;
  }

  all(type: ResourceType, namespace?: string): Unstructured[] {
    const objects = [...(this.#collections.get(collectionOf(type))?.values() ?? [])].filter(
      (object) => !namespace || object.metadata.namespace === namespace,
    );
    return objects.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
  find(type: ResourceType, namespace: string, name: string): Unstructured | undefined {
    return this.#collections.get(collectionOf(type))?.get(namespace ? `${namespace}/${name}` : name);
  }

  seed(object: object): Unstructured {
    const { apiVersion, kind, metadata } = object as Unstructured;
    const type = this.#types.find((t) => t.kind === kind && apiVersionOf(t) === apiVersion);
    if (!type) throw new Error(`fakeCluster does not know ${apiVersion} ${kind}; give it in options.types`);
    return this.create(type, metadata.namespace ?? (type.namespaced ? 'default' : ''), object);
  }

  /** Fills in what the server fills in. `body` is copied. */
  create(type: ResourceType, namespace: string, body: object): Unstructured {
    const object = JSON.parse(JSON.stringify(body)) as Unstructured;
    const metadata = (object.metadata ??= {} as Unstructured['metadata']);
    object.apiVersion = apiVersionOf(type);
    object.kind = type.kind;
    if (!metadata.name && metadata.generateName) {
      this.#names += 1;
      metadata.name = metadata.generateName + this.#names.toString(36).padStart(5, '0');
    }
    if (!metadata.name) {
      throw errors.invalid(type, '', [
        { type: 'FieldValueRequired', field: 'metadata.name', detail: 'name or generateName is required' },
      ]);
    }
    if (type.namespaced) metadata.namespace = namespace;
    if (this.find(type, namespace, metadata.name)) throw errors.alreadyExists(type, metadata.name);
    metadata.uid ??= `00000000-0000-4000-8000-${String(this.revision + 1).padStart(12, '0')}`;
    metadata.creationTimestamp ??= this.time();
    metadata.generation ??= 1;
    return this.commit(type, undefined, object);
  }

  time(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  /** Stores a change and tells watchers. `after` undefined removes. Answers the object with its new resourceVersion. */
  commit(
    type: ResourceType,
    before: Unstructured | undefined,
    after: Unstructured | undefined,
  ): Unstructured {
    this.revision += 1;
    const source = after ?? before;
    if (!source) throw new Error('nothing to commit');
    const object = deepFreeze<Unstructured>({
      ...source,
      metadata: { ...source.metadata, resourceVersion: String(this.revision) },
    });
    const collection = collectionOf(type);
    let objects = this.#collections.get(collection);
    if (!objects) this.#collections.set(collection, (objects = new Map<string, Unstructured>()));
    if (after) objects.set(keyOf(object), object);
    else objects.delete(keyOf(object));
    const change = after
      ? { revision: this.revision, collection, before, after: object }
      : { revision: this.revision, collection, before: object, after: undefined };
    this.#log.push(change);
    for (const watcher of this.#watchers) {
      const event = eventFor(change, watcher);
      if (event) watcher.sink.events([event], undefined);
    }
    return object;
  }

  /** Fails like the server when `revision` is too old to go on from. */
  checkRevision(revision: number): void {
    if (revision < this.#compacted) {
      throw errors.expired(`too old resource version: ${revision} (${this.#compacted})`);
    }
  }

  watch(
    type: ResourceType,
    from: number,
    test: Test,
    options: { bookmarks: boolean; initial: boolean },
    sink: WatchSink,
  ): WatchHandle {
    const watcher: Watcher = { collection: collectionOf(type), test, sink, bookmarks: options.bookmarks };
    const events: WatchEvent[] = [];
    if (!options.initial && from < this.#compacted) {
      // Forgotten between the request and its start.
      const { status } = errors.expired(`too old resource version: ${from} (${this.#compacted})`);
      sink.events([{ type: 'ERROR', object: status as unknown as Unstructured }], undefined);
      sink.end();
      return { drained() {}, stop() {} };
    }
    if (options.initial) {
      for (const object of this.all(type)) if (test(object)) events.push({ type: 'ADDED', object });
      events.push(bookmarkOf(type, this.revision, true));
    } else {
      for (const change of this.#log) {
        const event = change.revision > from ? eventFor(change, watcher) : undefined;
        if (event) events.push(event);
      }
    }
    if (events.length > 0) sink.events(events, undefined);
    this.#watchers.add(watcher);
    return {
      drained() {},
      stop: () => {
        this.#watchers.delete(watcher);
      },
    };
  }

  bookmark(): void {
    for (const { bookmarks, collection, sink } of this.#watchers) {
      const type = this.#types.find((t) => collectionOf(t) === collection);
      if (bookmarks && type) sink.events([bookmarkOf(type, this.revision, false)], undefined);
    }
  }
  dropWatches(): void {
    for (const watcher of this.#watchers) {
      this.#watchers.delete(watcher);
      watcher.sink.end();
    }
  }
  compact(): void {
    this.#compacted = this.revision;
    this.#log = [];
  }
}

function eventFor({ collection, before, after }: Change, watcher: Watcher): WatchEvent | undefined {
  if (collection !== watcher.collection) return undefined;
  const was = before !== undefined && watcher.test(before);
  const is = after !== undefined && watcher.test(after);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  if (!was) return undefined;
  if (!after) return { type: 'DELETED', object: before };
  // Left the selection: shown as it was, at the version that took it out.
  const { resourceVersion } = after.metadata;
  return {
    type: 'DELETED',
    object: deepFreeze({ ...before, metadata: { ...before.metadata, resourceVersion } }),
  };
}

function bookmarkOf(type: ResourceType, revision: number, initialEnd: boolean): WatchEvent {
  const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const object = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { resourceVersion: String(revision), ...annotations },
  };
  return { type: 'BOOKMARK', object: deepFreeze(object) as unknown as Unstructured };
}
