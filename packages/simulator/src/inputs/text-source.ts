/** Bytes of an input, a piece at a time, so that files larger than memory can be read. Compressed files (gzip) are read too. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from './input-error.ts';
import { unpacked, unpackedHead } from './unpack/unpacked.ts';

export interface TextSource {
  /** For messages: the path as it was given. */
  readonly name: string;
  /** All bytes from the first on, at every call. */
  chunks(): Iterable<Uint8Array>;
}

const chunkBytes = 1 << 20;

export interface FileOptions {
  /** A compressed file may end in the middle, as one whose writer was killed does. Default false: that is an error. */
  readonly mayBeCut?: boolean;
}

/**
 * A file on disk. A compressed one is unpacked as it is read. Throws InputError, when it is read, if it cannot be.
 */
export function fileSource(path: string, options: FileOptions = {}): TextSource {
  return {
    name: path,
    *chunks() {
      const file = openFile(path);
      try {
        for (let position = 0; ;) {
          // A buffer of its own each time: the reader may keep it.
          const buffer = Buffer.allocUnsafe(chunkBytes);
          const length = readSync(file, buffer, 0, chunkBytes, position);
          if (length === 0) return;
          if (position === 0 && length > 1 && buffer[0] === 0x1f && buffer[1] === 0x8b) {
            yield* unpack(path, options);
            return;
          }
          yield buffer.subarray(0, length);
          position += length;
        }
      } finally {
        closeSync(file);
      }
    },
  };
}

/** A descriptor to read from. Throws InputError if there is no such file. */
function openFile(path: string): number {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  if (!fstatSync(file).isDirectory()) return file;
  closeSync(file);
  throw new InputError(path, 'is a folder; a file was expected');
}

/** A text in memory, as a file of this name. */
export function textSource(name: string, text: string): TextSource {
  return { name, chunks: () => [Buffer.from(text)] };
}

/** The first bytes of a file, unpacked, as an input of its own: to see what it is. */
export function headOf(path: string): TextSource {
  return {
    name: path,
    chunks() {
      const file = openFile(path);
      try {
        const buffer = Buffer.allocUnsafe(headBytes);
        const head = buffer.subarray(0, readSync(file, buffer, 0, headBytes, 0));
        return [
          head[0] === 0x1f && head[1] === 0x8b ? orError(path, () => unpackedHead(path, headBytes)) : head,
        ];
      } finally {
        closeSync(file);
      }
    },
  };
}
const headBytes = 1 << 18;

function* unpack(path: string, options: FileOptions): Generator<Uint8Array, void, undefined> {
  const pieces = unpacked(path, options);
  try {
    for (;;) {
      const { done, value } = orError(path, () => pieces.next());
      if (done) return;
      yield value;
    }
  } finally {
    pieces.return();
  }
}

function orError<T>(path: string, unpacks: () => T): T {
  try {
    return unpacks();
  } catch (error) {
    throw new InputError(path, `cannot be unpacked (gzip): ${(error as Error).message}`, {}, error);
  }
}

function unreadable(path: string, error: unknown): InputError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : message;
  return new InputError(path, why, {}, error);
}
