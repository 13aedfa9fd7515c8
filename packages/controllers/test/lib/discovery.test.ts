import { describe, expect, test } from 'vitest';
import { fakeCluster } from '@coracle/operator/testing';
import { discover } from '../../src/lib/discovery.ts';

const answers = (documents: Record<string, object>) => {
  const cluster = fakeCluster();
  cluster.intercept(async ({ path }) => {
    const value = documents[path];
    const missing = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'ServiceUnavailable',
      code: 503,
    };
    return { kind: 'object', code: value ? 200 : 503, headers: {}, value: value ?? missing };
  });
  return cluster.client;
};

const resource = (name: string, kind: string) => ({
  resource: name,
  responseKind: { group: 'example.com', version: 'v2', kind },
  scope: 'Namespaced',
  verbs: ['list'],
});
const list = (items: object[]) => ({ kind: 'APIGroupDiscoveryList', items });

describe('discover', () => {
  test('aggregated: the preferred version of each resource, no subresources', async () => {
    const group = {
      metadata: { name: 'example.com' },
      versions: [
        { version: 'v2', resources: [resource('widgets', 'Widget')] },
        {
          version: 'v1',
          resources: [resource('widgets', 'Widget'), resource('gears', 'Gear')],
          freshness: 'Stale',
        },
      ],
    };
    const found = await discover(answers({ '/api': list([]), '/apis': list([group]) }));
    expect(found.resources.map((r) => `${r.version} ${r.resource} ${r.kind} ${r.namespaced}`)).toEqual([
      'v2 widgets Widget true',
      'v1 gears Gear true',
    ]);
    expect(found.failures.map((f) => f.groupVersion)).toEqual(['example.com/v1']);
  });

  test('plain: group by group, with the failures told', async () => {
    const pods = { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['list'] };
    const found = await discover(
      answers({
        '/api': { kind: 'APIVersions', versions: ['v1'] },
        '/apis': {
          kind: 'APIGroupList',
          groups: [
            { name: 'broken.io', versions: [{ version: 'v1' }] },
            {
              name: 'apps',
              versions: [{ version: 'v1beta1' }, { version: 'v1' }],
              preferredVersion: { version: 'v1' },
            },
          ],
        },
        '/api/v1': { resources: [pods, { ...pods, name: 'pods/status' }] },
        '/apis/apps/v1': { resources: [{ ...pods, name: 'deployments', kind: 'Deployment' }] },
        '/apis/apps/v1beta1': { resources: [{ ...pods, name: 'deployments', kind: 'Deployment' }] },
      }),
    );
    expect(found.resources.map((r) => `${r.group}/${r.version} ${r.resource}`)).toEqual([
      '/v1 pods',
      'apps/v1 deployments',
    ]);
    expect(found.failures.map((f) => f.groupVersion)).toEqual(['broken.io/v1']);
  });
});
