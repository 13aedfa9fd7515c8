/**
 * A compressed file (gzip), unpacked a piece at a time. Readers take what they read as it comes and Node unpacks by pieces only
 * where one may wait for events, so that large files are unpacked by a thread, which runs ahead of the reader by some pieces and
 * no more. Small ones are unpacked at once: starting a thread takes longer.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { constants, gunzipSync } from 'node:zlib';
import { newBuffers, pieceBytes, pieces, state, viewsOf, word, type UnpackTask } from './shared.ts';

/** Files up to this size are unpacked at once, unless they come to more than `mostAtOnce`. */
const smallFile = 4 << 20;
const mostAtOnce = 64 << 20;
/** What comes to more is taken for a mistake, or for something that should fill the memory. */
const mostUnpacked = 2 ** 36;
/** A thread that shows no sign of life for so long never will. */
const startMs = 60_000;

/** Beside this file: as it is in the sources, or as scripts/bundle.ts names it. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './simulator-unpack-worker.mjs',
  import.meta.url,
);

export interface UnpackOptions {
  /** A file that ends in the middle gives what can be had of it. Default false: that is an error. */
  readonly mayBeCut?: boolean;
  /** Bytes. Default 64 GiB. */
  readonly most?: number;
}

/** Throws zlib's error, in the course of it, where the file is none or damaged; RangeError where it comes to too much. */
export function* unpacked(path: string, options: UnpackOptions = {}): Generator<Uint8Array, void, undefined> {
  const { mayBeCut = false, most = mostUnpacked } = options;
  if (statSync(path).size <= smallFile) {
    const whole = atOnce(readFileSync(path), mayBeCut, Math.min(most, mostAtOnce));
    if (whole) {
      yield whole;
      return;
    }
  }
  let total = 0;
  for (const piece of byThread(path, mayBeCut)) {
    total += piece.length;
    if (total > most) throw new RangeError(`it unpacks to more than ${sizeText(most)}`);
    yield piece;
  }
}

/** What the first bytes of a file come to, or fewer of them. */
export function unpackedHead(path: string, headBytes: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(headBytes);
    const head = buffer.subarray(0, readSync(file, buffer, 0, headBytes, 0));
    // A byte may come to a thousand.
    return atOnce(head, true, mostAtOnce) ?? atOnce(head.subarray(0, 4096), true, mostAtOnce)!;
  } finally {
    closeSync(file);
  }
}

/** Undefined: it comes to more than `most`. */
function atOnce(bytes: Buffer, mayBeCut: boolean, most: number): Buffer | undefined {
  try {
    return gunzipSync(bytes, {
      maxOutputLength: most,
      ...(mayBeCut ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

function* byThread(path: string, mayBeCut: boolean): Generator<Uint8Array, void, undefined> {
  const buffers = newBuffers();
  const { control, bytes } = viewsOf(buffers);
  const worker = new Worker(workerFile, { workerData: { path, mayBeCut, ...buffers } satisfies UnpackTask });
  worker.unref();
  // What goes wrong is told through the shared memory.
  worker.on('error', () => undefined);
  try {
    for (let read = 0; ; read++) {
      if (!waitFor(control, read)) return;
      const at = read % pieces;
      const length = Atomics.load(control, word.lengths + at);
      // The reader may keep it, the ring goes on.
      const piece = bytes.slice(at * pieceBytes, at * pieceBytes + Math.abs(length));
      if (length < 0) throw new Error(Buffer.from(piece).toString());
      Atomics.store(control, word.read, read + 1);
      Atomics.notify(control, word.read);
      yield piece;
    }
  } finally {
    Atomics.store(control, word.state, state.left);
    Atomics.notify(control, word.read);
    void worker.terminate();
  }
}

/** Until there is a piece to read. False: none follows. */
function waitFor(control: Int32Array<SharedArrayBuffer>, read: number): boolean {
  for (;;) {
    const how = Atomics.load(control, word.state);
    if (Atomics.load(control, word.written) > read) return true;
    if (how === state.done) return false;
    const answer = Atomics.wait(control, word.written, read, startMs);
    if (answer === 'timed-out' && Atomics.load(control, word.state) === state.starting) {
      throw new Error('the thread that unpacks it did not start');
    }
  }
}

function sizeText(bytes: number): string {
  return bytes >= 2 ** 30 ? `${bytes / 2 ** 30} GiB` : `${bytes} bytes`;
}
