/** Jobs: generated selector and labels, defaults, and what may change when. */
import { dns1123Label, type FieldError, qualifiedName, type Unstructured } from '@coracle/machinery';
import type { batch_v1, Job, ObjectMeta, PodTemplateSpec } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  immutable,
  invalid,
  isPart,
  named,
  nonNegative,
  notSupported,
  objects,
  oneOf,
  required,
  same,
  specOf,
  tooMany,
  validSpec,
} from './fields.ts';
import { podFailurePolicyProblems, successPolicyProblems } from './job-policies.ts';
import { podTemplateProblems } from './pod-validation.ts';
import { defaultTemplate } from './template.ts';

type JobSpec = batch_v1.JobSpec;

const maxInt32 = 2147483647;
const generated = (uid: string, name: string): Record<string, string> => ({
  'batch.kubernetes.io/controller-uid': uid,
  'batch.kubernetes.io/job-name': name,
  'controller-uid': uid,
  'job-name': name,
});

/** Defaults of a job's spec, alone or in a CronJob's template (where labels and selector stay as they are). */
function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions == null && spec.parallelism == null) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex == null ? 6 : maxInt32;
  spec.completionMode ||= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  if (isPart(spec.podFailurePolicy))
    for (const rule of objects(spec.podFailurePolicy.rules))
      for (const pattern of objects(rule.onPodConditions)) pattern.status ||= 'True';
  spec.podReplacementPolicy ||= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  defaultTemplate(spec.template);
}

const nameOf = (object: Unstructured): string => object.metadata.name ?? '';

/** Labels every pod of the job, and the selector that finds them; the user's own only with manualSelector. */
function generateSelector(object: Unstructured, spec: JobSpec): void {
  if (spec.manualSelector === true) return;
  const template = (spec.template ??= {} as PodTemplateSpec);
  if (!isPart(template)) return;
  const uid = object.metadata.uid ?? '';
  const labels = generated(uid, nameOf(object));
  const meta = (template.metadata ??= {} as ObjectMeta);
  // A label somebody has set by hand to another value is an error, found by validation.
  meta.labels = { ...labels, ...meta.labels };
  spec.selector ??= {};
  spec.selector.matchLabels = {
    'batch.kubernetes.io/controller-uid': uid,
    ...spec.selector.matchLabels,
  };
}

function generatedProblems(object: Unstructured, spec: JobSpec): FieldError[] {
  const labels = spec.template.metadata?.labels ?? {};
  const errors: FieldError[] = [];
  const wanted = generated(object.metadata.uid ?? '', nameOf(object));
  for (const [key, value] of Object.entries(wanted))
    if (labels[key] !== value)
      errors.push(invalid(`spec.template.metadata.labels`, labels, `must be '${value}' for label ${key}`));
  const match = Object.keys(spec.selector?.matchLabels ?? {}).filter(
    (key) => key !== 'controller-uid' && key !== 'batch.kubernetes.io/controller-uid',
  );
  if (match.length > 0 || (spec.selector?.matchExpressions ?? []).length > 0)
    errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  return errors;
}

const largestIndexed = 100_000;
const largestParallel = 100_000;

/** Checks of a job spec at path `at` (`spec`, or a CronJob's `spec.jobTemplate.spec`). */
export function jobSpecProblems(spec: JobSpec, at: string, name: string | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const)
    errors.push(...nonNegative(`${at}.${key}`, spec[key]));
  errors.push(...oneOf(`${at}.completionMode`, spec.completionMode, ['Indexed', 'NonIndexed']));
  const indexed = spec.completionMode === 'Indexed';
  if (indexed) {
    if (spec.completions == null)
      errors.push(required(`${at}.completions`, 'when completion mode is Indexed'));
    if ((spec.parallelism ?? 0) > largestParallel)
      errors.push(
        invalid(
          `${at}.parallelism`,
          spec.parallelism,
          `must be less than or equal to ${largestParallel} when completion mode is Indexed`,
        ),
      );
    if (spec.backoffLimitPerIndex != null && (spec.completions ?? 0) > largestIndexed) {
      if (spec.maxFailedIndexes == null)
        errors.push(required(`${at}.maxFailedIndexes`, `must be specified when completions is above 100000`));
      else if (spec.maxFailedIndexes > 10_000)
        errors.push(
          invalid(
            `${at}.maxFailedIndexes`,
            spec.maxFailedIndexes,
            'must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
          ),
        );
    }
    if (name !== undefined && spec.completions != null && spec.completions > 0) {
      // The last pod's host name must be a label.
      const problem = dns1123Label(`${name}-${spec.completions - 1}`);
      if (problem)
        errors.push(
          invalid(
            'metadata.name',
            name,
            `will not able to create pod with invalid DNS label: ${name}-${spec.completions - 1}`,
          ),
        );
    }
  } else if (spec.backoffLimitPerIndex != null)
    errors.push(
      invalid(`${at}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'),
    );
  if (spec.backoffLimitPerIndex == null && spec.maxFailedIndexes != null)
    errors.push(required(`${at}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  if (spec.maxFailedIndexes != null && spec.completions != null && spec.maxFailedIndexes > spec.completions)
    errors.push(
      invalid(`${at}.maxFailedIndexes`, spec.maxFailedIndexes, 'must be less than or equal to completions'),
    );
  if (spec.managedBy != null) {
    errors.push(...named(`${at}.managedBy`, spec.managedBy, qualifiedName));
    if (spec.managedBy.length > 63) errors.push(tooMany(`${at}.managedBy`, spec.managedBy.length, 63));
  }
  errors.push(...podFailurePolicyProblems(spec, at));
  errors.push(...successPolicyProblems(spec, at));
  errors.push(
    ...oneOf(`${at}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed', 'TerminatingOrFailed']),
  );
  if (spec.podFailurePolicy && spec.podReplacementPolicy === 'TerminatingOrFailed')
    errors.push(notSupported(`${at}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed']));
  errors.push(...podTemplateProblems(spec.template, `${at}.template`));
  const restart = spec.template?.spec?.restartPolicy;
  if (restart === 'Always')
    errors.push(required(`${at}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  else if (restart !== 'OnFailure' && restart !== 'Never')
    errors.push(notSupported(`${at}.template.spec.restartPolicy`, restart, ['Never', 'OnFailure']));
  else if (spec.podFailurePolicy && restart !== 'Never')
    errors.push(
      invalid(
        `${at}.template.spec.restartPolicy`,
        restart,
        'only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  else if (spec.backoffLimitPerIndex != null && restart !== 'Never')
    errors.push(
      invalid(
        `${at}.template.spec.restartPolicy`,
        restart,
        'may not be "OnFailure" when backoffLimitPerIndex is set',
      ),
    );
  return errors;
}

/** The template with the directives a suspended job may change put back to the old ones. */
function settledTemplate(
  template: PodTemplateSpec | undefined,
  old: PodTemplateSpec,
): PodTemplateSpec | undefined {
  const spec = template?.spec;
  if (!spec || !old.spec) return template;
  return {
    metadata: {
      ...template.metadata,
      annotations: old.metadata?.annotations,
      labels: old.metadata?.labels,
    },
    spec: {
      ...spec,
      affinity:
        spec.affinity || old.spec.affinity
          ? { ...spec.affinity, nodeAffinity: old.spec.affinity?.nodeAffinity }
          : undefined,
      nodeSelector: old.spec.nodeSelector,
      tolerations: old.spec.tolerations,
      schedulingGates: old.spec.schedulingGates,
      containers: (spec.containers ?? []).map((container, index) => ({
        ...container,
        resources: old.spec?.containers[index]?.resources,
      })),
      initContainers: spec.initContainers?.map((container, index) => ({
        ...container,
        resources: old.spec?.initContainers?.[index]?.resources,
      })),
    },
  };
}

function validateUpdate(object: Unstructured, oldObject: Unstructured): FieldError[] {
  const job = object as unknown as Job;
  const before = oldObject as unknown as Job;
  const spec = validSpec<JobSpec>(object);
  const old = validSpec<JobSpec>(oldObject);
  const errors = jobSpecProblems(spec, 'spec', undefined);
  // An indexed job is elastic: completions may change together with parallelism.
  const elastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  if (!elastic || spec.completions == null || old.completions == null)
    errors.push(...immutable('spec.completions', spec.completions ?? null, old.completions ?? null));
  errors.push(...immutable('spec.selector', spec.selector, old.selector));
  const suspended = old.suspend === true && before.status?.startTime == null && spec.suspend === true;
  const starting = old.suspend === true && before.status?.startTime == null;
  const comparable = suspended || starting ? settledTemplate(spec.template, old.template) : spec.template;
  errors.push(
    ...(same(comparable, old.template)
      ? []
      : [invalid('spec.template', spec.template, 'field is immutable')]),
  );
  for (const key of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const)
    errors.push(...immutable(`spec.${key}`, spec[key], old[key]));
  if (job.metadata.name !== before.metadata.name)
    errors.push(...immutable('metadata.name', job.metadata.name, before.metadata.name));
  return errors;
}

const conditionTrue = (job: Job, type: string): boolean =>
  (job.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');

function validateStatusUpdate(object: Unstructured, oldObject: Unstructured): FieldError[] {
  const job = object as unknown as Job;
  const old = oldObject as unknown as Job;
  const status = job.status;
  const errors: FieldError[] = [];
  if (!status) return errors;
  for (const key of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    errors.push(...nonNegative(`status.${key}`, status[key]));
  const complete = conditionTrue(job, 'Complete');
  const failed = conditionTrue(job, 'Failed');
  if (complete && failed)
    errors.push(
      invalid('status.conditions', 'Complete', 'cannot set Complete=True and Failed=true conditions'),
    );
  for (const type of ['Complete', 'Failed'])
    if (conditionTrue(old, type) && !conditionTrue(job, type))
      errors.push(invalid('status.conditions', type, `cannot disable the terminal ${type}=True condition`));
  if (status.completionTime && !complete)
    errors.push(
      invalid(
        'status.completionTime',
        status.completionTime,
        'cannot set completionTime when there is no Complete=True condition',
      ),
    );
  if (complete && !status.completionTime)
    errors.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
  if ((complete || failed) && (status.active ?? 0) > 0)
    errors.push(invalid('status.active', status.active, 'active>0 is invalid for finished job'));
  const uncounted = status.uncountedTerminatedPods;
  if (
    (complete || failed) &&
    uncounted &&
    (uncounted.failed ?? []).length + (uncounted.succeeded ?? []).length > 0
  )
    errors.push(
      invalid(
        'status.uncountedTerminatedPods',
        uncounted,
        'uncountedTerminatedPods needs to be empty for finished job',
      ),
    );
  return errors;
}

export const jobs: Strategy = {
  defaults(object) {
    const spec = specOf<JobSpec>(object);
    if (isPart(spec)) defaultJobSpec(spec);
  },
  prepareForCreate(object) {
    const spec = specOf<JobSpec>(object);
    if (!isPart(spec)) return;
    const bare = Object.keys(object.metadata.labels ?? {}).length === 0;
    generateSelector(object, spec);
    const labels = spec.template?.metadata?.labels;
    if (bare && isPart(labels) && Object.keys(labels).length > 0) object.metadata.labels = { ...labels };
    object['status'] = {};
  },
  prepareForUpdate(object, old) {
    object['status'] = old['status'];
  },
  validate(object) {
    const spec = validSpec<JobSpec>(object);
    const errors = jobSpecProblems(spec, 'spec', nameOf(object));
    if (spec.manualSelector === true) {
      if (!spec.selector) errors.push(required('spec.selector'));
    } else errors.push(...generatedProblems(object, spec));
    return errors;
  },
  validateUpdate,
  validateStatusUpdate,
  fields: {
    'status.successful': (object) => String((object as unknown as Job).status?.succeeded ?? 0),
  },
  // batch/v1 keeps the old habit: without a policy its pods stay.
  defaultPropagation: 'Orphan',
  deleteWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
};
