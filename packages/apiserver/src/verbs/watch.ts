/**
 * watch: first what exists (if asked for), then every change, in order, each once.
 *
 * A session is in one of three states: *listing* (initial objects are being handed over, no store watch yet), *live*
 * (the store pushes) and *ended*. The store watch starts at the revision the initial objects were read at, so nothing is
 * missed or doubled between the two. A sink that says "full" stops the flow at its source: the store keeps the events, and
 * ends the watch with 410 when the sink stays full for too long. Nothing is buffered here beyond one batch.
 */
import {
  type ApiResponse,
  apiVersionOf,
  errors,
  type KubeObject,
  type Unstructured,
  type WatchEvent,
  type WatchHandle,
  type WatchSink,
} from '@coracle/machinery';
import {
  CompactedError,
  type Entry,
  type StoreEvent,
  type StoreWatch,
  type StoreWatcher,
} from '@coracle/store';
import type { Call } from '../pipeline/call.ts';
import { type ListOptions, parseListOptions, tooLargeVersion } from '../pipeline/list-options.ts';
import { statusOf } from '../pipeline/respond.ts';
import { type EntryFilter, selectionOf, selectorOf } from '../pipeline/selectors.ts';
import { partialMetadata, tableOf } from '../pipeline/table.ts';
import { prefixOf } from '../storage/keys.ts';
import type { EntryEvent } from '../storage/notes.ts';
import { bytesOf, objectOf } from '../storage/views.ts';
import { encodeEvent, eventBytes, eventValue, frameEvent } from './watch-events.ts';

/** Watches without a time-out of their own end after this long or up to twice as long (seconds). */
const defaultTimeout = 1800;
/** Least time between two bookmarks (milliseconds). */
const bookmarkInterval = 5000;
/** Initial objects handed over in one turn. */
const initialBatch = 256;

interface Batch {
  events: WatchEvent[];
  bytes: Uint8Array[] | undefined;
}

/** Checks the request; the watch itself begins when the transport calls `start`. Throws BadRequest, Invalid or Timeout. */
export function watch(call: Call): ApiResponse {
  const options = parseListOptions(call.request.query, true);
  const selector = selectorOf(call);
  const { store } = call.ctx;
  if (options.resourceVersion !== undefined && options.resourceVersion > store.revision)
    throw tooLargeVersion(options.resourceVersion, store.revision);
  const headers: Record<string, string> = {};
  if (call.request.want === 'bytes') headers['content-type'] = 'application/json';
  return {
    kind: 'watch',
    code: 200,
    headers,
    start: (sink) => new WatchSession(call, options, selector, sink).begin(),
  };
}

class WatchSession implements WatchHandle {
  readonly #call: Call;
  readonly #options: ListOptions;
  readonly #selector: EntryFilter | undefined;
  readonly #sink: WatchSink;
  readonly #prefix: string;
  readonly #asBytes: boolean;
  #storeWatch: StoreWatch | undefined;
  /** Initial objects not yet handed over; undefined once live. */
  #initial: { entries: readonly Entry[]; next: number; revision: number } | undefined;
  #full = false;
  #ended = false;
  #cancelTimeout: (() => void) | undefined;
  #lastBookmark = 0;
  #columnsSent = false;

  constructor(call: Call, options: ListOptions, selector: EntryFilter | undefined, sink: WatchSink) {
    this.#call = call;
    this.#options = options;
    this.#selector = selector;
    this.#sink = sink;
    const { kind, attributes } = call;
    this.#prefix = prefixOf(kind, kind.namespaced ? attributes.namespace : '');
    this.#asBytes = call.request.want === 'bytes';
  }

  begin(): WatchHandle {
    const { ctx, request } = this.#call;
    const seconds = this.#options.timeoutSeconds || defaultTimeout * (1 + ctx.random());
    this.#cancelTimeout = ctx.timers.after(seconds * 1000, () => this.#finish());
    ctx.closing.addEventListener('abort', this.#onClosing);
    request.signal.addEventListener('abort', this.#onClosing);
    ctx.metrics.watches(1);
    if (ctx.closing.aborted || request.signal.aborted) {
      queueMicrotask(() => this.#finish());
      return this;
    }
    // The sink is not called before the caller has its handle.
    queueMicrotask(() => this.#start());
    return this;
  }

  readonly #onClosing = (): void => this.#finish();

  #start(): void {
    if (this.#ended) return;
    const { store } = this.#call.ctx;
    const { resourceVersion, sendInitialEvents } = this.#options;
    const wantsInitial = sendInitialEvents ?? !resourceVersion;
    if (!wantsInitial) {
      this.#goLive(resourceVersion || store.revision);
      return;
    }
    const range = store.range(this.#prefix);
    this.#initial = { entries: range.entries, next: 0, revision: range.revision };
    this.#pump();
  }

  /** Hands over initial objects until the sink is full or none is left; then goes live. */
  #pump(): void {
    const initial = this.#initial;
    if (!initial || this.#full || this.#ended) return;
    const batch = this.#newBatch();
    const end = Math.min(initial.next + initialBatch, initial.entries.length);
    for (; initial.next < end; initial.next++) {
      const entry = initial.entries[initial.next];
      if (entry && (!this.#selector || this.#selector(entry))) this.#add(batch, 'ADDED', entry, false);
    }
    this.#send(batch);
    if (this.#ended) return;
    if (initial.next < initial.entries.length) {
      setImmediate(() => this.#pump());
      return;
    }
    if (this.#options.sendInitialEvents && this.#options.allowWatchBookmarks)
      this.#bookmark(initial.revision, { 'k8s.io/initial-events-end': 'true' });
    this.#initial = undefined;
    this.#goLive(initial.revision);
  }

  #goLive(after: number): void {
    try {
      const watcher: StoreWatcher = {
        onEvents: (events) => this.#onEvents(events),
        onProgress: (revision) => this.#onProgress(revision),
        onEnd: (reason) => {
          if (reason === 'closed') this.#finish();
          else this.#fail(errors.expired(`too old resource version: the watch fell behind (${reason})`));
        },
      };
      const only = selectionOf(this.#call);
      this.#storeWatch = this.#call.ctx.store.watch(this.#prefix, after, watcher, only);
      if (this.#ended) this.#storeWatch.stop();
    } catch (error) {
      this.#fail(
        error instanceof CompactedError
          ? errors.expired(`too old resource version: ${after} (${error.compacted + 1})`)
          : error,
      );
    }
  }

  #onEvents(events: readonly StoreEvent[]): boolean {
    if (this.#ended) return true;
    const batch = this.#newBatch();
    for (const event of events) this.#translate(batch, event);
    this.#send(batch);
    return !this.#full;
  }

  /** A change of the store, as somebody with this selector sees it. */
  #translate(batch: Batch, event: StoreEvent): void {
    const { entry, previous } = event;
    const selector = this.#selector;
    if (event.type === 'DELETE') {
      if (!selector || selector(previous ?? entry)) this.#add(batch, 'DELETED', entry);
      return;
    }
    if (!selector) {
      this.#add(batch, previous ? 'MODIFIED' : 'ADDED', entry);
      return;
    }
    const was = previous !== undefined && selector(previous);
    if (selector(entry)) this.#add(batch, was ? 'MODIFIED' : 'ADDED', entry);
    else if (was && previous) {
      // It has left the selection: its last selected state, at the revision of the change.
      const last = objectOf(this.#call.kind, this.#call.strategy, previous);
      this.#addObject(batch, 'DELETED', {
        ...last,
        metadata: { ...last.metadata, resourceVersion: String(event.revision) },
      });
    }
  }

  #newBatch(): Batch {
    return { events: [], bytes: this.#asBytes ? [] : undefined };
  }

  /** `shared`: other watches are shown the same now, so that what is made of it is kept. */
  #add(batch: Batch, type: EntryEvent, entry: Entry, shared = true): void {
    const { kind, strategy, output } = this.#call;
    if (output.as !== 'object') {
      this.#addObject(batch, type, objectOf(kind, strategy, entry));
      return;
    }
    // Bytes go out as they lie: nobody looks at the values then.
    if (batch.bytes)
      batch.bytes.push(
        shared ? eventBytes(kind, strategy, type, entry) : frameEvent(type, bytesOf(kind, strategy, entry)),
      );
    else batch.events.push(eventValue(kind, strategy, type, entry));
  }

  #addObject(batch: Batch, type: EntryEvent, object: Unstructured): void {
    const { output } = this.#call;
    let shown: unknown = object;
    if (output.as === 'Table') {
      shown = tableOf(
        this.#call,
        [object],
        { resourceVersion: object.metadata.resourceVersion },
        !this.#columnsSent,
      );
      this.#columnsSent = true;
    } else if (output.as !== 'object') shown = partialMetadata(object, output.version);
    this.#addEvent(batch, { type, object: shown as KubeObject });
  }

  #addEvent(batch: Batch, event: WatchEvent): void {
    if (batch.bytes) batch.bytes.push(encodeEvent(event));
    else batch.events.push(Object.freeze(event));
  }

  #send(batch: Batch): void {
    const count = batch.bytes ? batch.bytes.length : batch.events.length;
    if (count === 0 || this.#ended) return;
    this.#call.ctx.metrics.watchEvents(count);
    if (!this.#sink.events(batch.events, batch.bytes)) this.#full = true;
  }

  #bookmark(revision: number, annotations?: Record<string, string>): void {
    const { kind, output } = this.#call;
    const metadata = {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    let object: unknown = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
    if (output.as === 'PartialObjectMetadata' || output.as === 'PartialObjectMetadataList')
      object = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${output.version}`, metadata };
    else if (output.as === 'Table')
      object = {
        ...tableOf(this.#call, [], { resourceVersion: String(revision) }, false),
        rows: annotations ? [{ cells: null, object: { ...(object as object) } }] : [],
      };
    const batch = this.#newBatch();
    this.#addEvent(batch, { type: 'BOOKMARK', object: object as KubeObject });
    this.#send(batch);
  }

  #onProgress(revision: number): void {
    if (!this.#options.allowWatchBookmarks || this.#ended || this.#full) return;
    const now = this.#call.ctx.now().getTime();
    if (now - this.#lastBookmark < bookmarkInterval) return;
    this.#lastBookmark = now;
    this.#bookmark(revision);
  }

  drained(): void {
    if (!this.#full || this.#ended) return;
    this.#full = false;
    if (this.#initial) this.#pump();
    else this.#storeWatch?.resume();
  }

  stop(): void {
    this.#close();
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    const batch = this.#newBatch();
    this.#addEvent(batch, { type: 'ERROR', object: statusOf(error) as unknown as KubeObject });
    this.#send(batch);
    this.#finish();
  }

  #finish(): void {
    if (this.#close()) this.#sink.end();
  }

  /** Lets go of everything, once. */
  #close(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#initial = undefined;
    this.#storeWatch?.stop();
    this.#cancelTimeout?.();
    this.#call.ctx.closing.removeEventListener('abort', this.#onClosing);
    this.#call.request.signal.removeEventListener('abort', this.#onClosing);
    this.#call.ctx.metrics.watches(-1);
    return true;
  }
}
