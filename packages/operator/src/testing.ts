/**
 * `@coracle/operator/testing`: a Kubernetes API in memory for unit tests of controllers, the scheduler, the node agent and
 * commands. It keeps the API's rules that controllers depend on and leaves the rest out:
 * kept: resourceVersions and Conflict, uid, generateName, generation, status subresources, finalizers, graceful deletion of
 * bound pods, watches in order from any kept version, bookmarks, 410, label and field selectors, paging, pods/binding,
 * pods/eviction, all patch types but apply,
 * aggregated discovery. Left out: validation, defaulting, admission, authorization, garbage collection,
 * Tables.
 */
import { type Client, createClient, inProcessTransport } from '@coracle/client';
import {
  type ApiHandler,
  ApiError,
  type ApiRequest,
  type ApiResponse,
  type KubeObject,
  type ResourceType,
} from '@coracle/machinery';
import type { Clock } from './contracts.ts';
import { createFakeHandler } from './testing/handler.ts';
import { FakeStorage } from './testing/storage.ts';

export { manualClock, type ManualClock } from './clock.ts';

/** One write or read that reached the server. */
export interface FakeAction {
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** `pods`, `jobs.batch`. */
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  body: unknown;
}
export interface FakeCluster {
  readonly client: Client;
  /** The same as a handler, for other transports. */
  readonly handler: ApiHandler;
  /** Every action so far, in order. Tests may empty it. */
  readonly actions: FakeAction[];
  /** Actions that write. */
  writes(): FakeAction[];
  /** Puts objects in as they are (status too), as if created; kinds must be known. Answers them as stored. */
  seed<T extends KubeObject>(...objects: object[]): T[];
  /** Objects of a type now. */
  objects<T extends KubeObject>(type: ResourceType<T>, namespace?: string): T[];
  object<T extends KubeObject>(type: ResourceType<T>, name: string, namespace?: string): T | undefined;
  /** Called before each action; throw an ApiError to make it fail. Returns a function that removes it. */
  react(reaction: (action: FakeAction) => void): () => void;
  /**
   * Called before everything else with each request; an answer it gives is the server's. For what the fake does not know:
   * logs, exec, Tables, OpenAPI documents. Returns a function that removes it.
   */
  intercept(answer: Intercept): () => void;
  /** Ends all watches, as a lost connection does. */
  dropWatches(): void;
  /** Forgets history: watches from before now, and list pages begun before now, get 410 Expired. */
  compact(): void;
  /** Sends every watch that asked for them a bookmark. */
  bookmark(): void;
  readonly watches: number;
}
export type Intercept = (request: ApiRequest) => ApiResponse | undefined | Promise<ApiResponse | undefined>;
export interface FakeClusterOptions {
  /** For creationTimestamp and deletionTimestamp; the system's clock by default. */
  clock?: Pick<Clock, 'now'>;
  /** Kinds besides the built-in ones. */
  types?: readonly ResourceType[];
  /** Objects to begin with. */
  objects?: readonly object[];
}

export function fakeCluster(options: FakeClusterOptions = {}): FakeCluster {
  const storage = new FakeStorage(options.clock ?? { now: () => Date.now() }, options.types ?? []);
  const actions: FakeAction[] = [];
  const reactions = new Set<(action: FakeAction) => void>();
  const intercepts = new Set<Intercept>();
  const inner = createFakeHandler(storage, (action) => {
    actions.push(action);
    for (const reaction of reactions) reaction(action);
  });
  const handler: ApiHandler = async (request) => {
    for (const intercept of intercepts) {
      const answer = await intercept(request);
      if (answer) return answer;
    }
    return inner(request);
  };
  const client = createClient(
    inProcessTransport(handler, { kind: 'trusted', user: { username: 'fake', groups: ['system:masters'] } }),
  );
  const cluster: FakeCluster = {
    client,
    handler,
    actions,
    writes: () => actions.filter(({ verb }) => verb !== 'get' && verb !== 'list' && verb !== 'watch'),
    seed: <T extends KubeObject>(...objects: object[]) =>
      objects.map((object) => storage.seed(object) as unknown as T),
    objects: <T extends KubeObject>(type: ResourceType<T>, namespace?: string) =>
      storage.all(type, namespace) as unknown as T[],
    object: <T extends KubeObject>(type: ResourceType<T>, name: string, namespace?: string) =>
      storage.find(type, namespace ?? '', name) as unknown as T | undefined,
    react(reaction) {
      reactions.add(reaction);
      return () => reactions.delete(reaction);
    },
    intercept(answer) {
      intercepts.add(answer);
      return () => intercepts.delete(answer);
    },
    dropWatches: () => storage.dropWatches(),
    compact: () => storage.compact(),
    bookmark: () => storage.bookmark(),
    get watches() {
      return storage.watches;
    },
  };
  cluster.seed(...(options.objects ?? []));
  return cluster;
}

/** An ApiError of a reason, for `react`. */
export function apiError(
  reason: ConstructorParameters<typeof ApiError>[0],
  message = `injected ${reason}`,
): ApiError {
  return new ApiError(reason, message);
}
