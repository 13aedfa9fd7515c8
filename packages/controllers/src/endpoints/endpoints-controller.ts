/** Keeps the Endpoints object of Services that have a selector. */
import { deepEqual, isReason, keyOf } from '@coracle/machinery';
import { Endpoints } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { watchServices } from './affected.ts';
import { hasMembers, isHeadless, isMember, selects } from './members.ts';
import { maxAddresses, subsetsOf } from './subsets.ts';

const managedBy = 'endpoints.kubernetes.io/managed-by';
const headless = 'service.kubernetes.io/headless';
const overCapacity = 'endpoints.kubernetes.io/over-capacity';

export function endpointsController(deps: ComponentDeps): Component {
  const { client } = deps;
  const endpoints = deps.informers.informer(Endpoints);
  const { services, pods } = watchServices(deps, (key) => controller.queue.add(key));
  const controller = createController(deps, {
    name: 'endpoint-controller',
    workers: 5,
    waitFor: [services, pods, endpoints],
    async reconcile(key) {
      const service = services.byKey(key);
      const found = endpoints.byKey(key);
      if (!service) {
        if (found?.metadata.labels?.[managedBy]) await remove(found);
        return;
      }
      if (!hasMembers(service)) return;
      const selected = pods.list(service.metadata.namespace).filter((pod) => selects(service, pod));
      const subsets = subsetsOf(service, selected);
      const labels: Record<string, string> = {
        ...service.metadata.labels,
        [managedBy]: 'endpoint-controller',
        ...(isHeadless(service) ? { [headless]: '' } : {}),
      };
      const annotations = { ...found?.metadata.annotations };
      delete annotations[overCapacity];
      if (selected.filter(isMember).length > maxAddresses) annotations[overCapacity] = 'truncated';
      if (!found) {
        const { name, namespace } = service.metadata;
        await client.create(
          Endpoints,
          { metadata: { name, namespace, labels, annotations }, subsets },
          { namespace },
        );
      } else if (
        !deepEqual(found.subsets ?? [], subsets) ||
        !deepEqual(found.metadata.labels, labels) ||
        !deepEqual(found.metadata.annotations ?? {}, annotations)
      ) {
        await client.update(Endpoints, {
          ...found,
          metadata: { ...found.metadata, labels, annotations },
          subsets,
        });
      }
    },
  });
  const remove = async ({ metadata: { name, namespace, uid } }: Endpoints): Promise<void> => {
    try {
      await client.delete(Endpoints, name, { namespace, preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  };
  const see = (object: Endpoints): void => controller.queue.add(keyOf(object));
  endpoints.on({ add: see, update: (_, object) => see(object), delete: see });
  return controller;
}
