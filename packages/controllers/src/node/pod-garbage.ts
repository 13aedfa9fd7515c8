/**
 * Removes pods that nobody else will: bound to a node that is no more, being deleted before they got a node, on a node
 * declared out of service, and finished ones beyond a threshold.
 */
import { formatTime, isReason } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import type { Component, Informer } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { inBatches } from '../lib/batches.ts';
import { withDisruption } from '../lib/disruption.ts';
import { byNode, ensurePodIndexes } from '../lib/pod-indexes.ts';
import { isTerminal } from '../lib/pods.ts';
import { milliseconds } from '../lib/time.ts';
import { readyCondition } from './health.ts';

export interface PodGarbageOptions {
  /** Finished pods kept; 0: all. Upstream 12,500. */
  threshold?: number;
  /** Between two looks, in ms; upstream 20,000. */
  periodMs?: number;
  /** How long a node must be missing before its pods go, in ms; upstream 40,000. */
  quarantineMs?: number;
}

interface PodGarbage {
  /** Finished long ago. */
  terminated: Pod[];
  /** On a node that is missing since before `missingBefore`. */
  orphaned: Pod[];
  /** To be deleted at once: there is no node that would end them. */
  terminating: Pod[];
}

const outOfService = 'node.kubernetes.io/out-of-service';

/**
 * Index of the pods that may have to be looked at: of a full cluster nearly none. Finished ones, and those being deleted with and
 * without a node.
 */
const candidates = 'pod-garbage';
const [finished, leaving, unplaced]: readonly (readonly string[])[] = [
  ['finished'],
  ['leaving'],
  ['unplaced'],
].map((values) => Object.freeze(values));
const none: readonly string[] = [];

function candidacy(pod: Pod): readonly string[] {
  if (pod.metadata.deletionTimestamp !== undefined) return pod.spec?.nodeName ? leaving! : unplaced!;
  return isTerminal(pod) ? finished! : none;
}

/** `missingSince`: of nodes that are not there, by name. */
function findGarbage(
  pods: Informer<Pod>,
  node: (name: string) => Node | undefined,
  missingSince: ReadonlyMap<string, number>,
  missingBefore: number,
  threshold: number,
): PodGarbage {
  const isMissing = ({ spec }: Pod): boolean => missingSince.has(spec?.nodeName ?? '');
  const terminating = [...pods.byIndex(candidates, 'unplaced')];
  for (const pod of pods.byIndex(candidates, 'leaving')) {
    const host = node(pod.spec?.nodeName ?? '');
    if (host && isOutOfService(host)) terminating.push(pod);
  }
  const orphaned: Pod[] = [];
  for (const [name, since] of missingSince)
    if (since <= missingBefore) orphaned.push(...pods.byIndex(byNode, name));
  const ended = pods.byIndex(candidates, 'finished');
  let terminated: Pod[] = [];
  if (threshold > 0 && ended.length > threshold) {
    const kept = ended.filter((pod) => !isMissing(pod));
    terminated = kept
      .toSorted((a, b) => createdAt(a) - createdAt(b))
      .slice(0, Math.max(0, kept.length - threshold));
  }
  return { terminated, orphaned, terminating };
}

export function podGarbageCollector(deps: ComponentDeps, options: PodGarbageOptions = {}): Component {
  const { client, clock, logger } = deps;
  const nodes = deps.informers.informer(Node);
  const pods = deps.informers.informer(Pod);
  ensurePodIndexes(pods);
  pods.addIndex(candidates, candidacy);
  /** Nodes that pods are bound to, and how many are. */
  const hosts = new Map<string, number>();
  const missingSince = new Map<string, number>();
  let cancel: (() => void) | undefined;
  let working: Promise<void> = Promise.resolve();

  const bound = (pod: Pod, change: 1 | -1): void => {
    const name = pod.spec?.nodeName;
    if (!name) return;
    const count = (hosts.get(name) ?? 0) + change;
    if (count > 0) hosts.set(name, count);
    else hosts.delete(name);
  };
  const undo = pods.on({
    add: (pod) => bound(pod, 1),
    update: (before, pod) => {
      if (before.spec?.nodeName === pod.spec?.nodeName) return;
      bound(before, -1);
      bound(pod, 1);
    },
    delete: (pod) => bound(pod, -1),
  });
  const noteMissing = (): void => {
    for (const name of hosts.keys())
      if (!nodes.get(name) && !missingSince.has(name)) missingSince.set(name, clock.now());
    for (const name of missingSince.keys())
      if (!hosts.has(name) || nodes.get(name)) missingSince.delete(name);
  };
  /** The cache may lag behind: is the node really not there? */
  const isMissing = async (name: string): Promise<boolean> => {
    try {
      await client.get(Node, name);
      return false;
    } catch (error) {
      return isReason(error, 'NotFound');
    }
  };
  const remove = async (pod: Pod, reason?: string): Promise<void> => {
    const { name, namespace, uid } = pod.metadata;
    try {
      if (!isTerminal(pod)) {
        const conditions = reason
          ? withDisruption(pod, 'DeletionByPodGC', reason, formatTime(clock.now()))
          : undefined;
        await client.patch(
          Pod,
          name,
          'merge',
          { metadata: { uid }, status: { phase: 'Failed', ...(conditions ? { conditions } : {}) } },
          { namespace, subresource: 'status' },
        );
      }
      await client.delete(Pod, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound'))
        logger.warn({ error, pod: `${namespace}/${name}` }, 'pod not removed');
    }
  };
  const collect = async (): Promise<void> => {
    noteMissing();
    const before = clock.now() - (options.quarantineMs ?? 40_000);
    const threshold = options.threshold ?? 12_500;
    const garbage = findGarbage(pods, (name) => nodes.get(name), missingSince, before, threshold);
    const missing = new Map<string, boolean>();
    for (const { spec } of garbage.orphaned) {
      const name = spec?.nodeName ?? '';
      if (!missing.has(name)) missing.set(name, await isMissing(name));
    }
    const orphaned = garbage.orphaned.filter(({ spec }) => missing.get(spec?.nodeName ?? ''));
    await inBatches(garbage.terminated, 20, (pod) => remove(pod));
    await inBatches(orphaned, 20, (pod) => remove(pod, 'PodGC: node no longer exists'));
    await inBatches(garbage.terminating, 20, (pod) => remove(pod));
  };
  const tick = (): void => {
    working = collect().catch((error: unknown) => logger.error({ error }, 'collecting pods failed'));
    cancel = clock.after(options.periodMs ?? 20_000, tick);
  };
  return {
    name: 'pod-garbage-collector',
    async start() {
      await Promise.all([nodes.ready(), pods.ready()]);
      tick();
    },
    async stop() {
      undo();
      cancel?.();
      await working;
    },
  };
}

function createdAt(pod: Pod): number {
  return milliseconds(pod.metadata.creationTimestamp) ?? 0;
}

function isOutOfService(node: Node): boolean {
  const tainted = node.spec?.taints?.some(({ key }) => key === outOfService) === true;
  return tainted && readyCondition(node)?.status !== 'True';
}
