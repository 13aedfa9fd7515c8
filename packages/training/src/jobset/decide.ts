/**
 * The pure core of the JobSet controller: from a JobSet, its child Jobs and the time to what is to be done. Level-triggered:
 * it looks at what is, so it may be stopped after any of its writes. The order of a decision's parts is the order to do
 * them in; the status comes last, and events only once it is stored.
 */
import { type Draft, parseTime } from '@coracle/machinery';
import type { Job, PersistentVolumeClaim, Service } from '@coracle/machinery/api';
import { isTrue } from '../lib/condition.ts';
import type { EventDraft } from '../lib/decision.ts';
import { type Children, countJobs, replicatedJobOf, sortChildren } from './children.ts';
import { constructClaims, constructJob, constructService } from './construct.ts';
import { type CompleteReplicatedJob, type CompleteSpec, withDefaults } from './defaults.ts';
import { applyFailurePolicy } from './failure-policy.ts';
import { jobSetManager } from './keys.ts';
import { jobName } from './names.ts';
import { StatusDraft } from './status.ts';
import type { JobSet, JobSetStatus, ReplicatedJobStatus } from './types.ts';
import { problemText, validateJobSet } from './validate.ts';

export interface JobSetInputs {
  jobSet: JobSet;
  /** Jobs this JobSet controls. */
  jobs: readonly Job[];
  /** Milliseconds since 1970. */
  now: number;
}
export interface JobSetDecision {
  /** Absent: not this controller's, or being deleted: leave everything alone. */
  status?: JobSetStatus | undefined;
  events: EventDraft[];
  deleteJobs: Job[];
  /** Made if they do not exist. */
  services: Draft<Service>[];
  claims: Draft<PersistentVolumeClaim>[];
  createJobs: Draft<Job>[];
  suspendJobs: Job[];
  /** Each with the pod template's changeable parts of its replicated job. */
  resumeJobs: { job: Job; from: CompleteReplicatedJob }[];
  /** The time to live is over: delete the JobSet (foreground). */
  expired: boolean;
  requeueAfterMs?: number | undefined;
}

export function decideJobSet({ jobSet, jobs, now }: JobSetInputs): JobSetDecision {
  const decision: JobSetDecision = {
    events: [],
    deleteJobs: [],
    services: [],
    claims: [],
    createJobs: [],
    suspendJobs: [],
    resumeJobs: [],
    expired: false,
  };
  const { managedBy } = jobSet.spec;
  if (jobSet.metadata.deletionTimestamp || (managedBy && managedBy !== jobSetManager)) return decision;
  const draft = new StatusDraft(jobSet, now);
  decision.status = draft.status;
  decision.events = draft.events;
  const spec = withDefaults(jobSet);
  const children = sortChildren(jobs, draft.status);
  const counts = countJobs(spec, children, draft.status);
  draft.status.replicatedJobsStatus = counts;

  if (isFinished(jobSet)) {
    decision.deleteJobs = notDeleted(children.active);
    expire(jobSet, now, decision);
    return decision;
  }
  const problems = validateJobSet(jobSet, spec);
  if (problems.length > 0) {
    draft.fail('InvalidSpec', problemText(problems));
    return decision;
  }
  decision.deleteJobs = notDeleted(children.previous);
  if (!spec.suspend && allReady(spec, counts)) draft.restartingEnded('JobsReady', 'all jobs are ready');
  if (children.failed.length > 0) {
    applyFailurePolicy(spec, children.failed, draft);
    return decision;
  }
  if (children.successful.length > 0 && hasSucceeded(spec, children)) {
    draft.complete();
    return decision;
  }
  if (spec.dnsHostnames) decision.services = [constructService(jobSet, spec)];
  decision.claims = constructClaims(jobSet, spec);
  startJobs(jobSet, spec, children, counts, draft, decision);
  if (spec.suspend) {
    decision.suspendJobs = children.active.filter((job) => job.spec?.suspend !== true);
    draft.set('Suspended', true, 'SuspendedJobs', 'jobset is suspended');
    draft.restartingEnded('JobSetSuspended', 'jobset is suspended');
  } else resumeJobs(spec, children, counts, draft, decision);
  return decision;
}

const isFinished = (jobSet: JobSet): boolean =>
  isTrue(jobSet.status?.conditions, 'Completed') || isTrue(jobSet.status?.conditions, 'Failed');

const notDeleted = (jobs: readonly Job[]): Job[] => jobs.filter((job) => !job.metadata.deletionTimestamp);

function expire(jobSet: JobSet, now: number, decision: JobSetDecision): void {
  const ttl = jobSet.spec.ttlSecondsAfterFinished;
  const finished = jobSet.status?.conditions?.find(
    (c) => (c.type === 'Completed' || c.type === 'Failed') && c.status === 'True',
  );
  const since = finished && parseTime(finished.lastTransitionTime);
  if (ttl === undefined || since === undefined) return;
  const left = since + ttl * 1000 - now;
  if (left <= 0) decision.expired = true;
  else decision.requeueAfterMs = left;
}

function allReady(spec: CompleteSpec, counts: readonly ReplicatedJobStatus[]): boolean {
  const wanted = spec.replicatedJobs.reduce((n, job) => n + job.replicas, 0);
  return counts.reduce((n, c) => n + c.ready + c.succeeded, 0) === wanted;
}

function hasSucceeded(spec: CompleteSpec, children: Children): boolean {
  const { operator, targetReplicatedJobs = [] } = spec.successPolicy;
  const counts = (name: string): boolean =>
    targetReplicatedJobs.length === 0 || targetReplicatedJobs.includes(name);
  const succeeded = children.successful.filter((job) => counts(replicatedJobOf(job))).length;
  if (operator === 'Any') return succeeded > 0;
  const wanted = spec.replicatedJobs
    .filter((job) => counts(job.name))
    .reduce((n, job) => n + job.replicas, 0);
  return succeeded >= wanted;
}

function startJobs(
  jobSet: JobSet,
  spec: CompleteSpec,
  children: Children,
  counts: readonly ReplicatedJobStatus[],
  draft: StatusDraft,
  decision: JobSetDecision,
): void {
  const inOrder = spec.inOrder && !spec.suspend;
  const existing = new Set(
    Object.values(children).flatMap((jobs: Job[]) => jobs.map((job) => job.metadata.name)),
  );
  // With this strategy nothing of the next run starts before everything of the last one is gone.
  const isBlocked =
    children.previous.length > 0 && spec.failurePolicy?.restartStrategy === 'BlockingRecreate';
  for (const job of spec.replicatedJobs) {
    if (!dependenciesMet(spec, job, counts)) continue;
    if (inOrder && hasStarted(job, counts)) continue;
    for (let index = 0; index < job.replicas; index++) {
      if (isBlocked || existing.has(jobName(jobSet.metadata.name, job.name, index))) continue;
      decision.createJobs.push(constructJob(jobSet, spec, job, index, draft.status));
    }
    if (inOrder) {
      startupInProgress(draft);
      return;
    }
  }
  if (inOrder) {
    draft.set(
      'StartupPolicyCompleted',
      true,
      'InOrderStartupPolicyCompleted',
      'in order startup policy has completed',
    );
  }
}

const startupInProgress = (draft: StatusDraft): void =>
  draft.set(
    'StartupPolicyInProgress',
    true,
    'InOrderStartupPolicyInProgress',
    'in order startup policy is in progress',
  );

function resumeJobs(
  spec: CompleteSpec,
  children: Children,
  counts: readonly ReplicatedJobStatus[],
  draft: StatusDraft,
  decision: JobSetDecision,
): void {
  for (const from of spec.replicatedJobs) {
    if (!dependenciesMet(spec, from, counts)) continue;
    if (spec.inOrder && hasStarted(from, counts)) continue;
    const suspended = children.active.filter(
      (job) => replicatedJobOf(job) === from.name && job.spec?.suspend === true,
    );
    decision.resumeJobs.push(...suspended.map((job) => ({ job, from })));
    if (spec.inOrder) {
      startupInProgress(draft);
      return;
    }
  }
  draft.set('Suspended', false, 'ResumeJobs', 'jobset is resumed');
}

function hasStarted(job: CompleteReplicatedJob, counts: readonly ReplicatedJobStatus[]): boolean {
  const count = counts.find((c) => c.name === job.name);
  return count !== undefined && job.replicas === count.ready + count.failed + count.succeeded;
}

function dependenciesMet(
  spec: CompleteSpec,
  job: CompleteReplicatedJob,
  counts: readonly ReplicatedJobStatus[],
): boolean {
  return (job.dependsOn ?? []).every(({ name, status }) => {
    const on = spec.replicatedJobs.find((j) => j.name === name);
    const count = counts.find((c) => c.name === name);
    if (!on || !count) return false;
    return status === 'Complete' ? count.succeeded === on.replicas : hasStarted(on, counts);
  });
}
