/** Which Services a change concerns. */
import { deepEqual, keyOf } from '@coracle/machinery';
import { Pod, Service } from '@coracle/machinery/api';
import type { Informer } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { isReady, isTerminal } from '../lib/pods.ts';
import { addressesOf, selects } from './members.ts';

export interface ServiceInformers {
  services: Informer<Service>;
  pods: Informer<Pod>;
}

/** Services with a selector, by namespace. */
const bySelecting = 'endpoints/selecting';
const made = new WeakSet<object>();

/** Calls `wake` with the key of each Service whose endpoints may have changed, a deleted one too. */
export function watchServices(deps: ComponentDeps, wake: (key: string) => void): ServiceInformers {
  const services = deps.informers.informer(Service);
  const pods = deps.informers.informer(Pod);
  const see = (service: Service): void => wake(keyOf(service));
  services.on({ add: see, update: (_, service) => see(service), delete: see });
  if (!made.has(services)) {
    made.add(services);
    services.addIndex(bySelecting, ({ metadata, spec }) =>
      spec?.selector ? [metadata.namespace ?? ''] : [],
    );
  }
  const near = (pod: Pod): readonly Service[] => services.byIndex(bySelecting, pod.metadata.namespace ?? '');
  const seePod = (pod: Pod): void => {
    for (const service of near(pod)) if (selects(service, pod)) see(service);
  };
  pods.on({
    add: seePod,
    update(before, after) {
      if (near(after).length === 0 || looksTheSame(before, after)) return;
      seePod(after);
      if (!deepEqual(before.metadata.labels, after.metadata.labels)) seePod(before);
    },
    delete: seePod,
  });
  return { services, pods };
}

/** Most changes of a pod (container restarts, resources) mean nothing to Services. */
function looksTheSame(a: Pod, b: Pod): boolean {
  return (
    isReady(a) === isReady(b) &&
    isTerminal(a) === isTerminal(b) &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    a.spec?.nodeName === b.spec?.nodeName &&
    deepEqual(addressesOf(a), addressesOf(b)) &&
    deepEqual(a.metadata.labels, b.metadata.labels)
  );
}
