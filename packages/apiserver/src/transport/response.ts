/** From an ApiResponse to HTTP: whole bodies (gzipped when big and welcome), watches and streams with backpressure. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import type { ApiResponse, WatchHandle, WatchSink } from '@coracle/machinery';
import { respondValue } from '../pipeline/respond.ts';
import type { EdgeRequest, EdgeResponse } from './https.ts';

/** Bodies below this go out as they are (upstream's threshold). */
const gzipFrom = 128 * 1024;
/** Bytes of one write: many small chunks are gathered into pieces of about this size. */
const pieceSize = 256 * 1024;
/** Bodies from here on are packed piece by piece: all pods of a full cluster are hundreds of megabytes. */
const packFrom = 4 * pieceSize;
const compress = promisify(gzip);

/** Gathers small chunks into pieces; big ones pass through untouched. */
export function* pieces(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    waiting.push(chunk);
    size += chunk.length;
    if (size >= pieceSize) {
      yield waiting.length === 1 ? chunk : Buffer.concat(waiting, size);
      waiting = [];
      size = 0;
    }
  }
  const [only] = waiting;
  if (only) yield waiting.length === 1 ? only : Buffer.concat(waiting, size);
}

/** Writes and waits while the caller cannot take more. Rejects (AbortError) when the caller goes away. */
async function write(res: EdgeResponse, piece: Uint8Array, signal: AbortSignal): Promise<void> {
  if (!res.write(piece)) await once(res, 'drain', { signal });
}

async function sendObject(
  req: EdgeRequest,
  res: EdgeResponse,
  response: ApiResponse & { kind: 'object' },
  signal: AbortSignal,
): Promise<void> {
  const { code, headers, chunks = [] } = response;
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const welcome = /\bgzip\b/.test(String(req.headers['accept-encoding'] ?? ''));
  const head: Record<string, string> = { 'cache-control': 'no-cache, private', ...headers };
  if (welcome && size >= packFrom) {
    res.writeHead(code, { ...head, 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    if (req.method !== 'HEAD') {
      const packed = Readable.from(pieces(chunks)).pipe(createGzip({ level: 1, chunkSize: pieceSize }));
      for await (const piece of packed) await write(res, piece as Uint8Array, signal);
    }
    res.end();
    return;
  }
  if (welcome && size >= gzipFrom) {
    const packed = await compress(Buffer.concat(chunks, size), { level: 1 });
    res.writeHead(code, {
      ...head,
      'content-encoding': 'gzip',
      vary: 'Accept-Encoding',
      'content-length': packed.length,
    });
    if (req.method === 'HEAD') res.end();
    else res.end(packed);
    return;
  }
  if (code !== 304) head['content-length'] = String(size);
  res.writeHead(code, head);
  if (req.method === 'HEAD' || code === 304) res.end();
  else if (size < pieceSize)
    res.end(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size));
  else {
    for (const piece of pieces(chunks)) await write(res, piece, signal);
    res.end();
  }
}

function sendWatch(res: EdgeResponse, response: ApiResponse & { kind: 'watch' }, signal: AbortSignal): void {
  res.writeHead(200, { 'cache-control': 'no-cache, private', ...response.headers });
  // The caller learns at once that the watch is on.
  if (res.stream) (res as { flushHeaders?: () => void }).flushHeaders?.();
  else (res as unknown as { flushHeaders(): void }).flushHeaders();
  const sink: WatchSink = {
    events: (_events, encoded = []) =>
      signal.aborted || res.write(encoded.length === 1 && encoded[0] ? encoded[0] : Buffer.concat(encoded)),
    end: () => void res.end(),
  };
  const handle: WatchHandle = response.start(sink);
  res.on('drain', () => handle.drained());
  const stop = (): void => handle.stop();
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
}

async function sendStream(
  req: EdgeRequest,
  res: EdgeResponse,
  response: ApiResponse & { kind: 'stream' },
  signal: AbortSignal,
): Promise<void> {
  res.writeHead(response.code, { 'cache-control': 'no-cache, private', ...response.headers });
  (res as unknown as { flushHeaders?(): void }).flushHeaders?.();
  if (req.method !== 'HEAD') for await (const chunk of response.body) await write(res, chunk, signal);
  res.end();
}

/** Sends the answer. Rejects when it cannot be delivered to the end. */
export async function sendResponse(
  req: EdgeRequest,
  res: EdgeResponse,
  response: ApiResponse,
  signal: AbortSignal,
): Promise<void> {
  switch (response.kind) {
    case 'object':
      return sendObject(req, res, response, signal);
    case 'watch':
      sendWatch(res, response, signal);
      return undefined;
    case 'stream':
      return sendStream(req, res, response, signal);
    case 'upgrade': {
      const status = {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Upgrade request required',
        reason: 'BadRequest',
        code: 400,
      };
      const form = { media: 'json', as: 'object', version: 'v1', pretty: false } as const;
      return sendResponse(req, res, respondValue('bytes', form, 400, status), signal);
    }
  }
}
