/** Upgrades to WebSocket and SPDY: the same pipeline decides, then the connection's frames become the channels of a session. */
import type { Socket } from 'node:net';
import type { ApiHandler, ApiResponse } from '@coracle/machinery';
import { WebSocketServer } from 'ws';
import type { ServerContext } from '../context.ts';
import { runSession } from './channels.ts';
import type { EdgeRequest } from './https.ts';
import { toApiRequest } from './request.ts';
import { spdyOnSocket, spdyOnWebSocket } from './spdy/carriers.ts';
import type { SpdyConnection } from './spdy/connection.ts';
import { execOverSpdy } from './spdy/exec-session.ts';
import { asksForSpdy, negotiate, switching, tunnelProtocol } from './spdy/handshake.ts';
import { portsOverSpdy } from './spdy/port-session.ts';

/** What the channel protocols are called, best first. */
const protocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
];
/** Browsers cannot set headers on WebSockets: they say their token as a protocol. */
const bearerPrefix = 'base64url.bearer.authorization.k8s.io.';

const asked = (req: EdgeRequest): string[] =>
  String(req.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Largest message taken from a caller. */
const maxPayload = 4 * 1024 * 1024;

export function createUpgrader(
  ctx: ServerContext,
  handler: ApiHandler,
): { upgrade(req: EdgeRequest, socket: Socket, head: Buffer): void; close(): void } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload,
    handleProtocols: (offered) => protocols.find((name) => offered.has(name)) ?? false,
  });

  // The tunnel's name has a slash, which names of subprotocols must not have and `ws` refuses: it is agreed on without it.
  const tunnels = new WebSocketServer({ noServer: true, maxPayload });
  tunnels.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${tunnelProtocol}`));

  async function upgrade(req: EdgeRequest, socket: Socket, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    const offered = asked(req);
    const bearer = offered.find((name) => name.startsWith(bearerPrefix));
    if (bearer !== undefined && req.headers.authorization === undefined)
      req.headers.authorization = `Bearer ${Buffer.from(bearer.slice(bearerPrefix.length), 'base64url').toString()}`;
    const made = toApiRequest(req, new Uint8Array(), gone.signal);
    const response = 'value' in made ? made.value : await handler(made.request);
    if (gone.signal.aborted) return;
    if (response.kind !== 'upgrade') {
      refuse(socket, response);
      return;
    }
    const { path, query } = 'request' in made ? made.request : { path: '', query: new URLSearchParams() };
    if (asksForSpdy(req.headers)) {
      spdy(req, socket, head, response, path, query);
      return;
    }
    const names = offered.filter((name) => !name.startsWith(bearerPrefix));
    const portPod = portForwardPod(path);
    const protocol = protocols.find((name) => names.includes(name));
    const tunnel = protocol === undefined && portPod !== undefined && names.includes(tunnelProtocol);
    if (
      String(req.headers.upgrade).toLowerCase() !== 'websocket' ||
      (names.length > 0 && protocol === undefined && !tunnel)
    ) {
      refuseText(socket, `unable to upgrade: the channel protocols offered here are ${protocols.join(', ')}`);
      return;
    }
    if (tunnel) {
      delete req.headers['sec-websocket-protocol'];
      tunnels.handleUpgrade(req as never, socket, head, (ws) =>
        untilClosing(spdyOnWebSocket(ws, portsOverSpdy(response, portPod, ctx))),
      );
      return;
    }
    sockets.handleUpgrade(req as never, socket, head, (ws) => {
      void runSession(ws, protocol ?? 'channel.k8s.io', response, query, ctx);
    });
  }

  function spdy(
    req: EdgeRequest,
    socket: Socket,
    head: Buffer,
    response: ApiResponse & { kind: 'upgrade' },
    path: string,
    query: URLSearchParams,
  ): void {
    const portPod = portForwardPod(path);
    const agreed = negotiate(req.headers, portPod !== undefined);
    if (!('protocol' in agreed)) {
      const text =
        agreed.asked.length === 0
          ? 'unable to upgrade: X-Stream-Protocol-Version is required'
          : `unable to upgrade: unable to negotiate protocol: client supports [${agreed.asked.join(' ')}], server accepts [${agreed.spoken.join(' ')}]`;
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        'x-accepted-stream-protocol-versions': agreed.spoken.join(', '),
      };
      send(socket, agreed.asked.length === 0 ? 400 : 403, headers, Buffer.from(text));
      return;
    }
    const exec = portPod === undefined ? execOverSpdy(agreed.protocol, response, query, ctx) : undefined;
    socket.write(switching(agreed.protocol));
    const accept = exec?.accept ?? portsOverSpdy(response, portPod ?? '', ctx);
    const connection = spdyOnSocket(socket, head, accept);
    untilClosing(connection);
    void exec?.run(connection);
  }

  /** A connection ends with the server. */
  function untilClosing(connection: SpdyConnection): void {
    const close = (): void => connection.close();
    if (ctx.closing.aborted) close();
    ctx.closing.addEventListener('abort', close, { once: true });
    connection.signal.addEventListener('abort', () => ctx.closing.removeEventListener('abort', close), {
      once: true,
    });
  }

  return {
    upgrade(req, socket, head) {
      socket.on('error', () => {});
      upgrade(req, socket, head).catch((error: unknown) => {
        ctx.logger.warn('an upgrade failed', { error });
        socket.destroy();
      });
    },
    close() {
      sockets.close();
      tunnels.close();
    },
  };
}

/** The pod whose ports this path forwards. */
const portForwardPod = (path: string): string | undefined => /\/pods\/([^/]+)\/portforward$/.exec(path)?.[1];

/** An ordinary HTTP answer on a connection that asked to be upgraded. */
function refuse(socket: Socket, response: ApiResponse): void {
  if (response.kind !== 'object') {
    refuseText(socket, 'this path does not upgrade connections');
    return;
  }
  send(socket, response.code, response.headers, Buffer.concat(response.chunks ?? []));
}

function refuseText(socket: Socket, message: string): void {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'BadRequest',
    code: 400,
  };
  send(socket, 400, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(status)));
}

function send(socket: Socket, code: number, headers: Record<string, string>, body: Buffer): void {
  const lines = Object.entries({ ...headers, 'content-length': String(body.length), connection: 'close' });
  socket.write(
    `HTTP/1.1 ${code} ${code < 400 ? 'OK' : 'Refused'}\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`,
  );
  socket.end(body);
}
