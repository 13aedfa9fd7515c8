/** Puts the parts together: a context, a handler over it, and the edges that carry requests to the handler. */
import { randomUUID } from 'node:crypto';
import type { ApiHandler, Kind, KindRegistry, NodeGateway, Unstructured } from '@coracle/machinery';
import type { Store } from '@coracle/store';
import {
  type Authentication,
  escalationPrevention,
  issueToken,
  type RbacAuthorizer,
  reviewStrategies,
  type TokenKeys,
} from './auth/index.ts';
import { bootstrap, type BootstrapOptions } from './bootstrap.ts';
import type { Limits, Logger, ServerContext, Timers, VersionInfo } from './context.ts';
import type { AdmissionPlugin, Lookup, Strategy } from './contracts.ts';
import { type Definitions, isDefinition, startDefinitions } from './crd/definitions.ts';
import { definitionStrategy } from './crd/strategy.ts';
import { createMetrics } from './metrics.ts';
import { createHandler } from './pipeline/handle.ts';
import { printerFor } from './printers/index.ts';
import { createAllocators } from './storage/allocate.ts';
import { createByteRoom } from './storage/byte-room.ts';
import { createLookup } from './storage/lookup.ts';
import { createSharedSpecs } from './storage/shared-specs.ts';
import { strategyFor } from './strategy/index.ts';
import { listen, type ListenOptions, type Listening } from './transport/https.ts';
import { versionInfo } from './version.ts';

export interface ApiServerOptions {
  store: Store;
  /** Built-in kinds; the server adds those of CustomResourceDefinitions. One registry a server. */
  registry: KindRegistry;
  authentication: Authentication;
  authorizer: RbacAuthorizer;
  /** Besides the plugin that stops privilege escalation, which is always there. */
  admission: readonly AdmissionPlugin[];
  /** Signs the tokens that `serviceaccounts/token` gives out; without it that path answers 405. */
  tokenKeys?: TokenKeys | undefined;
  /** Reaches node agents, for logs, exec, attach, port-forward and stats. */
  nodes?: NodeGateway | undefined;
  /** The lookup that authentication, authorizer and admission use, if it was made already: they then share its caches. */
  lookup?: Lookup | undefined;
  /** Range of Service addresses. Default 10.96.0.0/16; the `kubernetes` Service gets the first. */
  serviceCidr?: string | undefined;
  /** Default 30000-32767. */
  nodePorts?: { first: number; last: number } | undefined;
  now?: (() => Date) | undefined;
  /** In [0, 1); default Math.random. Used for generated names, allocation and time-outs, never for secrets. */
  random?: (() => number) | undefined;
  uuid?: (() => string) | undefined;
  timers?: Timers | undefined;
  logger?: Logger | undefined;
  limits?: Partial<Limits> | undefined;
  version?: Partial<VersionInfo> | undefined;
  /**
   * Kinds that are questions to other parts of the engine (SubjectAccessReview is one to the authorizer): created, answered by
   * the strategy's `answer`, never stored. Their verbs are `create` alone.
   */
  reviews?: readonly { readonly kind: Kind; readonly strategy: Strategy }[] | undefined;
  /** More checks behind `/readyz`, `/livez` and `/healthz`: undefined is healthy, text says what is wrong. */
  health?: Readonly<Record<string, () => string | undefined>> | undefined;
}

export interface ApiServer {
  /** The API as a function: what the in-process transport of the client calls. */
  readonly handler: ApiHandler;
  readonly lookup: Lookup;
  /** Opens one port for h2, HTTP/1.1 and WebSockets. Rejects if it cannot be opened. */
  listen(options: ListenOptions): Promise<Listening>;
  /** Creates what every cluster has (namespaces, priority classes, RBAC, the `kubernetes` Service), where it is missing. */
  bootstrap(options?: BootstrapOptions): Promise<void>;
  /** Ends watches and streams and closes the ports. Does not close the store. */
  close(): Promise<void>;
}

const quiet: Logger = { info() {}, warn() {}, error() {} };
const realTimers: Timers = {
  after(milliseconds, fire) {
    // Longer than setTimeout can count would fire at once.
    const timer = setTimeout(fire, Math.min(milliseconds, 2 ** 31 - 1));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
const defaultLimits: Limits = {
  bodyBytes: 3 * 1024 * 1024,
  objectBytes: 1.5 * 1024 * 1024,
  patchOperations: 10_000,
};
const empty: Strategy = {};

/** Makes a server over a store. Stored CustomResourceDefinitions are served from the first request on. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, registry, authentication, authorizer } = options;
  const now = options.now ?? (() => new Date());
  const random = options.random ?? Math.random;
  const lookup = options.lookup ?? createLookup(store);
  const serviceCidr = options.serviceCidr ?? '10.96.0.0/16';
  const allocate = createAllocators(lookup, {
    serviceCidr,
    nodePorts: options.nodePorts ?? { first: 30000, last: 32767 },
    random,
  });
  allocate.load();
  const reviews = reviewStrategies({ authorizer, authentication });
  const closing = new AbortController();
  const { tokenKeys } = options;
  let ready = false;
  const strategies = new WeakMap<Kind, Strategy>();
  const definitions: { current?: Definitions } = {};
  const ownDefinition = definitionStrategy(registry, lookup);

  const asked = options.reviews ?? [];
  for (const { kind } of asked) registry.replace(kind.group, kind.resource, [kind]);

  function lookUpStrategy(kind: Kind): Strategy {
    if (!kind.builtin) return asked.find((review) => review.kind === kind)?.strategy ?? empty;
    if (isDefinition(kind)) return ownDefinition;
    return reviews[`${kind.resource}.${kind.group}`] ?? strategyFor(kind.group, kind.resource);
  }

  const admission = [...options.admission, escalationPrevention(authorizer)];

  const ctx: ServerContext = {
    store,
    registry,
    authenticator: authentication,
    authorizer,
    mutating: admission.filter((plugin) => plugin.mutate),
    validating: admission.filter((plugin) => plugin.validate),
    admissionCompletes: options.admission.every((plugin) => !plugin.mutate || plugin.completes === true),
    lookup,
    allocate,
    nodes: options.nodes,
    serviceAccountToken: tokenKeys
      ? (namespace: string, name: string, request: Unstructured) =>
          issueToken({ lookup, tokenKeys, now }, namespace, name, request)
      : undefined,
    documents: new Map<string, () => unknown>(
      tokenKeys
        ? [
            ['/.well-known/openid-configuration', () => tokenKeys.discovery()],
            ['/openid/v1/jwks', () => tokenKeys.jwks()],
          ]
        : [],
    ),
    room: createByteRoom(),
    specs: createSharedSpecs(),
    metrics: createMetrics(),
    logger: options.logger ?? quiet,
    timers: options.timers ?? realTimers,
    limits: { ...defaultLimits, ...options.limits },
    version: { ...versionInfo, ...options.version },
    health: new Map<string, () => string | undefined>([
      ['ping', () => undefined],
      ['log', () => undefined],
      ['etcd', () => undefined],
      ['poststarthook/bootstrap', () => (ready ? undefined : 'not finished')],
      ...Object.entries(options.health ?? {}),
    ]),
    now,
    random,
    uuid: options.uuid ?? randomUUID,
    strategyFor(kind) {
      let strategy = strategies.get(kind);
      if (!strategy) strategies.set(kind, (strategy = lookUpStrategy(kind)));
      return strategy;
    },
    printerFor: (kind) => (kind.builtin ? printerFor(kind.group, kind.resource, kind.version) : undefined),
    hears: isDefinition,
    written: (kind, entry) => definitions.current?.written(kind, entry),
    closing: closing.signal,
  };
  definitions.current = startDefinitions(ctx);
  const handler = createHandler(ctx);
  const open = new Set<Listening>();
  return {
    handler,
    lookup,
    async listen(listenOptions) {
      const listening = await listen(ctx, handler, listenOptions);
      open.add(listening);
      return listening;
    },
    async bootstrap(bootstrapOptions = {}) {
      await bootstrap(ctx, handler, bootstrapOptions, serviceCidr);
      ready = true;
    },
    async close() {
      closing.abort();
      await Promise.all([...open].map((listening) => listening.close()));
      open.clear();
    },
  };
}
