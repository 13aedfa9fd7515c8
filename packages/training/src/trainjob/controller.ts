/** The wiring of the TrainJob controller: informers in, the decision's writes out. */
import type { Client } from '@coracle/client';
import {
  controllerOf,
  type Draft,
  isReason,
  keyOf,
  type KubeObject,
  type ResourceType,
} from '@coracle/machinery';
import { ConfigMap, Secret, PodGroup } from '@coracle/machinery/api';
import { type Component, createController, patchStatus } from '@coracle/operator';
import type { TrainingDeps } from '../deps.ts';
import { JobSet } from '../jobset/types.ts';
import { ownedBy } from '../lib/owner.ts';
import type { ProgressEndpoint } from '../progress/contract.ts';
import { decideTrainJob, type TrainJobDecision } from './decide.ts';
import { hostfileName, type MpiParts, sshPublicKey, sshSecretName } from './mpi.ts';
import { makeSshKey } from './ssh-key.ts';
import { ClusterTrainingRuntime, type RuntimeRef, TrainingRuntime, TrainJob } from './types.ts';

const byRuntime = 'training-runtime';

/** The controller of `trainer.kubeflow.org` TrainJobs. */
export function trainJobController(deps: TrainingDeps, progress?: ProgressEndpoint): Component {
  const { client, clock, recorder } = deps;
  const trainJobs = deps.informers.informer(TrainJob);
  const jobSets = deps.informers.informer(JobSet);
  const runtimes = deps.informers.informer(TrainingRuntime);
  const clusterRuntimes = deps.informers.informer(ClusterTrainingRuntime);
  trainJobs.addIndex(byRuntime, (job) => [runtimeKey(job.spec.runtimeRef, job.metadata.namespace)]);

  const runtimeOf = (job: TrainJob) => {
    const { kind, name } = job.spec.runtimeRef;
    const found =
      kind === TrainingRuntime.kind ? runtimes.get(name, job.metadata.namespace) : clusterRuntimes.get(name);
    return found && { labels: found.metadata.labels ?? {}, spec: found.spec };
  };
  const controller = createController(deps, {
    name: 'trainjob-controller',
    waitFor: [trainJobs, jobSets, runtimes, clusterRuntimes],
    async reconcile(key, { signal }) {
      const trainJob = trainJobs.byKey(key);
      if (!trainJob) return undefined;
      const decision = decideTrainJob({
        trainJob,
        runtime: runtimeOf(trainJob),
        jobSet: jobSets.byKey(key),
        now: clock.now(),
        progress,
      });
      if (!decision.status) return undefined;
      const say = (reason: string, message: string): void =>
        recorder.event(trainJob, 'Warning', reason, message.slice(0, 1000));
      try {
        await write(client, trainJob, decision, say);
      } catch (error) {
        if (!isReason(error, 'Conflict')) {
          say(
            'TrainJobResourcesCreationFailed',
            `TrainJob resources reconciliation failed: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
        throw error;
      }
      await patchStatus(client, TrainJob, trainJob, decision.status, { signal });
      for (const { type, reason, message } of decision.events)
        recorder.event(trainJob, type, reason, message);
      return { requeueAfterMs: decision.requeueAfterMs };
    },
  });

  const enqueue = (job: TrainJob): void => controller.queue.add(keyOf(job));
  trainJobs.on({ add: enqueue, update: (_, job) => enqueue(job) });
  const enqueueOwner = (jobSet: JobSet): void => {
    if (controllerOf(jobSet)?.kind === TrainJob.kind) controller.queue.add(keyOf(jobSet));
  };
  jobSets.on({ add: enqueueOwner, update: (_, jobSet) => enqueueOwner(jobSet), delete: enqueueOwner });
  const enqueueUsers = (runtime: KubeObject): void => {
    const { name, namespace } = runtime.metadata;
    const key = runtimeKey({ kind: runtime.kind, name }, namespace);
    for (const job of trainJobs.byIndex(byRuntime, key)) enqueue(job);
  };
  runtimes.on({ add: enqueueUsers });
  clusterRuntimes.on({ add: enqueueUsers });
  return controller;
}

function runtimeKey(ref: RuntimeRef, namespace: string | undefined): string {
  return ref.kind === TrainingRuntime.kind ? `${namespace}/${ref.name}` : ref.name;
}

/** Does all of a decision but its status. Rejects at the first write that fails; what is missing is decided again. */
async function write(
  client: Client,
  trainJob: TrainJob,
  decision: TrainJobDecision,
  say: (reason: string, message: string) => void,
): Promise<void> {
  const { name, namespace } = trainJob.metadata;
  if (decision.podGroup) {
    try {
      await createOnce(client, PodGroup, decision.podGroup);
    } catch (error) {
      // A cluster without gang scheduling runs the pods one by one.
      if (!isReason(error, 'NotFound')) throw error;
      say(
        'GangSchedulingUnavailable',
        'the cluster serves no scheduling.k8s.io/v1alpha2 PodGroups: no gang scheduling',
      );
    }
  }
  if (decision.mpi) await createMpiParts(client, trainJob, decision.mpi);
  if (decision.certificates) await createOnce(client, ConfigMap, decision.certificates);
  if (decision.createJobSet) await createOnce(client, JobSet, decision.createJobSet);
  if (decision.patchJobSet) {
    await client.patch(JobSet, name, 'merge', decision.patchJobSet, { namespace });
  }
  if (decision.deleteJobSet) {
    try {
      await client.delete(JobSet, name, { namespace, propagationPolicy: 'Background' });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}

async function createMpiParts(client: Client, trainJob: TrainJob, mpi: MpiParts): Promise<void> {
  const { name, namespace } = trainJob.metadata;
  const ownerReferences = [ownedBy(TrainJob, trainJob)];
  const key = makeSshKey();
  await createOnce(client, Secret, {
    metadata: { name: sshSecretName(name), namespace, ownerReferences },
    type: 'kubernetes.io/ssh-auth',
    immutable: true,
    data: {
      'ssh-privatekey': Buffer.from(key.privateKey).toString('base64'),
      [sshPublicKey]: Buffer.from(key.publicKey).toString('base64'),
    },
  });
  await createOnce(client, ConfigMap, {
    metadata: { name: hostfileName(name), namespace, ownerReferences },
    data: { hostfile: mpi.hostfile },
  });
}

/**
 * Creates an object that the TrainJob owns. One of that name that is its own already is taken as it is; another's is not, even
 * if it looks right: it may be left from an earlier TrainJob of this name, and on its way out.
 */
async function createOnce<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  draft: Draft<T>,
): Promise<void> {
  const { name = '', namespace, ownerReferences } = draft.metadata;
  try {
    await client.create(type, draft, { namespace });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    const there = await client.get(type, name, { namespace });
    if (controllerOf(there)?.uid === ownerReferences?.[0]?.uid) return;
    throw new Error(`${type.kind} "${name}" exists and is not of this TrainJob`, { cause: error });
  }
}
