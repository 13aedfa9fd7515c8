/**
 * Thousands of nodes in one component: one pod informer, one timer, one queue of writes. Their pods are state machines
 * (virtual-pod.ts); nothing runs. What a pod has got to is in its status, so a restarted process goes on from there.
 */
import type { Client } from '@coracle/client';
import { deepEqual, isReason, type KubeletApi, type NodeGateway } from '@coracle/machinery';
import { Node, Pod, type Taint } from '@coracle/machinery/api';
import {
  type Clock,
  type Component,
  createTurns,
  type EventRecorder,
  type InformerFactory,
  type Logger,
  type SpareTime,
} from '@coracle/operator';
import { isTerminalPhase } from '../pod/containers.ts';
import { Agenda } from './agenda.ts';
import { type ChanceOf, chanceOf } from './chance.ts';
import { NodeKeeper } from './node-keeper.ts';
import { defaultStages, type Stages, stagesOf } from './stages.ts';
import type { StageLife } from './stages/stage-life.ts';
import { virtualKubelet } from './virtual-kubelet.ts';
import { freshPod, restoredPod, step, type VirtualPod, virtualStatus } from './virtual-pod.ts';
import { Writes } from './writes.ts';

export { virtualTaint } from './virtual-taint.ts';

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
  /** Instead of `random`: what befalls an object by chance depends on this, its name and how far it has got, and on nothing else. */
  seed?: number | undefined;
  /** Seconds between renewals of a node's Lease (which lasts four times as long), spread evenly over the nodes; 0: no leases. Default 25: a node that says nothing for 50 seconds counts as lost. */
  renewSeconds?: number | undefined;
  /** Told of how many nodes are registered while they are. */
  progress?: ((registered: number) => void) | undefined;
  /** Writes in flight, and as many renewals of leases; default 32. */
  writers?: number | undefined;
  /** Serve kwok's Stages and live as those say that there are; default: no. */
  stageObjects?: boolean | undefined;
  /** For the events that Stages send, and what is wrong with Stages. */
  recorder?: EventRecorder | undefined;
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

export function virtualNodes(options: VirtualNodesOptions): VirtualNodes {
  return new Fleet(options);
}

class Fleet implements VirtualNodes {
  readonly name = 'virtual-nodes';
  readonly #options: VirtualNodesOptions;
  readonly #names: string[];
  readonly #addresses = new Map<string, string>();
  readonly #stages: Stages;
  readonly #chance: ChanceOf;
  readonly #entries = new Map<string, Entry>();
  readonly #agenda: Agenda<string>;
  /** Nodes and the states of their pods. */
  readonly #writes: Writes;
  readonly #keeper: NodeKeeper;
  #nextAddress = 0;
  #undo: (() => void) | undefined;
  #cancelSwitch: (() => void) | undefined;
  #stopped = false;
  #life: StageLife | undefined;
  /** There are Stages for pods: they, and not what is built in, say how these live. */
  #podsStaged = false;

  constructor(options: VirtualNodesOptions) {
    this.#options = options;
    const { count, prefix = 'virtual-', names = (index: number) => `${prefix}${index}` } = options;
    this.#names = Array.from({ length: count }, (_, index) => names(index));
    for (const [index, name] of this.#names.entries())
      this.#addresses.set(name, `10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`);
    this.#stages = { ...defaultStages, ...options.stages };
    this.#chance = chanceOf(options.seed, options.random ?? Math.random);
    const failed = (error: unknown): void => {
      if (!this.#stopped) options.logger.warn({ error: String(error) }, 'a write of virtual nodes failed');
    };
    this.#writes = new Writes(options.writers ?? 32, failed);
    this.#keeper = new NodeKeeper(options, this.#names, this.#addresses, failed);
    this.#agenda = new Agenda(options.clock, (uid) => this.#step(uid));
  }

  get pods(): number {
    return this.#entries.size;
  }

  async start(): Promise<void> {
    await this.#keeper.look();
    let registered = 0;
    // Those that need no write wait for nothing else.
    const turns = createTurns();
    for (const [index, name] of this.#names.entries())
      this.#writes.add(async () => {
        await this.#keeper.register(index, name);
        this.#options.progress?.(++registered);
        await turns.pause();
      });
    await this.settled();
    await this.#startStages();
    const pods = this.#options.informers.informer(Pod);
    this.#undo = await pods.join({
      add: (pod) => this.#seen(pod),
      update: (_before, pod) => this.#seen(pod),
      delete: (pod) => this.#forget(pod),
    });
    await this.#options.informers.start();
    await pods.ready();
    if (this.#stopped) this.#undo();
    this.#keeper.renew();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#undo?.();
    this.#life?.stop();
    this.#cancelSwitch?.();
    this.#agenda.clear();
    this.#writes.clear();
    this.#keeper.stop();
    await this.settled();
  }

  connect(nodeName: string): KubeletApi | undefined {
    if (!this.#addresses.has(nodeName)) return undefined;
    return virtualKubelet(nodeName, (uid) => {
      const entry = this.#entries.get(uid);
      return (
        entry && `attempt ${entry.state.attempt}: ${this.#podsStaged ? 'as Stages say' : entry.state.step}`
      );
    });
  }

  async settled(): Promise<void> {
    await Promise.all([this.#writes.settled(), this.#keeper.settled()]);
  }

  #seen(pod: Pod): void {
    const nodeName = pod.spec?.nodeName;
    if (nodeName === undefined || !this.#addresses.has(nodeName)) return;
    const { uid } = pod.metadata;
    const known = this.#entries.get(uid);
    if (known !== undefined) {
      known.pod = pod;
      if (this.#podsStaged) this.#life?.pods.seen(pod);
      else if (pod.metadata.deletionTimestamp !== undefined) this.#delete(known);
      return;
    }
    const restored = restoredPod(pod);
    const ip = pod.status?.podIP;
    if (ip !== undefined && ip.startsWith('10.'))
      this.#nextAddress = Math.max(this.#nextAddress, numberOf(ip) + 1);
    const state = restored ?? freshPod(this.#newAddress());
    const entry: Entry = { pod, state, writing: false, dirty: false, gone: false };
    this.#entries.set(uid, entry);
    if (this.#podsStaged) this.#life?.pods.seen(pod);
    else this.#live(entry, restored !== undefined);
  }

  /** Sets a pod on its way, or back on it, by what is built in. */
  #live(entry: Entry, restored: boolean): void {
    const { clock } = this.#options;
    const { pod, state } = entry;
    const { uid } = pod.metadata;
    if (pod.metadata.deletionTimestamp !== undefined) return this.#delete(entry);
    const stages = stagesOf(pod, this.#stages);
    if (state.step === 'starting') this.#agenda.add(clock.now() + stages.startMs, uid);
    else if (state.step === 'running' && stages.runMs !== undefined)
      this.#agenda.add(state.startedAt + stages.runMs, uid);
    // A start that is all but immediate is reported once, as running.
    if (!restored && stages.startMs >= 500) void this.#reportTaken(entry);
  }

  /** That the pod has been taken up, unless there is more to tell when its turn comes. */
  async #reportTaken(entry: Entry): Promise<void> {
    const turn = this.#options.spareTime?.turn(this.#options.clock.now());
    if (turn !== undefined) await turn;
    if (!this.#stopped && !this.#podsStaged && !entry.gone && entry.state.step === 'starting')
      this.#report(entry);
  }

  #newAddress(): string {
    return addressOf(this.#nextAddress++);
  }

  #forget(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (entry !== undefined) entry.gone = true;
    this.#entries.delete(pod.metadata.uid);
    this.#life?.pods.forget(pod.metadata.uid);
  }

  async #startStages(): Promise<void> {
    if (this.#options.stageObjects !== true) return;
    const { startStageLife } = await import('./stages/stage-life.ts');
    const { client, informers, clock, logger, recorder } = this.#options;
    this.#life = await startStageLife({
      client,
      informers,
      clock,
      logger,
      recorder,
      chance: this.#chance,
      writes: this.#writes,
      nodeIP: (name) => this.#addresses.get(name) ?? '',
      podIP: ({ metadata, status }) => status?.podIP ?? this.#entries.get(metadata.uid)?.state.ip ?? '',
      podsChanged: (staged) => this.#switchPods(staged),
      nodesChanged: (staged) => {
        this.#keeper.staged = staged;
      },
    });
    if (this.#stopped) return this.#life.stop();
    const undo = await informers.informer(Node).join({
      add: (node) => this.#nodeSeen(node),
      update: (_before, node) => this.#nodeSeen(node),
      delete: (node) => this.#life?.nodes.forget(node.metadata.uid),
    });
    const { nodes, pods, stop } = this.#life;
    this.#life = {
      nodes,
      pods,
      stop: () => {
        undo();
        stop();
      },
    };
  }

  #nodeSeen(node: Node): void {
    if (this.#addresses.has(node.metadata.name)) this.#life?.nodes.seen(node);
  }

  /** From what is built in to Stages, or back; pods are moved a few at a time. */
  #switchPods(staged: boolean): void {
    this.#podsStaged = staged;
    this.#agenda.clear();
    this.#cancelSwitch?.();
    if (!staged) this.#life?.pods.clear();
    const all = [...this.#entries.values()];
    const move = (from: number): void => {
      for (const entry of all.slice(from, from + 500)) {
        if (entry.gone) continue;
        if (staged) {
          this.#life?.pods.seen(entry.pod);
          continue;
        }
        const restored = restoredPod(entry.pod);
        entry.state = restored ?? freshPod(entry.pod.status?.podIP ?? entry.state.ip);
        this.#live(entry, restored !== undefined);
      }
      this.#cancelSwitch =
        from + 500 < all.length ? this.#options.clock.after(0, () => move(from + 500)) : undefined;
    };
    move(0);
  }

  #step(uid: string): void {
    const entry = this.#entries.get(uid);
    if (
      this.#podsStaged ||
      entry === undefined ||
      entry.gone ||
      entry.pod.metadata.deletionTimestamp !== undefined
    )
      return;
    const { clock } = this.#options;
    const stages = stagesOf(entry.pod, this.#stages);
    const { state, nextAt } = step(
      entry.pod,
      entry.state,
      stages,
      clock.now(),
      this.#chance(entry.pod, entry.state.attempt)(),
    );
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
        while (
          entry.dirty &&
          !entry.gone &&
          !this.#podsStaged &&
          entry.pod.metadata.deletionTimestamp === undefined
        ) {
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
}
