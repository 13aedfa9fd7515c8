/**
 * A container's output on disk. The supervisor's pump writes it byte for byte into segments `log.1`, `log.2`, ... of one size,
 * of which the newest few are kept; an offset counts bytes since the container started, so segment n begins at
 * (n - 1) * size. Standard output and error share one pipe, which keeps their order and loses which was which.
 *
 * Time is kept beside it: whoever watches the file grow notes "up to this offset at this time" in `log.index`. A line's
 * time is when its first byte was first seen (within 10 ms while an agent runs; bytes that came while none ran get the time
 * when the next one looked).
 */
import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { logSegment } from './scripts.ts';

interface Segment {
  number: number;
  start: number;
  size: number;
}

/** Bytes of the log that are there, and reading them. */
export class LogFiles {
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  segments(): Segment[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      return [];
    }
    return names
      .flatMap((name): Segment[] => {
        const number = /^log\.(\d+)$/.exec(name)?.[1];
        if (number === undefined) return [];
        try {
          const size = statSync(join(this.folder, name)).size;
          return [{ number: Number(number), start: (Number(number) - 1) * logSegment.bytes, size }];
        } catch {
          return [];
        }
      })
      .toSorted((a, b) => a.number - b.number);
  }

  /** First kept offset, and the one after the last byte. */
  extent(): { start: number; end: number } {
    const segments = this.segments();
    const first = segments[0];
    const last = segments.at(-1);
    return first && last ? { start: first.start, end: last.start + last.size } : { start: 0, end: 0 };
  }

  /** Bytes from `from` up to `to`, in pieces of at most 64 KiB. Bytes rotated away meanwhile are left out. */
  async *read(from: number, to: number): AsyncGenerator<{ offset: number; bytes: Uint8Array }> {
    for (const segment of this.segments()) {
      const end = Math.min(to, segment.start + segment.size);
      let at = Math.max(from, segment.start);
      if (at >= end) continue;
      let file;
      try {
        file = await open(join(this.folder, `log.${segment.number}`), 'r');
      } catch {
        continue;
      }
      try {
        while (at < end) {
          const buffer = Buffer.allocUnsafe(Math.min(65_536, end - at));
          const { bytesRead } = await file.read(buffer, 0, buffer.length, at - segment.start);
          if (bytesRead === 0) break;
          yield { offset: at, bytes: buffer.subarray(0, bytesRead) };
          at += bytesRead;
        }
      } finally {
        await file.close();
      }
    }
  }

  /** Where the last `lines` lines start, not before `from`. A last line without its newline counts. */
  async tail(lines: number, from: number, end: number): Promise<number> {
    if (lines <= 0) return end;
    let left = lines;
    let at = end;
    while (at > from) {
      const start = Math.max(from, at - 65_536);
      const pieces: Uint8Array[] = [];
      for await (const { bytes } of this.read(start, at)) pieces.push(bytes);
      const bytes = Buffer.concat(pieces);
      for (let i = bytes.length - 1; i >= 0; i--) {
        // The newline that ends the last line does not start one.
        if (bytes[i] !== 10 || start + i === end - 1) continue;
        left -= 1;
        if (left === 0) return start + i + 1;
      }
      at = start;
    }
    return from;
  }
}

/** When bytes came: entries of rising offset and time. Bytes below an entry's offset and not below its predecessor's came then. */
export class LogIndex {
  readonly #file: string;
  readonly #offsets: number[] = [];
  readonly #times: number[] = [];

  constructor(folder: string) {
    this.#file = join(folder, 'log.index');
    try {
      for (const line of readFileSync(this.#file, 'utf8').split('\n')) {
        const [offset, time] = line.split(' ').map(Number);
        if (offset === undefined || time === undefined || Number.isNaN(time)) continue;
        this.#offsets.push(offset);
        this.#times.push(time);
      }
    } catch {
      // Not written yet.
    }
  }

  get end(): number {
    return this.#offsets.at(-1) ?? 0;
  }

  /** Milliseconds to wait between notes: finer while the log is short, so that the index stays small beside it. */
  get pause(): number {
    const count = this.#offsets.length;
    return count < 20_000 ? 10 : count < 50_000 ? 100 : 1000;
  }

  note(offset: number, time: number): void {
    if (offset <= this.end) return;
    this.#offsets.push(offset);
    this.#times.push(Math.max(time, this.#times.at(-1) ?? 0));
    try {
      appendFileSync(this.#file, `${offset} ${this.#times.at(-1)}\n`, { mode: 0o600 });
    } catch {
      // The container is being removed.
    }
  }

  /** When the byte at `offset` came; undefined if nobody has seen it yet. */
  timeOf(offset: number): number | undefined {
    return this.#times[firstAbove(this.#offsets, offset)];
  }

  /** The first offset whose bytes came at `time` or later. */
  offsetSince(time: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : (this.#offsets[low - 1] as number);
  }
}

function firstAbove(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
