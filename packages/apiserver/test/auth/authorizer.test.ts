import { describe, expect, test } from 'vitest';
import {
  bootstrapRbac,
  createAuthorizer,
  escalationPrevention,
  forbidden,
  impersonated,
} from '../../src/auth/index.ts';
import { admission, asking, fakeLookup, user } from './fakes.ts';

const group = 'rbac.authorization.k8s.io';
const clusterRole = (name: string, rules: object[], more: object = {}) => ({
  apiVersion: `${group}/v1`,
  kind: 'ClusterRole',
  metadata: { name, ...('labels' in more ? { labels: more.labels } : {}) },
  rules,
  ...more,
});
const role = (name: string, namespace: string, rules: object[]) => ({
  apiVersion: `${group}/v1`,
  kind: 'Role',
  metadata: { name, namespace },
  rules,
});
const binding = (
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  ref: [string, string],
  subjects: object[],
  namespace?: string,
) => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name: `${ref[1]}-${kind}`, ...(namespace ? { namespace } : {}) },
  roleRef: { apiGroup: group, kind: ref[0], name: ref[1] },
  subjects,
});
const asUser = (name: string) => ({ kind: 'User', apiGroup: group, name });

describe('RBAC', () => {
  const pods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] };

  test('a cluster binding allows everywhere, a role binding in its namespace only', () => {
    const authorizer = createAuthorizer({
      lookup: fakeLookup(
        clusterRole('reader', [pods]),
        binding('ClusterRoleBinding', ['ClusterRole', 'reader'], [asUser('ann')]),
        binding('RoleBinding', ['ClusterRole', 'reader'], [asUser('bob')], 'lab'),
        role('local', 'lab', [{ verbs: ['*'], apiGroups: ['apps'], resources: ['*'] }]),
        binding(
          'RoleBinding',
          ['Role', 'local'],
          [{ kind: 'ServiceAccount', name: 'robot', namespace: 'lab' }],
          'lab',
        ),
      ),
    });
    const may = (...args: Parameters<typeof asking>): boolean =>
      authorizer.authorize(asking(...args)).allowed;
    expect(may(user('ann'), 'list', 'pods')).toBe(true);
    expect(may(user('ann'), 'get', 'pods', { namespace: 'any' })).toBe(true);
    expect(may(user('ann'), 'get', 'pods/log', { namespace: 'any' })).toBe(true);
    expect(may(user('ann'), 'get', 'pods/exec', { namespace: 'any' })).toBe(false);
    expect(may(user('ann'), 'delete', 'pods', { namespace: 'any' })).toBe(false);
    expect(may(user('bob'), 'list', 'pods', { namespace: 'lab' })).toBe(true);
    expect(may(user('bob'), 'list', 'pods', { namespace: 'other' })).toBe(false);
    expect(may(user('bob'), 'list', 'pods')).toBe(false);
    const robot = user('system:serviceaccount:lab:robot');
    expect(may(robot, 'patch', 'deployments', { group: 'apps', namespace: 'lab' })).toBe(true);
    expect(may(robot, 'patch', 'deployments', { group: 'batch', namespace: 'lab' })).toBe(false);
  });

  test.each([
    [['*'], 'pods/exec', true],
    [['*/scale'], 'deployments/scale', true],
    [['*/scale'], 'deployments', false],
    [['pods/*'], 'pods/log', false],
    [['pods'], 'pods/log', false],
  ])('resources %j cover %s: %s', (resources, asked, expected) => {
    const authorizer = createAuthorizer({
      lookup: fakeLookup(
        clusterRole('r', [{ verbs: ['get'], apiGroups: ['*'], resources }]),
        binding('ClusterRoleBinding', ['ClusterRole', 'r'], [asUser('ann')]),
      ),
    });
    expect(authorizer.authorize(asking(user('ann'), 'get', asked)).allowed).toBe(expected);
  });

  test('resourceNames limit to objects by name, and so never allow list or create without one', () => {
    const authorizer = createAuthorizer({
      lookup: fakeLookup(
        clusterRole('r', [{ verbs: ['*'], apiGroups: [''], resources: ['secrets'], resourceNames: ['a'] }]),
        binding('ClusterRoleBinding', ['ClusterRole', 'r'], [asUser('ann')]),
      ),
    });
    const may = (verb: string, name: string) =>
      authorizer.authorize(asking(user('ann'), verb, 'secrets', { name, namespace: 'x' })).allowed;
    expect([may('get', 'a'), may('get', 'b'), may('list', ''), may('create', '')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('non-resource URLs match exactly or by prefix', () => {
    const authorizer = createAuthorizer({
      lookup: fakeLookup(
        clusterRole('r', [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/apis/*'] }]),
        binding(
          'ClusterRoleBinding',
          ['ClusterRole', 'r'],
          [{ kind: 'Group', apiGroup: group, name: 'system:authenticated' }],
        ),
      ),
    });
    const may = (path: string) =>
      authorizer.authorize(asking(user('ann'), 'get', '', { isResource: false, path })).allowed;
    expect([may('/healthz'), may('/healthz/x'), may('/apis/apps/v1'), may('/api')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('a change of roles or bindings counts at once', () => {
    const lookup = fakeLookup(clusterRole('r', [pods]));
    const authorizer = createAuthorizer({ lookup });
    const may = (): boolean => authorizer.authorize(asking(user('ann'), 'get', 'pods')).allowed;
    expect(may()).toBe(false);
    lookup.add(binding('ClusterRoleBinding', ['ClusterRole', 'r'], [asUser('ann')]));
    expect(may()).toBe(true);
    lookup.add(clusterRole('r', []));
    expect(may()).toBe(false);
  });

  test('an aggregated role has the rules of all roles its labels select', () => {
    const lookup = fakeLookup(
      clusterRole('sum', [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'sum' } }] } }),
      clusterRole('part', [pods], { labels: { to: 'sum' } }),
      binding('ClusterRoleBinding', ['ClusterRole', 'sum'], [asUser('ann')]),
    );
    const authorizer = createAuthorizer({ lookup });
    expect(authorizer.authorize(asking(user('ann'), 'get', 'pods')).allowed).toBe(true);
  });

  test('a refusal is worded as upstream words it', () => {
    const who = user('ann');
    expect(forbidden(asking(who, 'list', 'pods', { namespace: 'default' })).status).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default"',
    });
    expect(
      forbidden(asking(who, 'update', 'deployments/scale', { group: 'apps', name: 'web', namespace: 'x' }))
        .message,
    ).toBe(
      'deployments.apps "web" is forbidden: User "ann" cannot update resource "deployments/scale" in API group "apps" in the namespace "x"',
    );
    expect(forbidden(asking(who, 'get', 'nodes', { name: 'n' })).message).toBe(
      'nodes "n" is forbidden: User "ann" cannot get resource "nodes" in API group "" at the cluster scope',
    );
    expect(forbidden(asking(who, 'get', '', { isResource: false, path: '/metrics' })).message).toBe(
      'forbidden: User "ann" cannot get path "/metrics"',
    );
  });

  test('a binding to a role that does not exist is named in the reason', () => {
    const authorizer = createAuthorizer({
      lookup: fakeLookup(binding('ClusterRoleBinding', ['ClusterRole', 'gone'], [asUser('ann')])),
    });
    expect(authorizer.authorize(asking(user('ann'), 'get', 'pods'))).toEqual({
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    });
  });
});

describe('the default policy', () => {
  const lookup = fakeLookup(...bootstrapRbac());
  const authorizer = createAuthorizer({ lookup });
  const may = (...args: Parameters<typeof asking>): boolean => authorizer.authorize(asking(...args)).allowed;

  test('has upstream names, each once, labelled as bootstrap objects', () => {
    const names = bootstrapRbac().map((object) => {
      const { kind, metadata } = object as {
        kind: string;
        metadata: { name: string; labels: Record<string, string> };
      };
      expect(metadata.labels['kubernetes.io/bootstrapping']).toBe('rbac-defaults');
      return `${kind}/${metadata.name}`;
    });
    expect(new Set(names).size).toBe(names.length);
    for (const name of [
      'cluster-admin',
      'admin',
      'edit',
      'view',
      'system:node',
      'system:discovery',
      'system:basic-user',
      'system:public-info-viewer',
      'system:kube-scheduler',
      'system:kube-controller-manager',
      'system:controller:job-controller',
    ])
      expect(names).toContain(`ClusterRole/${name}`);
  });

  test('lets system:masters do everything and everyone look around', () => {
    expect(may(user('root', 'system:masters'), 'delete', 'nodes')).toBe(true);
    expect(may(user('ann'), 'get', '', { isResource: false, path: '/apis/apps/v1' })).toBe(true);
    expect(may(user('ann'), 'create', 'selfsubjectaccessreviews', { group: 'authorization.k8s.io' })).toBe(
      true,
    );
    expect(may(user('ann'), 'list', 'pods', { namespace: 'default' })).toBe(false);
  });

  test.each([
    ['view', 'get', 'pods', '', true],
    ['view', 'get', 'secrets', '', false],
    ['view', 'create', 'pods', '', false],
    ['view', 'list', 'pytorchjobs', 'kubeflow.org', true],
    ['edit', 'create', 'jobs', 'batch', true],
    ['edit', 'get', 'secrets', '', true],
    ['edit', 'create', 'pods/exec', '', true],
    ['edit', 'create', 'roles', group, false],
    ['edit', 'create', 'trainjobs', 'trainer.kubeflow.org', true],
    ['admin', 'create', 'rolebindings', group, true],
    ['admin', 'update', 'resourcequotas', '', false],
  ])('%s in a namespace: %s %s of group "%s" is %s', (name, verb, resource, apiGroup, expected) => {
    const local = fakeLookup(
      ...bootstrapRbac(),
      binding('RoleBinding', ['ClusterRole', name], [asUser('ann')], 'lab'),
    );
    const verdict = createAuthorizer({ lookup: local }).authorize(
      asking(user('ann'), verb, resource, { group: apiGroup, namespace: 'lab' }),
    );
    expect(verdict.allowed).toBe(expected);
  });

  test('a controller has its own rights only', () => {
    const jobs = user('system:serviceaccount:kube-system:job-controller');
    expect(may(jobs, 'update', 'jobs/status', { group: 'batch', namespace: 'x' })).toBe(true);
    expect(may(jobs, 'create', 'pods', { namespace: 'x' })).toBe(true);
    expect(may(jobs, 'get', 'secrets', { namespace: 'x' })).toBe(false);
  });
});

describe('a node agent', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'lab' },
    spec: {
      nodeName: 'n1',
      serviceAccountName: 'robot',
      containers: [
        { name: 'c', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'k' } } }] },
      ],
      volumes: [
        { name: 'v', configMap: { name: 'config' } },
        { name: 'w', persistentVolumeClaim: { claimName: 'data' } },
      ],
    },
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'lab' },
    spec: { volumeName: 'pv1' },
  };
  const authorizer = createAuthorizer({ lookup: fakeLookup(...bootstrapRbac(), pod, claim) });
  const n1 = user('system:node:n1', 'system:nodes');
  const may = (verb: string, resource: string, more: object, who = n1): boolean =>
    authorizer.authorize(asking(who, verb, resource, more)).allowed;

  test('reads what its pods refer to, and nothing else', () => {
    expect(may('get', 'secrets', { namespace: 'lab', name: 'env-secret' })).toBe(true);
    expect(may('get', 'secrets', { namespace: 'lab', name: 'other' })).toBe(false);
    expect(may('list', 'secrets', { namespace: 'lab' })).toBe(false);
    expect(may('watch', 'configmaps', { namespace: 'lab', name: 'config' })).toBe(true);
    expect(may('get', 'configmaps', { namespace: 'other', name: 'config' })).toBe(false);
    expect(may('get', 'persistentvolumeclaims', { namespace: 'lab', name: 'data' })).toBe(true);
    expect(may('get', 'persistentvolumes', { name: 'pv1' })).toBe(true);
    expect(may('get', 'persistentvolumes', { name: 'pv2' })).toBe(false);
    expect(may('create', 'serviceaccounts/token', { namespace: 'lab', name: 'robot' })).toBe(true);
    expect(may('create', 'serviceaccounts/token', { namespace: 'lab', name: 'admin' })).toBe(false);
    const other = user('system:node:n2', 'system:nodes');
    expect(may('get', 'secrets', { namespace: 'lab', name: 'env-secret' }, other)).toBe(false);
    expect(
      authorizer.authorize(asking(other, 'get', 'secrets', { namespace: 'lab', name: 'env-secret' })).reason,
    ).toBe("no relationship found between node 'n2' and this object");
  });

  test('writes its own node, lease and pods', () => {
    expect(may('create', 'nodes', { name: 'n1' })).toBe(true);
    expect(may('patch', 'nodes/status', { name: 'n1' })).toBe(true);
    expect(may('get', 'nodes', { name: 'n2' })).toBe(false);
    const lease = { group: 'coordination.k8s.io', namespace: 'kube-node-lease' };
    expect(may('update', 'leases', { ...lease, name: 'n1' })).toBe(true);
    expect(may('update', 'leases', { ...lease, name: 'n2' })).toBe(false);
    expect(may('update', 'leases', { ...lease, namespace: 'kube-system', name: 'n1' })).toBe(false);
    expect(may('patch', 'pods/status', { namespace: 'lab', name: 'p' })).toBe(true);
    expect(may('watch', 'pods', {})).toBe(true);
    expect(may('update', 'deployments', { group: 'apps', namespace: 'lab' })).toBe(false);
  });
});

describe('impersonation', () => {
  const lookup = fakeLookup(
    clusterRole('act', [
      { verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['jane'] },
      { verbs: ['impersonate'], apiGroups: [''], resources: ['serviceaccounts'] },
      { verbs: ['impersonate'], apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes'] },
    ]),
    binding('ClusterRoleBinding', ['ClusterRole', 'act'], [asUser('ann')]),
  );
  const authorizer = createAuthorizer({ lookup });
  const as = (headers: Record<string, string>) => impersonated(user('ann'), headers, authorizer);

  test('needs the right for every part that is asked for', () => {
    expect(as({ 'impersonate-user': 'jane', 'impersonate-extra-scopes': 'view' })).toEqual({
      username: 'jane',
      groups: ['system:authenticated'],
      extra: { scopes: ['view'] },
    });
    expect(() => as({ 'impersonate-user': 'bob' })).toThrow(
      'users "bob" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    expect(() => as({ 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' })).toThrow(
      'groups "system:masters" is forbidden',
    );
  });

  test('of a service account brings its groups', () => {
    expect(as({ 'impersonate-user': 'system:serviceaccount:lab:robot' }).groups).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:lab',
      'system:authenticated',
    ]);
  });

  test('without a user is a bad request; without headers nothing changes', () => {
    expect(() => as({ 'impersonate-group': 'x' })).toThrow('without impersonating a user');
    expect(as({})).toEqual(user('ann'));
  });
});

const to = (name: string) => binding('RoleBinding', ['ClusterRole', name], [asUser('bob')], 'lab');

describe('escalation', () => {
  const lookup = fakeLookup(
    ...bootstrapRbac(),
    binding('RoleBinding', ['ClusterRole', 'admin'], [asUser('ann')], 'lab'),
    role('granter', 'lab', [
      { verbs: ['bind'], apiGroups: [group], resources: ['clusterroles'], resourceNames: ['cluster-admin'] },
    ]),
    binding('RoleBinding', ['Role', 'granter'], [asUser('gus')], 'lab'),
  );
  const plugin = escalationPrevention(createAuthorizer({ lookup }));
  const create =
    (object: object, name = 'ann') =>
    () =>
      plugin.validate?.(admission('CREATE', object, { user: user(name) }));

  test('a role may only hold rules its author holds', () => {
    expect(
      create(
        role('ok', 'lab', [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] }]),
      ),
    ).not.toThrow();
    expect(
      create(role('bad', 'lab', [{ verbs: ['get'], apiGroups: [''], resources: ['nodes', 'pods'] }])),
    ).toThrow(
      'roles.rbac.authorization.k8s.io "bad" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}',
    );
    expect(create(role('all', 'lab', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]))).toThrow(
      'not currently held',
    );
  });

  test('a binding needs the rules of its role, or the verb bind on it', () => {
    expect(create(to('view'))).not.toThrow();
    expect(create(to('cluster-admin'))).toThrow('not currently held');
    expect(create(to('cluster-admin'), 'gus')).not.toThrow();
    expect(create(to('missing'))).toThrow('clusterroles.rbac.authorization.k8s.io "missing" not found');
  });
});
