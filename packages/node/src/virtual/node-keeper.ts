/** The Node objects and Leases of virtual nodes: registers them, and says from time to time that they are there. */
import { deepEqual, formatMicroTime, isReason, type KubeList } from '@coracle/machinery';
import { Lease, Node, type NodeStatus } from '@coracle/machinery/api';
import { leaseNamespace } from '../agent/heartbeat.ts';
import { newNode, type NodeDescription, nodeStatus, standardLabels } from '../agent/node-object.ts';
import type { VirtualNodesOptions } from './virtual-nodes.ts';
import { virtualTaint } from './virtual-taint.ts';
import { Writes } from './writes.ts';

const defaultCapacity: Record<string, string> = { cpu: '32', memory: '256Gi', pods: '110' };

export class NodeKeeper {
  /** There are Stages for nodes, which say how they are; only leases are renewed. */
  staged = false;
  readonly #options: VirtualNodesOptions;
  readonly #names: readonly string[];
  readonly #addresses: ReadonlyMap<string, string>;
  /** Leases do not wait behind thousands of pods: a node whose lease is late counts as lost. */
  readonly #renewals: Writes;
  /** Nodes made by this process: their leases are to be made, too. */
  readonly #unleased = new Set<string>();
  readonly #deleted = new Set<string>();
  /** Of an earlier run, till they are registered. */
  readonly #before = new Map<string, Node>();
  #cancelRenew: (() => void) | undefined;
  #renewAt = 0;
  #renewedAt: number | undefined;
  #stopped = false;

  constructor(
    options: VirtualNodesOptions,
    names: readonly string[],
    addresses: ReadonlyMap<string, string>,
    failed: (error: unknown) => void,
  ) {
    this.#options = options;
    this.#names = names;
    this.#addresses = addresses;
    this.#renewals = new Writes(options.writers ?? 32, failed);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRenew?.();
    this.#renewals.clear();
  }

  settled(): Promise<void> {
    return this.#renewals.settled();
  }

  /** What there is from an earlier run: a node that is as it would be registered needs no write. Before `register`. */
  async look(): Promise<void> {
    let token: string | undefined = '';
    while (token !== undefined) {
      const page: KubeList<Node> = await this.#options.client.list(Node, {
        limit: 500,
        ...(token ? { continue: token } : {}),
      });
      for (const node of page.items)
        if (this.#addresses.has(node.metadata.name)) this.#before.set(node.metadata.name, node);
      token = page.metadata.continue || undefined;
    }
  }

  async register(index: number, name: string): Promise<void> {
    const { client, clock } = this.#options;
    const description = this.#describe(index, name);
    let node = this.#before.get(name);
    this.#before.delete(name);
    if (node === undefined) {
      const { metadata, spec, status } = newNode(description, clock.now());
      try {
        node = await client.create(Node, { metadata, spec, status: this.#phased(status) });
        this.#unleased.add(name);
        if (node.status?.allocatable !== undefined) return;
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
        node = await client.get(Node, name);
      }
    }
    const { labels } = description;
    const { taints = [] } = node.spec ?? {};
    const given = description.taints;
    const others = taints.filter(
      (t) => t.key !== virtualTaint.key && !given.some((g) => g.key === t.key && g.effect === t.effect),
    );
    const labelled = Object.entries(labels).every(([key, value]) => node.metadata.labels?.[key] === value);
    const tainted = deepEqual([...others, ...given], taints);
    if (!labelled || !tainted)
      await client.patch(Node, name, 'merge', {
        metadata: { labels },
        ...(tainted ? {} : { spec: { taints: [...others, ...given] } }),
      });
    const status = this.#phased(nodeStatus(description, node.status, clock.now()));
    // When it was last well is what its lease says.
    const { conditions: _, ...rest } = status;
    const { conditions: __, ...known } = node.status ?? {};
    if (isReady(node) && deepEqual(rest, known)) return;
    await client.patch(Node, name, 'merge', { status }, { subresource: 'status' });
  }

  /** kwok's Stages for nodes ask for the phase, which kubelets leave out. */
  #phased(status: NodeStatus = {}): NodeStatus {
    return this.#options.stageObjects === true ? { ...status, phase: 'Running' } : status;
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

  /** From now on: renews the leases whose turn it is, about a second's worth at a time: as many as the time since the last time asks for. */
  renew(): void {
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
    this.#cancelRenew = clock.after(1000, () => this.renew());
  }

  async #renew(index: number, name: string, renewSeconds: number): Promise<void> {
    const { client, clock } = this.#options;
    const node = await this.#found(name);
    if (node === undefined) return;
    await this.#renewLease(node, renewSeconds);
    if (this.staged) return;
    const { status } = node;
    if (isReady(node)) return;
    // It was taken for lost. Only the node itself can say that it is well again.
    const well = nodeStatus(this.#describe(index, name), status, clock.now());
    await client.patch(Node, name, 'merge', { status: well }, { subresource: 'status' });
  }

  /** Undefined: somebody has deleted it. It stays away until the next start, or until somebody makes it again. */
  async #found(name: string): Promise<Node | undefined> {
    try {
      const node = await this.#options.client.get(Node, name);
      this.#deleted.delete(name);
      return node;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      if (!this.#deleted.has(name))
        this.#options.logger.info({ node: name }, 'a virtual node has been deleted: it is left alone');
      this.#deleted.add(name);
      return undefined;
    }
  }

  async #renewLease({ metadata: { name, uid } }: Node, renewSeconds: number): Promise<void> {
    const { client, clock } = this.#options;
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: renewSeconds * 4,
      renewTime: formatMicroTime(clock.now()),
    };
    const create = (): Promise<Lease> =>
      client.create(
        Lease,
        {
          metadata: {
            name,
            namespace: leaseNamespace,
            // As a kubelet's: it goes with the node.
            ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
          },
          spec,
        },
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
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
