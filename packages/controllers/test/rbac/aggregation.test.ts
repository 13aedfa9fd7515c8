import { expect, test } from 'vitest';
import { ClusterRole } from '@coracle/machinery/api';
import { clusterRoleAggregationController } from '../../src/index.ts';
import { lab } from '../lab.ts';

const role = (name: string, more: object) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels: { 'aggregate-to-view': 'true' } },
  ...more,
});
const rule = (resource: string) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] });

test('an aggregated ClusterRole has the rules of those it selects, in order of name, equal ones once', async () => {
  const l = lab({
    objects: [
      {
        ...role('view', {}),
        metadata: { name: 'view' },
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'aggregate-to-view': 'true' } }] },
        rules: [rule('stale')],
      },
      role('b', { rules: [rule('pods')] }),
      role('a', { rules: [rule('nodes'), rule('pods')] }),
      { ...role('c', { rules: [rule('secrets')] }), metadata: { name: 'c' } },
    ],
  });
  const rules = () => l.cluster.object(ClusterRole, 'view')?.rules;
  await l.start(clusterRoleAggregationController(l.deps));
  await l.until(() => rules()?.length === 2);
  expect(rules()).toEqual([rule('nodes'), rule('pods')]);
  await l.cluster.client.delete(ClusterRole, 'a');
  await l.until(() => rules()?.length === 1);
});
