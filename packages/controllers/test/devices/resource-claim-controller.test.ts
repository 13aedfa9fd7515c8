import { Pod, PodGroup, ResourceClaim, ResourceClaimTemplate } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { generatedName } from '../../src/devices/generated-claims.ts';
import { resourceClaimController } from '../../src/index.ts';
import { lab, type Lab } from '../lab.ts';

const template = (name = 'gpu') => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name, namespace: 'a' },
  spec: {
    metadata: { labels: { app: 'train' }, annotations: { team: 'x' } },
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
  },
});
const pod = (name: string, spec: object = {}, status: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'a', uid: `uid-${name}` },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  status,
});
const fromTemplate = { resourceClaims: [{ name: 'card', resourceClaimTemplateName: 'gpu' }] };
const consumer = (name: string) => ({ resource: 'pods', name, uid: `uid-${name}` });
const allocation = { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }] } };
const claim = (name: string, status: object = {}, metadata: object = {}) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: {
    name,
    namespace: 'a',
    finalizers: ['resource.kubernetes.io/delete-protection'],
    ...metadata,
  },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
  status,
});
const ownedBy = (name: string) => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: `uid-${name}`, controller: true }],
});

async function start(objects: object[]): Promise<Lab> {
  const l = lab({ objects: objects as never });
  await l.start(resourceClaimController(l.deps));
  return l;
}
const claimsOf = (l: Lab) => l.cluster.objects(ResourceClaim);
const podOf = (l: Lab, name: string) => l.cluster.object(Pod, name, 'a');

describe('the resource claim controller', () => {
  test('makes the claims of a pod from their templates, and tells the pod', async () => {
    const l = await start([template(), pod('p', fromTemplate)]);
    await l.until(() => podOf(l, 'p')?.status?.resourceClaimStatuses?.length);
    await l.rest();
    const made = claimsOf(l);
    expect(made).toHaveLength(1);
    expect(made[0]).toMatchObject({
      metadata: {
        namespace: 'a',
        generateName: 'p-card-',
        labels: { app: 'train' },
        annotations: { team: 'x', 'resource.kubernetes.io/pod-claim-name': 'card' },
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Pod',
            name: 'p',
            uid: 'uid-p',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: template().spec.spec,
    });
    expect(podOf(l, 'p')?.status?.resourceClaimStatuses).toEqual([
      { name: 'card', resourceClaimName: made[0]?.metadata.name },
    ]);
  });

  test('says what it waits for, and goes on when the template comes', async () => {
    const l = await start([pod('p', fromTemplate)]);
    await l.until(() => l.events.length > 0);
    expect(l.events[0]).toContain(
      'FailedResourceClaimCreation PodResourceClaim card: resource claim template "gpu"',
    );
    await l.cluster.client.create(ResourceClaimTemplate, template() as never, { namespace: 'a' });
    await l.until(() => podOf(l, 'p')?.status?.resourceClaimStatuses?.length);
    expect(claimsOf(l)).toHaveLength(1);
  });

  test('takes up a claim it made before it was stopped', async () => {
    const made = claim(
      'p-card-abcde',
      {},
      { ...ownedBy('p'), annotations: { 'resource.kubernetes.io/pod-claim-name': 'card' }, finalizers: [] },
    );
    const l = await start([template(), made, pod('p', fromTemplate)]);
    await l.until(() => podOf(l, 'p')?.status?.resourceClaimStatuses?.length);
    expect(podOf(l, 'p')?.status?.resourceClaimStatuses).toEqual([
      { name: 'card', resourceClaimName: 'p-card-abcde' },
    ]);
    expect(claimsOf(l)).toHaveLength(1);
  });

  test('leaves alone claims that users made, and pods that are being deleted', async () => {
    const own = { resourceClaims: [{ name: 'card', resourceClaimName: 'mine' }] };
    const leaving = pod('leaving', fromTemplate);
    const l = await start([
      template(),
      claim('mine'),
      pod('p', own),
      {
        ...leaving,
        metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/y'] },
      },
    ]);
    await l.rest();
    expect(claimsOf(l)).toHaveLength(1);
    expect(podOf(l, 'p')?.status?.resourceClaimStatuses).toBeUndefined();
  });

  test('reserves an allocated claim for a pod that was put on its node by hand', async () => {
    const l = await start([
      claim('mine', { allocation, reservedFor: [consumer('other')] }),
      pod('other', { nodeName: 'n', resourceClaims: [{ name: 'card', resourceClaimName: 'mine' }] }),
      pod('p', { nodeName: 'n', resourceClaims: [{ name: 'card', resourceClaimName: 'mine' }] }),
    ]);
    await l.until(() => (claimsOf(l)[0]?.status?.reservedFor?.length ?? 0) > 1);
    expect(claimsOf(l)[0]?.status?.reservedFor).toEqual([consumer('other'), consumer('p')]);
  });

  test('takes a claim back from its last user: allocation and finalizer go, the claim of a user stays', async () => {
    const using = { nodeName: 'n', resourceClaims: [{ name: 'card', resourceClaimName: 'mine' }] };
    const l = await start([
      claim('mine', { allocation, reservedFor: [consumer('p'), consumer('q')] }),
      pod('p', using),
      pod('q', using),
    ]);
    await l.cluster.client.delete(Pod, 'p', { namespace: 'a', gracePeriodSeconds: 0 });
    await l.until(() => claimsOf(l)[0]?.status?.reservedFor?.length === 1);
    expect(claimsOf(l)[0]?.status?.allocation).toEqual(allocation);
    await l.cluster.client.patch(
      Pod,
      'q',
      'merge',
      { status: { phase: 'Succeeded' } },
      { namespace: 'a', subresource: 'status' },
    );
    await l.until(() => claimsOf(l)[0]?.metadata.finalizers?.length !== 1);
    expect(claimsOf(l)[0]?.status).toEqual({});
    await l.rest();
    expect(claimsOf(l)).toHaveLength(1);
  });

  test('deletes the claim that it made for a pod when the pod is done', async () => {
    const l = await start([
      template(),
      claim('p-card-abcde', { allocation, reservedFor: [consumer('p')] }, ownedBy('p')),
      pod(
        'p',
        { ...fromTemplate, nodeName: 'n' },
        {
          phase: 'Running',
          resourceClaimStatuses: [{ name: 'card', resourceClaimName: 'p-card-abcde' }],
        },
      ),
    ]);
    await l.rest();
    expect(claimsOf(l)).toHaveLength(1);
    await l.cluster.client.patch(
      Pod,
      'p',
      'merge',
      { status: { phase: 'Failed' } },
      { namespace: 'a', subresource: 'status' },
    );
    await l.until(() => claimsOf(l).length === 0);
  });

  test('takes no claim from a pod that it has not seen yet, without asking the server', async () => {
    const l = lab({
      objects: [
        claim('gone', { allocation, reservedFor: [consumer('gone')] }),
        claim('new', { allocation, reservedFor: [consumer('new')] }),
      ] as never,
    });
    const { client } = l.deps;
    const get = (async (type, name, options) =>
      type === (Pod as unknown) && name === 'new'
        ? pod('new')
        : client.get(type, name, options)) as typeof client.get;
    await l.start(resourceClaimController({ ...l.deps, client: { ...client, get } }));
    await l.until(() => l.cluster.object(ResourceClaim, 'gone', 'a')?.status?.allocation === undefined);
    await l.rest();
    expect(l.cluster.object(ResourceClaim, 'new', 'a')?.status?.reservedFor).toEqual([consumer('new')]);
  });

  test('lets a deleted claim go once nobody uses it', async () => {
    const l = await start([
      claim('mine', { allocation }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      claim(
        'busy',
        { allocation, reservedFor: [consumer('p')] },
        { deletionTimestamp: '2026-01-01T00:00:00Z' },
      ),
      pod('p', { nodeName: 'n', resourceClaims: [{ name: 'card', resourceClaimName: 'busy' }] }),
    ]);
    await l.until(() => claimsOf(l).length === 1);
    await l.rest();
    expect(claimsOf(l).map(({ metadata }) => metadata.name)).toEqual(['busy']);
  });

  test('makes one claim for all pods of a group that shares it', async () => {
    const grouped = { ...fromTemplate, schedulingGroup: { podGroupName: 'g' } };
    const l = await start([
      template(),
      {
        apiVersion: 'scheduling.k8s.io/v1alpha2',
        kind: 'PodGroup',
        metadata: { name: 'g', namespace: 'a', uid: 'uid-g' },
        spec: { schedulingPolicy: { basic: {} }, ...fromTemplate },
      },
      pod('p', grouped),
      pod('q', grouped),
    ]);
    await l.until(
      () =>
        podOf(l, 'p')?.status?.resourceClaimStatuses &&
        podOf(l, 'q')?.status?.resourceClaimStatuses &&
        l.cluster.object(PodGroup, 'g', 'a')?.status?.resourceClaimStatuses,
    );
    const made = claimsOf(l);
    expect(made).toHaveLength(1);
    const status = [{ name: 'card', resourceClaimName: made[0]?.metadata.name }];
    expect(podOf(l, 'p')?.status?.resourceClaimStatuses).toEqual(status);
    expect(podOf(l, 'q')?.status?.resourceClaimStatuses).toEqual(status);
    expect(l.cluster.object(PodGroup, 'g', 'a')?.status?.resourceClaimStatuses).toEqual(status);
    expect(made[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'PodGroup', uid: 'uid-g' }]);
  });
});

test('generated names of claims leave room for the random part, from long pod and claim names both', () => {
  expect(generatedName('p', 'card')).toBe('p-card-');
  const long = generatedName('p'.repeat(60), 'c'.repeat(60));
  expect(long.length).toBeLessThanOrEqual(58);
  expect(long).toMatch(/^p{20,}-c{20,}$/);
});
