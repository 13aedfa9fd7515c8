/**
 * Watches over nodes: one that says nothing for a while (neither its Lease nor its status changes) is marked Unknown, gets
 * the taints that its conditions stand for, and its pods are marked not ready. Evicting them is taint-eviction's work.
 * Left out of upstream's: the rate limit of tainting by zone, for when a whole zone seems to fail at once.
 */
import { formatTime } from '@coracle/machinery';
import { Lease, Node, Pod } from '@coracle/machinery/api';
import { createController, createTurns } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { byNode, ensurePodIndexes } from '../lib/pod-indexes.ts';
import { inBatches } from '../lib/batches.ts';
import { isReady, isTerminal } from '../lib/pods.ts';
import { defaultHealthLimits, listen, readyCondition, silentAt, silentConditions } from './health.ts';
import type { Heard, HealthLimits } from './health.ts';
import { wantedTaints } from './taints.ts';

export interface NodeLifecycleOptions {
  health?: HealthLimits;
  /** Time between two looks at the nodes in ms; default 5000. */
  periodMs?: number;
}

const leaseNamespace = 'kube-node-lease';

export function nodeLifecycleController(deps: ComponentDeps, options: NodeLifecycleOptions = {}): Component {
  const { client, clock, recorder } = deps;
  const limits = options.health ?? defaultHealthLimits;
  const nodes = deps.informers.informer(Node);
  const leases = deps.informers.informer(Lease, { namespace: leaseNamespace });
  const pods = deps.informers.informer(Pod);
  ensurePodIndexes(pods);
  /** By node name. */
  const heard = new Map<string, Heard>();
  /** When to look at a node again if nothing is heard of it; 0: in the next round. Most rounds pass most of thousands by. */
  const due = new Map<string, number>();
  let cancel: (() => void) | undefined;
  let stopped = false;

  const reconcile = async (name: string): Promise<void> => {
    let node = nodes.get(name);
    if (!node) return;
    const last = heard.get(name);
    const conditions =
      last && silentAt(node, last, limits) <= clock.now() ? silentConditions(node, clock.now()) : undefined;
    if (conditions) {
      const { resourceVersion } = node.metadata;
      node = await client.patch(
        Node,
        name,
        'merge',
        { metadata: { resourceVersion }, status: { conditions } },
        { subresource: 'status' },
      );
      recorder.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    }
    const taints = wantedTaints(node, clock.now());
    if (taints) {
      const { resourceVersion } = node.metadata;
      node = await client.patch(Node, name, 'merge', { metadata: { resourceVersion }, spec: { taints } });
    }
    if (readyCondition(node)?.status !== 'True' && readyCondition(node)) await markPods(name);
  };

  /** Services must not send to pods that nobody can vouch for. */
  const markPods = (name: string): Promise<void> =>
    inBatches(pods.byIndex(byNode, name), 16, async (pod) => {
      if (!isReady(pod) || isTerminal(pod)) return;
      const { name: podName, namespace, resourceVersion } = pod.metadata;
      const conditions = (pod.status?.conditions ?? []).map((condition) =>
        condition.type === 'Ready'
          ? { ...condition, status: 'False', lastTransitionTime: formatTime(clock.now()) }
          : condition,
      );
      await client.patch(
        Pod,
        podName,
        'merge',
        { metadata: { resourceVersion }, status: { conditions } },
        { namespace, subresource: 'status' },
      );
      recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    });

  const controller = createController(deps, {
    name: 'node-lifecycle-controller',
    // A cluster that starts has all its nodes to free of their first taint; a busy server makes each write wait.
    workers: 64,
    waitFor: [nodes, leases, pods],
    reconcile,
  });

  const look = (node: Node): void => {
    const { name } = node.metadata;
    const now = clock.now();
    const before = heard.get(name);
    const news = listen(node, leases.get(name, leaseNamespace), before, now);
    if (news !== before) heard.set(name, news);
    const silence = silentAt(node, news, limits);
    const silent = silence <= now && silentConditions(node, now) !== undefined;
    const notReady = readyCondition(node)?.status !== 'True';
    const ill = silent || notReady || wantedTaints(node, now) !== undefined;
    due.set(name, ill ? 0 : silence);
    if (ill) controller.queue.add(name);
  };
  const lookAtDue = async (): Promise<void> => {
    const turns = createTurns();
    const now = clock.now();
    for (const [name, at] of due) {
      if (at > now) continue;
      const node = nodes.get(name);
      if (node) look(node);
      const pause = turns.pause();
      if (pause) await pause;
      if (stopped) return;
    }
    cancel = clock.after(options.periodMs ?? 5000, () => void lookAtDue());
  };
  nodes.on({
    add: look,
    update: (_, node) => look(node),
    delete({ metadata }) {
      heard.delete(metadata.name);
      due.delete(metadata.name);
    },
  });
  const hear = ({ metadata }: Lease): void => {
    if (due.has(metadata.name)) due.set(metadata.name, 0);
  };
  leases.on({ add: hear, update: (_, lease) => hear(lease), delete: hear });

  return {
    name: 'node-lifecycle-controller',
    async start() {
      await controller.start();
      void lookAtDue();
    },
    async stop() {
      stopped = true;
      cancel?.();
      await controller.stop();
    },
  };
}
