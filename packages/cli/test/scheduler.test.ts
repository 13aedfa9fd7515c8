import { loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { clusterRules, lackingText } from '../src/scheduler/rules.ts';
import { setupCli } from './harness.ts';

describe('coracle up', () => {
  test.each([
    [['--no-scheduler', '--scheduler-names', 'a'], 'exclude each other'],
    [['--scheduler-config', 'x.yaml', '--scheduler-names', 'a'], 'exclude each other'],
    [['--scheduler-names', 'a,,b'], '"a,,b" is no list of names'],
  ])('%j: %s', async (words, message) => {
    const ran = await setupCli().run('up', '--in-memory', ...words);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
  });
});

describe('coracle scheduler', () => {
  test('prints the rights it needs, the lease by its name', async () => {
    const { run } = setupCli();
    const ran = await run('scheduler', '--print-rbac', '--leader-elect-resource-name', 'gpu');
    const objects = loadAll(ran.out) as {
      kind: string;
      metadata: { name: string; namespace?: string };
      rules?: { resources: string[]; verbs: string[]; resourceNames?: string[] }[];
    }[];
    expect(objects.map(({ kind }) => kind)).toEqual([
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
    ]);
    expect(objects[3]!.rules).toEqual([
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: ['gpu'],
        verbs: ['get', 'update'],
      },
    ]);
    // No rule says all.
    for (const { verbs, resources } of clusterRules) {
      expect([...verbs, ...resources]).not.toContain('*');
      expect(resources).not.toContain('secrets');
    }
  });

  test('without leader election needs no lease', async () => {
    const { run } = setupCli();
    expect((await run('scheduler', '--print-rbac', '--leader-elect=false')).out).not.toContain('leases');
  });

  test.each([
    [['--leader-elect=perhaps'], '--leader-elect is true or false, not "perhaps"'],
    [['--leader-elect-lease-duration', '5s'], 'the lease duration must be longer than the renew deadline'],
    [['--leader-elect-retry-period', 'soon'], '"soon" is no duration such as 15s'],
    [['--config', '/nowhere.yaml'], '/nowhere.yaml: '],
    [['--config', 'a.yaml', '--scheduler-name', 'x'], '--scheduler-name does not go with --config'],
  ])('%j: %s', async (words, message) => {
    const { run } = setupCli();
    const ran = await run('scheduler', '--print-rbac', ...words);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
  });

  test('names what is lacking by resource', () => {
    expect(
      lackingText([
        { verb: 'list', resource: 'nodes', namespace: '' },
        { verb: 'watch', resource: 'nodes', namespace: '' },
        { verb: 'get', resource: 'leases.coordination.k8s.io', namespace: 'kube-system' },
      ]),
    ).toBe('list, watch nodes; get leases.coordination.k8s.io in namespace kube-system');
  });
});
