/**
 * The HTTPS edge: one port that speaks h2, HTTP/1.1 and WebSocket. It turns bytes into an ApiRequest, hands it to the
 * handler, and turns the answer into bytes; it decides nothing.
 */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { ApiHandler } from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { readBody, toApiRequest } from './request.ts';
import { sendResponse } from './response.ts';
import { createUpgrader } from './upgrade.ts';

export interface ListenOptions {
  /** Default 127.0.0.1. */
  host?: string | undefined;
  /** 0 (the default) takes a free one. */
  port?: number | undefined;
  /** PEM: the serving certificate, its key, and the authority of client certificates. */
  tls: { cert: string; key: string; ca: string };
}
export interface Listening {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Requests of the two HTTP versions look the same to us. */
export type EdgeRequest = Http2ServerRequest;
export type EdgeResponse = Http2ServerResponse;

const callerGone = new DOMException('the caller went away', 'AbortError');

export function listen(ctx: ServerContext, handler: ApiHandler, options: ListenOptions): Promise<Listening> {
  const { host = '127.0.0.1', port = 0, tls } = options;
  const server = createSecureServer({
    allowHTTP1: true,
    cert: tls.cert,
    key: tls.key,
    ca: tls.ca,
    // Certificates are optional, and a bad one is refused with a Status instead of a broken handshake.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    maxHeaderListPairs: 128,
    settings: { maxHeaderListSize: 64 * 1024, maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 },
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // A client whose machine went away says nothing: its watches and streams end all the same.
    socket.setKeepAlive(true, 60_000);
    socket.on('close', () => sockets.delete(socket));
  });
  // A broken handshake or connection is its caller's trouble.
  server.on('sessionError', () => {});
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const line =
      error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\n\r\n`);
    else socket.destroy();
  });
  // Watches stay open for as long as they like.
  server.setTimeout(0);

  const serve = async (req: EdgeRequest, res: EdgeResponse): Promise<void> => {
    const gone = new AbortController();
    let answered = false;
    res.on('close', () => {
      // Nobody listens any more after a whole answer; the reason is made once, as making one takes its stack.
      if (!answered) gone.abort(callerGone);
    });
    const body = await readBody(req, ctx.limits.bodyBytes);
    const request = toApiRequest(req, body, gone.signal);
    const response = 'value' in request ? request.value : await handler(request.request);
    await sendResponse(req, res, response, gone.signal);
    // A watch goes on until one of the two ends it.
    answered = response.kind !== 'watch';
  };
  server.on('request', (req: EdgeRequest, res: EdgeResponse) => {
    req.on('error', () => {});
    res.on('error', () => {});
    serve(req, res).catch((error: unknown) => {
      ctx.logger.warn('an answer was not delivered', { error });
      // Without a stream (HTTP/1.1) the socket is all there is to end.
      if (res.stream) res.stream.destroy();
      else (req.socket as Socket).destroy();
    });
  });
  const upgrader = createUpgrader(ctx, handler);
  server.on('upgrade', (req: EdgeRequest, socket: Socket, head: Buffer) =>
    upgrader.upgrade(req, socket, head),
  );

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', (error) => ctx.logger.error('server error', { error }));
      const address = server.address();
      resolve({
        host,
        port: typeof address === 'object' && address ? address.port : port,
        close: () =>
          new Promise((done) => {
            upgrader.close();
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}
