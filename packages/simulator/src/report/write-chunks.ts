/** Text to a stream as fast as it takes it. */
import type { Writable } from 'node:stream';
import { once } from 'node:events';

/**
 * Writes chunks one after the other and waits whenever the stream is full, so that the whole is never in memory. The stream is
 * not ended. Rejects with the stream's error.
 */
export async function writeChunks(stream: Writable, chunks: Iterable<string>): Promise<void> {
  for (const chunk of chunks) {
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
}
