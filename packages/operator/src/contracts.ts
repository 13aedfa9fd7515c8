/**
 * The framework every controller, the scheduler and the node agent are written in. A controller is: informers that keep
 * a local, always-consistent copy of the objects it reads; handlers that turn changes into keys; a queue that hands out each
 * key to one worker at a time; and a reconcile function, level-triggered, that may be killed between any two calls.
 */
import type { KubeObject, ResourceType } from '@coracle/machinery';

/** Time as a parameter. `now` in milliseconds since 1970; timers return a cancel function. */
export interface Clock {
  now(): number;
  after(milliseconds: number, fire: () => void): () => void;
}

export interface InformerHandler<T> {
  /** `initial` is true for objects of the first list. */
  add?(object: T, initial: boolean): void;
  update?(before: T, after: T): void;
  /** The last known state. */
  delete?(object: T): void;
}

/** A local copy of one resource, kept by list and watch: resumes after a lost connection, lists again after 410. */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly type: ResourceType<T>;
  get(name: string, namespace?: string): T | undefined;
  /** By `namespace/name` or `name`. */
  byKey(key: string): T | undefined;
  list(namespace?: string): T[];
  /** Objects whose index function returned `value`. */
  byIndex(index: string, value: string): readonly T[];
  /** Must be called before start. */
  addIndex(index: string, values: (object: T) => readonly string[]): void;
  /** Handlers run in event order, after the cache has the change. A late handler first gets an add for each cached object. Returns a function that removes it. */
  on(handler: InformerHandler<T>): () => void;
  /**
   * As `on`, but a late handler is told of what is cached a little at a time, and of changes to what it has been told of.
   * Resolves with the function that removes it when it has been told everything.
   */
  join(handler: InformerHandler<T>): Promise<() => void>;
  readonly synced: boolean;
  /** Resolves when the first list is in the cache and handlers have run. */
  ready(): Promise<void>;
}

/** Shares one informer a resource (and namespace and selectors) among all who ask. */
export interface InformerFactory {
  informer<T extends KubeObject>(
    type: ResourceType<T>,
    options?: { namespace?: string; labelSelector?: string; fieldSelector?: string },
  ): Informer<T>;
  /** Starts those not started yet and waits until all are ready. */
  start(): Promise<void>;
  stop(): void;
}

/** Keys waiting to be worked on: each at most once, never handed to two workers at a time, with back-off per key. */
export interface WorkQueue<K = string> {
  add(key: K): void;
  addAfter(key: K, milliseconds: number): void;
  /** With exponential back-off: 5 ms doubling to 1000 s by default (client-go's numbers). */
  addRateLimited(key: K): void;
  forget(key: K): void;
  retries(key: K): number;
  readonly length: number;
  shutDown(): void;
}

/**
 * What a reconcile returns. Undefined or {}: done until something changes. `requeueAfterMs`: look again then. A thrown
 * error: again with back-off; Conflict and NotFound errors are ordinary and are not logged.
 */
export type Result = { requeueAfterMs?: number | undefined } | undefined | void;

export interface ControllerOptions {
  name: string;
  /** Keys in work at a time; default 4. */
  workers?: number;
  reconcile(key: string, context: { signal: AbortSignal }): Promise<Result>;
}

/** Something that runs until stopped: a controller, the scheduler, an agent. */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Writes `v1` Events, with the aggregation of repeated ones that kubectl users know (count, lastTimestamp). */
export interface EventRecorder {
  event(
    about:
      | KubeObject
      | {
          apiVersion: string;
          kind: string;
          namespace?: string;
          name: string;
          uid?: string;
          fieldPath?: string;
        },
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
}
export interface Logger {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
