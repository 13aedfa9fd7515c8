/**
 * Removes pods that nobody else will: bound to a node that is no more, being deleted before they got a node, on a node
 * declared out of service, and finished ones beyond a threshold.
 */
import { formatTime, isReason } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import { type Component, createTurns } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { inBatches } from '../lib/batches.ts';
import { withDisruption } from '../lib/disruption.ts';
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

/** `missingSince`: of nodes that are not there, by name. */
async function findGarbage(
  pods: readonly Pod[],
  node: (name: string) => Node | undefined,
  missingSince: ReadonlyMap<string, number>,
  missingBefore: number,
  threshold: number,
): Promise<PodGarbage> {
  const turns = createTurns();
  const garbage: PodGarbage = { terminated: [], orphaned: [], terminating: [] };
  const finished: Pod[] = [];
  for (const pod of pods) {
    const pause = turns.pause();
    if (pause) await pause;
    const deleting = pod.metadata.deletionTimestamp !== undefined;
    const name = pod.spec?.nodeName;
    if (!name) {
      if (deleting) garbage.terminating.push(pod);
      else if (isTerminal(pod)) finished.push(pod);
      continue;
    }
    const host = node(name);
    if (!host) {
      if ((missingSince.get(name) ?? Number.POSITIVE_INFINITY) <= missingBefore) garbage.orphaned.push(pod);
    } else if (deleting && isOutOfService(host)) garbage.terminating.push(pod);
    else if (!deleting && isTerminal(pod)) finished.push(pod);
  }
  if (threshold > 0 && finished.length > threshold) {
    garbage.terminated = finished
      .toSorted((a, b) => createdAt(a) - createdAt(b))
      .slice(0, finished.length - threshold);
  }
  return garbage;
}

export function podGarbageCollector(deps: ComponentDeps, options: PodGarbageOptions = {}): Component {
  const { client, clock, logger } = deps;
  const nodes = deps.informers.informer(Node);
  const pods = deps.informers.informer(Pod);
  const missingSince = new Map<string, number>();
  let cancel: (() => void) | undefined;
  let working: Promise<void> = Promise.resolve();

  const noteMissing = async (): Promise<void> => {
    const turns = createTurns();
    const missing = new Set<string>();
    for (const { spec } of pods.list()) {
      if (spec?.nodeName && !nodes.get(spec.nodeName)) missing.add(spec.nodeName);
      const pause = turns.pause();
      if (pause) await pause;
    }
    for (const name of missing) if (!missingSince.has(name)) missingSince.set(name, clock.now());
    for (const name of missingSince.keys()) if (!missing.has(name)) missingSince.delete(name);
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
    await noteMissing();
    const before = clock.now() - (options.quarantineMs ?? 40_000);
    const threshold = options.threshold ?? 12_500;
    const garbage = await findGarbage(
      pods.list(),
      (name) => nodes.get(name),
      missingSince,
      before,
      threshold,
    );
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
