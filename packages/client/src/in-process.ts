import { type Duplex, duplexPair } from 'node:stream';
import {
  type ApiHandler,
  type ApiRequest,
  type ApiResponse,
  type Credentials,
  errors,
} from '@coracle/machinery';
import { ConnectionError, type SessionStreams, type RawCall, type Transport } from './client.ts';
import { splitCall } from './paths.ts';
import { responseError } from './response.ts';

/**
 * Calls an API server in the same process as a function: objects are handed over frozen and shared, nothing is encoded.
 * The server authenticates, authorizes and admits exactly as from a socket. Undefined values in a body mean absent.
 */
export function inProcessTransport(
  handler: ApiHandler,
  credentials: Credentials,
  options: { userAgent?: string | undefined } = {},
): Transport {
  let closed = false;
  const never = new AbortController().signal;
  const userAgent = options.userAgent ?? 'coracle';

  const plain = Object.freeze({ 'user-agent': userAgent, accept: 'application/json' });
  const withBody = Object.freeze({ ...plain, 'content-type': 'application/json' });

  const ask = async (call: RawCall, headers: Readonly<Record<string, string>>): Promise<ApiResponse> => {
    if (closed) throw new ConnectionError('the client has been closed');
    call.signal?.throwIfAborted();
    const { path, query } = splitCall(call);
    const request: ApiRequest = {
      method: call.method,
      path: path.includes('%') ? decodeURIComponent(path) : path,
      query,
      headers,
      credentials,
      want: 'values',
      signal: call.signal ?? never,
    };
    if (call.body !== undefined) {
      const { body } = call;
      request.body = body instanceof Uint8Array ? { bytes: body } : { value: body };
    }
    try {
      return await handler(request);
    } catch (error) {
      throw errors.internal(error);
    }
  };

  const askUpgrade = async (
    path: string,
    query: URLSearchParams,
    signal: AbortSignal | undefined,
  ): Promise<Upgrade> => {
    const headers = { 'user-agent': userAgent, connection: 'upgrade', upgrade: 'websocket' };
    const response = await ask({ method: 'GET', path, query, signal }, headers);
    const error = await responseError(response);
    if (error) throw error;
    if (response.kind !== 'upgrade') throw new TypeError(`a ${response.kind} answers an upgrade`);
    return response;
  };

  return {
    call(call) {
      const headers = call.body === undefined ? plain : withBody;
      return ask(call, call.headers === undefined ? headers : { ...headers, ...call.headers });
    },
    async upgrade(path, query, io) {
      return runSession(await askUpgrade(path, query, io.signal), io, io.signal ?? never);
    },
    async forward(path, query, port, signal) {
      return runForward(await askUpgrade(path, query, signal), port, signal);
    },
    async close() {
      closed = true;
    },
  };
}

type Upgrade = Extract<ApiResponse, { kind: 'upgrade' }>;

/** One port as a pair of joined streams: the session has one end, the caller the other. */
function runForward(response: Upgrade, port: number, signal: AbortSignal | undefined): Duplex {
  const [near, far] = duplexPair();
  const gone = new AbortController();
  near.once('close', () => {
    gone.abort();
    far.destroy();
  });
  near.on('error', () => undefined);
  far.on('error', () => undefined);
  const abort = (): void => void near.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  const finish = async (end: { exitCode: number } | { error: Error }): Promise<void> => {
    signal?.removeEventListener('abort', abort);
    if ('error' in end) near.destroy(end.error);
    else far.end();
  };
  response
    .run({ ports: [{ port, stream: far }], signal: gone.signal, finish })
    .catch((error: unknown) => finish({ error: error as Error }));
  return near;
}

/** Runs an upgraded session with the caller's streams. Resolves with the exit code, rejects with what `finish` was told. */
async function runSession(response: Upgrade, io: SessionStreams, signal: AbortSignal): Promise<number> {
  let result: { exitCode: number } | { error: Error } | undefined;
  await response.run({
    stdin: io.stdin,
    stdout: writer(io.stdout),
    stderr: io.tty ? undefined : writer(io.stderr),
    resize: io.resize,
    signal,
    async finish(end) {
      result ??= end;
    },
  });
  if (result === undefined) throw new ConnectionError('the session ended without a result');
  if ('error' in result) throw result.error;
  return result.exitCode;
}

function writer(
  to: ((chunk: Uint8Array) => void) | undefined,
): ((chunk: Uint8Array) => Promise<void>) | undefined {
  if (!to) return undefined;
  return async (chunk) => to(chunk);
}
