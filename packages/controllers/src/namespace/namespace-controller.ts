/** Empties namespaces that are being deleted, tells what holds them up, and gives up the `kubernetes` finalizer at the end. */
import { deepEqual, isReason } from '@coracle/machinery';
import { Namespace, Pod } from '@coracle/machinery/api';
import { createController, find } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { discover } from '../lib/discovery.ts';
import type { Discovery } from '../lib/discovery.ts';
import { namespaceConditions } from './conditions.ts';
import { emptyNamespace } from './empty.ts';

export interface NamespaceControllerOptions {
  /** What the server serves; asked for by discovery unless given. */
  discover?: () => Promise<Discovery>;
}

const finalizer = 'kubernetes';
/** Between looks at a namespace whose content takes its time: from, and at most, in ms. */
const firstLookMs = 50;
const longestLookMs = 5000;

function isMine(namespace: Namespace): boolean {
  return (
    namespace.metadata.deletionTimestamp !== undefined &&
    namespace.spec?.finalizers?.includes(finalizer) === true
  );
}

export function namespaceController(
  deps: ComponentDeps,
  options: NamespaceControllerOptions = {},
): Component {
  const { client, clock } = deps;
  const ask = options.discover ?? (() => discover(client));
  const namespaces = deps.informers.informer(Namespace);
  const pods = deps.informers.informer(Pod);
  /** By name: looks so far. */
  const looks = new Map<string, number>();

  const controller = createController(deps, {
    name: 'namespace-controller',
    workers: 4,
    waitFor: [namespaces, pods],
    async reconcile(name) {
      let namespace = await find(client, Namespace, { name });
      if (!namespace || !isMine(namespace)) {
        looks.delete(name);
        return undefined;
      }
      if (namespace.status?.phase !== 'Terminating') {
        const status = { ...namespace.status, phase: 'Terminating' };
        namespace = await client.update(Namespace, { ...namespace, status }, { subresource: 'status' });
      }
      const report = await emptyNamespace(client, await ask(), name);
      const failed = report.contentFailures.length + report.discoveryFailures.length > 0;
      if (report.remaining.size > 0 || failed) {
        const conditions = namespaceConditions(namespace.status?.conditions, report, clock.now());
        const status = { ...namespace.status, conditions };
        if (!deepEqual(status, namespace.status)) {
          await client.update(Namespace, { ...namespace, status }, { subresource: 'status' });
        }
        const look = looks.get(name) ?? 0;
        looks.set(name, look + 1);
        return { requeueAfterMs: Math.min(firstLookMs * 2 ** Math.min(look, 10), longestLookMs) };
      }
      looks.delete(name);
      const finalizers = (namespace.spec?.finalizers ?? []).filter((other) => other !== finalizer);
      try {
        await client.update(
          Namespace,
          { ...namespace, spec: { ...namespace.spec, finalizers } },
          { subresource: 'finalize' },
        );
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      return undefined;
    },
  });
  const see = (namespace: Namespace): void => {
    if (isMine(namespace)) controller.queue.add(namespace.metadata.name);
  };
  namespaces.on({ add: see, update: (_, namespace) => see(namespace) });
  // The rest of a namespace waits for its pods: look again when one is gone.
  pods.on({
    delete({ metadata }) {
      const namespace = namespaces.get(metadata.namespace ?? '');
      if (namespace) see(namespace);
    },
  });
  return controller;
}
