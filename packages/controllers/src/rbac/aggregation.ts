/** ClusterRoles with an aggregationRule get the rules of all ClusterRoles that it selects. */
import { deepEqual, selectorFrom } from '@coracle/machinery';
import { ClusterRole } from '@coracle/machinery/api';
import type { rbac_v1 } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';

/** Rules in order of the roles' names, equal ones once. */
function aggregatedRules(role: ClusterRole, roles: readonly ClusterRole[]): rbac_v1.PolicyRule[] {
  const rules: rbac_v1.PolicyRule[] = [];
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).map((selector) =>
    selectorFrom(selector),
  );
  for (const other of roles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    if (other.metadata.name === role.metadata.name) continue;
    if (!selectors.some((selector) => selector.matches(other.metadata.labels))) continue;
    for (const rule of other.rules ?? []) {
      if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

export function clusterRoleAggregationController(deps: ComponentDeps): Component {
  const roles = deps.informers.informer(ClusterRole);
  const controller = createController(deps, {
    name: 'clusterrole-aggregation-controller',
    workers: 2,
    waitFor: [roles],
    async reconcile(name) {
      const role = roles.get(name);
      if (!role?.aggregationRule) return;
      const rules = aggregatedRules(role, roles.list());
      if (deepEqual(rules, role.rules ?? [])) return;
      const { resourceVersion } = role.metadata;
      await deps.client.patch(ClusterRole, name, 'merge', { metadata: { resourceVersion }, rules });
    },
  });
  const changed = (): void => {
    for (const role of roles.list()) if (role.aggregationRule) controller.queue.add(role.metadata.name);
  };
  roles.on({ add: changed, update: changed, delete: changed });
  return controller;
}
