/** Mirrors Endpoints that people write for Services without a selector into EndpointSlices, which is what readers look at. */
import { isReason, keyOf } from '@coracle/machinery';
import { Endpoints, EndpointSlice, Service } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { isMirrored, mirrorManager, planMirror } from './mirror.ts';
import { managedByLabel, serviceNameLabel } from './slices.ts';

const mirrorIndex = 'endpointslicemirroring-controller/service';

/** The key of the Endpoints that this slice mirrors. */
function sourceOf({ metadata: { labels, namespace } }: EndpointSlice): string | undefined {
  const name = labels?.[serviceNameLabel];
  return name && labels?.[managedByLabel] === mirrorManager ? `${namespace}/${name}` : undefined;
}

export function endpointSliceMirroringController(deps: ComponentDeps): Component {
  const { client } = deps;
  const slices = deps.informers.informer(EndpointSlice);
  const services = deps.informers.informer(Service);
  const sources = deps.informers.informer(Endpoints);
  slices.addIndex(mirrorIndex, (slice) => {
    const key = sourceOf(slice);
    return key ? [key] : [];
  });
  const own = new OwnWrites(slices, deps.clock);

  const controller = createController(deps, {
    name: 'endpointslicemirroring-controller',
    workers: 5,
    waitFor: [services, sources, slices],
    async reconcile(key) {
      const source = sources.byKey(key);
      const existing = own
        .list(slices.byIndex(mirrorIndex, key), key)
        .filter((slice) => !slice.metadata.deletionTimestamp);
      const mirrored =
        source && !source.metadata.deletionTimestamp && isMirrored(source, services.byKey(key));
      const { create, update, remove } = mirrored
        ? planMirror(source, existing)
        : { create: [], update: [], remove: existing };
      const namespace = key.split('/')[0];
      for (const slice of update) own.wrote(await client.update(EndpointSlice, slice));
      for (const draft of create)
        await own.create(key, () => client.create(EndpointSlice, draft, { namespace }));
      for (const slice of remove) {
        try {
          const { name, uid } = slice.metadata;
          await client.delete(EndpointSlice, name, { namespace, preconditions: { uid } });
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
        own.gone(slice);
      }
    },
  });
  const see = (object: Endpoints | Service): void => controller.queue.add(keyOf(object));
  const seeSlice = (slice: EndpointSlice): void => {
    const key = sourceOf(slice);
    if (key) controller.queue.add(key);
  };
  sources.on({ add: see, update: (_, next) => see(next), delete: see });
  services.on({ add: see, update: (_, next) => see(next), delete: see });
  slices.on({ add: seeSlice, update: (_, next) => seeSlice(next), delete: seeSlice });
  return controller;
}
