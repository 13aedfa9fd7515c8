import type { IncomingMessage } from 'node:http';
import { type ApiResponse, deepFreeze, type WatchEvent } from '@coracle/machinery';

/** A watch's answer: one JSON event a line, read no faster than the sink takes them. */
export function watchResponse(
  message: IncomingMessage,
  headers: Record<string, string>,
): Extract<ApiResponse, { kind: 'watch' }> {
  return {
    kind: 'watch',
    code: 200,
    headers,
    start(sink) {
      const lines = new LineSplitter();
      let ended = false;
      const end = (): void => {
        if (ended) return;
        ended = true;
        sink.end();
      };
      message.on('data', (chunk: Buffer) => {
        if (ended) return;
        const events: WatchEvent[] = [];
        try {
          for (const line of lines.push(chunk)) events.push(deepFreeze(JSON.parse(line) as WatchEvent));
        } catch {
          // Not JSON: some proxy's text. What came before it is good; the reader watches again from there.
          if (events.length > 0) sink.events(events, undefined);
          message.destroy();
          end();
          return;
        }
        if (events.length > 0 && !sink.events(events, undefined)) message.pause();
      });
      message.once('end', end);
      message.on('error', end);
      message.once('close', end);
      return {
        drained: () => {
          message.resume();
        },
        stop() {
          ended = true;
          message.destroy();
        },
      };
    },
  };
}

/** Cuts bytes into lines of text; bytes after the last line end wait for the next chunk. */
class LineSplitter {
  /** Pieces of the line begun and not ended. None holds a line end. */
  #rest: Buffer[] = [];

  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      const line = this.#rest.length > 0 ? Buffer.concat([...this.#rest, piece]) : piece;
      this.#rest = [];
      if (line.length > 0) lines.push(line.toString('utf8'));
      start = end + 1;
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
    return lines;
  }
}
