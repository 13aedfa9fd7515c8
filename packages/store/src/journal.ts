/**
 * The durability layer under the store's core: an append-only log of events by revision. Two exist: LMDB and memory. The
 * core keeps the newest state and the version index in memory, rebuilt from `load`; the journal is read again only for old
 * values (history reads, watches that resume from far back).
 */

/** Longest key, in UTF-8: a journal may keep its length in 16 bits. */
export const maxKeyBytes = 0xffff;

/** One event as it is kept. For a DELETE, `bytes` is the last value that watchers are shown. */
export interface JournalRecord {
  readonly type: 'PUT' | 'DELETE';
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  /** Revision of the value before; 0 if the key did not exist. */
  readonly previousRevision: number;
  readonly bytes: Uint8Array;
}

export interface Journal {
  /**
   * Calls `visit` for every kept record, in revision order, and returns the revision compacted through. Called once, first.
   * Throws StoreCorruptError for a record that cannot be what was written.
   */
  load(visit: (record: JournalRecord) => void): number;
  /**
   * Keeps the records; resolves when they are on disk, all or none. The core has one append in flight at a time. Rejects
   * when they may not be on disk: the core then refuses all later writes.
   */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** The record at a revision; undefined if it was compacted away. The bytes are the caller's to keep. */
  read(revision: number): JournalRecord | undefined;
  /** Drops the records `gone` and remembers `through` as compacted, in one transaction. Resolves when on disk. */
  compact(through: number, gone: readonly number[]): Promise<void>;
  /** A journal in memory only: the bytes of a kept record are these now, equal to those before. */
  settle?(revision: number, bytes: Uint8Array): void;
  bytesOnDisk(): number;
  close(): Promise<void>;
}
