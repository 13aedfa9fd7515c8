/**
 * Nobody grants more than they have: who writes a role must already hold its rules (or the verb `escalate`), who writes a
 * binding must hold the rules of the role it names (or the verb `bind`).
 */
import { errors, type Unstructured } from '@coracle/machinery';
import type { ClusterRole, Role, RoleBinding } from '@coracle/machinery/api';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import type { RbacAuthorizer } from './authorizer.ts';
import { type PolicyRule, resourceCovered, urlCovered } from './rbac.ts';

const includes = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(value));

/** One verb on one resource (or path): the unit in which coverage is decided. */
function* atoms(rule: PolicyRule): Generator<PolicyRule> {
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) yield { verbs: [verb], nonResourceURLs: [url] };
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames ?? [];
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (names.length === 0) yield base;
        for (const name of names) yield { ...base, resourceNames: [name] };
      }
    }
  }
}

function holds(owned: PolicyRule, atom: PolicyRule): boolean {
  if (!includes(owned.verbs, atom.verbs[0] ?? '')) return false;
  const url = atom.nonResourceURLs?.[0];
  if (url !== undefined) return urlCovered(owned, url);
  const [resource = '', subresource = ''] = (atom.resources?.[0] ?? '').split('/');
  return (
    includes(owned.apiGroups, atom.apiGroups?.[0] ?? '') &&
    resourceCovered(owned, resource, subresource) &&
    (!owned.resourceNames ||
      owned.resourceNames.length === 0 ||
      (atom.resourceNames !== undefined && owned.resourceNames.includes(atom.resourceNames[0] ?? '')))
  );
}

/** The parts of `wanted` that `owned` does not cover, smallest units. */
function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing: PolicyRule[] = [];
  for (const rule of wanted)
    for (const atom of atoms(rule)) if (!owned.some((own) => holds(own, atom))) missing.push(atom);
  return missing;
}

const list = (values: readonly string[]): string => `[${values.map((v) => JSON.stringify(v)).join(' ')}]`;

/** A rule the way upstream prints it in the refusal: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
function printed(rule: PolicyRule): string {
  const parts: string[] = [];
  if (rule.nonResourceURLs) parts.push(`NonResourceURLs:${list(rule.nonResourceURLs)}`);
  if (rule.apiGroups) parts.push(`APIGroups:${list(rule.apiGroups)}`);
  if (rule.resources) parts.push(`Resources:${list(rule.resources)}`);
  if (rule.resourceNames) parts.push(`ResourceNames:${list(rule.resourceNames)}`);
  parts.push(`Verbs:${list(rule.verbs)}`);
  return `{${parts.join(', ')}}`;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function refuse(request: AdmissionRequest, missing: readonly PolicyRule[]): void {
  if (missing.length === 0) return;
  const { user } = request;
  const groups = user.groups.map((name) => JSON.stringify(name)).join(' ');
  throw errors.forbidden(
    request,
    request.name,
    `user ${JSON.stringify(user.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n` +
      missing.map(printed).join('\n'),
  );
}

/** As an admission plugin on the four RBAC kinds, run after the mutating ones. */
export function escalationPrevention(authorizer: RbacAuthorizer): AdmissionPlugin {
  const may = (request: AdmissionRequest, verb: string, resource: string, name: string): boolean =>
    authorizer.authorize({ ...request, verb, resource, subresource: '', name }).allowed;

  return {
    name: 'RBACEscalation',
    validate(request) {
      if (request.group !== 'rbac.authorization.k8s.io' || request.subresource || !request.object) return;
      if (request.user.groups.includes('system:masters')) return;
      const old: Unstructured | undefined = request.oldObject;
      if (request.resource === 'roles' || request.resource === 'clusterroles') {
        const role = request.object as unknown as Role & ClusterRole;
        const before = old as (Role & ClusterRole) | undefined;
        if (before && same(before.rules, role.rules) && same(before.aggregationRule, role.aggregationRule))
          return;
        if (may(request, 'escalate', request.resource, role.metadata.name)) return;
        const wanted = role.aggregationRule
          ? [
              { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
              { verbs: ['*'], nonResourceURLs: ['*'] },
            ]
          : (role.rules ?? []);
        refuse(request, uncovered(authorizer.grantsOf(request.user, request.namespace), wanted));
      } else if (request.resource === 'rolebindings' || request.resource === 'clusterrolebindings') {
        const binding = request.object as unknown as RoleBinding;
        const before = old as RoleBinding | undefined;
        if (before && same(before.roleRef, binding.roleRef) && same(before.subjects, binding.subjects))
          return;
        const { kind, name } = binding.roleRef;
        if (may(request, 'bind', kind === 'Role' ? 'roles' : 'clusterroles', name)) return;
        const rules = authorizer.roleRules(kind, request.namespace, name);
        if (!rules)
          throw errors.notFound(
            { group: 'rbac.authorization.k8s.io', resource: kind === 'Role' ? 'roles' : 'clusterroles' },
            name,
          );
        refuse(request, uncovered(authorizer.grantsOf(request.user, request.namespace), rules));
      }
    },
  };
}
