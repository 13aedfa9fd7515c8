/**
 * Who has which card of this node: the one account of whole cards (the extended resource), parts of cards (annotations) and
 * claims on devices (resource.k8s.io). It is in a file that is replaced whole, with a checksum, before a container starts:
 * an agent that comes back never gives one card twice.
 *
 * Invariants:
 * - the thousandths that holders have of a card are together at most 1000, and their memory at most the card's; within a pod
 *   a card counts once (an init container may have the cards of the pod's other containers);
 * - a card's number is its place in the order in which this node first saw its cards. It never changes, whatever the driver
 *   calls the card after a reboot; a card that is gone keeps its place.
 */
import { chooseCards, topologyOf, wholeCard, wholeCardResource, type TopologyText } from '@coracle/machinery';
import { readCheckpoint, writeCheckpoint, type Entry, type HeldClaim, type Ledger } from './checkpoint.ts';
import type { Gpu } from './gpus.ts';
import { topologyText } from './links.ts';
import { partitionAsGpu, partitionsOf } from './mig.ts';

export const gpuResource = wholeCardResource;
/** On pods: `container=uuid,uuid;container=uuid`. */
export const gpuAnnotation = 'coracle.dev/gpu-ids';

export interface DeviceRequest {
  container: string;
  count: number;
  /** Init containers run before the others and may use the same cards. */
  init: boolean;
}

/** Parts of cards, for all containers of a pod. */
export interface ShareRequest {
  containers: readonly string[];
  count: number;
  /** Thousandths of each card. */
  milli: number;
  /** Bytes of each card; 0: not asked for. */
  memory: number;
}

/** A card, or part of one, that a claim has. */
export interface ClaimPart {
  /** Number of the card. */
  card: number;
  /** Name of the request in the claim that it is for. */
  request: string;
  milli: number;
  memory: number;
  /** Name of the device, if it is a partition of the card: then no part of the card is anything else. */
  partition?: string;
}

export interface DeviceManager {
  readonly devices: readonly Gpu[];
  /**
   * Whole cards for each container; nothing is changed for a pod that has cards already. `wanted`: numbers of the cards that
   * the scheduler chose; other ones, linked as well as may be, if those are not free. Throws when too few are free.
   */
  allocate(podUid: string, requests: readonly DeviceRequest[], wanted?: readonly number[]): void;
  /** Parts of cards, likewise; the cards the scheduler chose or none. Without a choice: those with the least room. */
  share(podUid: string, request: ShareRequest, wanted?: readonly number[]): void;
  /** A pod uses what a claim has here. The same again changes nothing. Throws where somebody else has too much of a card. */
  claim(claimUid: string, podUid: string, parts: readonly ClaimPart[]): void;
  /** Takes over what a pod is known to have had (the annotation's value): after the checkpoint was lost. False: it cannot be. */
  adopt(podUid: string, annotation: string, milli: number, memory: number): boolean;
  /** Cards of a container by index: its own, without those of claims. */
  of(podUid: string, container: string): Gpu[];
  /** Cards of a claim by index; of one request of it, if named. */
  ofClaim(claimUid: string, request?: string): Gpu[];
  /** True if the pod has cards of its own (claims aside). */
  has(podUid: string): boolean;
  /** The pod has ended: its cards are free, and the claims that only it used. */
  release(podUid: string): void;
  /** Releases what pods not in the set hold. */
  retain(podUids: ReadonlySet<string>): void;
  /** Cards nobody has any part of. */
  readonly free: number;
  /** Cards that claims have some part of. */
  readonly claimed: number;
  /** The value of the annotation; undefined if the pod has no device. */
  annotation(podUid: string): string | undefined;
  /** Numbers of the pod's cards, claims aside; rising. */
  numbers(podUid: string): number[];
  /** What was wrong with the checkpoint when it was read, if anything. */
  readonly problem: string | undefined;
  /** True if there was no checkpoint to read, or a damaged one: what running pods have is not known. */
  readonly forgotten: boolean;
  /** By number; undefined for cards that are gone. */
  readonly cards: readonly (Gpu | undefined)[];
  readonly topology: TopologyText;
  /** Told of every change of who has what. */
  changed: (() => void) | undefined;
}

export interface DeviceManagerOptions {
  devices: readonly Gpu[];
  /** Absent: nothing is kept. */
  checkpointPath?: string | undefined;
}

/** Reads the checkpoint. */
export function createDeviceManager(options: DeviceManagerOptions): DeviceManager {
  return new Manager(options);
}

class Manager implements DeviceManager {
  readonly devices: readonly Gpu[];
  readonly problem: string | undefined;
  readonly forgotten: boolean;
  readonly cards: readonly (Gpu | undefined)[];
  readonly topology: TopologyText;
  changed: (() => void) | undefined;
  readonly #path: string | undefined;
  readonly #byId: ReadonlyMap<string, Gpu>;
  #ledger: Ledger;

  constructor({ devices, checkpointPath }: DeviceManagerOptions) {
    this.devices = devices;
    this.#path = checkpointPath;
    this.#byId = new Map(devices.map((device) => [device.id, device]));
    const read = readCheckpoint(checkpointPath);
    this.problem = read.problem;
    this.forgotten = read.ledger === undefined;
    const before = read.ledger ?? { entries: [], claims: [], order: [] };
    const order = [...before.order];
    for (const { id } of devices) if (!order.includes(id)) order.push(id);
    this.#ledger = { ...before, order };
    if (order.length > before.order.length && order.length > 0) this.#save(this.#ledger);
    this.cards = order.map((id) => this.#byId.get(id));
    this.topology = topologyText(this.cards);
  }

  allocate(podUid: string, requests: readonly DeviceRequest[], wanted?: readonly number[]): void {
    if (this.has(podUid)) return;
    const asked = requests.filter((request) => request.count > 0);
    const main = asked.filter(({ init }) => !init);
    const mainCount = main.reduce((sum, { count }) => sum + count, 0);
    const initCount = Math.max(0, ...asked.filter(({ init }) => init).map(({ count }) => count));
    const total = Math.max(mainCount, initCount);
    if (total === 0) return;
    const free = this.#numbersWith(wholeCard, 0);
    const hinted =
      wanted?.length === total &&
      new Set(wanted).size === total &&
      wanted.every((card) => free.includes(card))
        ? wanted
        : undefined;
    const chosen = hinted ?? chooseCards(topologyOf(this.topology), free, total);
    if (!chosen) throw new Error(tooFew([...main, ...asked.filter(({ init }) => init)], free.length));
    const own = chosen.map((card) => this.cards[card]!.id);
    const made: Entry[] = [];
    let from = 0;
    for (const { container, count } of main) {
      made.push({ podUid, container, ids: own.slice(from, from + count) });
      from += count;
    }
    for (const { container, count, init } of asked) {
      if (init) made.push({ podUid, container, ids: own.slice(0, count) });
    }
    this.#save({ ...this.#ledger, entries: [...this.#ledger.entries, ...made] });
  }

  share(podUid: string, request: ShareRequest, wanted?: readonly number[]): void {
    if (this.has(podUid)) return;
    const { containers, count, milli, memory } = request;
    const able = this.#numbersWith(milli, memory);
    const chosen =
      wanted ?? able.toSorted((a, b) => this.#left(a).milli - this.#left(b).milli || a - b).slice(0, count);
    if (
      new Set(chosen).size !== count ||
      chosen.length !== count ||
      chosen.some((card) => !able.includes(card))
    ) {
      const which = wanted ? ` on ${wanted.map((card) => `card ${card}`).join(', ')}` : '';
      throw new Error(
        `${milli} thousandths of ${count} ${count === 1 ? 'card is' : 'cards are'} not free${which}`,
      );
    }
    const ids = chosen.map((card) => this.cards[card]!.id);
    const made = containers.map((container): Entry => ({ podUid, container, ids, milli, memory }));
    this.#save({ ...this.#ledger, entries: [...this.#ledger.entries, ...made] });
  }

  claim(claimUid: string, podUid: string, parts: readonly ClaimPart[]): void {
    const known = this.#ledger.claims.find((claim) => claim.uid === claimUid);
    if (known?.pods.includes(podUid)) return;
    let next: HeldClaim;
    if (known) next = { ...known, pods: [...known.pods, podUid] };
    else {
      const wanted = new Map<string, { card: number; milli: number; memory: number; partitioned: boolean }>();
      for (const { card, milli, memory, partition } of parts) {
        const partitioned = partition !== undefined;
        const key = `${card} ${partitioned}`;
        const sum = wanted.get(key) ?? { card, milli: 0, memory: 0, partitioned };
        wanted.set(key, { ...sum, milli: sum.milli + milli, memory: sum.memory + memory });
      }
      for (const { card, milli, memory, partitioned } of wanted.values()) {
        if (!this.cards[card]) throw new Error(`there is no card ${card} on this node`);
        const left = this.#left(card, partitioned);
        if (left.milli < milli || left.memory < memory)
          throw new Error(`${milli} thousandths of card ${card} are not free`);
      }
      const held = parts.map(({ card, ...part }) => ({ ...part, id: this.cards[card]!.id }));
      next = { uid: claimUid, pods: [podUid], parts: held };
    }
    const others = this.#ledger.claims.filter((claim) => claim.uid !== claimUid);
    this.#save({ ...this.#ledger, claims: [...others, next] });
  }

  adopt(podUid: string, annotation: string, milli: number, memory: number): boolean {
    if (this.has(podUid)) return true;
    const made = annotation.split(';').map((text): Entry => {
      const [container = '', ids = ''] = text.split('=');
      const entry: Entry = { podUid, container, ids: ids.split(',').filter((id) => id !== '') };
      return milli < wholeCard ? { ...entry, milli, memory } : entry;
    });
    for (const id of new Set(made.flatMap(({ ids }) => ids))) {
      const card = this.#ledger.order.indexOf(id);
      if (card < 0 || !this.cards[card]) return false;
      const left = this.#left(card);
      if (left.milli < milli || left.memory < memory) return false;
    }
    this.#save({ ...this.#ledger, entries: [...this.#ledger.entries, ...made] });
    return true;
  }

  of(podUid: string, container: string): Gpu[] {
    const entry = this.#ledger.entries.find((each) => each.podUid === podUid && each.container === container);
    return this.#gpus(entry?.ids ?? []);
  }

  ofClaim(claimUid: string, request?: string): Gpu[] {
    const parts = this.#ledger.claims.find((claim) => claim.uid === claimUid)?.parts ?? [];
    const found = new Map<string, Gpu>();
    for (const part of parts) {
      const gpu = this.#byId.get(part.id);
      if (!gpu || !isFor(part.request, request)) continue;
      const own = partitionsOf(this.#ledger.order.indexOf(gpu.id)).find(
        ({ device }) => device === part.partition,
      );
      const seen = own ? partitionAsGpu(gpu, own) : gpu;
      found.set(seen.id, seen);
    }
    return [...found.values()].toSorted((a, b) => a.index - b.index);
  }

  has(podUid: string): boolean {
    return this.#ledger.entries.some((entry) => entry.podUid === podUid);
  }

  release(podUid: string): void {
    this.#keep((uid) => uid !== podUid);
  }

  retain(podUids: ReadonlySet<string>): void {
    this.#keep((uid) => podUids.has(uid));
  }

  get free(): number {
    return this.#numbersWith(wholeCard, 0).length;
  }

  get claimed(): number {
    return new Set(this.#ledger.claims.flatMap(({ parts }) => parts.map(({ id }) => id))).size;
  }

  annotation(podUid: string): string | undefined {
    const own = this.#ledger.entries.filter((entry) => entry.podUid === podUid);
    if (own.length === 0) return undefined;
    return own.map((entry) => `${entry.container}=${entry.ids.join(',')}`).join(';');
  }

  numbers(podUid: string): number[] {
    const ids = this.#ledger.entries.flatMap((entry) => (entry.podUid === podUid ? entry.ids : []));
    return [...new Set(ids)].map((id) => this.#ledger.order.indexOf(id)).toSorted((a, b) => a - b);
  }

  #gpus(ids: readonly string[]): Gpu[] {
    return ids.flatMap((id) => this.#byId.get(id) ?? []).toSorted((a, b) => a.index - b.index);
  }

  #keep(stays: (podUid: string) => boolean): void {
    const entries = this.#ledger.entries.filter((entry) => stays(entry.podUid));
    const claims = this.#ledger.claims.flatMap((claim) => {
      const pods = claim.pods.filter(stays);
      return pods.length === 0 ? [] : [pods.length === claim.pods.length ? claim : { ...claim, pods }];
    });
    const same =
      entries.length === this.#ledger.entries.length &&
      claims.length === this.#ledger.claims.length &&
      claims.every((claim, i) => claim === this.#ledger.claims[i]);
    if (!same) this.#save({ ...this.#ledger, entries, claims });
  }

  /** What nobody has of a card. Partitions and other parts of it do not go together. */
  #left(card: number, partitioned = false): { milli: number; memory: number } {
    const gpu = this.cards[card];
    if (!gpu) return { milli: 0, memory: 0 };
    let milli = wholeCard;
    // A card that does not say how much memory it has is not judged by it.
    let memory = gpu.memoryBytes || Number.POSITIVE_INFINITY;
    const counted = new Set<string>();
    for (const entry of this.#ledger.entries) {
      if (!entry.ids.includes(gpu.id) || counted.has(entry.podUid)) continue;
      if (partitioned) return { milli: 0, memory: 0 };
      counted.add(entry.podUid);
      milli -= entry.milli ?? wholeCard;
      memory -= entry.milli === undefined ? memory : (entry.memory ?? 0);
    }
    for (const part of this.#ledger.claims.flatMap((claim) => claim.parts)) {
      if (part.id !== gpu.id) continue;
      if ((part.partition !== undefined) !== partitioned && part.milli > 0) return { milli: 0, memory: 0 };
      milli -= part.milli;
      memory -= part.memory;
    }
    return { milli, memory };
  }

  #numbersWith(milli: number, memory: number): number[] {
    return this.cards.flatMap((card, number) => {
      if (!card) return [];
      const left = this.#left(number);
      return left.milli >= milli && left.memory >= memory ? [number] : [];
    });
  }

  #save(next: Ledger): void {
    this.#ledger = next;
    if (this.#path !== undefined) writeCheckpoint(this.#path, next);
    this.changed?.();
  }
}

/** Of a request with alternatives, `card/large` say, the part before the slash names it too. */
function isFor(request: string, named: string | undefined): boolean {
  return named === undefined || request === named || request.startsWith(`${named}/`);
}

/** In the kubelet's words, which speak of the first container that there are too few for. */
function tooFew(asked: readonly DeviceRequest[], free: number): string {
  let left = free;
  for (const { count, init } of asked) {
    const available = init ? free : left;
    if (count > available)
      return `requested number of devices unavailable for ${gpuResource}. Requested: ${count}, Available: ${available}`;
    if (!init) left -= count;
  }
  return `requested number of devices unavailable for ${gpuResource}`;
}

/**
 * The variables that show a container its cards and no other. Without cards NVIDIA's container runtime wants `void`, CUDA an
 * empty list. CUDA counts in PCI order, as nvidia-smi's index does.
 */
export function gpuEnvironment(gpus: readonly Gpu[]): Record<string, string> {
  // Partitions have no index: CUDA wants their ids.
  const byId = gpus.some(({ id }) => id.startsWith('MIG-'));
  return {
    NVIDIA_VISIBLE_DEVICES: gpus.length === 0 ? 'void' : gpus.map((gpu) => gpu.id).join(','),
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: gpus.map((gpu) => (byId ? gpu.id : gpu.index)).join(','),
  };
}
