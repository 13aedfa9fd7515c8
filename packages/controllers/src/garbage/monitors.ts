/**
 * An informer for every kind that can be listed, watched and deleted; kinds that come later (CustomResourceDefinitions) are
 * picked up, those that go are dropped.
 */
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { CustomResourceDefinition } from '@coracle/machinery/api';
import { createInformerFactory } from '@coracle/operator';
import type { Informer, InformerFactory } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { discover } from '../lib/discovery.ts';
import type { ApiResource, Discovery } from '../lib/discovery.ts';

export interface MonitorHandler {
  observe(type: ResourceType, object: KubeObject): void;
  forget(type: ResourceType, object: KubeObject): void;
}

/** Events own nothing and are owned by nobody, and there are many. */
const ignored = new Set(['events', 'events.events.k8s.io']);
/** Several CustomResourceDefinitions usually come at once. */
const settleMs = 100;

export class Monitors {
  readonly #deps: ComponentDeps;
  readonly #handler: MonitorHandler;
  readonly #discover: () => Promise<Discovery>;
  readonly #crds: Informer<CustomResourceDefinition>;
  readonly #watched = new Map<string, { informer: Informer; stop: () => void }>();
  /** `Kind.group` -> resource, of every kind discovered, watched or not. */
  readonly #kinds = new Map<string, ApiResource>();
  #syncing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(
    deps: ComponentDeps,
    handler: MonitorHandler,
    options: { discover?: () => Promise<Discovery> },
  ) {
    this.#deps = deps;
    this.#handler = handler;
    this.#discover = options.discover ?? (() => discover(deps.client));
    this.#crds = deps.informers.informer(CustomResourceDefinition);
    const changed = (): void => this.#syncSoon();
    this.#crds.on({
      add: (_, initial) => void (initial || changed()),
      update(before, after) {
        if (isServed(before) !== isServed(after) || before.metadata.generation !== after.metadata.generation)
          changed();
      },
      delete: changed,
    });
  }

  /** Resolves when every kind's objects have been told. */
  async start(): Promise<void> {
    await this.#crds.ready();
    await this.sync();
  }
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    for (const { stop } of this.#watched.values()) stop();
    this.#watched.clear();
  }

  /** The resource of an owner reference; asks the server again when the kind is new. Undefined: there is none. */
  async typeOf(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    const slash = apiVersion.indexOf('/');
    const key = `${kind}.${slash === -1 ? '' : apiVersion.slice(0, slash)}`;
    if (!this.#kinds.has(key)) await this.sync();
    return this.#kinds.get(key);
  }

  /** True when all that is watched has been told. */
  async synced(): Promise<void> {
    await this.#syncing;
    await Promise.all([...this.#watched.values()].map(({ informer }) => informer.ready()));
  }

  /** One at a time: callers that come during a run share the next one's answer. */
  async sync(): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
    await this.#syncing;
  }

  async #sync(): Promise<void> {
    const { resources, failures } = await this.#discover();
    if (this.#stopped) return;
    const wanted = new Set<string>();
    let shared = false;
    const started: Promise<void>[] = [];
    if (failures.length === 0) this.#kinds.clear();
    for (const type of resources) {
      this.#kinds.set(`${type.kind}.${type.group}`, type);
      const name = type.group ? `${type.resource}.${type.group}` : type.resource;
      if (ignored.has(name) || !['list', 'watch', 'delete'].every((verb) => type.verbs.includes(verb)))
        continue;
      wanted.add(`${name}/${type.version}`);
      if (this.#watched.has(`${name}/${type.version}`)) continue;
      // A custom kind may go again, and a factory's informers stop together: so each has its own.
      const custom = this.#crds.byKey(name) !== undefined;
      const factory: InformerFactory = custom ? createInformerFactory(this.#deps) : this.#deps.informers;
      const informer = factory.informer(type as ResourceType<KubeObject>);
      // Told a little at a time of what others follow already: that may be all pods of a large cluster.
      const joined = informer.join({
        add: (object) => this.#handler.observe(type, object),
        update: (_, object) => this.#handler.observe(type, object),
        delete: (object) => this.#handler.forget(type, object),
      });
      const stop = (): void => {
        void joined.then((leave) => leave());
        if (custom) factory.stop();
      };
      this.#watched.set(`${name}/${type.version}`, { informer, stop });
      started.push(joined.then(() => undefined));
      if (custom) started.push(factory.start());
      else shared = true;
    }
    if (shared) started.push(this.#deps.informers.start());
    if (failures.length === 0) {
      for (const [key, { stop }] of this.#watched) {
        if (wanted.has(key)) continue;
        stop();
        this.#watched.delete(key);
      }
    }
    await Promise.all(started);
  }

  #syncSoon(): void {
    if (this.#stopped || this.#cancelTimer) return;
    this.#cancelTimer = this.#deps.clock.after(settleMs, () => {
      this.#cancelTimer = undefined;
      this.sync().catch((error: unknown) => {
        this.#deps.logger.warn({ error }, 'discovery failed, trying again');
        this.#syncSoon();
      });
    });
  }
}

function isServed(crd: CustomResourceDefinition): boolean {
  return crd.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') === true;
}
