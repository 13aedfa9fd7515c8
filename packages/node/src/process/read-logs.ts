import type { LogOptions } from '@coracle/machinery';
import type { LogFiles, LogIndex } from './log-files.ts';

/** A log that may still grow. */
export interface LogSource {
  files: LogFiles;
  index: LogIndex;
  /** No byte will follow. */
  ended(): boolean;
  /** Resolves when there may be more bytes, or the log has ended, or the signal aborts. */
  more(signal: AbortSignal): Promise<void>;
  now(): number;
}

const newline = 10;

/** The bytes that `pods/log` answers: chosen by time and tail, with a time before each line if asked, cut at limitBytes. */
export async function* readLogs(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { files } = source;
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let at = await startOf(source, options);
  const stamper = options.timestamps ? new Stamper(source) : undefined;
  for (;;) {
    // Asked before reading, so that bytes written just before the end are read.
    const ended = source.ended();
    const { end } = files.extent();
    for await (const piece of files.read(at, end)) {
      if (signal.aborted) return;
      at = piece.offset + piece.bytes.length;
      const bytes = stamper ? stamper.stamp(piece.offset, piece.bytes) : piece.bytes;
      if (bytes.length >= left) {
        yield bytes.subarray(0, left);
        return;
      }
      left -= bytes.length;
      if (bytes.length > 0) yield bytes;
    }
    if (!options.follow || ended || signal.aborted) return;
    await source.more(signal);
    if (signal.aborted) return;
  }
}

async function startOf({ files, index, now }: LogSource, options: LogOptions): Promise<number> {
  const { start, end } = files.extent();
  let from = start;
  const since =
    options.sinceTime === undefined
      ? options.sinceSeconds === undefined
        ? undefined
        : now() - options.sinceSeconds * 1000
      : Date.parse(options.sinceTime);
  if (since !== undefined)
    from = await lineStart(files, Math.max(start, index.offsetSince(since)), start, end);
  if (options.tailLines !== undefined) from = await files.tail(options.tailLines, from, end);
  return from;
}

/** The first line that starts at `from` or later. */
async function lineStart(files: LogFiles, from: number, start: number, end: number): Promise<number> {
  if (from <= start) return start;
  for await (const { offset, bytes } of files.read(from - 1, end)) {
    const found = bytes.indexOf(newline);
    if (found >= 0) return offset + found + 1;
  }
  return end;
}

/** Puts `2026-01-02T03:04:05.678000000Z ` before each line. */
class Stamper {
  readonly #source: LogSource;
  #midLine = false;
  constructor(source: LogSource) {
    this.#source = source;
  }
  stamp(offset: number, bytes: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (!this.#midLine) {
        const time = this.#source.index.timeOf(offset + at) ?? this.#source.now();
        parts.push(Buffer.from(`${new Date(time).toISOString().replace('Z', '000000Z')} `));
      }
      const found = bytes.indexOf(newline, at);
      const stop = found < 0 ? bytes.length : found + 1;
      parts.push(bytes.subarray(at, stop));
      this.#midLine = found < 0;
      at = stop;
    }
    return Buffer.concat(parts);
  }
}
