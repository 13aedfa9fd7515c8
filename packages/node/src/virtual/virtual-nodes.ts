/**
 * Thousands of nodes in one component: one pod informer, one timer, one queue of writes. Their pods are state machines
 * (virtual-pod.ts); nothing runs. What a pod has got to is in its status, so a restarted process goes on from there.
 */
import type { Client } from '@coracle/client';
import {
  ApiError,
  deepEqual,
  formatMicroTime,
  isReason,
  type KubeletApi,
  type NodeGateway,
} from '@coracle/machinery';
import { Lease, Node, Pod, type Taint } from '@coracle/machinery/api';
import type { Clock, Component, InformerFactory, Logger, SpareTime } from '@coracle/operator';
import { leaseNamespace } from '../agent/heartbeat.ts';
import { newNode, type NodeDescription, nodeStatus, standardLabels } from '../agent/node-object.ts';
import { isTerminalPhase } from '../pod/containers.ts';
import { Agenda } from './agenda.ts';
import { defaultStages, type Stages, stagesOf } from './stages.ts';
import { freshPod, restoredPod, step, type VirtualPod, virtualStatus } from './virtual-pod.ts';
import { Writes } from './writes.ts';

/** For virtual nodes beside real ones: pods stay off them unless they say that they may run there. */
export const virtualTaint = { key: 'coracle.dev/virtual', value: 'true', effect: 'NoSchedule' } as const;

export interface VirtualNodesOptions {
  client: Client;
  /** Asked for the informer of all pods, which others may share. */
  informers: InformerFactory;
  clock: Clock;
  logger: Logger;
  count: number;
  /** Names are `PREFIX0`, `PREFIX1`, ...; default `virtual-`. */
  prefix?: string | undefined;
  /** The name of each, instead of a prefix; no two alike. */
  names?: ((index: number) => string) | undefined;
  /** Default: 32 cores, 256Gi, 110 pods. A function gives each node its own (undefined: the default). */
  capacity?: Record<string, string> | ((index: number) => Record<string, string> | undefined) | undefined;
  labels?: Record<string, string> | ((index: number) => Record<string, string>) | undefined;
  /** Nodes of an earlier run get these, too, and lose `virtualTaint` if it is not among them; taints of others stay. */
  taints?: Taint[] | undefined;
  /** What pods do whose annotations do not say. */
  stages?: Partial<Stages> | undefined;
  /** In [0, 1), for failures by chance. */
  random?: (() => number) | undefined;
  /** Seconds between renewals of a node's Lease (which lasts four times as long), spread evenly over the nodes; 0: no leases. Default 25: a node that says nothing for 50 seconds counts as lost. */
  renewSeconds?: number | undefined;
  /** Writes in flight, and as many renewals of leases; default 32. */
  writers?: number | undefined;
  /** When to say of pods that wait to start that they do, which nobody acts upon; without it at once. */
  spareTime?: SpareTime | undefined;
}

export interface VirtualNodes extends Component, NodeGateway {
  /** Resolves when no write is waiting. */
  settled(): Promise<void>;
  readonly pods: number;
}

interface Entry {
  pod: Pod;
  state: VirtualPod;
  /** A write is waiting for or in flight. */
  writing: boolean;
  /** The state has changed since the last write began. */
  dirty: boolean;
  gone: boolean;
}

/** Pods' addresses are 10.128.0.0/9, counted up. */
const addressOf = (n: number): string => `10.${128 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}`;
const numberOf = (address: string): number => {
  const [, b = 128, c = 0, d = 0] = address.split('.').map(Number);
  return ((b - 128) << 16) | (c << 8) | d;
};

const defaultCapacity: Record<string, string> = { cpu: '32', memory: '256Gi', pods: '110' };

export function virtualNodes(options: VirtualNodesOptions): VirtualNodes {
  return new Fleet(options);
}

class Fleet implements VirtualNodes {
  readonly name = 'virtual-nodes';
  readonly #options: VirtualNodesOptions;
  readonly #names: string[];
  readonly #addresses = new Map<string, string>();
  readonly #stages: Stages;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #agenda: Agenda<string>;
  /** Nodes and the states of their pods. */
  readonly #writes: Writes;
  /** Leases do not wait behind thousands of pods: a node whose lease is late counts as lost. */
  readonly #renewals: Writes;
  /** Nodes made by this process: their leases are to be made, too. */
  readonly #unleased = new Set<string>();
  #nextAddress = 0;
  #undo: (() => void) | undefined;
  #cancelRenew: (() => void) | undefined;
  #renewAt = 0;
  #renewedAt: number | undefined;
  #stopped = false;

  constructor(options: VirtualNodesOptions) {
    this.#options = options;
    const { count, prefix = 'virtual-', names = (index: number) => `${prefix}${index}` } = options;
    this.#names = Array.from({ length: count }, (_, index) => names(index));
    for (const [index, name] of this.#names.entries())
      this.#addresses.set(name, `10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`);
    this.#stages = { ...defaultStages, ...options.stages };
    this.#random = options.random ?? Math.random;
    const failed = (error: unknown): void => {
      if (!this.#stopped) options.logger.warn({ error: String(error) }, 'a write of virtual nodes failed');
    };
    this.#writes = new Writes(options.writers ?? 32, failed);
    this.#renewals = new Writes(options.writers ?? 32, failed);
    this.#agenda = new Agenda(options.clock, (uid) => this.#step(uid));
  }

  get pods(): number {
    return this.#entries.size;
  }

  async start(): Promise<void> {
    for (const [index, name] of this.#names.entries()) this.#writes.add(() => this.#register(index, name));
    await this.settled();
    const pods = this.#options.informers.informer(Pod);
    this.#undo = await pods.join({
      add: (pod) => this.#seen(pod),
      update: (_before, pod) => this.#seen(pod),
      delete: (pod) => this.#forget(pod),
    });
    await this.#options.informers.start();
    await pods.ready();
    if (this.#stopped) this.#undo();
    this.#renewSome();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#undo?.();
    this.#cancelRenew?.();
    this.#agenda.clear();
    this.#writes.clear();
    this.#renewals.clear();
    await this.settled();
  }

  connect(nodeName: string): KubeletApi | undefined {
    return this.#addresses.has(nodeName) ? this.#kubelet(nodeName) : undefined;
  }

  async settled(): Promise<void> {
    await Promise.all([this.#writes.settled(), this.#renewals.settled()]);
  }

  async #register(index: number, name: string): Promise<void> {
    const { client, clock } = this.#options;
    const { metadata, spec, status } = newNode(this.#describe(index, name), clock.now());
    try {
      const made = await client.create(Node, { metadata, spec, status });
      this.#unleased.add(name);
      if (made.status?.allocatable !== undefined) return;
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      const { taints = [] } = (await client.get(Node, name)).spec ?? {};
      const given = spec?.taints ?? [];
      const others = taints.filter(
        (t) => t.key !== virtualTaint.key && !given.some((g) => g.key === t.key && g.effect === t.effect),
      );
      await client.patch(Node, name, 'merge', {
        metadata: { labels: metadata.labels },
        ...(taints.length + given.length > 0 ? { spec: { taints: [...others, ...given] } } : {}),
      });
    }
    await client.patch(Node, name, 'merge', { status }, { subresource: 'status' });
  }

  #describe(index: number, name: string): NodeDescription {
    const { capacity = defaultCapacity, labels = {}, taints = [] } = this.#options;
    const own = typeof capacity === 'function' ? (capacity(index) ?? defaultCapacity) : capacity;
    const all = { pods: '110', ...own };
    return {
      name,
      address: this.#addresses.get(name) ?? '',
      labels: {
        ...standardLabels(name),
        'coracle.dev/virtual': 'true',
        ...(typeof labels === 'function' ? labels(index) : labels),
      },
      taints,
      capacity: all,
      allocatable: all,
      info: {
        architecture: 'amd64',
        bootID: '',
        containerRuntimeVersion: 'coracle-virtual://1',
        kernelVersion: '',
        kubeProxyVersion: '',
        kubeletVersion: 'v1.36.0+coracle',
        machineID: name,
        operatingSystem: 'linux',
        osImage: 'virtual',
        systemUUID: name,
      },
    };
  }

  /** Renews the leases whose turn it is, about a second's worth at a time: as many as the time since the last time asks for. */
  #renewSome(): void {
    const { clock, renewSeconds = 25 } = this.#options;
    if (renewSeconds <= 0 || this.#stopped) return;
    const now = clock.now();
    // Timers of a busy machine are late: a share for each second planned would leave nodes unheard of for too long.
    const seconds = this.#renewedAt === undefined ? 1 : (now - this.#renewedAt) / 1000;
    this.#renewedAt = now;
    const count = this.#names.length;
    const share = Math.min(count, Math.ceil((count * seconds) / renewSeconds));
    for (let i = 0; i < share; i++) {
      const index = this.#renewAt % this.#names.length;
      const name = this.#names[index];
      this.#renewAt += 1;
      // Those that a slow server has not taken yet say as much as new ones would.
      if (name !== undefined && this.#renewals.waiting < this.#names.length)
        this.#renewals.add(() => this.#renew(index, name, renewSeconds));
    }
    this.#cancelRenew = clock.after(1000, () => this.#renewSome());
  }

  async #renew(index: number, name: string, renewSeconds: number): Promise<void> {
    await this.#renewLease(name, renewSeconds);
    const { client, clock } = this.#options;
    const { status } = await client.get(Node, name);
    if (status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return;
    // It was taken for lost. Only the node itself can say that it is well again.
    const well = nodeStatus(this.#describe(index, name), status, clock.now());
    await client.patch(Node, name, 'merge', { status: well }, { subresource: 'status' });
  }

  async #renewLease(name: string, renewSeconds: number): Promise<void> {
    const { client, clock } = this.#options;
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: renewSeconds * 4,
      renewTime: formatMicroTime(clock.now()),
    };
    const create = (): Promise<Lease> =>
      client.create(
        Lease,
        { metadata: { name, namespace: leaseNamespace }, spec },
        { namespace: leaseNamespace },
      );
    try {
      // A new node's is made without asking first: thousands of refusals are dear.
      if (this.#unleased.delete(name)) await create();
      else await client.patch(Lease, name, 'merge', { spec }, { namespace: leaseNamespace });
    } catch (error) {
      if (isReason(error, 'AlreadyExists'))
        await client.patch(Lease, name, 'merge', { spec }, { namespace: leaseNamespace });
      else if (isReason(error, 'NotFound')) await create();
      else throw error;
    }
  }

  #seen(pod: Pod): void {
    const nodeName = pod.spec?.nodeName;
    if (nodeName === undefined || !this.#addresses.has(nodeName)) return;
    const { clock } = this.#options;
    const { uid } = pod.metadata;
    const known = this.#entries.get(uid);
    if (known !== undefined) {
      known.pod = pod;
      if (pod.metadata.deletionTimestamp !== undefined) this.#delete(known);
      return;
    }
    const restored = restoredPod(pod);
    if (restored !== undefined) this.#nextAddress = Math.max(this.#nextAddress, numberOf(restored.ip) + 1);
    const state = restored ?? freshPod(this.#newAddress());
    const entry: Entry = { pod, state, writing: false, dirty: false, gone: false };
    this.#entries.set(uid, entry);
    if (pod.metadata.deletionTimestamp !== undefined) return this.#delete(entry);
    const stages = stagesOf(pod, this.#stages);
    if (state.step === 'starting') this.#agenda.add(clock.now() + stages.startMs, uid);
    else if (state.step === 'running' && stages.runMs !== undefined)
      this.#agenda.add(state.startedAt + stages.runMs, uid);
    // A start that is all but immediate is reported once, as running.
    if (restored === undefined && stages.startMs >= 500) void this.#reportTaken(entry);
  }

  /** That the pod has been taken up, unless there is more to tell when its turn comes. */
  async #reportTaken(entry: Entry): Promise<void> {
    const turn = this.#options.spareTime?.turn(this.#options.clock.now());
    if (turn !== undefined) await turn;
    if (!this.#stopped && !entry.gone && entry.state.step === 'starting') this.#report(entry);
  }

  #newAddress(): string {
    return addressOf(this.#nextAddress++);
  }

  #forget(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (entry !== undefined) entry.gone = true;
    this.#entries.delete(pod.metadata.uid);
  }

  #step(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined || entry.gone || entry.pod.metadata.deletionTimestamp !== undefined) return;
    const { clock } = this.#options;
    const stages = stagesOf(entry.pod, this.#stages);
    const { state, nextAt } = step(entry.pod, entry.state, stages, clock.now(), this.#random());
    entry.state = state;
    if (nextAt !== undefined) this.#agenda.add(nextAt, uid);
    this.#report(entry);
  }

  /** Writes the pod's status as it is when the write's turn comes; changes in between are one write. */
  #report(entry: Entry): void {
    entry.dirty = true;
    if (entry.writing) return;
    entry.writing = true;
    this.#writes.add(async () => {
      try {
        while (entry.dirty && !entry.gone && entry.pod.metadata.deletionTimestamp === undefined) {
          entry.dirty = false;
          await this.#sendStatus(entry);
        }
      } finally {
        entry.writing = false;
      }
    });
  }

  async #sendStatus(entry: Entry): Promise<void> {
    const { client, clock } = this.#options;
    const { name, namespace, uid } = entry.pod.metadata;
    if (isTerminalPhase(entry.pod.status)) return;
    const hostIP = this.#addresses.get(entry.pod.spec?.nodeName ?? '') ?? '';
    const status = virtualStatus(entry.pod, entry.state, hostIP, clock.now());
    if (deepEqual(status, entry.pod.status)) return;
    try {
      const written = await client.patch(
        Pod,
        name,
        'merge',
        { metadata: { uid }, status },
        { namespace, subresource: 'status' },
      );
      if (Number(written.metadata.resourceVersion) > Number(entry.pod.metadata.resourceVersion))
        entry.pod = written;
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict'))
        entry.gone = isReason(error, 'NotFound');
      else throw error;
    }
  }

  #delete(entry: Entry): void {
    if (entry.gone) return;
    entry.gone = true;
    const { name, namespace, uid } = entry.pod.metadata;
    this.#writes.add(async () => {
      try {
        await this.#options.client.delete(Pod, name, {
          namespace,
          gracePeriodSeconds: 0,
          preconditions: { uid },
        });
      } catch (error) {
        if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) {
          entry.gone = false;
          throw error;
        }
      }
    });
  }

  #kubelet(nodeName: string): KubeletApi {
    const refuse = (what: string): never => {
      throw new ApiError('BadRequest', `node ${nodeName} is virtual: its pods have no ${what}`);
    };
    const entries = this.#entries;
    return {
      async *logs(ref) {
        const entry = entries.get(ref.podUid);
        if (entry === undefined)
          throw new ApiError('NotFound', `pod "${ref.pod}" not found on node ${nodeName}`);
        yield Buffer.from(
          `virtual pod ${ref.namespace}/${ref.pod}, attempt ${entry.state.attempt}: ${entry.state.step}\n`,
        );
      },
      exec: async () => refuse('processes to run commands beside'),
      attach: async () => refuse('processes to attach to'),
      portForward: async () => refuse('ports'),
      stats: async () => ({ node: { nodeName }, pods: [] }),
    };
  }
}
