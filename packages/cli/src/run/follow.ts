/**
 * Follows a workload to its end: its own conditions, its pods, and the log of every container that starts. What it sees goes
 * to a listener; nothing is printed here.
 */
import type { Client } from '@coracle/client';
import { ApiError } from '@coracle/machinery';
import type { ResourceType, Unstructured } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { Clock, InformerFactory } from '@coracle/operator';
import { firstFailure, outcomeOf, podsOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';

export interface FollowListener {
  /** The workload changed. */
  workload(object: Unstructured, outcome: Outcome): void;
  pod(pod: Pod): void;
  podGone(pod: Pod): void;
  line(pod: Pod, container: string, line: string): void;
}
export interface FollowDeps {
  client: Client;
  informers: InformerFactory;
  clock: Clock;
}

/**
 * Resolves with the workload's end (and its pods as they were, those that failed first, in the order in which they did) once the logs of all its containers have been read, or with
 * undefined when `signal` aborts. Rejects if the workload is deleted while it runs.
 */
export async function follow(
  deps: FollowDeps,
  type: ResourceType<Unstructured>,
  start: Unstructured,
  listener: FollowListener,
  signal: AbortSignal,
): Promise<{ outcome: Outcome; pods: Pod[] } | undefined> {
  const namespace = start.metadata.namespace ?? '';
  const { name } = start.metadata;
  const pods = new Map<string, Pod>();
  /** Uids in the order of failing: the times in their statuses are whole seconds, and the first failure ends the others within one. */
  const failed = new Set<string>();
  const logs = new Map<string, Promise<void>>();
  const ended = Promise.withResolvers<Outcome | undefined>();
  // Logs get a moment after the end of the workload, not for ever: a node may be unreachable.
  const logSignal = new AbortController();
  const abort = (): void => {
    ended.resolve(undefined);
    logSignal.abort();
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();

  const readLogs = (pod: Pod): void => {
    for (const status of [
      ...(pod.status?.initContainerStatuses ?? []),
      ...(pod.status?.containerStatuses ?? []),
    ]) {
      const id = status.containerID;
      if (!id || logs.has(id) || !(status.state?.running ?? status.state?.terminated)) continue;
      logs.set(id, copyLog(deps.client, pod, status.name, listener, logSignal.signal));
    }
  };
  const workloads = deps.informers.informer<Unstructured>(type, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
  });
  const seen = (object: Unstructured): void => {
    if (object.metadata.uid !== start.metadata.uid) return;
    const outcome = outcomeOf(object);
    listener.workload(object, outcome);
    if (outcome.done) ended.resolve(outcome);
  };
  const stopWorkloads = workloads.on({
    add: seen,
    update: (_, after) => seen(after),
    delete: (object) => {
      if (object.metadata.uid === start.metadata.uid) {
        ended.reject(new Error(`${object.kind} ${namespace}/${name} was deleted`));
      }
    },
  });
  const podInformer = deps.informers.informer(Pod, { namespace, ...podsOf(start) });
  const podSeen = (pod: Pod): void => {
    // Pods of an earlier workload of this name may still be going away.
    if (
      Date.parse(pod.metadata.creationTimestamp ?? '') + 1000 <
      Date.parse(start.metadata.creationTimestamp ?? '')
    ) {
      return;
    }
    pods.set(pod.metadata.uid, pod);
    if (firstFailure([pod])) failed.add(pod.metadata.uid);
    listener.pod(pod);
    readLogs(pod);
  };
  const stopPods = podInformer.on({
    add: podSeen,
    update: (_, after) => podSeen(after),
    delete: (pod) => {
      if (pods.has(pod.metadata.uid)) listener.podGone(pod);
    },
  });
  try {
    await deps.informers.start();
    const outcome = await ended.promise;
    if (!outcome) return undefined;
    // Containers of the last moment: their status may come after the workload's.
    const cancel = deps.clock.after(3000, () => logSignal.abort());
    await Promise.all(logs.values());
    cancel();
    const order = [...failed, ...[...pods.keys()].filter((uid) => !failed.has(uid))];
    return { outcome, pods: order.flatMap((uid) => pods.get(uid) ?? []) };
  } finally {
    logSignal.abort();
    stopWorkloads();
    stopPods();
    signal.removeEventListener('abort', abort);
  }
}

async function copyLog(
  client: Client,
  pod: Pod,
  container: string,
  listener: FollowListener,
  signal: AbortSignal,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of client.logs(pod.metadata.name, {
      namespace: pod.metadata.namespace ?? '',
      container,
      follow: true,
      signal,
    })) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) listener.line(pod, container, line);
    }
    if (rest) listener.line(pod, container, rest);
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) return; // The pod is gone, and its log with it.
    throw error;
  }
}
