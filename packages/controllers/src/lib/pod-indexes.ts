/** Indexes of the Pod informer that several controllers read; made once for an informer, whoever comes first. */
import { controllerOf } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Informer } from '@coracle/operator';

/** By uid of the controller. */
export const byController = 'controllers/controller';
/** Pods without a controller, by namespace. */
export const byOrphanNamespace = 'controllers/orphan';
/** By name of the node they are bound to. */
export const byNode = 'controllers/node';

const made = new WeakSet<object>();

export function ensurePodIndexes(pods: Informer<Pod>): void {
  if (made.has(pods)) return;
  made.add(pods);
  pods.addIndex(byController, (pod) => {
    const owner = controllerOf(pod);
    return owner ? [owner.uid] : [];
  });
  pods.addIndex(byOrphanNamespace, (pod) =>
    controllerOf(pod) === undefined ? [pod.metadata.namespace ?? ''] : [],
  );
  pods.addIndex(byNode, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
}
