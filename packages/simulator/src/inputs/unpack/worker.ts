/** The thread that unpacks a file (gzip) a piece at a time, no faster than it is read. */
import { createReadStream } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { constants, createGunzip } from 'node:zlib';
import { pieceBytes, pieces, state, viewsOf, word, type UnpackTask } from './shared.ts';

const task = workerData as UnpackTask;
const { control, bytes } = viewsOf(task);

/** False: nobody reads any more. `sign` -1: it is what went wrong. */
function write(piece: Uint8Array, sign: 1 | -1 = 1): boolean {
  const at = Atomics.load(control, word.written);
  for (;;) {
    const read = Atomics.load(control, word.read);
    if (Atomics.load(control, word.state) === state.left) return false;
    if (at - read < pieces) break;
    Atomics.wait(control, word.read, read);
  }
  bytes.set(piece, (at % pieces) * pieceBytes);
  Atomics.store(control, word.lengths + (at % pieces), sign * piece.length);
  Atomics.store(control, word.written, at + 1);
  Atomics.notify(control, word.written);
  return true;
}

async function unpack(): Promise<void> {
  Atomics.store(control, word.state, state.running);
  const file = createReadStream(task.path, { highWaterMark: pieceBytes });
  const gunzip = createGunzip({
    chunkSize: pieceBytes,
    ...(task.mayBeCut ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
  });
  file.on('error', (error) => gunzip.destroy(error));
  for await (const chunk of file.pipe(gunzip) as AsyncIterable<Uint8Array>) {
    for (let from = 0; from < chunk.length; from += pieceBytes) {
      if (!write(chunk.subarray(from, from + pieceBytes))) return;
    }
  }
  Atomics.store(control, word.state, state.done);
  Atomics.notify(control, word.written);
}

try {
  await unpack();
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  write(Buffer.from(text || 'unknown').subarray(0, pieceBytes), -1);
}
