/** Deletes finished Jobs `spec.ttlSecondsAfterFinished` after they finished. */
import { isReason, keyOf } from '@coracle/machinery';
import { Job } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { findCondition } from '../job/conditions.ts';
import { milliseconds } from '../lib/time.ts';

/** When the Job is to be deleted, in ms since 1970; undefined: not finished, being deleted, or to be kept. */
function expiryOf(job: Job): number | undefined {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const conditions = job.status?.conditions;
  const finished = findCondition(conditions, 'Complete') ?? findCondition(conditions, 'Failed');
  const at = milliseconds(finished?.lastTransitionTime);
  return at === undefined ? undefined : at + ttl * 1000;
}

export function ttlAfterFinishedController(deps: ComponentDeps): Component {
  const { client, clock } = deps;
  const jobs = deps.informers.informer(Job);
  const controller = createController(deps, {
    name: 'ttl-after-finished-controller',
    workers: 4,
    waitFor: [jobs],
    async reconcile(key) {
      const cached = jobs.byKey(key);
      const expiry = cached && expiryOf(cached);
      if (!cached || expiry === undefined) return undefined;
      if (expiry > clock.now()) return { requeueAfterMs: expiry - clock.now() };
      const { name, namespace, uid } = cached.metadata;
      try {
        // The TTL may have been raised since: decide on the newest state, and delete only that.
        const live = await client.get(Job, name, { namespace });
        const liveExpiry = expiryOf(live);
        if (live.metadata.uid !== uid || liveExpiry === undefined) return undefined;
        if (liveExpiry > clock.now()) return { requeueAfterMs: liveExpiry - clock.now() };
        await client.delete(Job, name, {
          namespace,
          propagationPolicy: 'Foreground',
          preconditions: { uid, resourceVersion: live.metadata.resourceVersion },
        });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      return undefined;
    },
  });
  const see = (job: Job): void => {
    if (expiryOf(job) !== undefined) controller.queue.add(keyOf(job));
  };
  jobs.on({ add: see, update: (_, job) => see(job) });
  return controller;
}
