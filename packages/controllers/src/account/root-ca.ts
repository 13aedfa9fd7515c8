/** Publishes the certificates that clients of the API trust as ConfigMap `kube-root-ca.crt` in each namespace. */
import { isReason } from '@coracle/machinery';
import { ConfigMap, Namespace } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { isInUse } from './service-accounts.ts';

const name = 'kube-root-ca.crt';
const description = 'kubernetes.io/description';

/** `rootCa`: PEM. */
export function rootCaPublisher(deps: ComponentDeps, rootCa: string): Component {
  const { client } = deps;
  const namespaces = deps.informers.informer(Namespace);
  const maps = deps.informers.informer(ConfigMap);
  const wanted = {
    data: { 'ca.crt': rootCa },
    annotations: { [description]: 'The certificates that verify the API server of this cluster.' },
  };
  const controller = createController(deps, {
    name: 'root-ca-cert-publisher',
    workers: 8,
    waitFor: [namespaces, maps],
    async reconcile(namespace) {
      if (!isInUse(namespaces.get(namespace))) return;
      const found = maps.get(name, namespace);
      try {
        if (!found) {
          const { data, annotations } = wanted;
          await client.create(ConfigMap, { metadata: { name, namespace, annotations }, data }, { namespace });
        } else if (!isRight(found)) {
          // Whatever else somebody put in goes: pods mount this map.
          const { data, annotations } = wanted;
          const metadata = {
            ...found.metadata,
            annotations: { ...found.metadata.annotations, ...annotations },
          };
          await client.update(ConfigMap, { ...found, metadata, data });
        }
      } catch (error) {
        if (isReason(error, 'AlreadyExists') || isReason(error, 'NotFound')) return;
        if (isReason(error, 'Forbidden') && !isInUse(namespaces.get(namespace))) return;
        throw error;
      }
    },
  });
  const isRight = ({ data, metadata }: ConfigMap): boolean =>
    Object.keys(data ?? {}).length === 1 &&
    data?.['ca.crt'] === rootCa &&
    metadata.annotations?.[description] !== undefined;
  const see = (map: ConfigMap): void => {
    if (map.metadata.name === name) controller.queue.add(map.metadata.namespace ?? '');
  };
  namespaces.on({
    add: ({ metadata }) => controller.queue.add(metadata.name),
    update: (_, { metadata }) => controller.queue.add(metadata.name),
  });
  maps.on({ update: (_, map) => see(map), delete: see });
  return controller;
}
