import type { Client, LogCallOptions } from '@coracle/client';
import { ApiError, type Unstructured } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { createInformerFactory, silentLogger, systemClock } from '@coracle/operator';
import { eachLine } from './log-lines.ts';
import type { PodSource } from './log-source.ts';
import { outcomeOf } from './run/outcome.ts';

/**
 * Follows the logs of all pods of a source, those that start later too, restarts included. Ends when the workload has ended
 * and its logs are read; for pods chosen by label, when all of them have ended; or when the signal aborts.
 */
export async function followLogs(
  client: Client,
  source: PodSource,
  options: LogCallOptions,
  containersOf: (pod: Pod) => string[],
  print: (pod: Pod, container: string, line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
  const { namespace, labelSelector, fieldSelector, workload } = source;
  const selection = {
    namespace,
    ...(labelSelector ? { labelSelector } : {}),
    ...(fieldSelector ? { fieldSelector } : {}),
  };
  const pods = informers.informer(Pod, selection);
  /** Logs being read, by container id. */
  const reading = new Map<string, Promise<void>>();
  const ended = Promise.withResolvers<void>();
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort();
    ended.resolve();
  };
  signal.addEventListener('abort', abort, { once: true });

  const read = async (pod: Pod, container: string, first: boolean): Promise<void> => {
    try {
      // What a restarted container prints is all new, whatever part of the first run was asked for.
      const call = first ? options : { ...options, tailLines: undefined, sinceSeconds: undefined };
      const chunks = client.logs(pod.metadata.name, { ...call, container, signal: stop.signal });
      await eachLine(chunks, (line) => print(pod, container, line));
    } catch (error) {
      if (stop.signal.aborted || error instanceof ApiError) return; // The pod is gone, and its log with it.
      throw error;
    }
  };
  const seen = (pod: Pod): void => {
    const wanted = new Set(containersOf(pod));
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    for (const { name, state, containerID, restartCount } of [
      ...initContainerStatuses,
      ...containerStatuses,
    ]) {
      if (!wanted.has(name) || !(state?.running ?? state?.terminated)) continue;
      const id = containerID ?? `${pod.metadata.uid}/${name}/${restartCount}`;
      if (reading.has(id)) continue;
      const work = read(pod, name, restartCount === 0);
      reading.set(id, work);
      work.catch(ended.reject);
    }
    if (!workload && pods.synced) settle();
  };
  const settle = (): void => {
    const all = pods.list();
    if (
      all.length > 0 &&
      all.every(({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed')
    ) {
      ended.resolve();
    }
  };
  pods.on({ add: seen, update: (_, pod) => seen(pod) });
  if (workload) {
    const { name, uid } = workload.object.metadata;
    const own = informers.informer<Unstructured>(workload.type, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    const check = (object: Unstructured): void => {
      if (object.metadata.uid === uid && outcomeOf(object).done) ended.resolve();
    };
    own.on({
      add: check,
      update: (_, object) => check(object),
      delete: (object) => {
        if (object.metadata.uid === uid) ended.resolve();
      },
    });
  }
  try {
    await informers.start();
    if (!workload) settle();
    await ended.promise;
    // The end of a log comes soon after the end of its container; a lost node must not hold this up for ever.
    const cancel = systemClock.after(5000, () => stop.abort());
    await Promise.all(reading.values());
    cancel();
  } finally {
    signal.removeEventListener('abort', abort);
    stop.abort();
    informers.stop();
  }
}
