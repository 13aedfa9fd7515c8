/** A server over a store in memory, for tests of this and other packages: `import { testServer } from '@coracle/apiserver/testing'`. */
import { generateKeyPairSync } from 'node:crypto';
import {
  type ApiResponse,
  ApiError,
  createRegistry,
  type Credentials,
  type NodeGateway,
  type Status,
  type Unstructured,
  type WatchEvent,
  type WatchHandle,
} from '@coracle/machinery';
import { memoryStore, type Store } from '@coracle/store';
import { builtinAdmission } from './admission/index.ts';
import { createAuthentication, createAuthorizer, createTokenKeys, hashToken } from './auth/index.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from './server.ts';
import { createLookup } from './storage/lookup.ts';

export interface TestServer {
  server: ApiServer;
  store: Store;
  handler: ApiServer['handler'];
  /** Member of `system:masters`, for `credentials` of in-process requests. */
  admin: Credentials;
  /** The same person's bearer token, for requests over a socket. */
  adminToken: string;
  /** One request in-process. `body` is a value; the answer's value comes back, errors as a Status. */
  request(
    method: string,
    path: string,
    options?: TestRequest,
  ): Promise<{ code: number; body: Unstructured & Partial<Status>; headers: Record<string, string> }>;
  /** As `request`, but throws the ApiError of a failure. */
  call<T = Unstructured>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<T>;
  /** Opens a watch; `next` waits for the next event. */
  watch(path: string): Promise<TestWatch>;
  close(): Promise<void>;
}
export interface TestRequest {
  body?: unknown;
  /** Raw body, instead of `body`. */
  bytes?: Uint8Array | string;
  headers?: Record<string, string>;
  credentials?: Credentials;
}
export interface TestWatch {
  next(): Promise<WatchEvent<Unstructured> | undefined>;
  stop(): void;
}
export interface TestServerOptions extends Partial<ApiServerOptions> {
  nodes?: NodeGateway;
  /** Create namespaces, RBAC, the `default` service account and the like first. Default true. */
  bootstrap?: boolean;
}

/** A signing key of this test's own (PKCS#8 PEM). */
function newTokenKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Starts a server with authentication, RBAC and admission as an engine has them, on a fresh store in memory. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const store = options.store ?? memoryStore();
  const lookup = createLookup(store);
  const now = options.now ?? (() => new Date());
  const tokenKeys = options.tokenKeys ?? createTokenKeys(newTokenKey());
  const adminToken = 'test-admin-token';
  const user = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
  const authentication =
    options.authentication ??
    createAuthentication({ tokenKeys, lookup, now, staticTokens: [{ hash: hashToken(adminToken), user }] });
  const authorizer = options.authorizer ?? createAuthorizer({ lookup });
  const server = createApiServer({
    registry: createRegistry(),
    admission: builtinAdmission({ lookup, authorizer, now }),
    ...options,
    store,
    lookup,
    tokenKeys,
    authentication,
    authorizer,
  });
  if (options.bootstrap !== false) await server.bootstrap();
  const admin: Credentials = { kind: 'trusted', user };
  const closing = new AbortController();

  const send = (method: string, target: string, request: TestRequest = {}): Promise<ApiResponse> => {
    const [path = '', query = ''] = target.split('?');
    const bytes = typeof request.bytes === 'string' ? new TextEncoder().encode(request.bytes) : request.bytes;
    return server.handler({
      method,
      path: decodeURIComponent(path),
      query: new URLSearchParams(query),
      headers: request.headers ?? {},
      credentials: request.credentials ?? admin,
      ...(bytes ? { body: { bytes } } : request.body === undefined ? {} : { body: { value: request.body } }),
      want: 'values',
      signal: closing.signal,
    });
  };
  const request: TestServer['request'] = async (method, path, details) => {
    const response = await send(method, path, details);
    if (response.kind !== 'object') throw new Error(`${method} ${path} was answered with a ${response.kind}`);
    return {
      code: response.code,
      headers: response.headers,
      body: response.value as Unstructured & Partial<Status>,
    };
  };
  // What the service account controller does in an engine: pods are admitted only beside their account.
  if (options.bootstrap !== false)
    await request('POST', '/api/v1/namespaces/default/serviceaccounts', {
      body: { metadata: { name: 'default' } },
    });
  return {
    server,
    store,
    handler: server.handler,
    admin,
    adminToken,
    request,
    async call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
      const answer = await request(method, path, { body, ...(headers ? { headers } : {}) });
      if (answer.code >= 400) throw ApiError.from(answer.body as unknown as Status);
      return answer.body as T;
    },
    async watch(path) {
      const response = await send('GET', path);
      if (response.kind !== 'watch')
        throw response.kind === 'object'
          ? ApiError.from(response.value as Status)
          : new Error(`a ${response.kind} came`);
      return collect(response);
    },
    async close() {
      closing.abort();
      await server.close();
      await store.close();
    },
  };
}

function collect(response: ApiResponse & { kind: 'watch' }): TestWatch {
  const events: WatchEvent<Unstructured>[] = [];
  const state = { ended: false };
  let wake: (() => void) | undefined;
  const handle: WatchHandle = response.start({
    events(batch) {
      events.push(...(batch as readonly WatchEvent<Unstructured>[]));
      wake?.();
      return true;
    },
    end() {
      state.ended = true;
      wake?.();
    },
  });
  return {
    async next() {
      while (events.length === 0 && !state.ended)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return events.shift();
    },
    stop: () => handle.stop(),
  };
}
