/** The wiring of the JobSet controller: informers in, the decision's writes out. */
import type { Client } from '@coracle/client';
import {
  controllerOf,
  deepEqual,
  type Draft,
  isReason,
  keyOf,
  type KubeObject,
  type ResourceType,
} from '@coracle/machinery';
import { Job, PersistentVolumeClaim, Service } from '@coracle/machinery/api';
import { type Component, createController, patchStatus } from '@coracle/operator';
import type { TrainingDeps } from '../deps.ts';
import { decideJobSet, type JobSetDecision } from './decide.ts';
import type { CompleteReplicatedJob } from './defaults.ts';
import { JobSet } from './types.ts';

const byOwner = 'jobset-owner';

/** The controller of `jobset.x-k8s.io` JobSets. */
export function jobSetController(deps: TrainingDeps): Component {
  const { client, clock, recorder } = deps;
  const jobSets = deps.informers.informer(JobSet);
  const jobs = deps.informers.informer(Job);
  const services = deps.informers.informer(Service);
  const claims = deps.informers.informer(PersistentVolumeClaim);
  jobs.addIndex(byOwner, (job) => {
    const owner = ownerOf(job);
    return owner ? [owner.uid] : [];
  });

  const controller = createController(deps, {
    name: 'jobset-controller',
    waitFor: [jobSets, jobs, services, claims],
    async reconcile(key, { signal }) {
      const jobSet = jobSets.byKey(key);
      if (!jobSet) return undefined;
      const decision = decideJobSet({
        jobSet,
        jobs: jobs.byIndex(byOwner, jobSet.metadata.uid),
        now: clock.now(),
      });
      if (!decision.status) return undefined;
      decision.services = decision.services.filter((s) => !services.byKey(keyOf(s)));
      decision.claims = decision.claims.filter((c) => !claims.byKey(keyOf(c)));
      const say = (reason: string, error: unknown): void =>
        recorder.event(jobSet, 'Warning', reason, error instanceof Error ? error.message : String(error));
      await write(client, jobSet, decision, say);
      if (decision.expired) {
        await ignoring('NotFound', () => removeExpired(client, jobSet));
        return undefined;
      }
      await patchStatus(client, JobSet, jobSet, decision.status, { signal });
      for (const { type, reason, message } of decision.events) recorder.event(jobSet, type, reason, message);
      return { requeueAfterMs: decision.requeueAfterMs };
    },
  });

  const enqueue = (jobSet: JobSet): void => controller.queue.add(keyOf(jobSet));
  jobSets.on({ add: enqueue, update: (_, jobSet) => enqueue(jobSet) });
  const enqueueOwner = (child: KubeObject): void => {
    const owner = ownerOf(child);
    if (owner) controller.queue.add(`${child.metadata.namespace}/${owner.name}`);
  };
  jobs.on({ add: enqueueOwner, update: (_, job) => enqueueOwner(job), delete: enqueueOwner });
  // One that an earlier JobSet of the same name left behind goes away with it, and is then missing.
  services.on({ delete: enqueueOwner });
  claims.on({ delete: enqueueOwner });
  return controller;
}

function ownerOf(child: KubeObject) {
  const owner = controllerOf(child);
  return owner?.kind === JobSet.kind && owner.apiVersion.startsWith(`${JobSet.group}/`) ? owner : undefined;
}

/** Does all of a decision but its status. Rejects at the first write that fails; what is missing is decided again. */
async function write(
  client: Client,
  jobSet: JobSet,
  decision: JobSetDecision,
  say: (reason: string, error: unknown) => void,
): Promise<void> {
  const { namespace } = jobSet.metadata;
  await Promise.all(
    decision.deleteJobs.map((job) =>
      ignoring('NotFound', () =>
        client.delete(Job, job.metadata.name, {
          namespace,
          propagationPolicy: 'Foreground',
          preconditions: { uid: job.metadata.uid },
        }),
      ),
    ),
  );
  for (const service of decision.services) {
    await create(client, Service, service, undefined, (e) => say('HeadlessServiceCreationFailed', e));
  }
  for (const claim of decision.claims) {
    await create(client, PersistentVolumeClaim, claim, undefined, (e) => say('PVCCreationFailed', e));
  }
  await Promise.all(
    decision.createJobs.map((job) =>
      create(client, Job, job, jobSet.metadata.uid, (e) => say('JobCreationFailed', e)),
    ),
  );
  await Promise.all(
    decision.suspendJobs.map((job) =>
      client.patch(Job, job.metadata.name, 'merge', { spec: { suspend: true } }, { namespace }),
    ),
  );
  for (const { job, from } of decision.resumeJobs) await resume(client, job, from);
}

/**
 * Creates an object; one of that name that is there already is taken as it is, unless `ownerUid` is given and it has another
 * owner: then it stands in the way, and this rejects.
 */
async function create<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  draft: Draft<T>,
  ownerUid: string | undefined,
  failed: (error: unknown) => void,
): Promise<void> {
  const { name = '', namespace } = draft.metadata;
  try {
    await client.create(type, draft, { namespace });
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) {
      if (ownerUid === undefined) return;
      const there = await client.get(type, name, { namespace });
      // One that is on its way out comes back as an event when it is gone.
      if (controllerOf(there)?.uid === ownerUid) return;
      const stranger = new Error(`${type.kind} "${name}" exists and is not of this ${JobSet.kind}`);
      failed(stranger);
      throw stranger;
    }
    failed(error);
    throw error;
  }
}

/** Takes over what may have changed in the pod template while the JobSet was suspended, and lets the Job run. */
async function resume(client: Client, job: Job, from: CompleteReplicatedJob): Promise<void> {
  const { name, namespace } = job.metadata;
  const now = job.spec!.template;
  const wanted = from.template.spec!.template;
  const template = {
    metadata: {
      labels: { ...now.metadata?.labels, ...wanted.metadata?.labels },
      annotations: { ...now.metadata?.annotations, ...wanted.metadata?.annotations },
    },
    spec: {
      nodeSelector: { ...now.spec?.nodeSelector, ...wanted.spec?.nodeSelector },
      tolerations: union(now.spec?.tolerations, wanted.spec?.tolerations),
      schedulingGates: union(now.spec?.schedulingGates, wanted.spec?.schedulingGates),
    },
  };
  const before = {
    metadata: { labels: now.metadata?.labels ?? {}, annotations: now.metadata?.annotations ?? {} },
    spec: {
      nodeSelector: now.spec?.nodeSelector ?? {},
      tolerations: now.spec?.tolerations ?? [],
      schedulingGates: now.spec?.schedulingGates ?? [],
    },
  };
  const isChanged = !deepEqual(before, template);
  // A Job's template may be changed only if it has never started, so it must look so.
  if (isChanged && job.status?.startTime !== undefined) {
    await client.patch(
      Job,
      name,
      'merge',
      { status: { startTime: null } },
      { namespace, subresource: 'status' },
    );
  }
  const spec = { suspend: false, ...(isChanged ? { template } : {}) };
  await client.patch(Job, name, 'merge', { spec }, { namespace });
}

function union<T>(have: readonly T[] = [], more: readonly T[] = []): T[] {
  return [...have, ...more.filter((item) => !have.some((h) => deepEqual(h, item)))];
}

async function removeExpired(client: Client, jobSet: JobSet): Promise<void> {
  const { name, namespace, uid, resourceVersion } = jobSet.metadata;
  await client.delete(JobSet, name, {
    namespace,
    propagationPolicy: 'Foreground',
    // Of this very state: the time to live may have been raised since.
    preconditions: { uid, resourceVersion },
  });
}

async function ignoring(reason: 'NotFound', run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isReason(error, reason)) throw error;
  }
}
