/** The live wiring of CronJobs. */
import { controllerOf, deepEqual, isReason, keyOf } from '@coracle/machinery';
import { CronJob, Job } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { controllerUid, isOfType } from '../lib/claim.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { planCronJob, referenceTo } from './decide.ts';

const ownerIndex = 'cronjob-controller/owner';

export function cronJobController(deps: ComponentDeps): Component {
  const { client, clock, recorder } = deps;
  const cronJobs = deps.informers.informer(CronJob);
  const jobs = deps.informers.informer(Job);
  jobs.addIndex(ownerIndex, (job) => controllerUid(job, CronJob));
  const ownJobs = new OwnWrites(jobs, clock);
  const ownCronJobs = new OwnWrites(cronJobs, clock);

  const controller = createController(deps, {
    name: 'cronjob-controller',
    workers: 5,
    waitFor: [cronJobs, jobs],
    async reconcile(key) {
      const cached = cronJobs.byKey(key);
      const cronJob = cached && ownCronJobs.newest(cached);
      if (!cronJob) return undefined;
      const { uid, namespace } = cronJob.metadata;
      const owned = ownJobs.list(jobs.byIndex(ownerIndex, uid), uid);
      const plan = planCronJob({ cronJob, jobs: owned, now: clock.now() });
      for (const job of plan.remove) {
        const { name } = job.metadata;
        try {
          const left = await client.delete(Job, name, {
            namespace,
            propagationPolicy: 'Background',
            preconditions: { uid: job.metadata.uid },
          });
          if (left) ownJobs.wrote(left);
          else ownJobs.gone(job);
          recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
        }
      }
      const draft = plan.create;
      if (draft) {
        try {
          const job = await ownJobs.create(uid, () => client.create(Job, draft, { namespace }));
          recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
          plan.status.active = [...(plan.status.active ?? []), referenceTo(job)];
        } catch (error) {
          // Already there: it was started before a restart of ours could note it.
          if (!isReason(error, 'AlreadyExists')) {
            const message = `Error creating job: ${error instanceof Error ? error.message : error}`;
            recorder.event(cronJob, 'Warning', 'FailedCreate', message);
            throw error;
          }
        }
      }
      if (!deepEqual(plan.status, cronJob.status ?? {})) {
        ownCronJobs.wrote(await patchStatus(client, CronJob, cronJob, plan.status));
      }
      for (const { type, reason, message } of plan.events) recorder.event(cronJob, type, reason, message);
      return plan.again === undefined ? undefined : { requeueAfterMs: Math.max(0, plan.again - clock.now()) };
    },
  });
  const seeJob = (job: Job): void => {
    const owner = controllerOf(job);
    if (owner && isOfType(owner, CronJob)) controller.queue.add(`${job.metadata.namespace}/${owner.name}`);
  };
  cronJobs.on({
    add: (cronJob) => controller.queue.add(keyOf(cronJob)),
    update: (_, cronJob) => controller.queue.add(keyOf(cronJob)),
  });
  jobs.on({ add: seeJob, update: (_, job) => seeJob(job), delete: seeJob });
  return controller;
}
