/** From an HTTP request to an ApiRequest: path, query, headers, credentials, body. */
import type { TLSSocket } from 'node:tls';
import { ApiError, type ApiRequest, type ApiResponse, type Credentials, errors } from '@coracle/machinery';
import { respondValue, statusOf } from '../pipeline/respond.ts';
import type { EdgeRequest } from './https.ts';

/** The body, or 'large' when it has more bytes than `limit` (the rest is not kept). */
export function readBody(req: EdgeRequest, limit: number): Promise<Uint8Array | 'large'> {
  if (req.method === 'GET' || req.method === 'HEAD') {
    req.resume();
    return Promise.resolve(new Uint8Array());
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        // Read on for a while, so that the caller gets to see the 413, but not for ever.
        if (size > limit * 10) req.destroy();
        chunks.length = 0;
        resolve('large');
        return;
      }
      chunks.push(chunk);
    });
    req.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    req.on('error', reject);
    req.on('aborted', () => reject(new Error('the caller went away')));
  });
}

const certificates = new WeakMap<object, Credentials | 'bad'>();

/** What stands for the connection a request came by. */
const connectionOf = (req: EdgeRequest): object => req.stream?.session ?? req.socket;

/** The client certificate's verdict, worked out once a connection. 'bad': one was shown that is not of our authority. */
function certificateOf(req: EdgeRequest): Credentials | 'bad' {
  const key = connectionOf(req);
  const known = certificates.get(key);
  if (known !== undefined) return known;
  const socket = (req.stream?.session?.socket ?? req.socket) as TLSSocket;
  const found = readCertificate(socket);
  certificates.set(key, found);
  return found;
}

function readCertificate(socket: TLSSocket): Credentials | 'bad' {
  const certificate = socket.getPeerCertificate?.();
  if (!certificate?.subject) return { kind: 'none' };
  if (!socket.authorized) return 'bad';
  const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  const commonName = Array.isArray(CN) ? (CN.at(-1) ?? '') : (CN ?? '');
  return {
    kind: 'certificate',
    commonName,
    organizations: O === undefined ? [] : Array.isArray(O) ? O : [O],
  };
}

const bearers = new WeakMap<object, { header: string; credentials: Credentials | undefined }>();

/** The token of an Authorization header: the same value for each request of a connection that shows the same one. */
function bearerOf(req: EdgeRequest, header: string): Credentials | undefined {
  const key = connectionOf(req);
  const last = bearers.get(key);
  if (last?.header === header) return last.credentials;
  const token = /^bearer\s+(.*)$/i.exec(header)?.[1]?.trim();
  const credentials: Credentials | undefined = token ? { kind: 'bearer', token } : undefined;
  bearers.set(key, { header, credentials });
  return credentials;
}

/** A certificate of our authority says who it is; else the bearer token does. Throws Unauthorized for a bad certificate. */
function credentialsOf(req: EdgeRequest, headers: Record<string, string | undefined>): Credentials {
  const certificate = certificateOf(req);
  if (certificate !== 'bad' && certificate.kind === 'certificate') return certificate;
  const bearer = bearerOf(req, headers['authorization'] ?? '');
  if (bearer) return bearer;
  if (certificate === 'bad') throw errors.unauthorized();
  return { kind: 'none' };
}

/** Lower-case names, repeated headers joined; h2's pseudo headers left out. */
export function headersOf(req: EdgeRequest): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  const given = req.headers;
  for (const name in given) {
    const value = given[name];
    if (!name.startsWith(':')) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ApiError('BadRequest', `the path ${JSON.stringify(path)} is not well encoded`, undefined, {
      cause,
    });
  }
}

/** The request for the handler, or at once the answer to one that cannot be understood. */
export function toApiRequest(
  req: EdgeRequest,
  body: Uint8Array | 'large',
  signal: AbortSignal,
): { request: ApiRequest } | { value: ApiResponse } {
  try {
    if (body === 'large')
      throw new ApiError('RequestEntityTooLarge', 'Request entity too large: limit is 3145728');
    const url = req.url ?? '/';
    const mark = url.indexOf('?');
    const encoded = mark < 0 ? url : url.slice(0, mark);
    const path = encoded.includes('%') ? decodePath(encoded) : encoded;
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    const headers = headersOf(req);
    const credentials = credentialsOf(req, headers);
    return {
      request: {
        method: req.method.toUpperCase(),
        path,
        query,
        headers,
        credentials,
        ...(body.length > 0 ? { body: { bytes: body } } : {}),
        want: 'bytes',
        signal,
        remoteAddress: req.socket?.remoteAddress,
      },
    };
  } catch (error) {
    const status = statusOf(error);
    const form = { media: 'json', as: 'object', version: 'v1', pretty: false } as const;
    return { value: respondValue('bytes', form, status.code ?? 500, status) };
  }
}
