/** Runs `work` for each item, at most `size` at a time; waits for all and throws the first error. */
export async function inBatches<T>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += size) {
    const results = await Promise.allSettled(items.slice(at, at + size).map(work));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

/**
 * The same for creations that may all fail alike (a quota that is full): the first batch is small and each next twice as
 * large; the first batch with a failure is the last.
 */
export async function slowStart<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let size = 4;
  for (let at = 0; at < items.length;) {
    const batch = items.slice(at, at + size);
    await inBatches(batch, batch.length, work);
    at += size;
    size = Math.min(size * 2, 128);
  }
}
