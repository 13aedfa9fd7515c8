/** Sees to it that each namespace has its `default` ServiceAccount. */
import { isReason } from '@coracle/machinery';
import { Namespace, ServiceAccount } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';

const name = 'default';

export function serviceAccountController(deps: ComponentDeps): Component {
  const namespaces = deps.informers.informer(Namespace);
  const accounts = deps.informers.informer(ServiceAccount);
  const controller = createController(deps, {
    name: 'service-account-controller',
    workers: 8,
    waitFor: [namespaces, accounts],
    async reconcile(namespace) {
      if (!isInUse(namespaces.get(namespace)) || accounts.get(name, namespace)) return;
      try {
        await deps.client.create(ServiceAccount, { metadata: { name, namespace } }, { namespace });
      } catch (error) {
        // Made by somebody else, or the namespace is being deleted.
        const ends = isReason(error, 'AlreadyExists') || isReason(error, 'NotFound');
        if (!ends && !isReason(error, 'Forbidden')) throw error;
        if (isReason(error, 'Forbidden') && isInUse(namespaces.get(namespace))) throw error;
      }
    },
  });
  namespaces.on({
    add: ({ metadata }) => controller.queue.add(metadata.name),
    update: (_, { metadata }) => controller.queue.add(metadata.name),
  });
  accounts.on({
    delete: ({ metadata }) => {
      if (metadata.name === name) controller.queue.add(metadata.namespace ?? '');
    },
  });
  return controller;
}

/** It is there, and not being deleted. */
export function isInUse(namespace: Namespace | undefined): boolean {
  return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
}
