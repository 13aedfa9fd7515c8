import type { Client } from '@coracle/client';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import type { Clock, Informer, InformerFactory, Logger } from './contracts.ts';
import { LiveInformer } from './informer.ts';

export interface InformerFactoryDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
  /** Every so often handlers are told of every object again; 0 or absent: never. */
  resyncMs?: number;
  random?: () => number;
}

/**
 * One informer a resource and selection, shared by all who ask. `start` may be called again after asking for more. A factory
 * once stopped stays so.
 */
export function createInformerFactory(deps: InformerFactoryDeps): InformerFactory {
  const stopping = new AbortController();
  const informers = new Map<string, LiveInformer<KubeObject>>();
  const running = new Set<LiveInformer<KubeObject>>();
  const random = deps.random ?? Math.random;

  const resync = (informer: LiveInformer<KubeObject>): void => {
    const every = deps.resyncMs ?? 0;
    if (every <= 0) return;
    const cancel = deps.clock.after(every, () => {
      stopping.signal.removeEventListener('abort', cancel);
      informer.resync();
      resync(informer);
    });
    stopping.signal.addEventListener('abort', cancel, { once: true });
  };

  return {
    informer<T extends KubeObject>(
      type: ResourceType<T>,
      options: { namespace?: string; labelSelector?: string; fieldSelector?: string } = {},
    ): Informer<T> {
      const key = JSON.stringify([
        type.group,
        type.version,
        type.resource,
        options.namespace,
        options.labelSelector,
        options.fieldSelector,
      ]);
      const known = informers.get(key);
      if (known) return known as unknown as LiveInformer<T>;
      const made = new LiveInformer<T>({ ...deps, random }, type, options);
      informers.set(key, made as unknown as LiveInformer<KubeObject>);
      return made;
    },
    async start() {
      if (stopping.signal.aborted) return;
      for (const informer of informers.values()) {
        if (running.has(informer)) continue;
        running.add(informer);
        void informer.run(stopping.signal);
        resync(informer);
      }
      const stopped = new Promise<void>((resolve) =>
        stopping.signal.addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([Promise.all([...running].map((informer) => informer.ready())), stopped]);
    },
    stop() {
      stopping.abort();
    },
  };
}
