/** ResourceQuotas: amounts, and scopes that fit what is limited. */
import type { FieldError, Unstructured } from '@coracle/machinery';
import type { core_v1, ScopedResourceSelectorRequirement } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { immutable, invalid, objects, required, validSpec } from './fields.ts';
import { amountProblems } from './resource-validation.ts';

const compute = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
/** Names of the API itself that a quota may limit; all others are counted whatever the scope. */
const standard = new Set([
  ...compute,
  'ephemeral-storage',
  'requests.ephemeral-storage',
  'limits.ephemeral-storage',
  'requests.storage',
  'pods',
  'services',
  'services.nodeports',
  'services.loadbalancers',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
]);
const ofPods = new Set(['pods', ...compute]);
/** What a scope can be put to, of the standard names. */
const scopes: Readonly<Record<string, ReadonlySet<string>>> = {
  BestEffort: new Set(['pods']),
  CrossNamespacePodAffinity: ofPods,
  NotBestEffort: ofPods,
  NotTerminating: ofPods,
  PriorityClass: ofPods,
  Terminating: ofPods,
  VolumeAttributesClass: new Set(['persistentvolumeclaims', 'requests.storage']),
};
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
/** Scopes that are there or not: they take no values. */
const withoutValues = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'CrossNamespacePodAffinity',
];

function fits(scope: string, spec: core_v1.ResourceQuotaSpec): boolean {
  return Object.keys(spec.hard ?? {}).every((name) => !standard.has(name) || scopes[scope]?.has(name));
}

function scopeProblems(spec: core_v1.ResourceQuotaSpec): FieldError[] {
  const errors: FieldError[] = [];
  const all = spec.scopes ?? [];
  for (const scope of all)
    if (!Object.hasOwn(scopes, scope)) errors.push(invalid('spec.scopes', all, 'unsupported scope'));
    else if (!fits(scope, spec))
      errors.push(invalid('spec.scopes', all, 'unsupported scope applied to resource'));
  for (const [one, other] of opposites)
    if (all.includes(one) && all.includes(other))
      errors.push(invalid('spec.scopes', all, 'conflicting scopes'));
  return errors;
}

function requirementProblems(
  requirement: ScopedResourceSelectorRequirement,
  spec: core_v1.ResourceQuotaSpec,
): FieldError[] {
  const at = 'spec.scopeSelector.matchExpressions';
  const { scopeName, operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (!Object.hasOwn(scopes, scopeName))
    errors.push(invalid(`${at}.scopeName`, scopeName, 'unsupported scope'));
  else if (!fits(scopeName, spec))
    errors.push(invalid(at, spec.scopeSelector, 'unsupported scope applied to resource'));
  if (withoutValues.includes(scopeName) && operator !== 'Exists')
    errors.push(
      invalid(
        `${at}.operator`,
        operator,
        `must be 'Exists' when scope is any of ${withoutValues.join(', ')}`,
      ),
    );
  const listed = operator === 'In' || operator === 'NotIn';
  if (listed && values.length === 0)
    errors.push(
      required(
        `${at}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ),
    );
  else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
    errors.push(
      invalid(
        `${at}.values`,
        values,
        "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector",
      ),
    );
  else if (!listed && operator !== 'Exists' && operator !== 'DoesNotExist')
    errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
  return errors;
}

function problems(object: Unstructured): FieldError[] {
  const spec = validSpec<core_v1.ResourceQuotaSpec>(object);
  return [
    ...amountProblems(spec.hard, 'spec.hard'),
    ...scopeProblems(spec),
    ...objects(spec.scopeSelector?.matchExpressions).flatMap((one) => requirementProblems(one, spec)),
  ];
}

export const resourceQuotas: Strategy = {
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate: problems,
  validateUpdate: (object, old) => [
    ...problems(object),
    ...immutable(
      'spec.scopes',
      validSpec<core_v1.ResourceQuotaSpec>(object).scopes,
      validSpec<core_v1.ResourceQuotaSpec>(old).scopes,
    ),
  ],
};
