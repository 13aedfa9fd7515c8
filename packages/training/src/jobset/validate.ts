/**
 * What upstream's admission refuses, checked by the controller: a cluster without that admission stores such a JobSet, and
 * its owner is to hear why nothing happens. Schema rules (required fields, enums) are the API server's.
 */
import {
  dns1035Label,
  dns1123Subdomain,
  fieldErrorBody,
  goRegex,
  type FieldError,
  labelValue,
} from '@coracle/machinery';
import { coordinatorEndpoint, jobName } from './names.ts';
import type { CompleteReplicatedJob, CompleteSpec } from './defaults.ts';
import type { JobSet } from './types.ts';

const jobFailureReasons = [
  'BackoffLimitExceeded',
  'DeadlineExceeded',
  'FailedIndexes',
  'MaxFailedIndexesExceeded',
  'PodFailurePolicy',
];
const ruleName = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const podSuffix = '-abcde';

/** All problems of the spec; empty if there are none. */
export function validateJobSet(jobSet: JobSet, spec: CompleteSpec): FieldError[] {
  const problems: FieldError[] = [];
  const invalid = (field: string, badValue: unknown, detail: string | undefined): void => {
    if (detail !== undefined) problems.push({ type: 'FieldValueInvalid', field, badValue, detail });
  };
  const known = new Set(spec.replicatedJobs.map((job) => job.name));
  const mustExist = (field: string, names: readonly string[] | undefined): void => {
    names?.forEach((name, i) => {
      if (!known.has(name)) invalid(`${field}[${i}]`, name, 'is not the name of one of spec.replicatedJobs');
    });
  };

  if (spec.network?.subdomain) {
    const { subdomain } = spec.network;
    invalid('spec.network.subdomain', subdomain, dns1123Subdomain(subdomain) ?? dns1035Label(subdomain));
  }
  spec.replicatedJobs.forEach((job, i) => validateJob(jobSet, spec, job, i, invalid));
  mustExist('spec.successPolicy.targetReplicatedJobs', spec.successPolicy.targetReplicatedJobs);

  const policy = spec.failurePolicy;
  if (policy?.restartStrategy === 'InPlaceRestart') {
    invalid('spec.failurePolicy.restartStrategy', 'InPlaceRestart', 'in-place restart is not supported');
  }
  const names = new Set<string>();
  policy?.rules?.forEach((rule, i) => {
    const field = `spec.failurePolicy.rules[${i}]`;
    if (!ruleName.test(rule.name) || rule.name.length > 128) {
      invalid(`${field}.name`, rule.name, `must match ${ruleName.source} and have at most 128 characters`);
    }
    if (names.has(rule.name)) {
      problems.push({ type: 'FieldValueDuplicate', field: `${field}.name`, badValue: rule.name });
    }
    names.add(rule.name);
    mustExist(`${field}.targetReplicatedJobs`, rule.targetReplicatedJobs);
    rule.onJobFailureReasons?.forEach((reason, j) => {
      if (!jobFailureReasons.includes(reason)) {
        invalid(
          `${field}.onJobFailureReasons[${j}]`,
          reason,
          `must be one of ${jobFailureReasons.join(', ')}`,
        );
      }
    });
    rule.onJobFailureMessagePatterns?.forEach((pattern, j) => {
      invalid(`${field}.onJobFailureMessagePatterns[${j}]`, pattern, patternProblem(pattern));
    });
  });
  validateCoordinator(jobSet, spec, invalid);
  return problems;
}

/** One line for a condition or an event. */
export function problemText(problems: readonly FieldError[]): string {
  return problems.map((p) => `${p.field}: ${fieldErrorBody(p)}`).join('; ');
}

type Invalid = (field: string, badValue: unknown, detail: string | undefined) => void;

function validateJob(
  jobSet: JobSet,
  spec: CompleteSpec,
  job: CompleteReplicatedJob,
  i: number,
  invalid: Invalid,
): void {
  const field = `spec.replicatedJobs[${i}]`;
  invalid(`${field}.groupName`, job.groupName, dns1035Label(job.groupName));
  const longest = jobName(jobSet.metadata.name, job.name, Math.max(0, job.replicas - 1));
  const jobProblem = dns1035Label(longest);
  if (jobProblem !== undefined) invalid(`${field}.name`, longest, `name of its jobs: ${jobProblem}`);
  else if (job.template.spec?.completionMode === 'Indexed') {
    const pod = `${longest}-${(job.template.spec.completions ?? 1) - 1}${podSuffix}`;
    const podProblem = dns1035Label(pod);
    if (podProblem !== undefined) invalid(`${field}.name`, pod, `name of its pods: ${podProblem}`);
  }
  if ((job.template.spec?.template.spec?.containers ?? []).length === 0) {
    invalid(`${field}.template.spec.template.spec.containers`, [], 'must have at least one container');
  }
  const earlier = new Set(spec.replicatedJobs.slice(0, i).map((j) => j.name));
  job.dependsOn?.forEach(({ name }, j) => {
    if (!earlier.has(name))
      invalid(`${field}.dependsOn[${j}].name`, name, 'must be a replicated job before this one');
  });
  if (spec.inOrder && job.dependsOn) {
    invalid(`${field}.dependsOn`, job.dependsOn, 'must not be used together with startupPolicyOrder InOrder');
  }
}

function validateCoordinator(jobSet: JobSet, spec: CompleteSpec, invalid: Invalid): void {
  const { coordinator } = spec;
  if (!coordinator) return;
  const { jobIndex = 0, podIndex = 0 } = coordinator;
  const job = spec.replicatedJobs.find((j) => j.name === coordinator.replicatedJob);
  const field = 'spec.coordinator';
  if (!job) {
    invalid(
      `${field}.replicatedJob`,
      coordinator.replicatedJob,
      'is not the name of one of spec.replicatedJobs',
    );
    return;
  }
  if (jobIndex < 0 || jobIndex >= job.replicas) {
    invalid(`${field}.jobIndex`, jobIndex, `replicated job ${job.name} has ${job.replicas} jobs`);
  }
  const { completionMode, completions } = job.template.spec ?? {};
  if (completionMode !== 'Indexed' || completions === undefined) {
    invalid(`${field}.replicatedJob`, job.name, 'its jobs must be Indexed and say their completions');
  } else if (podIndex < 0 || podIndex >= completions) {
    invalid(`${field}.podIndex`, podIndex, `replicated job ${job.name} has ${completions} pods a job`);
  }
  const endpoint = coordinatorEndpoint(jobSet.metadata.name, spec);
  invalid(field, endpoint, endpoint && labelValue(endpoint));
}

const patternProblem = (pattern: string): string | undefined =>
  goRegex(pattern) ? undefined : 'must be a regular expression';
