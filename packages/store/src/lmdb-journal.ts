/**
 * The journal on LMDB: one file, two tables. `events`: revision -> record (see record-codec). `meta`: `format`, `compacted`.
 *
 * The other table of the architecture, key -> revisions, lives in memory (the slots' versions) and is rebuilt on open from
 * the records, which are read then anyway for the newest values: it would double what each write puts on disk.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { StoreCorruptError, StoreFormatError } from './errors.ts';
import type { Journal } from './journal.ts';
import { decodeRecord, encodeRecord, recordBytes } from './record-codec.ts';

const formatVersion = 1;
/** Bytes kept for what is being appended: at first, and at most. */
const usualRoom = 64 * 1024;
const mostRoom = 1024 * 1024;
/** lmdb takes put options in the version's place, which its types do not say. */
const atEnd = { append: true } as unknown as number;

/** Opens or makes the journal in a folder. Throws StoreCorruptError or StoreFormatError; then nothing was changed. */
export async function lmdbJournal(folder: string): Promise<Journal> {
  // Loaded here so that a memory store never pays for the native library.
  const { open } = await import('lmdb');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'store.mdb');
  checkHeader(folder, file);
  let root: RootDatabase<string, string>;
  try {
    root = open<string, string>({
      path: file,
      noSubdir: true,
      encoding: 'string',
      maxDbs: 4,
      noMemInit: false,
    });
  } catch (error) {
    throw new StoreCorruptError(folder, `${file} is not a database (${messageOf(error)})`, error);
  }
  try {
    checkLength(root, folder, file);
    const meta = root.openDB<string, string>({ name: 'meta', encoding: 'string' });
    const events = root.openDB<Buffer, number>({ name: 'events', encoding: 'binary' });
    // Without events the store is new, or the process that made it was killed before it wrote the format.
    if (meta.get('format') === undefined && events.getCount({ limit: 1 }) === 0) {
      await durably([meta.put('format', String(formatVersion))], meta);
    }
    const format = meta.get('format');
    if (format !== String(formatVersion))
      throw new StoreFormatError(folder, format ?? 'unknown', formatVersion);
    return journalOn(root, meta, events, folder, file);
  } catch (error) {
    await root.close();
    throw error;
  }
}

function journalOn(
  root: RootDatabase<string, string>,
  meta: Database<string, string>,
  events: Database<Buffer, number>,
  folder: string,
  file: string,
): Journal {
  const decode = (revision: number, value: Buffer) => {
    const record = decodeRecord(revision, value);
    if (typeof record === 'string') throw new StoreCorruptError(folder, record);
    return record;
  };
  /**
   * What is being appended: one append is in flight at a time, and the library reads it until that is on disk. The same memory
   * for each, because memory that was never used before costs more (the system has to find and clear it) than all the rest.
   */
  let room = Buffer.allocUnsafeSlow(usualRoom);
  /** After a failed commit the library's own waiting for flushes never ends. */
  let failed = false;
  const write = async (writes: readonly Promise<boolean>[]): Promise<void> => {
    try {
      await durably(writes, events);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  return {
    load(visit) {
      const compacted = Number(meta.get('compacted') ?? 0);
      let last = compacted;
      for (const { key, value } of events.getRange()) {
        if (key > compacted && key !== last + 1) {
          throw new StoreCorruptError(folder, `revision ${last + 1} is missing`);
        }
        if (key > compacted) last = key;
        visit(decode(key, value));
      }
      return compacted;
    },
    async append(records) {
      // Puts of one turn of the event loop are one transaction. `append` tells LMDB that revisions only grow, so that it
      // fills pages (half the file size).
      const sizes = records.map(recordBytes);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      if (room.length < total) room = Buffer.allocUnsafeSlow(total);
      let start = 0;
      const puts = records.map((record, i) => {
        const bytes = encodeRecord(record, room, start, sizes[i]!);
        start += bytes.length;
        return events.put(record.revision, bytes, atEnd);
      });
      await write(puts);
      if (room.length > mostRoom) room = Buffer.allocUnsafeSlow(usualRoom);
    },
    read(revision) {
      const value = events.get(revision);
      return value && decode(revision, value);
    },
    async compact(through, gone) {
      const writes = gone.map((revision) => events.remove(revision));
      writes.push(meta.put('compacted', String(through)));
      await write(writes);
    },
    bytesOnDisk: () => statSync(file).size,
    async close() {
      const closed = root.close().catch((error: unknown) => {
        if (!failed) throw error;
      });
      if (!failed) await closed;
    },
  };
}

/** A put's promise settles at commit, which other readers see but a power cut may undo; `flushed` is when it is on disk. */
async function durably(
  writes: readonly Promise<boolean>[],
  database: { flushed: PromiseLike<unknown>; committed: PromiseLike<unknown> },
): Promise<void> {
  // For each batch the library makes a promise that it gives to nobody, in a setImmediate of its own that came before this
  // one. Unless somebody takes it, a failed commit would end the process as an unhandled rejection.
  setImmediate(() => database.committed.then(ignore, ignore));
  try {
    const [, ...done] = await Promise.all([database.flushed, ...writes]);
    if (done.includes(false)) throw new Error('the database refused a write');
  } catch (error) {
    // LMDB's detail comes as another promise, which nobody else awaits.
    const detail = (error as { commitError?: Promise<unknown> }).commitError;
    if (!detail) throw error;
    throw await Promise.race([
      detail.then(
        () => error,
        (cause: unknown) => cause,
      ),
      new Promise((r) => setTimeout(r, 100, error)),
    ]);
  }
}

/** LMDB's own check of a file that is something else ends the process, so look before it does. */
function checkHeader(folder: string, file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const head = Buffer.alloc(32);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, head, 0, head.length, 0);
  } finally {
    closeSync(handle);
  }
  const magic = 0xbeefc0de;
  if (head.readUInt32LE(24) !== magic || head.readUInt32LE(28) !== 2) {
    throw new StoreCorruptError(folder, `${file} is not a database of this kind`);
  }
}

/** LMDB maps the file: a page that the file no longer has would end the process when it is touched. */
function checkLength(root: RootDatabase<string, string>, folder: string, file: string): void {
  const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number };
  const needed = (lastPageNumber + 1) * pageSize;
  const found = statSync(file).size;
  if (found < needed) {
    throw new StoreCorruptError(folder, `${file} is cut short (${found} of ${needed} bytes)`);
  }
}

const ignore = (): void => {};
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
