/** RBAC's rules as pure functions: what a rule covers, what an aggregated role collects. */
import type { ClusterRole, LabelSelector, rbac_v1 } from '@coracle/machinery/api';
import type { RequestAttributes } from '../contracts.ts';

export type PolicyRule = rbac_v1.PolicyRule;

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(value));

/** Resources may be written `pods`, `pods/log`, `*` (everything) and `*` + `/scale` (that subresource of everything). */
export function resourceCovered(rule: PolicyRule, resource: string, subresource: string): boolean {
  const full = subresource ? `${resource}/${subresource}` : resource;
  return (
    has(rule.resources, full) || (subresource !== '' && (rule.resources ?? []).includes(`*/${subresource}`))
  );
}

/** `*`, an exact path, or a prefix that ends in `*`. */
export function urlCovered(rule: PolicyRule, path: string): boolean {
  return (rule.nonResourceURLs ?? []).some(
    (url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))),
  );
}

/** Does the rule allow this request (whatever the namespace: that is the binding's matter)? */
export function ruleAllows(rule: PolicyRule, asked: RequestAttributes): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (!asked.isResource) return urlCovered(rule, asked.path);
  return (
    has(rule.apiGroups, asked.group) &&
    resourceCovered(rule, asked.resource, asked.subresource) &&
    (!rule.resourceNames || rule.resourceNames.length === 0 || rule.resourceNames.includes(asked.name))
  );
}

function selects(selector: LabelSelector, labels: Record<string, string>): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const within = value !== undefined && values.includes(value);
      return operator === 'In' ? within : !within;
    })
  );
}

/**
 * The rules of a ClusterRole: its own, or for an aggregated one those of every role its selectors match, each once, in
 * the roles' name order. An aggregated role may itself be aggregated into another.
 */
export function aggregate(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (!selectors || selectors.length === 0) return role.rules ?? [];
  const seenRoles = new Set<string>([role.metadata.name]);
  const seenRules = new Set<string>();
  const rules: PolicyRule[] = [];
  const visit = (chosen: readonly LabelSelector[]): void => {
    const sorted = all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    for (const candidate of sorted) {
      if (seenRoles.has(candidate.metadata.name)) continue;
      if (!chosen.some((selector) => selects(selector, candidate.metadata.labels ?? {}))) continue;
      seenRoles.add(candidate.metadata.name);
      const inner = candidate.aggregationRule?.clusterRoleSelectors;
      if (inner && inner.length > 0) visit(inner);
      else {
        for (const rule of candidate.rules ?? []) {
          const key = JSON.stringify(rule);
          if (seenRules.has(key)) continue;
          seenRules.add(key);
          rules.push(rule);
        }
      }
    }
  };
  visit(selectors);
  return rules;
}
