/** What every step of a request may use: the server's parts, made once by `createApiServer`. No step reaches past it. */
import type { Kind, KindRegistry, NodeGateway, Unstructured } from '@coracle/machinery';
import type { Entry, Store } from '@coracle/store';
import type {
  AdmissionPlugin,
  Allocators,
  Authenticator,
  Authorizer,
  Lookup,
  Strategy,
  TablePrinter,
} from './contracts.ts';
import type { Metrics } from './metrics.ts';
import type { ByteRoom } from './storage/byte-room.ts';
import type { SharedSpecs } from './storage/shared-specs.ts';

/** Timers as a parameter, so that tests can run watches and time-outs under their own time. */
export interface Timers {
  /** Calls `fire` once after `milliseconds`; the returned function cancels. */
  after(milliseconds: number, fire: () => void): () => void;
}

export interface Logger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Bounds on what one request may cost. */
export interface Limits {
  /** Bytes of a request body; more is 413. */
  bodyBytes: number;
  /** Bytes of one stored object; more is 413. */
  objectBytes: number;
  /** Operations of one JSON patch; more is 413. */
  patchOperations: number;
}

/** The document at `/version`. */
export interface VersionInfo {
  major: string;
  minor: string;
  gitVersion: string;
  gitCommit: string;
  gitTreeState: string;
  buildDate: string;
  goVersion: string;
  compiler: string;
  platform: string;
}

/** Answers a TokenRequest for a service account: the request with its status. */
export type TokenIssuer = (namespace: string, name: string, request: Unstructured) => Unstructured;

export interface ServerContext {
  readonly store: Store;
  readonly registry: KindRegistry;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** The admission plugins that mutate and those that validate; some are both. */
  readonly mutating: readonly AdmissionPlugin[];
  readonly validating: readonly AdmissionPlugin[];
  /** Do all of them leave objects complete, so that defaults need not be filled in again after them? */
  readonly admissionCompletes: boolean;
  readonly lookup: Lookup;
  readonly allocate: Allocators;
  readonly nodes: NodeGateway | undefined;
  readonly serviceAccountToken: TokenIssuer | undefined;
  /** More documents, by path: the OpenID ones that let others check service account tokens. */
  readonly documents: ReadonlyMap<string, () => unknown>;
  /** Where the writer writes. */
  readonly room: ByteRoom;
  /** What many objects have in common. */
  readonly specs: SharedSpecs;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly limits: Limits;
  readonly version: VersionInfo;
  /** Named checks behind `/healthz`, `/livez` and `/readyz`: undefined is healthy, text says what is wrong. */
  readonly health: ReadonlyMap<string, () => string | undefined>;
  now(): Date;
  /** In [0, 1). */
  random(): number;
  uuid(): string;
  strategyFor(kind: Kind): Strategy;
  printerFor(kind: Kind): TablePrinter | undefined;
  /** Is `written` to be told of objects of this kind? Of most it is not, which spares each write a promise. */
  hears(kind: Kind): boolean;
  /** Told after an object was stored (entry) or removed (undefined), before the caller hears of it. */
  written(kind: Kind, entry: Entry | undefined): void;
  /** Aborted when the server closes: ends watches and streams. */
  readonly closing: AbortSignal;
}
