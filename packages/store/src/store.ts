/**
 * The store's contract: etcd's semantics over keys and bytes.
 *
 * One monotonic revision counts writes. A write is visible to reads and watches, and its promise settles, only when it
 * is on disk; compare-and-swap is checked at once against the newest accepted (perhaps not yet durable) state, in call
 * order, so that many writers share one flush without seeing each other's lost updates. Crash recovery never shows a
 * revision that was visible before and lost.
 */

/** One stored value. `object` is a slot for the decoded, deep-frozen form of `bytes`, shared by all who read the entry. */
export interface Entry {
  readonly key: string;
  /** Equal ones may take their place: do not hold on to them longer than to the entry. */
  readonly bytes: Uint8Array;
  /** Revision of this key's creation and of this value. */
  readonly createRevision: number;
  readonly revision: number;
  /** Set by the reader that decodes it first, or by the writer; never differs from `bytes`. */
  object?: unknown;
  /** A slot for what readers and the writer keep with the entry, such as other forms of it. */
  notes?: Notes | undefined;
}

/** The store does not look into it. */
export interface Notes {
  /** The entry has outlived the history around it: nobody is told of its making any more. */
  settled?(): void;
}

export interface StoreEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly key: string;
  /** Revision of this event; DELETE has one of its own. */
  readonly revision: number;
  /** The value after a PUT. For a DELETE, the last value (with the delete's revision put in by `seal`). */
  readonly entry: Entry;
  /** The value before, if the key existed. */
  readonly previous?: Entry | undefined;
}

/** What a write stores: made by the caller once it is known which revision it will be. */
export interface Sealed {
  bytes: Uint8Array;
  object?: unknown;
  notes?: Notes | undefined;
}

export interface Write {
  key: string;
  /** 0: the key must not exist. A number: its newest revision must be this. Undefined: whatever is there. */
  expect?: number | undefined;
  /** Called once, synchronously, if the expectation holds. For a delete it makes the last value that watchers are shown. */
  seal(revision: number, current: Entry | undefined): Sealed;
  delete?: boolean | undefined;
}

export type WriteResult =
  | { ok: true; entry: Entry; revision: number }
  /** The expectation failed; `current` is the newest accepted value (undefined: the key does not exist). */
  | { ok: false; current: Entry | undefined };

export interface RangeOptions {
  /** At this revision; undefined is the newest durable one. Throws CompactedError or FutureRevisionError. */
  revision?: number | undefined;
  limit?: number | undefined;
  /** Start strictly after this key. */
  after?: string | undefined;
  /** False: `remaining` is not wanted. At a revision that is not the newest it costs a look at every key that is left. Default true. */
  count?: boolean | undefined;
}
export interface RangeResult {
  /** In key order (UTF-8 byte order). */
  entries: readonly Entry[];
  /** Revision the range was read at. */
  revision: number;
  more: boolean;
  /** Keys left after the last one returned; undefined where it was not wanted and would have had to be counted. */
  remaining: number | undefined;
}

export interface StoreWatcher {
  /** Events in revision order, each once. Return false when full: no more are sent until `resume()`. */
  onEvents(events: readonly StoreEvent[]): boolean;
  /**
   * All events up to `revision` that match have been delivered: a bookmark may say so. Called at least once a second while
   * the watcher is caught up and the store's revision has moved.
   */
  onProgress?(revision: number): void;
  /** The watch is over: it fell behind the kept events ('compacted'), stayed full for too long ('slow'), or the store closed. */
  onEnd(reason: 'compacted' | 'slow' | 'closed'): void;
}
/** A part of values by which watches are told apart. Watches that name the same object share an index. */
export interface WatchPart {
  /** The part's text; '' where there is none. */
  read(entry: Entry): string;
}
/** Values whose `part` is `value`. */
export interface WatchSelection {
  readonly part: WatchPart;
  readonly value: string;
}
export interface StoreWatch {
  resume(): void;
  stop(): void;
}

export interface Store {
  /** Newest durable revision; 0 or more. */
  readonly revision: number;
  /** Events and versions at or below this are gone. */
  readonly compacted: number;
  /** Newest durable value, or the value at a revision. From memory when newest: synchronous and fast. */
  get(key: string, revision?: number): Entry | undefined;
  /** Newest accepted value, durable or not: what the next compare-and-swap will be checked against. */
  peek(key: string): Entry | undefined;
  /** All keys that begin with `prefix`. */
  range(prefix: string, options?: RangeOptions): RangeResult;
  /** Keys under a prefix now, without reading them. */
  count(prefix: string): number;
  /** Settles when the write is durable. Rejects (StoreClosedError, or an I/O error) if it may not be. */
  write(write: Write): Promise<WriteResult>;
  /**
   * Events under `prefix` with revision > `after`. Throws CompactedError if they are gone, FutureRevisionError if `after` is ahead.
   * `only`: what the watcher is interested in. Other events may be left out, and mostly are, so that thousands of watches with
   * different values cost one look at each event; an event is of interest if the value before or after it is.
   */
  watch(prefix: string, after: number, watcher: StoreWatcher, only?: WatchSelection): StoreWatch;
  /** Drops versions and events at or below `revision`, in small steps that do not block. */
  compact(revision: number): Promise<void>;
  /** Bytes on disk, keys, revision, watchers: for metrics. */
  stats(): { keys: number; bytesOnDisk: number; watchers: number; pendingWrites: number };
  close(): Promise<void>;
}

export class CompactedError extends Error {
  override name = 'CompactedError';
  readonly compacted: number;
  constructor(asked: number, compacted: number) {
    super(`revision ${asked} has been compacted (oldest kept is ${compacted + 1})`);
    this.compacted = compacted;
  }
}
export class FutureRevisionError extends Error {
  override name = 'FutureRevisionError';
  constructor(asked: number, current: number) {
    super(`revision ${asked} is ahead of the newest revision ${current}`);
  }
}
export class StoreClosedError extends Error {
  override name = 'StoreClosedError';
  constructor() {
    super('the store is closed');
  }
}
