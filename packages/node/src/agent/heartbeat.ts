/** Keeps the Node registered and its Lease fresh: by them the control plane knows that the agent lives. */
import type { Client } from '@coracle/client';
import { ApiError, deepEqual, formatMicroTime, isReason } from '@coracle/machinery';
import { type coordination_v1, Lease, Node } from '@coracle/machinery/api';
import { type Clock, find, type Logger } from '@coracle/operator';
import { newNode, type NodeDescription, nodeStatus } from './node-object.ts';

export const leaseNamespace = 'kube-node-lease';
/** The kubelet's numbers. */
const leaseSeconds = 40;
const renewMs = 10_000;
const statusMs = 300_000;

export interface HeartbeatDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
  describe(): NodeDescription;
}

export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  #lease: coordination_v1.Lease | undefined;
  #statusAt = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** Registers the node; tries until it works or `stop` is called. */
  async start(): Promise<void> {
    for (let wait = 200; !this.#stopped; wait = Math.min(7000, wait * 2)) {
      try {
        await this.register();
        await this.#renew();
        break;
      } catch (error) {
        this.#deps.logger.warn({ error: String(error) }, 'the node could not be registered yet');
        await new Promise<void>((resolve) => this.#deps.clock.after(wait, resolve));
      }
    }
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Creates the Node, or brings labels and status of the one that is there up to date. Answers the Node. */
  async register(): Promise<Node> {
    const { client, clock } = this.#deps;
    const description = this.#deps.describe();
    const now = clock.now();
    this.#statusAt = now;
    let node = await find(client, Node, { name: description.name });
    if (node === undefined) {
      try {
        node = await client.create(Node, newNode(description, now));
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
        node = await client.get(Node, description.name);
      }
    }
    const labels = { ...node.metadata.labels, ...description.labels };
    const annotations = { ...node.metadata.annotations, ...description.annotations };
    if (!deepEqual(labels, node.metadata.labels) || !deepEqual(annotations, node.metadata.annotations ?? {}))
      node = await client.patch(Node, description.name, 'merge', {
        metadata: { labels: description.labels, annotations: description.annotations ?? {} },
      });
    return client.patch(
      Node,
      description.name,
      'merge',
      { status: nodeStatus(description, node.status, now) },
      { subresource: 'status' },
    );
  }

  #later(): void {
    if (this.#stopped) return;
    this.#cancel = this.#deps.clock.after(renewMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    try {
      if (this.#deps.clock.now() - this.#statusAt >= statusMs) await this.register();
      await this.#renew();
    } catch (error) {
      if (!this.#stopped) this.#deps.logger.warn({ error: String(error) }, 'a heart-beat of the node failed');
      this.#lease = undefined;
    }
    this.#later();
  }

  async #renew(): Promise<void> {
    const { client, clock } = this.#deps;
    const { name } = this.#deps.describe();
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: formatMicroTime(clock.now()),
    };
    const id = { name, namespace: leaseNamespace };
    const held = this.#lease ?? (await find(client, Lease, id));
    try {
      if (held !== undefined) {
        this.#lease = await client.update(
          Lease,
          { ...held, spec: { ...held.spec, ...spec } },
          { namespace: leaseNamespace },
        );
        return;
      }
      const node = await find(client, Node, { name });
      const ownerReferences =
        node === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }];
      this.#lease = await client.create(
        Lease,
        { metadata: { ...id, ownerReferences }, spec },
        { namespace: leaseNamespace },
      );
    } catch (error) {
      this.#lease = undefined;
      // Somebody else wrote, or the namespace is not there yet: the next beat looks again.
      if (!(error instanceof ApiError) || !['Conflict', 'NotFound', 'AlreadyExists'].includes(error.reason))
        throw error;
    }
  }
}
