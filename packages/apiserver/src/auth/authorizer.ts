/**
 * RBAC and the node authorizer over an index: subject -> (namespace, rules). The index is built from the four RBAC
 * resources when one of them has changed, which a request finds out by a generation number, or by comparing the lists'
 * members by identity (objects are frozen and replaced, never changed).
 */
import type { Unstructured, UserInfo } from '@coracle/machinery';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@coracle/machinery/api';
import type { Authorizer, Lookup, RequestAttributes } from '../contracts.ts';
import { createNodeAuthorizer, nodeNameOf, type PodsOnNode } from './node-authorizer.ts';
import { nodeRules } from './bootstrap-policy.ts';
import { aggregate, type PolicyRule, ruleAllows } from './rbac.ts';
import { serviceAccountUsername } from './service-account-tokens.ts';

export interface AuthorizerOptions {
  lookup: Lookup;
  /**
   * Changes whenever a Role, ClusterRole or binding does; default the lookup's, if it has one. Without any the lists are
   * compared at each request.
   */
  generation?: () => number;
  /** Pods bound to a node; default: a scan of the pods. */
  podsOnNode?: PodsOnNode;
}

interface Grant {
  /** '' for cluster-wide. */
  namespace: string;
  rules: readonly PolicyRule[];
  /** Which binding and subject it comes from: the reason of a review that allows. */
  reason: string;
  /** The role is named by a binding but does not exist. */
  missing?: string;
}
type Index = ReadonlyMap<string, readonly Grant[]>;

const group = 'rbac.authorization.k8s.io';
const resources = ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'] as const;

interface Subject {
  kind: string;
  name: string;
  namespace?: string | undefined;
}
function subjectKey(subject: Subject, namespace: string): string {
  if (subject.kind === 'ServiceAccount')
    return `u:${serviceAccountUsername(subject.namespace ?? namespace, subject.name)}`;
  return `${subject.kind === 'Group' ? 'g' : 'u'}:${subject.name}`;
}

function describe(subject: Subject, namespace: string): string {
  const { kind, name } = subject;
  return `${kind} ${JSON.stringify(kind === 'ServiceAccount' ? `${name}/${subject.namespace ?? namespace}` : name)}`;
}

function buildIndex(lists: readonly (readonly Unstructured[])[]): Index {
  const [clusterRoles = [], clusterBindings = [], roles = [], bindings = []] = lists;
  const allClusterRoles = clusterRoles as unknown as ClusterRole[];
  const rulesOf = new Map<string, readonly PolicyRule[]>();
  for (const role of allClusterRoles)
    rulesOf.set(`ClusterRole//${role.metadata.name}`, aggregate(role, allClusterRoles));
  for (const role of roles as unknown as Role[])
    rulesOf.set(`Role/${role.metadata.namespace ?? ''}/${role.metadata.name}`, role.rules ?? []);

  const index = new Map<string, Grant[]>();
  const add = (binding: RoleBinding | ClusterRoleBinding, namespace: string): void => {
    const { kind, name } = binding.roleRef;
    const rules = rulesOf.get(kind === 'Role' ? `Role/${namespace}/${name}` : `ClusterRole//${name}`);
    const from =
      namespace === ''
        ? `ClusterRoleBinding ${JSON.stringify(binding.metadata.name)}`
        : `RoleBinding ${JSON.stringify(`${binding.metadata.name}/${namespace}`)}`;
    const reason = `RBAC: allowed by ${from} of ${kind} ${JSON.stringify(name)}`;
    const grant: Grant = rules
      ? { namespace, reason, rules }
      : {
          namespace,
          reason,
          rules: [],
          missing: `${kind.toLowerCase()}.${group} ${JSON.stringify(name)} not found`,
        };
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const own = { ...grant, reason: `${grant.reason} to ${describe(subject, namespace)}` };
      const grants = index.get(key);
      if (grants) grants.push(own);
      else index.set(key, [own]);
    }
  };
  for (const binding of clusterBindings as unknown as ClusterRoleBinding[]) add(binding, '');
  for (const binding of bindings as unknown as RoleBinding[]) add(binding, binding.metadata.namespace ?? '');
  return index;
}

const same = (a: readonly Unstructured[], b: readonly Unstructured[]): boolean =>
  a === b || (a.length === b.length && a.every((item, at) => item === b[at]));

export interface RbacAuthorizer extends Authorizer {
  /** Every rule `user` has in `namespace` ('' for cluster-wide ones only): what escalation checks compare with. */
  grantsOf(user: UserInfo, namespace: string): PolicyRule[];
  /** Rules of a role a binding names, with aggregation; undefined if there is no such role. */
  roleRules(kind: string, namespace: string, name: string): PolicyRule[] | undefined;
}

/** All of a request that a rule about no single names looks at. No part of a path holds a slash. */
const questionOf = ({ verb, group: of, resource, subresource, namespace }: RequestAttributes): string =>
  `${verb}/${of}/${resource}/${subresource}/${namespace}`;

/** The authorizer of an engine. Members of `system:masters` may do everything. */
export function createAuthorizer(options: AuthorizerOptions): RbacAuthorizer {
  const { lookup } = options;
  const nodes = createNodeAuthorizer(lookup, options.podsOnNode);
  let index: Index = new Map();
  let lists: Unstructured[][] | undefined;
  let built: number | undefined;
  /**
   * What RBAC has allowed since the index was built, by user and then by verb, resource and namespace: only by rules that are
   * not about single names. In-process callers are the same user value at every request.
   */
  let allowed = new WeakMap<UserInfo, Map<string, string>>();

  function current(): Index {
    const generation = options.generation ? options.generation() : lookup.generation?.(group);
    if (lists && generation !== undefined && generation === built) return index;
    const next = resources.map((resource) => lookup.list(group, resource));
    if (!lists || !next.every((list, at) => same(list, lists?.[at] ?? []))) {
      index = buildIndex(next);
      allowed = new WeakMap();
    }
    lists = next;
    built = generation;
    return index;
  }

  function* grants(user: UserInfo, namespace: string): Generator<Grant> {
    const now = current();
    for (const key of [`u:${user.username}`, ...user.groups.map((name) => `g:${name}`)]) {
      for (const grant of now.get(key) ?? [])
        if (grant.namespace === '' || (namespace !== '' && grant.namespace === namespace)) yield grant;
    }
  }

  function authorize(asked: RequestAttributes): { allowed: boolean; reason?: string } {
    const { user } = asked;
    if (user.groups.includes('system:masters')) return { allowed: true };
    const node = nodeNameOf(user);
    // What a node may do is also a matter of its pods.
    if (node !== undefined || !asked.isResource) return decide(asked, node, undefined);
    current();
    let known = allowed.get(user);
    if (known === undefined) allowed.set(user, (known = new Map()));
    const before = known.get(questionOf(asked));
    return before === undefined ? decide(asked, node, known) : { allowed: true, reason: before };
  }

  function decide(
    asked: RequestAttributes,
    node: string | undefined,
    known: Map<string, string> | undefined,
  ): { allowed: boolean; reason?: string } {
    const { user } = asked;
    let reason: string | undefined;
    if (node !== undefined) {
      const verdict = nodes.authorize(node, asked);
      if (verdict === true) return { allowed: true };
      if (typeof verdict === 'string') reason = verdict;
      else if (nodeRules.some((rule) => ruleAllows(rule, asked))) return { allowed: true };
    }
    const missing: string[] = [];
    for (const grant of grants(user, asked.isResource ? asked.namespace : '')) {
      if (grant.missing) missing.push(grant.missing);
      for (const rule of grant.rules)
        if (ruleAllows(rule, asked)) {
          // Namespaces come and go: what is remembered of them must not add up.
          if (known && !rule.resourceNames?.length && known.size < 1000)
            known.set(questionOf(asked), grant.reason);
          return { allowed: true, reason: grant.reason };
        }
    }
    if (missing.length > 0) {
      const list = [...new Set(missing)];
      const said = `RBAC: ${list.length === 1 ? list[0] : `[${list.join(', ')}]`}`;
      reason = reason ? `${reason}, ${said}` : said;
    }
    return reason === undefined ? { allowed: false } : { allowed: false, reason };
  }

  const grantsOf = (user: UserInfo, namespace: string): PolicyRule[] =>
    user.groups.includes('system:masters')
      ? [
          { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
          { verbs: ['*'], nonResourceURLs: ['*'] },
        ]
      : [...grants(user, namespace)].flatMap((grant) => grant.rules);

  return {
    authorize,
    grantsOf,
    rulesFor(user, namespace) {
      const rules = grantsOf(user, namespace);
      return {
        resourceRules: rules
          .filter((rule) => rule.resources && rule.resources.length > 0)
          .map((rule) => ({
            verbs: rule.verbs,
            apiGroups: rule.apiGroups ?? [],
            resources: rule.resources ?? [],
            ...(rule.resourceNames && rule.resourceNames.length > 0
              ? { resourceNames: rule.resourceNames }
              : {}),
          })),
        nonResourceRules: rules
          .filter((rule) => rule.nonResourceURLs && rule.nonResourceURLs.length > 0)
          .map((rule) => ({ verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs ?? [] })),
        // The node authorizer cannot list what it would allow.
        incomplete: nodeNameOf(user) !== undefined,
      };
    },
    roleRules(kind, namespace, name) {
      if (kind === 'Role')
        return (lookup.get(group, 'roles', namespace, name) as Role | undefined)?.rules ?? undefined;
      const role = lookup.get(group, 'clusterroles', '', name) as ClusterRole | undefined;
      return role && aggregate(role, lookup.list(group, 'clusterroles') as unknown as ClusterRole[]);
    },
  };
}
