/** What a failed child Job does to its JobSet: the first rule that matches decides; with none, all jobs are made anew. */
import { goRegex } from '@coracle/machinery';
import type { Job } from '@coracle/machinery/api';
import { labelNumber, replicatedJobOf } from './children.ts';
import type { CompleteSpec, NamedRule } from './defaults.ts';
import { jobSetKeys as keys } from './keys.ts';
import type { StatusDraft } from './status.ts';
import type { FailureAction, JobSetStatus } from './types.ts';

export function applyFailurePolicy(spec: CompleteSpec, failed: readonly Job[], draft: StatusDraft): void {
  const policy = spec.failurePolicy;
  const first = firstFailed(failed);
  if (!first) return;
  if (!policy) {
    draft.fail('FailedJobs', withJob('jobset failed due to one or more job failures', first));
    return;
  }
  const match = firstMatch(policy.rules, failed);
  const action: FailureAction = match?.rule.action ?? 'RestartJobSet';
  const job = match?.job ?? first;
  const message = withJob(`applying ${action} failure policy action`, job);
  const reason = `${action}FailurePolicyAction`;
  if (action === 'FailJobSet') {
    draft.fail(reason, message);
    return;
  }
  const counts = action === 'RestartJobSet' || action === 'RestartJob';
  if (counts && countedRestarts(draft.status) >= (policy.maxRestarts ?? 0)) {
    draft.fail('ReachedMaxRestarts', withJob('jobset failed due to reaching max number of restarts', job));
    return;
  }
  if (action === 'RestartJob' || action === 'RestartJobAndIgnoreMaxRestarts') {
    restartJob(spec, job, counts, draft.status);
  } else {
    const { status } = draft;
    status.restarts = (status.restarts ?? 0) + 1;
    if (counts) status.restartsCountTowardsMax = (status.restartsCountTowardsMax ?? 0) + 1;
    const why = match ? `FailurePolicy_${match.rule.name}` : 'DefaultFailurePolicy';
    draft.set('RestartingJobSet', true, why, message, 'Warning');
  }
  draft.events.push({ type: 'Warning', reason, message });
}

/** The rule that decides, and the job that failed first among those it matches. */
function firstMatch(
  rules: readonly NamedRule[],
  failed: readonly Job[],
): { rule: NamedRule; job: Job } | undefined {
  for (const rule of rules) {
    const job = firstFailed(failed.filter((j) => applies(rule, j)));
    if (job) return { rule, job };
  }
  return undefined;
}

function applies(rule: NamedRule, job: Job): boolean {
  const { onJobFailureReasons = [], onJobFailureMessagePatterns = [], targetReplicatedJobs = [] } = rule;
  const failure = failureOf(job);
  const { reason = '', message = '' } = failure ?? {};
  return (
    (onJobFailureReasons.length === 0 || onJobFailureReasons.includes(reason)) &&
    (onJobFailureMessagePatterns.length === 0 ||
      onJobFailureMessagePatterns.some((p) => goRegex(p)?.test(message))) &&
    (targetReplicatedJobs.length === 0 || targetReplicatedJobs.includes(replicatedJobOf(job)))
  );
}

const failureOf = (job: Job) =>
  job.status?.conditions?.find((c) => c.type === 'Failed' && c.status === 'True');

const since = (job: Job): string => failureOf(job)?.lastTransitionTime ?? '';

function firstFailed(failed: readonly Job[]): Job | undefined {
  return failed.toSorted(
    (a, b) => since(a).localeCompare(since(b)) || a.metadata.name.localeCompare(b.metadata.name),
  )[0];
}

const withJob = (message: string, job: Job): string => `${message} (first failed job: ${job.metadata.name})`;

function countedRestarts(status: JobSetStatus): number {
  const single = (status.replicatedJobsStatus ?? []).flatMap((s) => s.jobRestartsCountTowardsMax ?? []);
  return single.reduce((sum, n) => sum + n, status.restartsCountTowardsMax ?? 0);
}

function restartJob(spec: CompleteSpec, job: Job, counts: boolean, status: JobSetStatus): void {
  const name = replicatedJobOf(job);
  const index = labelNumber(job, keys.jobIndex);
  const replicas = spec.replicatedJobs.find((j) => j.name === name)?.replicas ?? 0;
  const raised = (list: readonly number[] = []): number[] =>
    Array.from({ length: replicas }, (_, i) => (list[i] ?? 0) + (i === index ? 1 : 0));
  status.replicatedJobsStatus = (status.replicatedJobsStatus ?? []).map((s) =>
    s.name === name
      ? {
          ...s,
          jobRestarts: raised(s.jobRestarts),
          ...(counts ? { jobRestartsCountTowardsMax: raised(s.jobRestartsCountTowardsMax) } : {}),
        }
      : s,
  );
}
