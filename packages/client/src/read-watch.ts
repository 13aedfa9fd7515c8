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
  for await (const events of readWatchBatches<T>(response, signal)) {
    for (const event of events) {
      if (signal?.aborted) return;
      yield event;
    }
  }
}

/** The same, all events that are there at a time: for readers to whom waiting once for each event is dear. */
export async function* readWatchBatches<T>(
  response: ApiResponse,
  signal?: AbortSignal,
): AsyncGenerator<readonly WatchEvent<T>[], void, undefined> {
  if (response.kind !== 'watch') throw new TypeError(`a ${response.kind} answers a watch`);
  const queue = new EventQueue();
  const stop = (): void => queue.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    queue.start(response);
    if (signal?.aborted) return;
    while (await queue.wait()) {
      const events = queue.take();
      const failed = events.findIndex(({ type }) => type === 'ERROR');
      const good = failed < 0 ? events : events.slice(0, failed);
      if (good.length > 0) yield good as unknown as readonly WatchEvent<T>[];
      if (failed >= 0) throw ApiError.from(events[failed]!.object as unknown as Status);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    queue.stop();
  }
}
