/** Node selectors, affinity, tolerations and spreading (core/v1 validation). */
import {
  dns1123Subdomain,
  type FieldError,
  labelSelectorProblems,
  labelValue,
  qualifiedName,
} from '@coracle/machinery';
import type {
  Affinity,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '@coracle/machinery/api';
import { duplicate, forbidden, invalid, named, notSupported, oneOf, required } from './fields.ts';

function termProblems(term: NodeSelectorTerm, at: string): FieldError[] {
  const errors: FieldError[] = [];
  (term.matchExpressions ?? []).forEach((requirement, index) => {
    const field = `${at}.matchExpressions[${index}]`;
    const values = requirement.values ?? [];
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0)
          errors.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0)
          errors.push(
            forbidden(
              `${field}.values`,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          );
        break;
      case 'Gt':
      case 'Lt':
        if (values.length !== 1)
          errors.push(
            required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
          );
        break;
      default:
        errors.push(invalid(`${field}.operator`, requirement.operator, 'not a valid selector operator'));
    }
    errors.push(...named(`${field}.key`, requirement.key, qualifiedName));
    if (['In', 'NotIn'].includes(requirement.operator))
      values.forEach((value, at) => errors.push(...named(`${field}.values[${at}]`, value, labelValue)));
  });
  (term.matchFields ?? []).forEach((requirement, index) => {
    const field = `${at}.matchFields[${index}]`;
    if (!['In', 'NotIn'].includes(requirement.operator))
      errors.push(invalid(`${field}.operator`, requirement.operator, 'not a valid selector operator'));
    else if ((requirement.values ?? []).length !== 1)
      errors.push(
        required(
          `${field}.values`,
          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        ),
      );
    if (requirement.key !== 'metadata.name')
      errors.push(invalid(`${field}.key`, requirement.key, 'not a valid field selector key'));
  });
  return errors;
}

/** A node selector with at least one term. */
export function nodeSelectorProblems(selector: NodeSelector, at: string): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0)
    return [required(`${at}.nodeSelectorTerms`, 'must have at least one node selector term')];
  return terms.flatMap((term, index) => termProblems(term, `${at}.nodeSelectorTerms[${index}]`));
}

const weightProblems = (weight: number, field: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(field, weight, 'must be in the range 1-100')];

function podTermProblems(term: PodAffinityTerm, at: string): FieldError[] {
  const errors = [
    ...labelSelectorProblems(term.labelSelector, `${at}.labelSelector`),
    ...labelSelectorProblems(term.namespaceSelector, `${at}.namespaceSelector`),
  ];
  if (!term.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
  else errors.push(...named(`${at}.topologyKey`, term.topologyKey, qualifiedName));
  return errors;
}

export function affinityProblems(affinity: Affinity | undefined, at: string): FieldError[] {
  if (!affinity) return [];
  const errors: FieldError[] = [];
  const node = affinity.nodeAffinity;
  if (node?.requiredDuringSchedulingIgnoredDuringExecution)
    errors.push(
      ...nodeSelectorProblems(
        node.requiredDuringSchedulingIgnoredDuringExecution,
        `${at}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`,
      ),
    );
  (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((preferred, index) => {
    const field = `${at}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    errors.push(...weightProblems(preferred.weight, `${field}.weight`));
    errors.push(...termProblems(preferred.preference ?? {}, `${field}.preference`));
  });
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const pod = affinity[kind];
    (pod?.requiredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, index) =>
      errors.push(
        ...podTermProblems(term, `${at}.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`),
      ),
    );
    (pod?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((preferred, index) => {
      const field = `${at}.${kind}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      errors.push(...weightProblems(preferred.weight, `${field}.weight`));
      errors.push(
        ...podTermProblems(preferred.podAffinityTerm ?? { topologyKey: '' }, `${field}.podAffinityTerm`),
      );
    });
  }
  return errors;
}

const effects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

export function tolerationProblems(tolerations: readonly Toleration[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  tolerations.forEach((toleration, index) => {
    const field = `${at}[${index}]`;
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    if (key) errors.push(...named(`${field}.key`, key, qualifiedName));
    else if (operator !== 'Exists')
      errors.push(
        invalid(
          `${field}.operator`,
          operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== 'NoExecute')
      errors.push(
        invalid(
          `${field}.effect`,
          effect ?? '',
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      );
    switch (operator || 'Equal') {
      case 'Equal': {
        const problem = labelValue(value ?? '');
        if (problem) errors.push(invalid(`${field}.operator`, value, problem));
        break;
      }
      case 'Exists':
        if (value)
          errors.push(
            invalid(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'"),
          );
        break;
      case 'Lt':
      case 'Gt':
        if (!/^-?\d+$/.test(value ?? ''))
          errors.push(invalid(`${field}.operator`, value, 'value must be an integer'));
        break;
      default:
        errors.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
    }
    if (effect) errors.push(...oneOf(`${field}.effect`, effect, effects));
  });
  return errors;
}

export function spreadProblems(constraints: readonly TopologySpreadConstraint[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  constraints.forEach((constraint, index) => {
    const field = `${at}[${index}]`;
    if (constraint.maxSkew <= 0)
      errors.push(invalid(`${field}.maxSkew`, constraint.maxSkew, 'must be greater than zero'));
    if (!constraint.topologyKey) errors.push(required(`${field}.topologyKey`, 'can not be empty'));
    else errors.push(...named(`${field}.topologyKey`, constraint.topologyKey, qualifiedName));
    errors.push(
      ...oneOf(`${field}.whenUnsatisfiable`, constraint.whenUnsatisfiable, [
        'DoNotSchedule',
        'ScheduleAnyway',
      ]),
    );
    const pair = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`;
    if (seen.has(pair)) errors.push(duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, pair));
    seen.add(pair);
    if (constraint.minDomains !== undefined && constraint.minDomains !== null) {
      if (constraint.minDomains <= 0)
        errors.push(invalid(`${field}.minDomains`, constraint.minDomains, 'must be greater than zero'));
      if (constraint.whenUnsatisfiable !== 'DoNotSchedule')
        errors.push(
          invalid(
            `${field}.minDomains`,
            constraint.minDomains,
            `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${constraint.whenUnsatisfiable}`,
          ),
        );
    }
    errors.push(...oneOf(`${field}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ['Honor', 'Ignore']));
    errors.push(...oneOf(`${field}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ['Honor', 'Ignore']));
    errors.push(...labelSelectorProblems(constraint.labelSelector, `${field}.labelSelector`));
  });
  return errors;
}

export const nodeNameProblems = (field: string, name: string | undefined): FieldError[] =>
  name ? named(field, name, dns1123Subdomain) : [];
