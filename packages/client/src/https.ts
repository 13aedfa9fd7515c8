/**
 * The HTTPS transport: HTTP/1.1 over kept-alive connections, one at a time a call and one a watch; WebSockets for exec. A call
 * that got no answer rejects with ConnectionError; it is tried again by itself only when a kept connection turned out to be
 * closed before the request could be sent, and only for reads.
 */
import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import https from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { type ConnectionOptions } from 'node:tls';
import zlib from 'node:zlib';
import { type ApiResponse, deepFreeze } from '@coracle/machinery';
import { ConnectionError, type RawCall, type Transport } from './client.ts';
import { splitCall } from './paths.ts';
import { watchResponse } from './watch-stream.ts';
import type { WebSocketTarget } from './websocket.ts';

/** Not imported: as a module of its own names, `node:http` loads undici for its `WebSocket`, 40 ms of a short command's 200. */
const http = process.getBuiltinModule('node:http');

export interface HttpsTransportOptions {
  /** `https://host:port[/path]`; `http://` works too (a proxy such as `kubectl proxy`). */
  server: string;
  /** PEM. Without it the system's authorities are trusted. */
  ca?: string | Uint8Array | undefined;
  /** PEM of the client certificate and its key. */
  cert?: string | Uint8Array | undefined;
  key?: string | Uint8Array | undefined;
  /** Bearer token, or a function that has the current one (asked before each call). */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Name to expect in the server's certificate, if it is not the server's host. */
  tlsServerName?: string | undefined;
  insecureSkipTlsVerify?: boolean | undefined;
  impersonate?: Impersonation | undefined;
  userAgent?: string | undefined;
  /** A call that has had no byte of an answer for so long is given up; 0 never. Watches and streams are not bounded. Default 60 s. */
  timeoutMs?: number | undefined;
  /** Called with each `Warning` header's text. */
  onWarning?: ((text: string) => void) | undefined;
}
export interface Impersonation {
  user: string;
  uid?: string | undefined;
  groups?: readonly string[] | undefined;
  extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Calls under way at a time; more wait for a connection. */
const maxCallConnections = 32;

/** Throws TypeError if `server` is no URL. */
export function httpsTransport(options: HttpsTransportOptions): Transport {
  const base = new URL(options.server);
  if (base.protocol !== 'https:' && base.protocol !== 'http:') {
    throw new TypeError(`the server's URL must begin with https://, not ${options.server}`);
  }
  const secure = base.protocol === 'https:';
  const prefix = base.pathname.replace(/\/$/, '');
  const tls = tlsOptions(options);
  // Answers that last (watches, logs) have a connection each; calls share some, so that a burst does not open hundreds.
  const makeAgent = (maxSockets: number): Agent =>
    secure
      ? new https.Agent({ keepAlive: true, maxSockets, ...tls })
      : new http.Agent({ keepAlive: true, maxSockets });
  const callAgent = makeAgent(maxCallConnections);
  const streamAgent = makeAgent(Infinity);
  const timeoutMs = options.timeoutMs ?? 60_000;

  const headersFor = async (): Promise<Record<string, string | string[]>> => ({
    'user-agent': options.userAgent ?? 'coracle',
    accept: 'application/json',
    ...(await authorization(options)),
    ...impersonation(options.impersonate),
  });

  const open = (
    call: RawCall,
    target: string,
    headers: Record<string, string | string[]>,
    body: Uint8Array | undefined,
    endless: boolean,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const url = new URL(target, base);
      const request = (secure ? https : http).request(url, {
        agent: endless || url.pathname.endsWith('/log') ? streamAgent : callAgent,
        method: call.method,
        headers,
        ...(call.signal ? { signal: call.signal } : {}),
      });
      if (timeoutMs > 0 && !endless) {
        request.setTimeout(timeoutMs, () => {
          request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
        });
      }
      request.once('response', resolve);
      request.on('error', (error) => {
        reject(Object.assign(error, { reusedSocket: request.reusedSocket }));
      });
      request.end(body);
    });

  const send = async (call: RawCall): Promise<ApiResponse> => {
    const { path, query } = splitCall(call);
    const search = query.size > 0 ? `?${query}` : '';
    const endless = isTrue(query.get('watch')) || isTrue(query.get('follow'));
    const headers: Record<string, string | string[]> = { ...(await headersFor()), ...call.headers };
    let body: Uint8Array | undefined;
    if (call.body !== undefined) {
      body = call.body instanceof Uint8Array ? call.body : Buffer.from(JSON.stringify(call.body));
      headers['content-type'] ??= 'application/json';
      headers['content-length'] = String(body.length);
    }
    // Compression pays over a network, not on this machine.
    if (!endless && !isLoopback(base.hostname)) headers['accept-encoding'] ??= 'gzip';
    const target = `${base.origin}${prefix}${path}${search}`;
    const idempotent = call.method === 'GET' || call.method === 'HEAD';
    for (let tries = 0; ; tries++) {
      try {
        const message = await open(call, target, headers, body, endless);
        for (const text of warnings(message)) options.onWarning?.(text);
        return await readResponse(message, isTrue(query.get('watch')));
      } catch (error) {
        if (call.signal?.aborted) throw call.signal.reason;
        const { code, reusedSocket } = error as { code?: string; reusedSocket?: boolean };
        const stale = reusedSocket === true && (code === 'ECONNRESET' || code === 'EPIPE');
        if (stale && idempotent && tries < 3) continue;
        throw connectionError(base, error);
      }
    }
  };

  const target = async (path: string, query: URLSearchParams): Promise<WebSocketTarget> => {
    const url = new URL(`${base.origin}${prefix}${path}?${query}`);
    url.protocol = secure ? 'wss:' : 'ws:';
    return {
      url,
      headers: await headersFor(),
      tls,
      connectionError: (cause) => connectionError(base, cause),
    };
  };

  return {
    call: send,
    async upgrade(path, query, io) {
      // Loaded when first needed: most clients never open one, and every command waits for what is imported.
      const { runWebSocket } = await import('./websocket.ts');
      return runWebSocket(await target(path, query), io);
    },
    async forward(path, query, _port, signal) {
      const { forwardPort } = await import('./port-forward.ts');
      return forwardPort(await target(path, query), signal);
    },
    async close() {
      callAgent.destroy();
      streamAgent.destroy();
    },
  };
}

const pem = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' ? value : Buffer.from(value);

function tlsOptions(options: HttpsTransportOptions): ConnectionOptions {
  return {
    ...(options.ca ? { ca: pem(options.ca) } : {}),
    ...(options.cert ? { cert: pem(options.cert) } : {}),
    ...(options.key ? { key: pem(options.key) } : {}),
    ...(options.tlsServerName ? { servername: options.tlsServerName } : {}),
    ...(options.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
  };
}

async function authorization(options: HttpsTransportOptions): Promise<Record<string, string>> {
  const token = typeof options.token === 'function' ? await options.token() : options.token;
  if (token) return { authorization: `Bearer ${token}` };
  if (options.username === undefined) return {};
  const pair = Buffer.from(`${options.username}:${options.password ?? ''}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

function impersonation(as: Impersonation | undefined): Record<string, string | string[]> {
  if (!as) return {};
  const headers: Record<string, string | string[]> = { 'impersonate-user': as.user };
  if (as.uid) headers['impersonate-uid'] = as.uid;
  if (as.groups?.length) headers['impersonate-group'] = [...as.groups];
  for (const [name, values] of Object.entries(as.extra ?? {})) {
    headers[`impersonate-extra-${encodeURIComponent(name)}`] = [...values];
  }
  return headers;
}

async function readResponse(message: IncomingMessage, watch: boolean): Promise<ApiResponse> {
  const code = message.statusCode ?? 0;
  const headers = flatten(message.headers);
  // A connection lost half-way reaches the reader as the body's error.
  const body: Readable =
    headers['content-encoding'] === 'gzip'
      ? pipeline(message, zlib.createGunzip(), () => undefined)
      : message;
  if (watch && code === 200) return watchResponse(message, headers);
  const json = (headers['content-type'] ?? '').startsWith('application/json');
  if (!json && code < 400) return { kind: 'stream', code, headers, body };
  const bytes = await readAll(body);
  if (!json) return { kind: 'object', code, headers, chunks: [bytes] };
  const value = deepFreeze(JSON.parse(bytes.toString('utf8')) as unknown);
  return { kind: 'object', code, headers, value };
}

/** The whole body. Listeners, as asynchronous iteration costs a small answer as much as everything else together. */
function readAll(body: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    body.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    body.on('error', reject);
    body.once('close', () => reject(new Error('the connection was lost in the middle of the answer')));
  });
}

function flatten(headers: IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

/** Texts of `Warning: 299 - "..."` headers (RFC 7234). */
function warnings(message: IncomingMessage): string[] {
  const header = message.headers['warning'];
  if (header === undefined) return [];
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replaceAll(/\\(.)/g, '$1'),
  );
}

function connectionError(base: URL, cause: unknown): Error {
  if (cause instanceof ConnectionError) return cause;
  const { code, message } = cause as { code?: string; message: string };
  const why =
    code === 'ECONNREFUSED'
      ? 'connection refused: nothing is listening there'
      : code === 'ENOTFOUND'
        ? 'the host name does not resolve'
        : message;
  return Object.assign(new ConnectionError(`${base.origin}: ${why}`, { cause }), code ? { code } : {});
}

function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}
