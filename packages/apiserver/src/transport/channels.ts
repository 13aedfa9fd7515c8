/**
 * The channel protocols: every message begins with the number of its channel.
 *   exec, attach: 0 stdin, 1 stdout, 2 stderr, 3 how it ended (a Status), 4 terminal size; v5 adds 255 "this channel is closed".
 *   port-forward: for the i-th port 2i carries data and 2i+1 an error text; each starts with the port, two bytes, little-endian.
 * The base64 variants carry the same as text: the channel's digit, then base64.
 */
import { Duplex } from 'node:stream';
import { ApiError, type ApiResponse, type StreamSession } from '@coracle/machinery';
import type { RawData, WebSocket } from 'ws';
import type { ServerContext } from '../context.ts';
import { ByteQueue } from './byte-queue.ts';
import { finalStatus, finalText } from './session-end.ts';
import { terminalSizes } from './terminal-sizes.ts';

const stdin = 0;
const stdout = 1;
const stderr = 2;
const errorChannel = 3;
const resizeChannel = 4;
const closeChannel = 255;

/** Bytes that may wait for a slow reader before the socket is paused. */
const highWater = 256 * 1024;

interface Framing {
  send(channel: number, payload: Uint8Array): Promise<void>;
  onMessage(receive: (channel: number, payload: Buffer) => void): void;
}

function framing(ws: WebSocket, base64: boolean): Framing {
  return {
    send: (channel, payload) =>
      new Promise((resolve, reject) => {
        const message = base64
          ? `${channel}${Buffer.from(payload).toString('base64')}`
          : Buffer.concat([Buffer.of(channel), payload]);
        ws.send(message, (error) => (error ? reject(error) : resolve()));
      }),
    onMessage(receive) {
      ws.on('message', (data: RawData) => {
        const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
        if (bytes.length === 0) return;
        if (base64) receive((bytes[0] ?? 48) - 48, Buffer.from(bytes.subarray(1).toString(), 'base64'));
        else receive(bytes[0] ?? 0, bytes.subarray(1));
      });
    },
  };
}

/** Runs an upgraded exec, attach or port-forward on a WebSocket until either side is done. Never rejects. */
export async function runSession(
  ws: WebSocket,
  protocol: string,
  response: ApiResponse & { kind: 'upgrade' },
  query: URLSearchParams,
  ctx: ServerContext,
): Promise<void> {
  const gone = new AbortController();
  const onClosing = (): void => ws.terminate();
  ctx.closing.addEventListener('abort', onClosing);
  ws.on('error', () => {});
  const frames = framing(ws, protocol.includes('base64'));
  const ports = query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .filter((text) => text !== '')
    .map(Number);
  const session =
    ports.length > 0
      ? portSession(ws, frames, ports, gone.signal)
      : execSession(ws, frames, protocol, query, gone.signal);
  ws.on('close', () => {
    gone.abort();
    session.end();
  });
  let finished = false;
  const finish: StreamSession['finish'] = async (result) => {
    if (finished) return;
    finished = true;
    if (ws.readyState === ws.OPEN) {
      if (ports.length === 0) {
        const plain = protocol === 'channel.k8s.io' || protocol === 'base64.channel.k8s.io';
        const text = plain ? finalText(result) : JSON.stringify(finalStatus(result));
        if (text !== '') await frames.send(errorChannel, Buffer.from(text)).catch(() => {});
      } else if ('error' in result) await frames.send(1, Buffer.from(result.error.message)).catch(() => {});
      ws.close(1000);
    }
  };
  try {
    await response.run({ ...session.session, finish });
    await finish({ exitCode: 0 });
  } catch (error) {
    if (!(error instanceof ApiError)) ctx.logger.warn('a stream session failed', { error });
    await finish({ error: error as Error });
  } finally {
    ctx.closing.removeEventListener('abort', onClosing);
  }
}

interface Wired {
  session: Omit<StreamSession, 'finish'>;
  /** The connection is closed: nothing more will be read. */
  end(): void;
}

function execSession(
  ws: WebSocket,
  frames: Framing,
  protocol: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Wired {
  const flag = (name: string): boolean => ['1', 'true', ''].includes(query.get(name) ?? '0');
  const input = new ByteQueue(highWater, () => ws.resume());
  const sizes = new ByteQueue(highWater, () => {});
  frames.onMessage((channel, payload) => {
    if (channel === stdin && !input.push(payload)) ws.pause();
    else if (channel === resizeChannel) sizes.push(payload);
    else if (channel === closeChannel && protocol === 'v5.channel.k8s.io' && payload[0] === stdin)
      input.end();
  });
  const tty = flag('tty');
  return {
    session: {
      ...(flag('stdin') ? { stdin: input } : {}),
      ...(flag('stdout') ? { stdout: (chunk: Uint8Array) => frames.send(stdout, chunk) } : {}),
      ...(flag('stderr') && !tty ? { stderr: (chunk: Uint8Array) => frames.send(stderr, chunk) } : {}),
      ...(tty ? { resize: terminalSizes(sizes) } : {}),
      signal,
    },
    end() {
      input.end();
      sizes.end();
    },
  };
}

function portSession(ws: WebSocket, frames: Framing, ports: readonly number[], signal: AbortSignal): Wired {
  const streams = ports.map((port, i) => {
    const label = Buffer.alloc(2);
    label.writeUInt16LE(port & 0xffff);
    frames.send(2 * i, label).catch(() => {});
    frames.send(2 * i + 1, label).catch(() => {});
    const stream = new Duplex({
      read: () => ws.resume(),
      write: (chunk: Buffer, _encoding, done) => void frames.send(2 * i, chunk).then(() => done(), done),
    });
    stream.on('error', () => {});
    return { port, stream };
  });
  frames.onMessage((channel, payload) => {
    const target = channel % 2 === 0 ? streams[channel / 2] : undefined;
    if (target && !target.stream.push(payload)) ws.pause();
  });
  return {
    session: { ports: streams, signal },
    end: () => {
      for (const { stream } of streams) {
        stream.push(null);
        stream.destroy();
      }
    },
  };
}
