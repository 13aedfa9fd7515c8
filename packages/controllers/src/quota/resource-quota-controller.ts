/**
 * Keeps the status of ResourceQuotas: what is used. Admission adds what is created before it is stored; here usage is
 * counted anew when objects change or go, and now and then.
 */
import { deepEqual, keyOf } from '@coracle/machinery';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import {
  ConfigMap,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
} from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component, Informer } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { discover } from '../lib/discovery.ts';
import type { Discovery } from '../lib/discovery.ts';
import { quotaUsage, resourcesOf } from './usage.ts';
import type { Counted } from './usage.ts';

export interface ResourceQuotaOptions {
  /** Between two counts of a quota that nothing seems to have changed, in ms; default 300,000. */
  resyncMs?: number;
  /** What the server serves; asked for by discovery unless given. */
  discover?: () => Promise<Discovery>;
}

const never = (): boolean => false;
/** Pods count their changes of spec. */
const specChanged = (before: Pod, after: Pod): boolean =>
  before.metadata.generation !== after.metadata.generation;
/** Many objects usually change together. */
const settleMs = 50;

export function resourceQuotaController(deps: ComponentDeps, options: ResourceQuotaOptions = {}): Component {
  const { client, informers } = deps;
  const ask = options.discover ?? (() => discover(client));
  const quotas = informers.informer(ResourceQuota);
  /** Kinds whose changes are watched; others are listed when a quota counts them. */
  const watched = new Map<string, Informer>();
  const see = ({ metadata }: KubeObject): void => {
    for (const quota of quotas.list(metadata.namespace)) controller.queue.addAfter(keyOf(quota), settleMs);
  };
  const watch = <T extends KubeObject>(
    type: ResourceType<T>,
    concerns: (before: T, after: T) => boolean,
  ): void => {
    const informer = informers.informer(type);
    watched.set(type.resource, informer as unknown as Informer);
    informer.on({
      add: (object, initial) => void (initial || see(object)),
      update: (before, after) => void (concerns(before, after) && see(after)),
      delete: see,
    });
  };

  /** Kinds that no quota counted until one did: watched from then on, so that it hears of what comes and goes. */
  const joined = new Set<string>();
  const join = (resource: string, type: ResourceType<KubeObject>): void => {
    if (joined.has(resource)) return;
    joined.add(resource);
    informers.informer(type).on({ add: see, delete: see });
    void informers.start();
  };

  const contentOf = async (resource: string, namespace: string): Promise<readonly KubeObject[]> => {
    const informer = watched.get(resource);
    if (informer) return informer.list(namespace);
    const [name, ...group] = resource.split('.');
    const { resources } = await ask();
    const type = resources.find((other) => other.resource === name && other.group === group.join('.'));
    if (!type?.namespaced || !type.verbs.includes('list')) return [];
    join(resource, type as ResourceType<KubeObject>);
    return (await client.list(type as ResourceType<KubeObject>, { namespace })).items;
  };

  const controller = createController(deps, {
    name: 'resourcequota-controller',
    workers: 5,
    waitFor: [quotas],
    async reconcile(key) {
      const quota = quotas.byKey(key);
      if (!quota || quota.metadata.deletionTimestamp !== undefined) return undefined;
      const content: Counted[] = [];
      for (const resource of resourcesOf(quota)) {
        content.push({ resource, objects: await contentOf(resource, quota.metadata.namespace ?? '') });
      }
      const status = { hard: { ...quota.spec?.hard }, used: quotaUsage(quota, content) };
      if (!deepEqual(status, quota.status ?? {})) {
        await client.update(ResourceQuota, { ...quota, status }, { subresource: 'status' });
      }
      return { requeueAfterMs: options.resyncMs ?? 300_000 };
    },
  });

  watch(Pod, (before, after) => before.status?.phase !== after.status?.phase || specChanged(before, after));
  watch(Service, (before, after) => !deepEqual(before.spec, after.spec));
  watch(PersistentVolumeClaim, (before, after) => !deepEqual(before.spec, after.spec));
  watch(ConfigMap, never);
  watch(Secret, never);
  watch(ReplicationController, never);
  watched.set(ResourceQuota.resource, quotas as unknown as Informer);
  quotas.on({
    add: (quota) => controller.queue.add(keyOf(quota)),
    update(before, after) {
      if (!deepEqual(before.spec, after.spec) || !deepEqual(after.status?.hard, after.spec?.hard)) {
        controller.queue.add(keyOf(after));
      }
    },
  });
  return {
    name: controller.name,
    async start() {
      await Promise.all([...watched.values()].map((informer) => informer.ready()));
      await controller.start();
    },
    stop: () => controller.stop(),
  };
}
