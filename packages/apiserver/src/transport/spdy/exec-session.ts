/** exec and attach over SPDY: the client opens one stream for each of error, stdin, stdout, stderr and resize. */
import { finished } from 'node:stream/promises';
import { ApiError, type ApiResponse, type StreamSession } from '@coracle/machinery';
import { booleanQuery } from '../../pipeline/negotiate.ts';
import type { ServerContext } from '../../context.ts';
import { finalStatus, finalText, type SessionEnd } from '../session-end.ts';
import { terminalSizes } from '../terminal-sizes.ts';
import type { AcceptStream, SpdyConnection } from './connection.ts';
import type { SpdyStream } from './stream.ts';

/** The protocol versions, best first. Five and four are the same here: a Status ends them; three brought terminal sizes. */
export const execProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];

/** For the client to open its streams, in milliseconds. */
const openTimeout = 30_000;
/** For the client to take the last bytes and close, in milliseconds: it may drop what it has not read when we close first. */
const closeTimeout = 10_000;

export interface ExecOverSpdy {
  accept: AcceptStream;
  /** Waits for the streams, then runs the session to its end on this connection. Never rejects. */
  run(connection: SpdyConnection): Promise<void>;
}

export function execOverSpdy(
  protocol: string,
  response: ApiResponse & { kind: 'upgrade' },
  query: URLSearchParams,
  ctx: ServerContext,
): ExecOverSpdy {
  const awaited = streamTypes(protocol, query);
  const streams = new Map<string, SpdyStream>();
  let allHere = (): void => {};
  const opened = new Promise<void>((resolve) => (allHere = resolve));
  return {
    accept(headers) {
      const type = headers.get('streamtype')?.[0] ?? '';
      if (!awaited.delete(type)) return undefined;
      return (stream) => {
        streams.set(type, stream);
        if (awaited.size === 0) allHere();
      };
    },
    async run(connection) {
      const cancel = ctx.timers.after(openTimeout, () => connection.close());
      connection.signal.addEventListener('abort', allHere, { once: true });
      await opened;
      cancel();
      if (connection.signal.aborted) return;
      const { session, finish } = sessionOf(protocol, streams, connection.signal);
      try {
        await response.run(session);
        await finish({ exitCode: 0 });
      } catch (error) {
        if (!(error instanceof ApiError)) ctx.logger.warn('a stream session failed', { error });
        await finish({ error: error as Error });
      }
      const stop = ctx.timers.after(closeTimeout, () => connection.close());
      connection.signal.addEventListener('abort', stop, { once: true });
    },
  };
}

/** What the client is going to open, as it asked in its URL. */
function streamTypes(protocol: string, query: URLSearchParams): Set<string> {
  const flag = (name: string): boolean => booleanQuery(query, name) ?? false;
  const sized = protocol !== 'channel.k8s.io' && protocol !== 'v2.channel.k8s.io';
  const types = ['stdin', 'stdout', 'stderr'].filter(flag);
  return new Set([
    'error',
    ...types.filter((type) => type !== 'stderr' || !flag('tty')),
    ...(flag('tty') && sized ? ['resize'] : []),
  ]);
}

function sessionOf(
  protocol: string,
  streams: ReadonlyMap<string, SpdyStream>,
  signal: AbortSignal,
): { session: StreamSession; finish(end: SessionEnd): Promise<void> } {
  // What a client sends on the streams that are ours to write is of no use.
  for (const type of ['error', 'stdout', 'stderr']) streams.get(type)?.resume();
  const output = (type: string): StreamSession['stdout'] => {
    const stream = streams.get(type);
    return stream && ((chunk) => written(stream, chunk));
  };
  const plain = !/^v[45]\./.test(protocol);
  let ended = false;
  const finish = async (end: SessionEnd): Promise<void> => {
    if (ended) return;
    ended = true;
    // Input that nobody reads any more must not hold up the connection: what comes of it is dropped.
    for (const type of ['stdin', 'resize']) streams.get(type)?.destroy();
    for (const type of ['stdout', 'stderr']) streams.get(type)?.end();
    streams.get('error')?.end(plain ? finalText(end) : JSON.stringify(finalStatus(end)));
    await Promise.all([...streams.values()].map(sent));
  };
  const resize = streams.get('resize');
  const stdin = streams.get('stdin');
  return {
    finish,
    session: {
      stdin: stdin && untilEnd(stdin),
      stdout: output('stdout'),
      stderr: output('stderr'),
      resize: resize && terminalSizes(untilEnd(resize)),
      finish,
      signal,
    },
  };
}

/**
 * What comes on a stream until its end, or until the stream or the connection is cut: of that the session's signal tells.
 * Reading to the end leaves the stream as it is; only the session's end closes our side of it.
 */
async function* untilEnd(stream: SpdyStream): AsyncGenerator<Uint8Array> {
  try {
    yield* stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  } catch {
    // Cut: nothing more will come.
  }
}

/** Resolves when all of a stream is on its way, or the stream is gone. */
const sent = (stream: SpdyStream): Promise<void> =>
  finished(stream, { readable: false }).catch(() => undefined);

function written(stream: SpdyStream, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}
