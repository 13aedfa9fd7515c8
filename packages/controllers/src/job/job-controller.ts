/** The live wiring of the Job controller: informers in, `decide`, writes out. */
import { isReason, keyOf, selectorFrom } from '@coracle/machinery';
import { Job } from '@coracle/machinery/api';
import type { Pod } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { namespaceIsTerminating, OwnedPods } from '../lib/owned-pods.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { defaultBackoff } from './backoff.ts';
import type { BackoffLimits, PodEnds } from './backoff.ts';
import { isFinished } from './conditions.ts';
import { builtinManager, trackingFinalizer } from './constants.ts';
import { decide } from './decide.ts';
import { inGroup, JobGangs } from './gang.ts';
import { hasTrackingFinalizer } from './pods.ts';

export interface JobControllerOptions {
  /** Delay before failed pods are replaced. */
  backoff?: BackoffLimits;
  /** Jobs in work at a time; default 8. */
  workers?: number;
  /** Least time in ms between a change of a pod and the work it leads to; 0 (default): at once. Upstream waits 1000. */
  batchMs?: number;
  /** Jobs whose pods can only work together get a pod group (`gang.ts`). Default: no. */
  gangs?: boolean;
}

/** Rounds of `decide` in one reconcile before other Jobs get a turn. */
const maxRounds = 10;
/** A Job with more pods than this waits a little, so that many changes are handled in one pass. */
const largeJob = 500;

export function jobController(deps: ComponentDeps, options: JobControllerOptions = {}): Component {
  const { clock, client, informers, recorder } = deps;
  const backoff = options.backoff ?? defaultBackoff;
  const jobs = informers.informer(Job);
  const store = new OwnedPods(deps, {
    owner: Job,
    finalizer: trackingFinalizer,
  });
  const gangs = options.gangs ? new JobGangs(deps) : undefined;
  const ownJobs = new OwnWrites(jobs, clock);
  /** By uid of the Job: what `decide` wants back. */
  const ends = new Map<string, PodEnds>();
  /** By key of the Job: its pods at the last look. */
  const sizes = new Map<string, number>();

  const reconcile = async (key: string) => {
    let failure: unknown;
    for (let round = 0; round < maxRounds; round += 1) {
      // Read again each round: the cache moves on while we write.
      const cached = jobs.byKey(key);
      const job = cached && ownJobs.newest(cached);
      if (!job || isManagedElsewhere(job)) return;
      const { uid } = job.metadata;
      if (isFinished(job)) {
        ends.delete(uid);
        await store.releaseFinalizers(store.controlledBy(uid).filter(hasTrackingFinalizer));
        return;
      }
      const pods = await store.podsOf(job, job.spec?.selector);
      sizes.set(key, pods.length);
      const view = { job, pods, now: clock.now(), ends: ends.get(uid) ?? new Map(), backoff };
      const decision = decide(view, failure === undefined);
      ends.set(uid, decision.ends);
      if (decision.create.length + decision.remove.length > 0) {
        try {
          if (decision.remove.length > 0) await store.remove(job, decision.remove);
          else {
            const group = await gangs?.groupOf(job, pods);
            await store.create(job, group === undefined ? decision.create : inGroup(decision.create, group));
          }
        } catch (error) {
          failure = error;
        }
        continue;
      }
      if (decision.status) ownJobs.wrote(await patchStatus(client, Job, job, decision.status));
      for (const event of decision.events) recorder.event(job, event.type, event.reason, event.message);
      if (decision.release.length === 0) {
        if (failure !== undefined && !namespaceIsTerminating(failure)) throw failure;
        return decision.again === undefined
          ? undefined
          : { requeueAfterMs: Math.max(0, decision.again - clock.now()) };
      }
      await store.releaseFinalizers(decision.release);
    }
    if (failure !== undefined && !namespaceIsTerminating(failure)) throw failure;
    return { requeueAfterMs: 0 };
  };

  const controller = createController(deps, {
    name: 'job-controller',
    workers: options.workers ?? 8,
    waitFor: [jobs, store.informer, ...(gangs ? [gangs.informer] : [])],
    reconcile,
  });

  /** Pods that still have the finalizer when their Job is gone: nobody will count them. */
  const orphans = createController(deps, {
    name: 'job-controller-orphans',
    workers: 4,
    waitFor: [jobs, store.informer],
    async reconcile(key) {
      const pod = store.informer.byKey(key);
      const owner = pod && store.ownerOf(pod);
      if (!pod || !hasTrackingFinalizer(pod)) return;
      if (owner) {
        const job = jobs.get(owner.name, pod.metadata.namespace);
        if (job?.metadata.uid === owner.uid) return;
        // The cache may not have it yet: ask before letting a pod go uncounted.
        try {
          const live = await client.get(Job, owner.name, { namespace: pod.metadata.namespace });
          if (live.metadata.uid === owner.uid) return;
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
      }
      await store.releaseFinalizer(pod);
    },
  });

  const wake = (key: string): void => {
    const size = sizes.get(key) ?? 0;
    const delay = Math.max(options.batchMs ?? 0, size > largeJob ? Math.min(size / 10, 1000) : 0);
    if (delay > 0) controller.queue.addAfter(key, delay);
    else controller.queue.add(key);
  };
  const podChanged = (pod: Pod): void => {
    const owner = store.ownerOf(pod);
    if (owner) wake(`${pod.metadata.namespace}/${owner.name}`);
    else if (pod.metadata.ownerReferences?.some((ref) => ref.controller) !== true) wakeMatching(pod);
  };
  const wakeMatching = (pod: Pod): void => {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    for (const job of jobs.list(pod.metadata.namespace)) {
      if (!isFinished(job) && selectorFrom(job.spec?.selector).matches(pod.metadata.labels)) {
        controller.queue.add(keyOf(job));
      }
    }
  };
  const podSeen = (pod: Pod): void => {
    podChanged(pod);
    if (!hasTrackingFinalizer(pod)) return;
    const owner = store.ownerOf(pod);
    const job = owner && jobs.get(owner.name, pod.metadata.namespace);
    if (job?.metadata.uid !== owner?.uid || !owner) orphans.queue.add(keyOf(pod));
  };
  jobs.on({
    add: (job) => controller.queue.add(keyOf(job)),
    update: (_, job) => controller.queue.add(keyOf(job)),
    delete(job) {
      ends.delete(job.metadata.uid);
      sizes.delete(keyOf(job));
      for (const pod of store.controlledBy(job.metadata.uid)) orphans.queue.add(keyOf(pod));
      controller.queue.add(keyOf(job));
    },
  });
  store.informer.on({
    add: podSeen,
    update(before, pod) {
      const owner = store.ownerOf(before);
      if (owner && owner.uid !== store.ownerOf(pod)?.uid) wake(`${pod.metadata.namespace}/${owner.name}`);
      podSeen(pod);
    },
    delete: podChanged,
  });

  return {
    name: 'job-controller',
    async start() {
      await Promise.all([controller.start(), orphans.start()]);
    },
    async stop() {
      await Promise.all([controller.stop(), orphans.stop()]);
    },
  };
}

function isManagedElsewhere(job: Job): boolean {
  const manager = job.spec?.managedBy;
  return manager !== undefined && manager !== builtinManager;
}
