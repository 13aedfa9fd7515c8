/**
 * The file of a recording. Lines are appended in pieces that are whole in themselves, so that a recorder that is killed
 * loses what came in the last seconds and nothing else: in a compressed file each piece is a gzip member of its own.
 */
import type { Clock } from '@coracle/operator';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { RecordedLine } from './format.ts';

export interface RecordingFile {
  write(line: RecordedLine): void;
  /** Resolves when so little waits to be written that more may come. Rejects if writing failed. */
  drained(): Promise<void>;
  /** Of the file. */
  readonly bytes: number;
  /** Writes what waits, and to the disk. */
  close(): Promise<void>;
}

export interface RecordingFileOptions {
  readonly clock: Clock;
  /** The file is there and is continued; a piece that was cut off is taken away first. Default false: it must not be there. */
  readonly append?: boolean;
}

const pieceBytes = 256 * 1024;
/** What waits is written after so long; compressed pieces should not be tiny. */
const plainWaitMs = 1000;
const zippedWaitMs = 10_000;
const mostWaiting = 8 << 20;

/** Compressed if the path ends with `.gz`. Readable by its owner only. Rejects with the file system's error. */
export async function openRecordingFile(path: string, options: RecordingFileOptions): Promise<RecordingFile> {
  const zipped = path.endsWith('.gz');
  const handle = await open(path, options.append ? 'r+' : 'wx', 0o600);
  let bytes = 0;
  if (options.append) {
    bytes = await wholeBytes(path, zipped);
    await handle.truncate(bytes);
  }
  return new Appender(handle, zipped, bytes, options.clock);
}

/** Length of the part of a file that is whole: up to the end of the last line, or of the last gzip member. */
async function wholeBytes(path: string, zipped: boolean): Promise<number> {
  const all = await readFile(path);
  if (!zipped) return all.lastIndexOf(0x0a) + 1;
  const isWhole = (part: Buffer): Promise<boolean> =>
    promisify(gunzip)(part).then(
      () => true,
      () => false,
    );
  // Only the last member can be cut; its beginning is found by its first bytes, which may stand inside a member too.
  for (let end = all.length; end > 0;) {
    if (await isWhole(all.subarray(0, end))) return end;
    end = all.lastIndexOf(memberStart, end - 1);
    if (end < 0) return 0;
  }
  return 0;
}
const memberStart = Buffer.from([0x1f, 0x8b, 0x08]);

class Appender implements RecordingFile {
  readonly #handle: FileHandle;
  readonly #zipped: boolean;
  readonly #clock: Clock;
  #lines: string[] = [];
  #waiting = 0;
  /** Handed over and not on disk yet. */
  #inFlight = 0;
  #tail: Promise<void> = Promise.resolve();
  #error: unknown;
  #cancel: (() => void) | undefined;
  #bytes: number;

  constructor(handle: FileHandle, zipped: boolean, bytes: number, clock: Clock) {
    this.#handle = handle;
    this.#zipped = zipped;
    this.#bytes = bytes;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  write(line: RecordedLine): void {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#waiting += text.length;
    if (this.#waiting >= pieceBytes) this.#flush();
    else this.#cancel ??= this.#clock.after(this.#zipped ? zippedWaitMs : plainWaitMs, () => this.#flush());
  }

  async drained(): Promise<void> {
    if (this.#inFlight > mostWaiting) await this.#tail;
    if (this.#error !== undefined) throw this.#error;
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#waiting = 0;
    this.#inFlight += text.length;
    this.#tail = this.#tail.then(async () => {
      if (this.#error !== undefined) return;
      try {
        const piece = this.#zipped ? await promisify(gzip)(text) : Buffer.from(text);
        for (let done = 0; done < piece.length;) {
          const { bytesWritten } = await this.#handle.write(piece, done, piece.length - done, this.#bytes);
          done += bytesWritten;
          this.#bytes += bytesWritten;
        }
      } catch (error) {
        this.#error = error;
      } finally {
        this.#inFlight -= text.length;
      }
    });
  }

  async close(): Promise<void> {
    this.#flush();
    await this.#tail;
    try {
      if (this.#error === undefined) await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
    if (this.#error !== undefined) throw this.#error;
  }
}
