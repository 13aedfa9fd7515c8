/** A job's podFailurePolicy and successPolicy (batch/v1 validation). */
import { dns1123Label, type FieldError, qualifiedName } from '@coracle/machinery';
import type { batch_v1 } from '@coracle/machinery/api';
import { duplicate, invalid, named, oneOf, required, tooLong, tooMany } from './fields.ts';

type JobSpec = batch_v1.JobSpec;

export function podFailurePolicyProblems(spec: JobSpec, base: string): FieldError[] {
  const policy = spec.podFailurePolicy;
  if (!policy) return [];
  const errors: FieldError[] = [];
  const at = `${base}.podFailurePolicy.rules`;
  const rules = policy.rules ?? [];
  if (rules.length > 20) errors.push(tooMany(at, rules.length, 20));
  const containers = new Set(
    [...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map(
      (c) => c.name,
    ),
  );
  rules.forEach((rule, index) => {
    const field = `${at}[${index}]`;
    if (!rule.action)
      errors.push(required(`${field}.action`, 'valid values: ["Count" "FailIndex" "FailJob" "Ignore"]'));
    else if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex == null)
      errors.push(invalid(`${field}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'));
    else errors.push(...oneOf(`${field}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore']));
    const conditions = rule.onPodConditions ?? [];
    const codes = rule.onExitCodes;
    if (codes && conditions.length > 0)
      errors.push(invalid(field, rule, 'specifying both OnExitCodes and OnPodConditions is not supported'));
    if (!codes && conditions.length === 0)
      errors.push(invalid(field, rule, 'specifying one of OnExitCodes and OnPodConditions is required'));
    if (codes) {
      const place = `${field}.onExitCodes`;
      if (codes.containerName) {
        errors.push(...named(`${place}.containerName`, codes.containerName, dns1123Label));
        if (!containers.has(codes.containerName))
          errors.push(
            invalid(
              `${place}.containerName`,
              codes.containerName,
              'must be one of the container or initContainer names in the pod template',
            ),
          );
      }
      if (!codes.operator) errors.push(required(`${place}.operator`, 'valid values: ["In" "NotIn"]'));
      else errors.push(...oneOf(`${place}.operator`, codes.operator, ['In', 'NotIn']));
      const values = codes.values ?? [];
      if (values.length === 0)
        errors.push(invalid(`${place}.values`, values, 'at least one value is required'));
      if (values.length > 255) errors.push(tooMany(`${place}.values`, values.length, 255));
      values.forEach((value, position) => {
        const where = `${place}.values[${position}]`;
        if (codes.operator === 'In' && value === 0)
          errors.push(invalid(where, value, 'must not be 0 for the In operator'));
        if (position > 0 && value < (values[position - 1] ?? 0))
          errors.push(invalid(`${place}.values`, values, 'must be ordered'));
        if (values.indexOf(value) < position) errors.push(duplicate(where, value));
      });
    }
    if (conditions.length > 20) errors.push(tooMany(`${field}.onPodConditions`, conditions.length, 20));
    conditions.forEach((pattern, position) => {
      const place = `${field}.onPodConditions[${position}]`;
      if (!pattern.type) errors.push(required(`${place}.type`));
      else errors.push(...named(`${place}.type`, pattern.type, qualifiedName));
      errors.push(...oneOf(`${place}.status`, pattern.status, ['False', 'True', 'Unknown']));
    });
  });
  return errors;
}

function indexesProblem(text: string, completions: number): string | undefined {
  let last = -1;
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) return `cannot convert string to integer for index: "${part}"`;
    const first = Number(match[1]);
    const end = match[2] === undefined ? first : Number(match[2]);
    if (first <= last) return `non-increasing order, previous: ${last}, current: ${first}`;
    if (match[2] !== undefined && end <= first)
      return `non-increasing order, previous: ${first}, current: ${end}`;
    if (end >= completions) return `too large index: "${end}"`;
    last = end;
  }
  return undefined;
}

export function successPolicyProblems(spec: JobSpec, base: string): FieldError[] {
  const policy = spec.successPolicy;
  if (!policy) return [];
  const at = `${base}.successPolicy`;
  if (spec.completionMode !== 'Indexed') return [invalid(at, policy, 'requires indexed completion mode')];
  const errors: FieldError[] = [];
  const rules = policy.rules ?? [];
  if (rules.length === 0)
    errors.push(
      required(`${at}.rules`, 'at least one rules must be specified when the successPolicy is specified'),
    );
  if (rules.length > 20) errors.push(tooMany(`${at}.rules`, rules.length, 20));
  const completions = spec.completions ?? 0;
  rules.forEach((rule, index) => {
    const field = `${at}.rules[${index}]`;
    const { succeededCount: count, succeededIndexes: indexes } = rule;
    if (count == null && indexes == null)
      errors.push(required(field, 'at least one of succeededCount or succeededIndexes must be specified'));
    let selected = completions;
    if (indexes != null) {
      if (indexes.length > 65_536) errors.push(tooLong(`${field}.succeededIndexes`, 65_536));
      const problem = indexesProblem(indexes, completions);
      if (problem)
        errors.push(
          invalid(`${field}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${problem}`),
        );
      else
        selected = indexes.split(',').reduce((sum, part) => {
          const [first = 0, end = first] = part.split('-').map(Number);
          return sum + end - first + 1;
        }, 0);
    }
    if (count != null) {
      if (count < 0)
        errors.push(invalid(`${field}.succeededCount`, count, 'must be greater than or equal to 0'));
      if (count > completions)
        errors.push(
          invalid(
            `${field}.succeededCount`,
            count,
            `must be less than or equal to ${completions} (the number of specified completions)`,
          ),
        );
      if (indexes != null && count > selected)
        errors.push(
          invalid(
            `${field}.succeededCount`,
            count,
            `must be less than or equal to ${selected} (the number of indexes in the specified succeededIndexes field)`,
          ),
        );
    }
  });
  return errors;
}
