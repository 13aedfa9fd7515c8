/** Keeps the EndpointSlices of Services that have a selector. */
import { isReason, keyOf } from '@coracle/machinery';
import { EndpointSlice, Node } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { watchServices } from './affected.ts';
import { hasMembers, selects } from './members.ts';
import { managedByLabel, manager, planSlices, serviceNameLabel } from './slices.ts';

const serviceIndex = 'endpointslice-controller/service';

export function endpointSliceController(deps: ComponentDeps): Component {
  const { client } = deps;
  const slices = deps.informers.informer(EndpointSlice);
  const nodes = deps.informers.informer(Node);
  slices.addIndex(serviceIndex, (slice) => {
    const key = serviceOf(slice);
    return key ? [key] : [];
  });
  const own = new OwnWrites(slices, deps.clock);
  const { services, pods } = watchServices(deps, (key) => controller.queue.add(key));

  const controller = createController(deps, {
    name: 'endpointslice-controller',
    workers: 5,
    waitFor: [services, pods, slices, nodes],
    async reconcile(key) {
      const service = services.byKey(key);
      // Slices of a Service that is gone go with it: it owns them.
      if (!service || !hasMembers(service) || service.metadata.deletionTimestamp !== undefined) return;
      const { namespace } = service.metadata;
      const { create, update, remove } = planSlices(
        service,
        pods.list(namespace).filter((pod) => selects(service, pod)),
        own.list(slices.byIndex(serviceIndex, key), key).filter((s) => !s.metadata.deletionTimestamp),
        (node) => nodes.get(node)?.metadata.labels?.['topology.kubernetes.io/zone'],
      );
      for (const slice of update) own.wrote(await client.update(EndpointSlice, slice));
      for (const draft of create) {
        await own.create(key, () => client.create(EndpointSlice, draft, { namespace }));
      }
      for (const slice of remove) {
        try {
          await client.delete(EndpointSlice, slice.metadata.name, {
            namespace,
            preconditions: { uid: slice.metadata.uid },
          });
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
        own.gone(slice);
      }
    },
  });
  const see = (slice: EndpointSlice): void => {
    const key = serviceOf(slice);
    if (key) controller.queue.add(key);
  };
  slices.on({ add: see, update: (_, slice) => see(slice), delete: see });
  // A node that comes later brings its zone.
  nodes.on({
    add(node, initial) {
      if (initial || !node.metadata.labels?.['topology.kubernetes.io/zone']) return;
      for (const service of services.list()) controller.queue.add(keyOf(service));
    },
  });
  return controller;
}

/** The key of the Service whose slice this is, when this controller manages it. */
function serviceOf({ metadata: { labels, namespace } }: EndpointSlice): string | undefined {
  const name = labels?.[serviceNameLabel];
  return name && labels?.[managedByLabel] === manager ? `${namespace}/${name}` : undefined;
}
