/**
 * One connection to a port of a pod over a WebSocket: each message begins with its channel, 0 data and 1 an error text, and
 * the first message of each channel only names the port. The protocol cannot close one direction alone: the connection ends
 * when either side closes it.
 */
import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { ApiError } from '@coracle/machinery';
import { ConnectionError } from './client.ts';
import type { WebSocketTarget } from './websocket.ts';
import { refusal } from './websocket.ts';

const data = 0;
const failure = 1;

/** Resolves when the server has taken the connection. Rejects with its Status, or with ConnectionError. */
export async function forwardPort(
  { url, headers, tls, connectionError }: WebSocketTarget,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  signal?.throwIfAborted();
  const socket = new WebSocket(url, ['v4.channel.k8s.io'], { headers, ...tls, maxPayload: 64 * 1024 * 1024 });
  const abort = (): void => socket.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal?.removeEventListener('abort', abort));
  const stream = channelStream(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, response) => {
      refusal(response).then(reject, reject);
    });
    socket.on('error', (error) => reject(signal?.aborted ? signal.reason : connectionError(error)));
  });
  return stream;
}

function channelStream(socket: WebSocket): Duplex {
  /** Channels whose first message, the port's number, has come. */
  const begun = new Set<number>();
  const stream = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      socket.send(Buffer.concat([Buffer.of(data), chunk]), (error) => done(error ?? null));
    },
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
  // Until a reader is there, an error is kept by the stream itself.
  stream.on('error', () => undefined);
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? failure;
    let payload = message.subarray(1);
    if (!begun.has(channel)) {
      begun.add(channel);
      payload = payload.subarray(2);
    }
    if (payload.length === 0) return;
    if (channel === failure) stream.destroy(new ApiError('InternalError', payload.toString('utf8')));
    else if (!stream.push(payload)) socket.pause();
  });
  socket.once('close', (code) => {
    if (code === 1000 || code === 1005) stream.push(null);
    else
      stream.destroy(
        new ConnectionError(`the connection to the pod was lost (WebSocket close code ${code})`),
      );
  });
  return stream;
}
