/** Webhook configurations and admission policies: the defaults clients see. */
import { type FieldError, qualifiedName, type Unstructured } from '@coracle/machinery';
import type { admissionregistration_v1 } from '@coracle/machinery/api';
import { compileAdmissionCondition } from '@coracle/machinery/cel';
import type { Strategy } from '../contracts.ts';
import {
  duplicate,
  invalid,
  isPart,
  named,
  objects,
  oneOf,
  required,
  same,
  specOf,
  tooMany,
  validSpec,
} from './fields.ts';

type Webhook = admissionregistration_v1.MutatingWebhook;

function defaultRules(rules: { scope?: string | undefined }[] | undefined): void {
  for (const rule of objects(rules)) rule.scope ??= '*';
}

function defaultWebhook(webhook: Webhook, mutating: boolean): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  if (mutating) webhook.reinvocationPolicy ??= 'Never';
  const service = webhook.clientConfig?.service;
  if (isPart(service)) service.port ??= 443;
  defaultRules(webhook.rules);
}

/** Conditions that were stored are valid; only new or changed ones are compiled. */
function conditionProblems(
  field: string,
  conditions: readonly admissionregistration_v1.MatchCondition[] | undefined,
): FieldError[] {
  const list = objects(conditions);
  if (list.length > 64) return [tooMany(field, list.length, 64)];
  const names = new Set<string>();
  return list.flatMap(({ name, expression }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = name ? named(`${at}.name`, name, qualifiedName) : [required(`${at}.name`)];
    const text = expression?.trim() ?? '';
    const { error } = text === '' ? {} : compileAdmissionCondition(text);
    if (text === '') errors.push(required(`${at}.expression`));
    else if (error !== undefined) errors.push(invalid(`${at}.expression`, text, error));
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    return errors;
  });
}

function webhookProblems(object: Unstructured, old?: Unstructured): FieldError[] {
  const before = objects(old?.['webhooks'] as Webhook[] | undefined);
  const errors: FieldError[] = [];
  const names = new Set<string>();
  ((object['webhooks'] ?? []) as Webhook[]).forEach((webhook, index) => {
    const field = `webhooks[${index}]`;
    if (!webhook.name) errors.push(required(`${field}.name`));
    else if (webhook.name.split('.').length < 3)
      errors.push(
        invalid(
          `${field}.name`,
          webhook.name,
          'should be a domain with at least three segments separated by dots',
        ),
      );
    if (names.has(webhook.name)) errors.push(duplicate(`${field}.name`, webhook.name));
    names.add(webhook.name);
    if ((webhook.admissionReviewVersions ?? []).length === 0)
      errors.push(required(`${field}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
    else if (!webhook.admissionReviewVersions.some((version) => version === 'v1' || version === 'v1beta1'))
      errors.push(
        invalid(
          `${field}.admissionReviewVersions`,
          webhook.admissionReviewVersions,
          'must include at least one of v1, v1beta1',
        ),
      );
    if (!webhook.sideEffects)
      errors.push(required(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
    else errors.push(...oneOf(`${field}.sideEffects`, webhook.sideEffects, ['None', 'NoneOnDryRun']));
    const stored = before.find(({ name }) => name === webhook.name)?.matchConditions;
    if (!same(stored, webhook.matchConditions))
      errors.push(...conditionProblems(`${field}.matchConditions`, webhook.matchConditions));
    errors.push(...oneOf(`${field}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore']));
    errors.push(...oneOf(`${field}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']));
    const seconds = webhook.timeoutSeconds;
    if (seconds != null && (seconds < 1 || seconds > 30))
      errors.push(
        invalid(`${field}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'),
      );
    const { url, service } = webhook.clientConfig ?? {};
    if ((url === undefined) === (service === undefined))
      errors.push(required(`${field}.clientConfig`, 'exactly one of url or service is required'));
  });
  return errors;
}

const webhookStrategy = (mutating: boolean): Strategy => ({
  defaults(object) {
    for (const webhook of objects(object['webhooks'] as Webhook[] | undefined))
      defaultWebhook(webhook, mutating);
  },
  validate: (object) => webhookProblems(object),
  validateUpdate: webhookProblems,
});
export const mutatingWebhooks: Strategy = webhookStrategy(true);
export const validatingWebhooks: Strategy = webhookStrategy(false);

function defaultMatch(match: admissionregistration_v1.MatchResources | undefined): void {
  if (!isPart(match)) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

type PolicySpec = admissionregistration_v1.ValidatingAdmissionPolicySpec;

export const admissionPolicies: Strategy = {
  defaults(object) {
    const spec = specOf<PolicySpec>(object);
    if (!isPart(spec)) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatch(spec.matchConstraints);
  },
};

export const validatingAdmissionPolicies: Strategy = {
  ...admissionPolicies,
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate(object) {
    const spec = validSpec<PolicySpec>(object);
    const errors: FieldError[] = [];
    if ((spec.validations ?? []).length + (spec.auditAnnotations ?? []).length === 0)
      errors.push(
        required(
          'spec.validations',
          'validations or auditAnnotations must be non-empty; otherwise, no policy can be enforced',
        ),
      );
    (spec.validations ?? []).forEach((validation, index) => {
      if (!validation.expression?.trim())
        errors.push(required(`spec.validations[${index}].expression`, 'expression is not specified'));
    });
    if (!spec.matchConstraints) errors.push(required('spec.matchConstraints'));
    else if ((spec.matchConstraints.resourceRules ?? []).length === 0)
      errors.push(required('spec.matchConstraints.resourceRules'));
    return errors;
  },
};

export const policyBindings: Strategy = {
  defaults(object) {
    const spec = specOf<admissionregistration_v1.MutatingAdmissionPolicyBindingSpec>(object);
    if (isPart(spec)) defaultMatch(spec.matchResources);
  },
};
