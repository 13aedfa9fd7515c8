/** What the server remembers between requests (lists, RBAC's verdicts) is never older than the last answered write. */
import { memoryStore } from '@coracle/store';
import { afterEach, expect, test } from 'vitest';
import { createLookup } from '../src/storage/lookup.ts';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer | undefined;
afterEach(async () => {
  await t?.close();
  t = undefined;
});

const configMaps = '/api/v1/namespaces/default/configmaps';

test('a list is the same array until an object of its resource changes', async () => {
  t = await testServer();
  const lookup = createLookup(t.store);
  await t.call('POST', configMaps, { metadata: { name: 'a' } });
  const before = lookup.list('', 'configmaps', 'default');
  const all = lookup.list('', 'configmaps');
  const generation = lookup.generation?.('');
  await t.call('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', { metadata: { name: 'l' } });
  expect(lookup.list('', 'configmaps', 'default')).toBe(before);
  expect(lookup.list('', 'configmaps')).toBe(all);
  expect(lookup.generation?.('')).toBe(generation);
  await t.call('POST', '/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'other' } });
  expect(lookup.list('', 'configmaps', 'default')).toBe(before);
  await t.call('POST', configMaps, { metadata: { name: 'b' } });
  expect(lookup.list('', 'configmaps', 'default').map((o) => o.metadata.name)).toEqual(['a', 'b']);
  await t.call('DELETE', `${configMaps}/a`);
  expect(lookup.list('', 'configmaps', 'default').map((o) => o.metadata.name)).toEqual(['b']);
  expect(lookup.generation?.('')).not.toBe(generation);
});

test('a lookup still answers when the store is closing', async () => {
  const store = memoryStore();
  const lookup = createLookup(store);
  expect(lookup.list('', 'pods')).toEqual([]);
  await store.close();
  expect(lookup.list('', 'pods')).toEqual([]);
  expect(lookup.list('', 'nodes')).toEqual([]);
});

test('a right that is taken away is gone with the next request, a right that is given is there', async () => {
  t = await testServer();
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const credentials = {
    kind: 'trusted' as const,
    user: { username: 'ada', groups: ['system:authenticated'] },
  };
  const read = async (): Promise<number> => (await t!.request('GET', configMaps, { credentials })).code;
  const rules = (verbs: string[]): object[] => [{ apiGroups: [''], resources: ['configmaps'], verbs }];
  expect(await read()).toBe(403);
  await t.call('POST', `${rbac}/roles`, { metadata: { name: 'reader' }, rules: rules(['list']) });
  await t.call('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'ada' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ada' }],
  });
  expect(await read()).toBe(200);
  expect(await read()).toBe(200);
  const patch = { 'content-type': 'application/merge-patch+json' };
  await t.call('PATCH', `${rbac}/roles/reader`, { rules: rules(['get']) }, patch);
  expect(await read()).toBe(403);
  await t.call('PATCH', `${rbac}/roles/reader`, { rules: rules(['*']) }, patch);
  expect(await read()).toBe(200);
  await t.call('DELETE', `${rbac}/rolebindings/ada`);
  expect(await read()).toBe(403);
});

test('a right to single names says nothing of others', async () => {
  t = await testServer();
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const credentials = {
    kind: 'trusted' as const,
    user: { username: 'ada', groups: ['system:authenticated'] },
  };
  const read = async (name: string): Promise<number> =>
    (await t!.request('GET', `${configMaps}/${name}`, { credentials })).code;
  await t.call('POST', `${rbac}/roles`, {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get'] }],
  });
  await t.call('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'ada' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ada' }],
  });
  await t.call('POST', configMaps, { metadata: { name: 'mine' } });
  await t.call('POST', configMaps, { metadata: { name: 'yours' } });
  expect([await read('mine'), await read('yours'), await read('mine')]).toEqual([200, 403, 200]);
});
