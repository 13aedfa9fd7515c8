import { Node, Pod } from '@coracle/machinery/api';
import type { InformerFactory } from '@coracle/operator';

/** Kinds that parts of an engine follow together: each informer of its own would read every change of every pod again. */
const pooled = new Set<unknown>([Node, Pod]);

/** A part's own informers, but for all nodes and all pods: those are the pool's, with the pool's rights to read them. */
export function pooledInformers(own: InformerFactory, pool: InformerFactory): InformerFactory {
  return {
    informer: (type, options) =>
      pooled.has(type) && options === undefined ? pool.informer(type) : own.informer(type, options),
    async start() {
      await Promise.all([own.start(), pool.start()]);
    },
    stop: () => own.stop(),
  };
}
