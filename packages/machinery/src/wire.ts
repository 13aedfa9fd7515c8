/**
 * The API as values: what a transport hands to the API server and gets back. The HTTPS edge and the in-process client
 * both speak this, so they pass through the same steps (authentication, admission, validation); only bytes differ.
 */
import type { Duplex } from 'node:stream';
import type { WatchEvent } from './object.ts';

export interface UserInfo {
  username: string;
  uid?: string | undefined;
  groups: string[];
  extra?: Record<string, string[]> | undefined;
}

/** How the caller says who it is; the API server decides whether to believe it. */
export type Credentials =
  | { kind: 'none' }
  | { kind: 'bearer'; token: string }
  /** A client certificate the TLS layer has verified against our client CA. */
  | { kind: 'certificate'; commonName: string; organizations: string[] }
  /** A principal vouched for by whoever assembled the engine (in-process components only, never from a socket). */
  | { kind: 'trusted'; user: UserInfo };

export interface ApiRequest {
  /** Upper case. */
  method: string;
  /** Decoded path without query: `/api/v1/namespaces/default/pods`. */
  path: string;
  query: URLSearchParams;
  /** Lower-case names. `accept` and `content-type` matter; absent ones mean JSON. */
  headers: Readonly<Record<string, string | undefined>>;
  credentials: Credentials;
  /** Raw bytes from a socket, or an already decoded value in-process. Never changed by the server. */
  body?: { bytes: Uint8Array } | { value: unknown } | undefined;
  /** `values`: answer with shared frozen objects; `bytes`: answer with encoded bytes in the negotiated form. */
  want: 'values' | 'bytes';
  /** Aborted when the caller has gone away. */
  signal: AbortSignal;
  remoteAddress?: string | undefined;
}

export interface WatchSink {
  /**
   * Called with events in order, in batches of one turn. `encoded` has the bytes of the same events (only with
   * want: 'bytes'). Returning false means "full": the server stops and counts the sink as slow until `drained()`.
   */
  events(events: readonly WatchEvent[], encoded: readonly Uint8Array[] | undefined): boolean;
  /** The watch has ended (time-out, server closing, or after an ERROR event). Nothing follows. */
  end(): void;
}
export interface WatchHandle {
  /** The sink can take more. */
  drained(): void;
  stop(): void;
}

export type ApiResponse =
  /** One object or list. In 'bytes' mode `chunks` is the body and `value` is absent. */
  | {
      kind: 'object';
      code: number;
      headers: Record<string, string>;
      value?: unknown;
      chunks?: readonly Uint8Array[];
    }
  /** A watch: call `start` once; events flow to the sink. */
  | { kind: 'watch'; code: 200; headers: Record<string, string>; start(sink: WatchSink): WatchHandle }
  /** Bytes that come over time (logs with follow). */
  | { kind: 'stream'; code: number; headers: Record<string, string>; body: AsyncIterable<Uint8Array> }
  /** exec, attach, port-forward: the edge upgrades the connection, then hands over the channels. */
  | { kind: 'upgrade'; run(session: StreamSession): Promise<void> };

/** An upgraded connection's channels, whatever protocol carries them (WebSocket v4/v5 channel protocols, or in-process). */
export interface StreamSession {
  stdin?: AsyncIterable<Uint8Array> | undefined;
  stdout?: ((chunk: Uint8Array) => Promise<void>) | undefined;
  stderr?: ((chunk: Uint8Array) => Promise<void>) | undefined;
  /** Terminal sizes as they change. */
  resize?: AsyncIterable<{ width: number; height: number }> | undefined;
  /** Port-forward: one duplex a port, in the order asked. */
  ports?: { port: number; stream: Duplex }[] | undefined;
  /** Sent last: how it ended. A non-zero exit is `{ exitCode }`, a failure to run an `{ error }`. */
  finish(result: { exitCode: number } | { error: Error }): Promise<void>;
  signal: AbortSignal;
}

/** The API server seen as a function. Never rejects for a bad request: answers with a Status object. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;
