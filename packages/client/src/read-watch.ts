import { ApiError, type ApiResponse, type Status, type WatchEvent } from '@coracle/machinery';
import { EventQueue } from './event-queue.ts';

/**
 * Events of a watch's answer, as Client.watch gives them: ends when the server ends it or the signal aborts, throws an ERROR
 * event as its ApiError, and stops the watch when the reader leaves its loop. For watches that Client.watch has no words for,
 * such as Tables; ask for them with Client.request.
 */
export async function* readWatch<T>(
  response: ApiResponse,
  signal?: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  if (response.kind !== 'watch') throw new TypeError(`a ${response.kind} answers a watch`);
  const events = new EventQueue();
  const stop = (): void => events.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    events.start(response);
    if (signal?.aborted) return;
    while (await events.wait()) {
      for (let event = events.take(); event !== undefined; event = events.take()) {
        if (event.type === 'ERROR') throw ApiError.from(event.object as unknown as Status);
        yield event as unknown as WatchEvent<T>;
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    events.stop();
  }
}
