/**
 * The store's core: what is true, in memory, over a journal that makes it last.
 *
 * Three points in time: a write is *accepted* (its expectation held against the newest accepted state, it has its revision),
 * then *appended* (in the one append that may be in flight; writes accepted meanwhile form the next: group commit), then
 * *durable*: only then is it applied to the state that reads see, given to watches, and its promise settled, in that order.
 *
 * Invariants: revisions are gapless. A slot's `pending` is the newest event of its key that is accepted and not yet durable.
 * Every version that a read at a revision above `compacted` needs is in the journal. After a failed append nothing more is
 * accepted, because it is not known what is on disk.
 */
import type {
  Entry,
  RangeOptions,
  RangeResult,
  Store,
  StoreEvent,
  StoreWatch,
  StoreWatcher,
  WatchSelection,
  Write,
  WriteResult,
} from './store.ts';
import { CompactedError, FutureRevisionError, StoreClosedError } from './store.ts';
import { type Journal, type JournalRecord, maxKeyBytes } from './journal.ts';
import { type EventHead, EventHeads } from './event-heads.ts';
import { RecentEvents } from './recent-events.ts';
import { settledBytes } from './settled-bytes.ts';
import { SortedSlots, type Slot } from './sorted-slots.ts';
import type { StoreClock } from './timing.ts';
import { addVersion, trimVersions, versionAt } from './versions.ts';
import { WatchHub } from './watch-hub.ts';

export interface CoreOptions {
  clock: StoreClock;
  recentEvents: number;
  recentBytes: number;
  maxWatcherBacklogMs: number;
  /** Called when closing begins and when it is over. */
  onClose(): void;
  onClosed(): void;
}

interface Waiting {
  event: StoreEvent;
  slot: Slot;
  resolve(result: WriteResult): void;
  reject(error: unknown): void;
}

/** Events in one append: bounds the time one group of writers waits for another's bytes. */
const maxBatch = 4096;
/** Events whose leftovers one step of compaction removes; about a millisecond of work. */
const compactionStep = 256;

export class StoreCore implements Store {
  readonly #journal: Journal;
  readonly #options: CoreOptions;
  readonly #slots = new SortedSlots();
  readonly #byKey = new Map<string, Slot>();
  readonly #recent: RecentEvents;
  readonly #heads = new EventHeads();
  readonly #hub: WatchHub;
  #queue: Waiting[] = [];
  #revision = 0;
  #accepted = 0;
  #compacted = 0;
  #closing = false;
  #closed: Promise<void> | undefined;
  /** Set by a failed append; why later writes are refused. */
  #failure: unknown;
  #flushing = false;
  #idle: (() => void)[] = [];
  #compaction: Promise<void> = Promise.resolve();
  readonly #settled = settledBytes();

  constructor(journal: Journal, options: CoreOptions) {
    this.#journal = journal;
    this.#options = options;
    this.#recent = new RecentEvents(options.recentEvents, options.recentBytes);
    this.#hub = new WatchHub(this, options.clock, options.maxWatcherBacklogMs);
    this.#compacted = this.#load();
    this.#accepted = this.#revision;
  }

  /** Rebuilds the state from the journal and returns the revision compacted through. */
  #load(): number {
    const compacted = this.#journal.load((record) => {
      const slot = this.#byKey.get(record.key);
      const event = toEvent(record, slot?.entry);
      const entry = event.type === 'PUT' ? event.entry : undefined;
      if (slot) {
        addVersion(slot, event.type, event.revision);
        slot.entry = entry;
      } else {
        const versions = entry ? undefined : [-event.revision];
        this.#byKey.set(record.key, freshSlot(record.key, entry, versions, true));
      }
      this.#recent.push(event);
      this.#heads.push(record.revision, headOf(event, record.previousRevision));
      this.#revision = record.revision;
    });
    this.#revision = Math.max(this.#revision, compacted);
    // Lone newest values from before the compaction point are no events any more.
    this.#recent.dropThrough(compacted);
    this.#heads.dropThrough(compacted);
    this.#slots.takeAll([...this.#byKey.values()]);
    return compacted;
  }

  get revision(): number {
    return this.#revision;
  }
  get compacted(): number {
    return this.#compacted;
  }

  get(key: string, revision?: number): Entry | undefined {
    const slot = this.#byKey.get(key);
    if (revision === undefined || revision === this.#revision) return slot?.entry;
    this.#checkReadable(revision);
    return slot && this.#entryAt(slot, versionAt(slot, revision));
  }

  peek(key: string): Entry | undefined {
    const slot = this.#byKey.get(key);
    return slot && newestOf(slot);
  }

  range(prefix: string, options: RangeOptions = {}): RangeResult {
    const { after, limit = Infinity } = options;
    const revision = options.revision ?? this.#revision;
    const newest = revision === this.#revision;
    if (!newest) this.#checkReadable(revision);
    const first = this.#slots.atLeast(prefix);
    const afterKey = after === undefined ? first : this.#slots.after(after);
    const start = isBefore(first, afterKey) ? afterKey : first;
    const end = this.#slots.afterPrefix(prefix);
    const entries: Entry[] = [];
    if (!isBefore(start, end)) return { entries, revision, more: false, remaining: 0 };
    if (newest) {
      this.#slots.forEach(start, end, ({ entry }) => {
        if (entries.length >= limit) return false;
        if (entry) entries.push(entry);
        return true;
      });
      const remaining =
        limit === Infinity ? 0 : this.#slots.liveBefore(end) - this.#slots.liveBefore(start) - entries.length;
      return { entries, revision, more: remaining > 0, remaining };
    }
    let left = 0;
    this.#slots.forEach(start, end, (slot) => {
      const version = versionAt(slot, revision);
      if (version === 0) return true;
      const entry = entries.length < limit ? this.#entryAt(slot, version) : undefined;
      if (entry) entries.push(entry);
      else left++;
      return left === 0 || options.count !== false;
    });
    return { entries, revision, more: left > 0, remaining: options.count === false ? undefined : left };
  }

  count(prefix: string): number {
    if (prefix === '') return this.#slots.live;
    const end = this.#slots.afterPrefix(prefix);
    return this.#slots.liveBefore(end) - this.#slots.liveBefore(this.#slots.atLeast(prefix));
  }

  write(write: Write): Promise<WriteResult> {
    return new Promise((resolve, reject) => {
      if (this.#closing) throw new StoreClosedError();
      if (this.#failure !== undefined) throw this.#failure;
      let slot = this.#byKey.get(write.key);
      // A key that has a slot has been checked.
      if (!slot) checkKey(write.key);
      const current = slot && newestOf(slot);
      const expectationHolds = write.expect === undefined || write.expect === (current?.revision ?? 0);
      if (!expectationHolds || (write.delete && !current)) {
        resolve({ ok: false, current });
        return;
      }
      const revision = this.#accepted + 1;
      const sealed = write.seal(revision, current);
      if (this.#accepted + 1 !== revision)
        throw new Error(`seal of ${write.key} must not write to the store itself`);
      this.#accepted = revision;
      const entry: Entry = {
        key: write.key,
        bytes: sealed.bytes,
        createRevision: current?.createRevision ?? revision,
        revision,
        object: sealed.object,
        notes: sealed.notes,
      };
      const event: StoreEvent = {
        type: write.delete ? 'DELETE' : 'PUT',
        key: write.key,
        revision,
        entry,
        previous: current,
      };
      // Sealing may have let others write, but not to this store: see above.
      if (!slot) {
        slot = freshSlot(write.key, undefined, undefined, false);
        this.#byKey.set(write.key, slot);
      }
      slot.pending = event;
      this.#queue.push({ event, slot, resolve, reject });
      if (!this.#flushing) {
        this.#flushing = true;
        // A turn of the event loop later, so that writers woken by the same I/O share the first append too.
        setImmediate(() => void this.#flush());
      }
    });
  }

  watch(prefix: string, after: number, watcher: StoreWatcher, only?: WatchSelection): StoreWatch {
    if (this.#closing) throw new StoreClosedError();
    if (after > this.#revision) throw new FutureRevisionError(after, this.#revision);
    if (after < this.#compacted) throw new CompactedError(after, this.#compacted);
    return this.#hub.add(prefix, after, watcher, only);
  }

  compact(revision: number): Promise<void> {
    if (this.#closing) return Promise.reject(new StoreClosedError());
    if (revision > this.#revision) return Promise.reject(new FutureRevisionError(revision, this.#revision));
    const from = this.#compacted;
    if (revision <= from) return this.#compaction;
    this.#compacted = revision;
    const done = this.#compaction.then(() => this.#compactSteps(from, revision));
    // One failure must not stop the next compaction; its own caller hears of it.
    this.#compaction = done.catch(() => {});
    return done;
  }

  stats(): { keys: number; bytesOnDisk: number; watchers: number; pendingWrites: number } {
    return {
      keys: this.#slots.live,
      bytesOnDisk: this.#journal.bytesOnDisk(),
      watchers: this.#hub.size,
      pendingWrites: this.#accepted - this.#revision,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing = true;
    this.#options.onClose();
    if (this.#flushing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#compaction;
    this.#hub.close();
    await this.#journal.close();
    this.#options.onClosed();
  }

  /** The kept event at a revision if its key begins with `prefix`. `far`: it had to be read from the journal. */
  eventUnder(prefix: string, revision: number): { event: StoreEvent | undefined; far: boolean } {
    const recent = this.#recent.at(revision);
    if (recent) return { event: recent.key.startsWith(prefix) ? recent : undefined, far: false };
    const record = this.#read(revision);
    if (!record.key.startsWith(prefix)) return { event: undefined, far: true };
    const slot = this.#byKey.get(record.key);
    const previous = slot && this.#entryAt(slot, record.previousRevision);
    return { event: toEvent(record, previous), far: true };
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0 && this.#failure === undefined) {
      const batch = this.#queue.splice(0, maxBatch);
      try {
        await this.#journal.append(batch.map(({ event }) => toRecord(event)));
      } catch (error) {
        this.#fail(error, batch);
        break;
      }
      this.#publish(batch);
    }
    this.#flushing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #publish(batch: readonly Waiting[]): void {
    const events: StoreEvent[] = [];
    for (const { event, slot } of batch) {
      events.push(event);
      this.#apply(event, slot);
      this.#recent.push(event);
      this.#heads.push(event.revision, headOf(event, event.previous?.revision ?? 0));
      if (slot.pending === event) slot.pending = undefined;
    }
    this.#revision = events.at(-1)!.revision;
    this.#hub.publish(events);
    for (const { event, resolve } of batch) {
      resolve({ ok: true, entry: event.entry, revision: event.revision });
    }
  }

  #fail(error: unknown, batch: readonly Waiting[]): void {
    this.#failure = new Error('the store could not write to disk and accepts no more writes', {
      cause: error,
    });
    for (const { slot, reject } of [...batch, ...this.#queue]) {
      slot.pending = undefined;
      if (!slot.listed) this.#byKey.delete(slot.key);
      reject(this.#failure);
    }
    this.#queue = [];
    this.#accepted = this.#revision;
  }

  #apply(event: StoreEvent, slot: Slot): void {
    const entry = event.type === 'PUT' ? event.entry : undefined;
    if (slot.listed) {
      addVersion(slot, event.type, event.revision);
      this.#slots.setEntry(slot, entry);
    } else {
      slot.entry = entry;
      slot.versions = entry ? undefined : [-event.revision];
      slot.listed = true;
      this.#slots.insert(slot);
    }
  }

  async #compactSteps(from: number, to: number): Promise<void> {
    for (let done = from; done < to;) {
      if (this.#closing) throw new StoreClosedError();
      const stepEnd = Math.min(to, done + compactionStep);
      const gone: number[] = [];
      const keys = new Set<string>();
      for (let revision = done + 1; revision <= stepEnd; revision++) {
        const { type, key, previousRevision } = this.#heads.at(revision) ?? this.#read(revision);
        keys.add(key);
        // What an event replaced is seen only by reads before it, and a deletion has nothing to show to reads after it.
        if (previousRevision > 0) gone.push(previousRevision);
        if (type === 'DELETE') gone.push(revision);
      }
      await this.#journal.compact(stepEnd, gone);
      for (const key of keys) {
        const slot = this.#byKey.get(key);
        if (slot?.listed && !trimVersions(slot, stepEnd)) {
          this.#slots.remove(slot);
          slot.listed = false;
          // Somebody makes it anew: `#apply` will list it again.
          if (!slot.pending) this.#byKey.delete(key);
        } else if (slot?.entry && slot.entry.revision > done && slot.entry.revision <= stepEnd) {
          // It has lasted.
          const entry = slot.entry as { bytes: Uint8Array; revision: number };
          entry.bytes = this.#settled(entry.bytes);
          this.#journal.settle?.(entry.revision, entry.bytes);
          slot.entry.notes?.settled?.();
        }
      }
      this.#recent.dropThrough(stepEnd);
      this.#heads.dropThrough(stepEnd);
      done = stepEnd;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The key's value of that revision; undefined for 0. */
  #entryAt(slot: Slot, version: number): Entry | undefined {
    if (version === 0) return undefined;
    if (slot.entry?.revision === version) return slot.entry;
    return this.#recent.at(version)?.entry ?? toEntry(this.#read(version));
  }

  #read(revision: number): JournalRecord {
    if (this.#closing) throw new StoreClosedError();
    const record = this.#journal.read(revision);
    if (!record) throw new Error(`revision ${revision} is missing from the store's journal`);
    return record;
  }

  #checkReadable(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision);
    if (revision <= this.#compacted && revision < this.#revision)
      throw new CompactedError(revision, this.#compacted);
  }
}

/** Refuses a key that could not be read back as it is. */
function checkKey(key: string): void {
  if (!key.isWellFormed()) throw new TypeError(`key ${JSON.stringify(key)} is not well-formed Unicode`);
  // A UTF-16 unit takes at most three bytes.
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
    throw new TypeError(`key ${JSON.stringify(key.slice(0, 40))}... is longer than ${maxKeyBytes} bytes`);
  }
}

function freshSlot(
  key: string,
  entry: Entry | undefined,
  versions: number[] | undefined,
  listed: boolean,
): Slot {
  return { key, entry, versions, pending: undefined, listed, chunk: undefined };
}

/** The newest accepted value, durable or not. */
function newestOf({ pending, entry }: Slot): Entry | undefined {
  if (pending) return pending.type === 'PUT' ? pending.entry : undefined;
  return entry;
}

function isBefore(a: { chunk: number; index: number }, b: { chunk: number; index: number }): boolean {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.index < b.index);
}

function headOf({ type, key }: StoreEvent, previousRevision: number): EventHead {
  return { type, key, previousRevision };
}

function toRecord(event: StoreEvent): JournalRecord {
  return {
    type: event.type,
    key: event.key,
    revision: event.revision,
    createRevision: event.entry.createRevision,
    previousRevision: event.previous?.revision ?? 0,
    bytes: event.entry.bytes,
  };
}

function toEntry(record: JournalRecord): Entry {
  const { key, bytes, createRevision, revision } = record;
  return { key, bytes, createRevision, revision, object: undefined, notes: undefined };
}

function toEvent(record: JournalRecord, previous: Entry | undefined): StoreEvent {
  return { type: record.type, key: record.key, revision: record.revision, entry: toEntry(record), previous };
}
