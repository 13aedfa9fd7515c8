/**
 * Upgraded sessions over a WebSocket. Each message's first byte is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the result (a
 * Status), 4 terminal size as JSON, and with v5 255: the channel named in the second byte is closed (stdin's end).
 */
import type { IncomingMessage } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { ApiError, type Status } from '@coracle/machinery';
import { WebSocket } from 'ws';
import { ConnectionError, type SessionStreams } from './client.ts';
import { responseError } from './response.ts';

/** Subprotocols asked for, best first. */
const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Where a WebSocket goes, and how a failure to get there is told. */
export interface WebSocketTarget {
  url: URL;
  headers: Record<string, string | string[]>;
  tls: ConnectionOptions;
  connectionError(cause: unknown): Error;
}

/** Runs a session to its end. Resolves with the exit code; rejects with the server's Status or ConnectionError. */
export async function runWebSocket(
  { url, headers, tls, connectionError }: WebSocketTarget,
  io: SessionStreams,
): Promise<number> {
  io.signal?.throwIfAborted();
  const socket = new WebSocket(url, [...channelProtocols], { headers, ...tls, maxPayload: 64 * 1024 * 1024 });
  const abort = (): void => socket.terminate();
  io.signal?.addEventListener('abort', abort, { once: true });
  try {
    const result = receive(socket, io, connectionError);
    // The sending side fails only when the socket does, and then `result` says so.
    socket.once('open', () => {
      void sendInput(socket, io).catch(() => socket.close());
      void sendSizes(socket, io).catch(() => undefined);
    });
    return await result;
  } catch (error) {
    io.signal?.throwIfAborted();
    throw error;
  } finally {
    io.signal?.removeEventListener('abort', abort);
    socket.terminate();
  }
}

function receive(
  socket: WebSocket,
  io: SessionStreams,
  connectionError: (cause: unknown) => Error,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let status: Status | undefined;
    socket.on('message', (data: Buffer) => {
      const bytes = data.subarray(1);
      if (data[0] === channel.stdout && bytes.length > 0) io.stdout?.(bytes);
      else if (data[0] === channel.stderr && bytes.length > 0) io.stderr?.(bytes);
      else if (data[0] === channel.error && bytes.length > 0) {
        status = JSON.parse(bytes.toString('utf8')) as Status;
      }
    });
    socket.once('unexpected-response', (_request, response) => {
      refusal(response).then(reject, reject);
    });
    socket.once('error', (error) => reject(connectionError(error)));
    socket.once('close', (code) => {
      if (status) {
        try {
          resolve(exitCode(status));
        } catch (error) {
          reject(error as Error);
        }
      } else reject(new ConnectionError(`the session ended without a result (WebSocket close code ${code})`));
    });
  });
}

/** Success is 0; a NonZeroExitCode failure has the code in its causes; any other failure is thrown. */
function exitCode(status: Status): number {
  if (status.status === 'Success') return 0;
  if ((status.reason as string) === 'NonZeroExitCode') {
    const cause = status.details?.causes?.find(({ reason }) => (reason as string) === 'ExitCode');
    const code = Number(cause?.message);
    if (Number.isInteger(code)) return code;
  }
  throw ApiError.from(status);
}

/** The error a server means that answers a WebSocket request with an ordinary answer. */
export async function refusal(response: IncomingMessage): Promise<Error> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const code = response.statusCode ?? 500;
  const error = await responseError({ kind: 'object', code, headers: {}, chunks });
  return error ?? new ConnectionError(`the server answered ${code} to a WebSocket request`);
}

async function sendInput(socket: WebSocket, io: SessionStreams): Promise<void> {
  if (!io.stdin) return;
  for await (const chunk of io.stdin) {
    if (socket.readyState !== WebSocket.OPEN) return;
    await send(socket, channel.stdin, chunk);
  }
  // v4 has no way to say that the input has ended.
  if (socket.protocol === channelProtocols[0]) await send(socket, channel.close, Buffer.of(channel.stdin));
}

async function sendSizes(socket: WebSocket, io: SessionStreams): Promise<void> {
  if (!io.resize) return;
  for await (const { width, height } of io.resize) {
    if (socket.readyState !== WebSocket.OPEN) return;
    await send(socket, channel.resize, Buffer.from(JSON.stringify({ Width: width, Height: height })));
  }
}

/** Resolves when the bytes have left: back-pressure for stdin. */
function send(socket: WebSocket, to: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(Buffer.concat([Buffer.of(to), bytes]), (error) => (error ? reject(error) : resolve()));
  });
}
