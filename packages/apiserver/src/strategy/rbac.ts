/** Roles and bindings: their subjects' groups, and the role a binding names, which never changes. */
import { type FieldError, pathSegmentName, type Unstructured } from '@coracle/machinery';
import type { ClusterRole, rbac_v1, RoleBinding } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { forbidden, invalid, isPart, notSupported, objects, required, same } from './fields.ts';

const group = 'rbac.authorization.k8s.io';

const none = (list: string[] | undefined): boolean => (list ?? []).length === 0;

function ruleProblems(rule: rbac_v1.PolicyRule, field: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (none(rule.verbs)) errors.push(required(`${field}.verbs`, 'verbs must contain at least one value'));
  if (!none(rule.nonResourceURLs)) {
    if (namespaced)
      errors.push(
        invalid(
          `${field}.nonResourceURLs`,
          rule.nonResourceURLs,
          'namespaced rules cannot apply to non-resource URLs',
        ),
      );
    if (!none(rule.apiGroups) || !none(rule.resources) || !none(rule.resourceNames))
      errors.push(
        invalid(
          `${field}.nonResourceURLs`,
          rule.nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        ),
      );
    return errors;
  }
  if (none(rule.apiGroups))
    errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  if (none(rule.resources))
    errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

const roleProblems =
  (namespaced: boolean) =>
  (object: Unstructured): FieldError[] => {
    const role = object as unknown as ClusterRole;
    const errors = (role.rules ?? []).flatMap((rule, index) =>
      ruleProblems(rule, `rules[${index}]`, namespaced),
    );
    if (role.aggregationRule && (role.aggregationRule.clusterRoleSelectors ?? []).length === 0)
      errors.push(
        required(
          'aggregationRule.clusterRoleSelectors',
          'at least one clusterRoleSelector required if aggregationRule is non-nil',
        ),
      );
    return errors;
  };

const roleStrategy = (namespaced: boolean): Strategy => ({
  nameProblem: pathSegmentName,
  validate: roleProblems(namespaced),
  validateUpdate: roleProblems(namespaced),
});
export const roles: Strategy = roleStrategy(true);
export const clusterRoles: Strategy = roleStrategy(false);

function bindingProblems(object: Unstructured, namespaced: boolean): FieldError[] {
  const binding = object as unknown as RoleBinding;
  const errors: FieldError[] = [];
  const ref = binding.roleRef ?? { kind: '', name: '' };
  if (ref.apiGroup !== group) errors.push(notSupported('roleRef.apiGroup', ref.apiGroup, [group]));
  const kinds = namespaced ? ['ClusterRole', 'Role'] : ['ClusterRole'];
  if (!kinds.includes(ref.kind)) errors.push(notSupported('roleRef.kind', ref.kind, kinds));
  if (!ref.name) errors.push(required('roleRef.name'));
  else {
    const problem = pathSegmentName(ref.name);
    if (problem) errors.push(invalid('roleRef.name', ref.name, problem));
  }
  (binding.subjects ?? []).forEach((subject, index) => {
    const field = `subjects[${index}]`;
    if (!subject.name) errors.push(required(`${field}.name`));
    switch (subject.kind) {
      case 'ServiceAccount':
        if (subject.apiGroup) errors.push(notSupported(`${field}.apiGroup`, subject.apiGroup, ['']));
        if (!subject.namespace && !namespaced) errors.push(required(`${field}.namespace`));
        break;
      case 'User':
      case 'Group':
        if (subject.apiGroup !== group)
          errors.push(notSupported(`${field}.apiGroup`, subject.apiGroup, [group]));
        if (subject.namespace)
          errors.push(
            forbidden(`${field}.namespace`, `may not be specified for subjects of kind ${subject.kind}`),
          );
        break;
      default:
        errors.push(notSupported(`${field}.kind`, subject.kind, ['Group', 'ServiceAccount', 'User']));
    }
  });
  return errors;
}

const bindingStrategy = (namespaced: boolean): Strategy => ({
  nameProblem: pathSegmentName,
  defaults(object) {
    const binding = object as unknown as RoleBinding;
    if (isPart(binding.roleRef)) binding.roleRef.apiGroup ||= group;
    for (const subject of objects(binding.subjects)) {
      if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= group;
      else if (
        subject.kind === 'ServiceAccount' &&
        namespaced &&
        !subject.namespace &&
        object.metadata.namespace
      )
        subject.namespace = object.metadata.namespace;
    }
  },
  validate: (object) => bindingProblems(object, namespaced),
  validateUpdate(object, old) {
    const errors = bindingProblems(object, namespaced);
    if (!same(object['roleRef'], old['roleRef']))
      errors.push(invalid('roleRef', object['roleRef'], 'cannot change roleRef'));
    return errors;
  },
});
export const roleBindings: Strategy = bindingStrategy(true);
export const clusterRoleBindings: Strategy = bindingStrategy(false);
