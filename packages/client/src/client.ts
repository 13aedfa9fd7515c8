/**
 * The Kubernetes client that every other room uses. Methods reject with ApiError (the server's Status) or, when no answer
 * came, with ConnectionError. Answers are deep-frozen and may be shared with other readers: copy to change.
 */
import type { Duplex } from 'node:stream';
import type { ApiResponse, Draft, KubeList, ResourceType, WatchEvent } from '@coracle/machinery';

export interface CallOptions {
  namespace?: string | undefined;
  signal?: AbortSignal | undefined;
}
export interface GetOptions extends CallOptions {
  resourceVersion?: string | undefined;
  subresource?: string | undefined;
}
export interface ListOptions extends CallOptions {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
}
export interface WatchOptions extends ListOptions {
  allowWatchBookmarks?: boolean | undefined;
  sendInitialEvents?: boolean | undefined;
  timeoutSeconds?: number | undefined;
}
export interface WriteOptions extends CallOptions {
  dryRun?: boolean | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined;
  subresource?: string | undefined;
}
export interface PatchOptions extends WriteOptions {
  /** Apply only: take over fields that others own. */
  force?: boolean | undefined;
}
export interface DeleteOptions extends CallOptions {
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  dryRun?: boolean | undefined;
}
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** Shapes: T is carried by the ResourceType, so `client.get(Pod, 'web', { namespace })` is a Pod. */
export interface Client {
  get<T>(type: ResourceType<T>, name: string, options?: GetOptions): Promise<T>;
  list<T>(type: ResourceType<T>, options?: ListOptions): Promise<KubeList<T>>;
  /**
   * Events until the server ends the watch, the signal aborts (ends without error) or the consumer leaves the loop. An ERROR
   * event is thrown as its ApiError (Expired: list again).
   */
  watch<T>(type: ResourceType<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /**
   * The same, with all events that have come by then in one step. The signal may abort while a batch is worked on: the rest of
   * it is then the consumer's to leave.
   */
  watchBatches<T>(type: ResourceType<T>, options?: WatchOptions): AsyncIterable<readonly WatchEvent<T>[]>;
  create<T>(type: ResourceType<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  /** POST to a subresource (`pods/NAME/binding`, `eviction`, `token`); the answer is what the server returns. */
  createSubresource<T>(
    type: ResourceType,
    name: string,
    subresource: string,
    body: object,
    options?: WriteOptions,
  ): Promise<T>;
  update<T>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T>(
    type: ResourceType<T>,
    name: string,
    patchType: PatchType,
    patch: unknown,
    options?: PatchOptions,
  ): Promise<T>;
  /** The object as it is being deleted, or a Status when it is gone. */
  delete<T>(type: ResourceType<T>, name: string, options?: DeleteOptions): Promise<T | undefined>;
  deleteCollection<T>(type: ResourceType<T>, options?: ListOptions & DeleteOptions): Promise<void>;
  /** Anything else: an absolute path below the server's root. Rejects with ApiError on a status of 400 or more. */
  request(call: RawCall): Promise<ApiResponse>;
  /** `GET` a JSON document at a path (discovery, OpenAPI, `/version`). */
  getPath<T>(path: string, options?: { signal?: AbortSignal }): Promise<T>;
  /** Bytes of a container's log as they come. */
  logs(name: string, options: LogCallOptions): AsyncIterable<Uint8Array>;
  /** Runs a command in a container. Resolves with its exit code. */
  exec(name: string, options: ExecCallOptions): Promise<number>;
  /** Joins the streams of a container's main process. Resolves with its exit code. */
  attach(name: string, options: Omit<ExecCallOptions, 'command'>): Promise<number>;
  /** One connection to a port of a pod. What the pod's side refuses destroys the stream with an error. */
  portForward(name: string, options: PortForwardOptions): Promise<Duplex>;
  /** The same server as another user (`Impersonate-User`), or with another user agent. */
  readonly transport: Transport;
}

export interface RawCall {
  method: string;
  path: string;
  query?: URLSearchParams | Record<string, string> | undefined;
  headers?: Record<string, string> | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}
export interface LogCallOptions extends CallOptions {
  namespace: string;
  container?: string | undefined;
  follow?: boolean | undefined;
  previous?: boolean | undefined;
  timestamps?: boolean | undefined;
  tailLines?: number | undefined;
  sinceSeconds?: number | undefined;
  limitBytes?: number | undefined;
}
export interface ExecCallOptions extends CallOptions {
  namespace: string;
  container?: string | undefined;
  command: string[];
  tty?: boolean | undefined;
  stdin?: AsyncIterable<Uint8Array> | undefined;
  stdout?: ((chunk: Uint8Array) => void) | undefined;
  stderr?: ((chunk: Uint8Array) => void) | undefined;
  resize?: AsyncIterable<{ width: number; height: number }> | undefined;
}

export interface PortForwardOptions extends CallOptions {
  namespace: string;
  port: number;
}

/** Carries one call to the server. Two exist: in-process (an ApiHandler) and HTTPS. */
export interface Transport {
  call(call: RawCall): Promise<ApiResponse>;
  /** Upgraded connections that end with an exit code: exec and attach. `io.command` is in the query already. */
  upgrade(path: string, query: URLSearchParams, io: SessionStreams): Promise<number>;
  /** Upgraded connections that carry one port. */
  forward(path: string, query: URLSearchParams, port: number, signal?: AbortSignal): Promise<Duplex>;
  close(): Promise<void>;
}

/** What an upgraded session needs of its caller. */
export type SessionStreams = Omit<ExecCallOptions, 'command' | 'namespace'>;

/** No answer from the server: refused, reset, timed out. The call may or may not have taken effect. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
}
