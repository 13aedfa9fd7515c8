/** What can go wrong when a store is opened. Each message names the path and what the reader can do about it. */

/** Another living process (or this one) has the store open. */
export class StoreLockedError extends Error {
  override name = 'StoreLockedError';
  readonly pid: number;
  constructor(path: string, pid: number) {
    super(
      pid === process.pid
        ? `the store at ${path} is already open in this process`
        : `the store at ${path} is in use by process ${pid}; stop that process first`,
    );
    this.pid = pid;
  }
}

/** The files are damaged, cut short, or not a store's at all. Nothing was changed. */
export class StoreCorruptError extends Error {
  override name = 'StoreCorruptError';
  constructor(path: string, what: string, cause?: unknown) {
    super(
      `the store at ${path} cannot be read: ${what}. Restore it from a copy, or move it away to start empty`,
      { cause },
    );
  }
}

/** A newer (or much older) program wrote the store. Nothing was changed. */
export class StoreFormatError extends Error {
  override name = 'StoreFormatError';
  constructor(path: string, found: string, known: number) {
    super(`the store at ${path} has format ${found}; this program reads format ${known}`);
  }
}
