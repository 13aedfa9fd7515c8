/**
 * The pure core of the TrainJob controller: from a TrainJob, its runtime and its JobSet to what is to be created, changed and
 * said. The JobSet is made once, and takes over changes only while it is suspended: a runtime that changes does not reach
 * into training that goes on.
 */
import { type Draft, parseTime } from '@coracle/machinery';
import type { core_v1, scheduling_v1alpha2 } from '@coracle/machinery/api';
import type { JobSet } from '../jobset/types.ts';
import { problemText } from '../jobset/validate.ts';
import { type Condition, find, isTrue, setCondition } from '../lib/condition.ts';
import type { EventDraft } from '../lib/decision.ts';
import { ownedBy } from '../lib/owner.ts';
import { certificatesName, type ProgressEndpoint } from '../progress/contract.ts';
import { build } from './build.ts';
import { trainJobManager } from './keys.ts';
import type { MpiParts } from './mpi.ts';
import type { Runtime } from './plan.ts';
import { TrainJob, type TrainJobStatus } from './types.ts';
import { validateTrainJob } from './validate.ts';

export interface TrainJobInputs {
  trainJob: TrainJob;
  /** Undefined: there is none of that name (yet). */
  runtime: Runtime | undefined;
  /** The JobSet of the TrainJob's name, whoever owns it. */
  jobSet: JobSet | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** Where training code reports its progress, if the cluster has such a server. */
  progress?: ProgressEndpoint | undefined;
}
export interface TrainJobDecision {
  /** Absent: not this controller's, or being deleted: leave everything alone. */
  status?: TrainJobStatus | undefined;
  events: EventDraft[];
  /** Made before the JobSet, if they do not exist. */
  podGroup?: Draft<scheduling_v1alpha2.PodGroup> | undefined;
  mpi?: MpiParts | undefined;
  certificates?: Draft<core_v1.ConfigMap> | undefined;
  createJobSet?: Draft<JobSet> | undefined;
  /** A merge patch. */
  patchJobSet?: { spec: object; metadata?: object } | undefined;
  deleteJobSet: boolean;
  requeueAfterMs?: number | undefined;
}

/** The kinds of runtime this controller knows, as `spec.runtimeRef.kind`. */
const runtimeKinds = ['ClusterTrainingRuntime', 'TrainingRuntime'];

export function decideTrainJob({
  trainJob,
  runtime,
  jobSet,
  now,
  progress,
}: TrainJobInputs): TrainJobDecision {
  const decision: TrainJobDecision = { events: [], deleteJobSet: false };
  const { spec, metadata } = trainJob;
  if (metadata.deletionTimestamp || (spec.managedBy && spec.managedBy !== trainJobManager)) return decision;
  const status: TrainJobStatus = { ...trainJob.status };
  decision.status = status;
  const set = (type: string, isOn: boolean, reason: string, message: string): void => {
    const wanted = { type, status: isOn ? 'True' : 'False', reason, message };
    status.conditions = [...setCondition(status.conditions ?? [], wanted, now)];
  };
  const fail = (reason: string, message: string): void => {
    set('Failed', true, reason, message);
    decision.events.push({ type: 'Warning', reason, message });
  };

  if (!isFinished(trainJob)) {
    const { apiGroup = 'trainer.kubeflow.org', kind = 'ClusterTrainingRuntime', name } = spec.runtimeRef;
    if (apiGroup !== 'trainer.kubeflow.org' || !runtimeKinds.includes(kind)) {
      fail('TrainingRuntimeNotSupported', `unsupported runtime: ${kind}.${apiGroup}`);
    } else if (!jobSet && !runtime) {
      // It may yet come: a manifest may name its runtime before it makes it.
      failed(decision, `spec.runtimeRef: ${kind} "${name}" not found`);
    } else if (jobSet && !isMine(jobSet, trainJob)) {
      failed(decision, `metadata.name: JobSet "${metadata.name}" exists and is not of this TrainJob`);
    } else if (runtime) makeObjects(trainJob, runtime, jobSet, progress, decision, fail);
  }

  if (spec.suspend) set('Suspended', true, 'Suspended', 'TrainJob is suspended');
  else if (isTrue(status.conditions, 'Suspended')) set('Suspended', false, 'Resumed', 'TrainJob is resumed');
  if (jobSet && isMine(jobSet, trainJob)) takeStatus(jobSet, status, now);
  keepDeadline(trainJob, status, now, decision, fail);
  return decision;
}

const isFinished = ({ status }: { status?: TrainJobStatus | undefined }): boolean =>
  isTrue(status?.conditions, 'Complete') || isTrue(status?.conditions, 'Failed');

const isMine = (jobSet: JobSet, trainJob: TrainJob): boolean =>
  jobSet.metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === trainJob.metadata.uid) ??
  false;

function failed(decision: TrainJobDecision, why: string): void {
  const message = `TrainJob resources reconciliation failed: ${why}`;
  decision.events.push({ type: 'Warning', reason: 'TrainJobResourcesCreationFailed', message });
}

function makeObjects(
  trainJob: TrainJob,
  runtime: Runtime,
  jobSet: JobSet | undefined,
  progress: ProgressEndpoint | undefined,
  decision: TrainJobDecision,
  fail: (reason: string, message: string) => void,
): void {
  const isSuspended = trainJob.spec.suspend ?? false;
  const wasSuspended = jobSet?.spec.suspend ?? false;
  if (jobSet && isSuspended && !wasSuspended) {
    decision.patchJobSet = { spec: { suspend: true } };
    return;
  }
  // Nothing to do while it runs; while it rests, what changes is taken over when it goes on.
  if (jobSet && isSuspended === wasSuspended) return;
  const problems = validateTrainJob(trainJob, runtime);
  if (problems.length > 0) {
    fail('InvalidSpec', problemText(problems));
    return;
  }
  const built = build(trainJob, runtime, progress);
  if (progress) {
    decision.certificates = {
      metadata: {
        name: certificatesName(trainJob.metadata.name),
        namespace: trainJob.metadata.namespace,
        ownerReferences: [ownedBy(TrainJob, trainJob)],
      },
      data: { 'ca.crt': progress.ca },
    };
  }
  decision.mpi = built.mpi;
  if (built.gangSize > 0) {
    decision.podGroup = {
      metadata: {
        name: trainJob.metadata.name,
        namespace: trainJob.metadata.namespace,
        ownerReferences: [ownedBy(TrainJob, trainJob)],
      },
      spec: {
        schedulingPolicy: { gang: { minCount: built.gangSize } },
        ...(built.priorityClassName ? { priorityClassName: built.priorityClassName } : {}),
      },
    };
  }
  const { metadata, spec } = built.jobSet;
  if (!jobSet) decision.createJobSet = built.jobSet;
  else {
    const { labels = {}, annotations = {} } = metadata;
    const { suspend, replicatedJobs } = spec;
    decision.patchJobSet = { metadata: { labels, annotations }, spec: { suspend, replicatedJobs } };
  }
}

function takeStatus(jobSet: JobSet, status: TrainJobStatus, now: number): void {
  for (const [from, to] of [
    ['Completed', 'Complete'],
    ['Failed', 'Failed'],
  ] as const) {
    const condition = find(jobSet.status?.conditions, from);
    if (condition?.status !== 'True') continue;
    // The controller's own verdict stands: the JobSet's end may be only its consequence.
    if (to === 'Failed' && isTrue(status.conditions, 'Failed')) continue;
    const wanted: Condition = { ...condition, type: to };
    status.conditions = [...setCondition(status.conditions ?? [], wanted, now)];
  }
  status.jobsStatus = (jobSet.status?.replicatedJobsStatus ?? []).map(
    ({ name, ready, succeeded, failed: ended, active, suspended }) => ({
      name,
      ready,
      succeeded,
      failed: ended,
      active,
      suspended,
    }),
  );
}

/** `activeDeadlineSeconds` counts from the creation, or from when it was last resumed. */
function keepDeadline(
  trainJob: TrainJob,
  status: TrainJobStatus,
  now: number,
  decision: TrainJobDecision,
  fail: (reason: string, message: string) => void,
): void {
  const { activeDeadlineSeconds, suspend } = trainJob.spec;
  if (!activeDeadlineSeconds || suspend || isFinished({ status })) return;
  const resumed = find(status.conditions, 'Suspended');
  const since = parseTime(
    resumed?.status === 'False' ? resumed.lastTransitionTime : trainJob.metadata.creationTimestamp,
  );
  if (since === undefined) return;
  const left = since + activeDeadlineSeconds * 1000 - now;
  if (left > 0) decision.requeueAfterMs = left;
  else {
    fail('DeadlineExceeded', 'TrainJob exceeded its active deadline');
    decision.deleteJobSet = true;
    // Time may have run out before there was anything to stop.
    delete decision.createJobSet;
    delete decision.patchJobSet;
    delete decision.podGroup;
    delete decision.mpi;
    delete decision.certificates;
  }
}
