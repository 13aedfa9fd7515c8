/**
 * Port-forward over SPDY: for every connection that the client takes it opens two streams with the same request id, one for
 * data and one for an error text. Each pair becomes a session of its own with one port.
 */
import { ApiError, type ApiResponse, type StreamSession } from '@coracle/machinery';
import type { ServerContext } from '../../context.ts';
import type { AcceptStream } from './connection.ts';
import type { SpdyStream } from './stream.ts';

export const portForwardProtocol = 'portforward.k8s.io';

/** For the second stream of a pair to come, in milliseconds. */
const pairTimeout = 30_000;

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  cancel(): void;
}

/** `pod` is its name, for error texts. */
export function portsOverSpdy(
  response: ApiResponse & { kind: 'upgrade' },
  pod: string,
  ctx: ServerContext,
): AcceptStream {
  /** Those that wait for their other half, by request id. */
  const pairs = new Map<string, Pair>();
  const add = (id: string, kind: 'data' | 'error', stream: SpdyStream, signal: AbortSignal): void => {
    let pair = pairs.get(id);
    if (!pair) {
      pair = { cancel: ctx.timers.after(pairTimeout, () => giveUp(id)) };
      pairs.set(id, pair);
    }
    if (pair[kind]) {
      pair.error?.end(`error processing stream for request ${id}: ${kind} stream already assigned`);
      stream.destroy();
      return;
    }
    pair[kind] = stream;
    stream.once('close', () => {
      if (pairs.get(id)?.[kind] === stream) giveUp(id);
    });
    if (!pair.data || !pair.error) return;
    pair.cancel();
    pairs.delete(id);
    void forward(pair.data, pair.error, signal);
  };
  const giveUp = (id: string): void => {
    const pair = pairs.get(id);
    if (!pair) return;
    pairs.delete(id);
    pair.cancel();
    pair.error?.end(`request ${id}: timed out waiting for streams`);
    pair.error?.resume();
    pair.data?.destroy();
  };
  const forward = async (data: SpdyStream, error: SpdyStream, signal: AbortSignal): Promise<void> => {
    const port = Number(data.header('port'));
    error.resume();
    // All that the pod had to say was said, so no error is to come; the client waits to hear that before it lets go.
    data.once('finish', () => error.end());
    const finish: StreamSession['finish'] = async (end) => {
      if ('error' in end && !error.writableEnded)
        error.end(`error forwarding port ${port} to pod ${pod}: ${end.error.message}`);
      else if (!error.writableEnded) error.end();
      data.end();
      data.resume();
      await Promise.resolve();
    };
    try {
      await response.run({ ports: [{ port, stream: data }], finish, signal });
      await finish({ exitCode: 0 });
    } catch (failure) {
      if (!(failure instanceof ApiError)) ctx.logger.warn('a port-forward failed', { error: failure });
      await finish({ error: failure as Error });
    }
  };

  return (headers, streamId) => {
    const first = (name: string): string => headers.get(name)?.[0] ?? '';
    const kind = first('streamtype');
    const port = first('port');
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) return undefined;
    if (kind !== 'data' && kind !== 'error') return undefined;
    // Clients from before there were request ids open the error stream, then at once the data stream.
    const id = first('requestid') || String(kind === 'error' ? streamId : streamId - 2);
    return (stream, signal) => add(id, kind, stream, signal);
  };
}
