import { mkdirSync } from 'node:fs';
import { type AutoCompact, startAutoCompact } from './auto-compact.ts';
import { StoreCore } from './core.ts';
import type { Journal } from './journal.ts';
import { lmdbJournal } from './lmdb-journal.ts';
import { lockFolder } from './lock.ts';
import { memoryJournal } from './memory-journal.ts';
import type { Store } from './store.ts';
import { type StoreClock, systemClock } from './timing.ts';

export interface MemoryStoreOptions {
  clock?: StoreClock | undefined;
  /** How much of the newest history is also kept in memory, for watches a little behind; default 20,000 events, 64 MiB. */
  memory?: { recentEvents?: number | undefined; recentBytes?: number | undefined } | undefined;
  /** How long a watch may stay full before it is ended as slow; default 30,000 ms. */
  maxWatcherBacklogMs?: number | undefined;
  /** Compact by itself; off unless given. */
  autoCompact?: AutoCompact | undefined;
  /** Memory store only: stands for the disk; writes are durable when it resolves. Default: at once. */
  flush?: (() => Promise<void>) | undefined;
}
export interface StoreOptions extends Omit<MemoryStoreOptions, 'flush'> {
  /** The store's folder; made if it is not there. */
  path: string;
}

/**
 * Opens or makes a durable store. Rejects with StoreLockedError (somebody has it open), StoreCorruptError or
 * StoreFormatError (nothing was changed), or the system's error (no access, disk full).
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  mkdirSync(options.path, { recursive: true });
  const release = lockFolder(options.path);
  let journal: Journal | undefined;
  try {
    journal = await lmdbJournal(options.path);
    return assemble(journal, options, release);
  } catch (error) {
    await journal?.close();
    release();
    throw error;
  }
}

/** A store with the same behaviour that is gone with the process: for tests and throw-away clusters. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return assemble(memoryJournal(options.flush), options, () => {});
}

function assemble(journal: Journal, options: MemoryStoreOptions, release: () => void): Store {
  const clock = options.clock ?? systemClock;
  let stopCompacting: (() => void) | undefined;
  const store = new StoreCore(journal, {
    clock,
    recentEvents: options.memory?.recentEvents ?? 20_000,
    recentBytes: options.memory?.recentBytes ?? 64 * 1024 * 1024,
    maxWatcherBacklogMs: options.maxWatcherBacklogMs ?? 30_000,
    onClose: () => stopCompacting?.(),
    onClosed: release,
  });
  if (options.autoCompact) stopCompacting = startAutoCompact(store, clock, options.autoCompact);
  return store;
}
