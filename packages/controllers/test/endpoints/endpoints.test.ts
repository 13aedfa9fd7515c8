import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EndpointSlice, Endpoints, Pod, Service } from '@coracle/machinery/api';
import { endpointsController, endpointSliceController } from '../../src/index.ts';
import { planSlices } from '../../src/endpoints/slices.ts';
import { lab } from '../lab.ts';

const service = (spec: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default', uid: 'service-uid', labels: { team: 'a' } },
    spec: {
      selector: { app: 'web' },
      clusterIP: '10.0.0.1',
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  }) as unknown as Service;
const pod = (name: string, ip: string, more: { ready?: boolean; spec?: object; deleting?: boolean } = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels: { app: 'web' },
      ...(more.deleting
        ? { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.com/hold'] }
        : {}),
    },
    spec: { nodeName: 'n1', containers: [], ...more.spec },
    status: {
      phase: 'Running',
      podIP: ip,
      conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    },
  }) as unknown as Pod;
const zone = () => undefined;
const only = (s: Service, pods: Pod[]) => planSlices(s, pods, [], zone).create[0]!;
const named = (containerPort: number) => ({
  spec: { containers: [{ name: 'c', ports: [{ name: 'serve', containerPort }] }] },
});

describe('EndpointSlices of a Service', () => {
  test('ready, serving and terminating follow the pod', () => {
    const { endpoints } = only(service(), [
      pod('a', '10.1.0.1'),
      pod('b', '10.1.0.2', { ready: false }),
      pod('c', '10.1.0.3', { deleting: true }),
    ]);
    expect(endpoints?.map((e) => e.conditions)).toEqual([
      { ready: true, serving: true, terminating: false },
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
    ]);
  });

  test('publishNotReadyAddresses: all are ready', () => {
    const s = service({ publishNotReadyAddresses: true });
    const { endpoints } = only(s, [
      pod('a', '10.1.0.1', { ready: false }),
      pod('b', '10.1.0.2', { deleting: true, ready: false }),
    ]);
    expect(endpoints?.map((e) => e.conditions?.ready)).toEqual([true, true]);
  });

  test('labels, owner, ports and target', () => {
    const slice = only(service(), [pod('a', '10.1.0.1')]);
    expect(slice).toMatchObject({
      metadata: {
        generateName: 'web-',
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.1.0.1'],
          nodeName: 'n1',
          targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
        },
      ],
    });
  });

  test('headless, without ports: host names of pods in the subdomain, and the label', () => {
    const slice = only(service({ clusterIP: 'None', ports: undefined }), [
      pod('a', '10.1.0.1', { spec: { hostname: 'train-0', subdomain: 'web' } }),
      pod('b', '10.1.0.2', { spec: { hostname: 'train-1', subdomain: 'other' } }),
    ]);
    expect(slice.metadata.labels?.['service.kubernetes.io/headless']).toBe('');
    expect(slice.ports).toEqual([]);
    expect(slice.endpoints?.map((e) => e.hostname)).toEqual(['train-0', undefined]);
  });

  test('a named target port that pods have under different numbers makes two slices', () => {
    const plan = planSlices(
      service({ ports: [{ port: 80, targetPort: 'serve' }] }),
      [pod('a', '10.1.0.1', named(1)), pod('b', '10.1.0.2', named(2)), pod('c', '10.1.0.3')],
      [],
      zone,
    );
    expect(plan.create.map((s) => [s.ports?.[0]?.port, s.endpoints?.length])).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test('a Service with no pods has one empty slice', () => {
    const plan = planSlices(service(), [], [], zone);
    expect(plan.create).toHaveLength(1);
    expect(plan.create[0]?.endpoints).toEqual([]);
  });

  test('any sequence of pods: every pod in exactly one slice, none above 100, and then nothing to do', () => {
    const sets = fc.array(fc.uniqueArray(fc.nat(400), { maxLength: 350 }), { maxLength: 4 });
    fc.assert(
      fc.property(sets, (steps) => {
        let slices: EndpointSlice[] = [];
        let serial = 0;
        for (const numbers of steps) {
          const pods = numbers.map((n) => pod(`p${n}`, `10.1.${n >> 8}.${n & 255}`));
          const plan = planSlices(service(), pods, slices, zone);
          const gone = new Set([...plan.remove, ...plan.update].map((s) => s.metadata.name));
          const kept = slices.filter((s) => !gone.has(s.metadata.name));
          const made = plan.create.map((draft) => {
            serial += 1;
            return {
              ...draft,
              metadata: { ...draft.metadata, name: `s${serial}` },
            } as unknown as EndpointSlice;
          });
          slices = [...kept, ...plan.update, ...made];
          const names = slices.flatMap((s) => (s.endpoints ?? []).map((e) => e.targetRef?.name));
          expect(names.toSorted()).toEqual(pods.map((p) => p.metadata.name).toSorted());
          for (const slice of slices) expect(slice.endpoints?.length).toBeLessThanOrEqual(100);
          expect(planSlices(service(), pods, slices, zone)).toEqual({ create: [], update: [], remove: [] });
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('endpoint controllers on a cluster', () => {
  test('follow pods that come, become ready and go', async () => {
    const l = lab({ objects: [service(), pod('a', '10.1.0.1')] });
    await l.start(endpointSliceController(l.deps), endpointsController(l.deps));
    const ready = () =>
      l.cluster
        .objects(EndpointSlice)
        .flatMap((s) => s.endpoints ?? [])
        .filter((e) => e.conditions?.ready)
        .map((e) => e.targetRef?.name);
    const subsets = () => l.cluster.object(Endpoints, 'web', 'default')?.subsets ?? [];
    await l.until(() => ready().join() === 'a');
    await l.until(() => subsets()[0]?.addresses?.length === 1);
    l.cluster.seed(pod('b', '10.1.0.2', { ready: false }));
    await l.until(() => subsets()[0]?.notReadyAddresses?.[0]?.ip === '10.1.0.2');
    await l.cluster.client.patch(
      Pod,
      'b',
      'merge',
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      { namespace: 'default', subresource: 'status' },
    );
    await l.until(() => ready().join() === 'a,b');
    await l.until(() => subsets()[0]?.addresses?.length === 2);
    await l.cluster.client.delete(Pod, 'a', { namespace: 'default', gracePeriodSeconds: 0 });
    await l.until(() => ready().join() === 'b');
    await l.rest();
    expect(l.cluster.objects(EndpointSlice)).toHaveLength(1);
    await l.cluster.client.delete(Service, 'web', { namespace: 'default' });
    await l.until(() => !l.cluster.object(Endpoints, 'web', 'default'));
  });

  test('Services without selector are left alone', async () => {
    const l = lab({ objects: [service({ selector: undefined }), pod('a', '10.1.0.1')] });
    await l.start(endpointSliceController(l.deps), endpointsController(l.deps));
    await l.rest();
    expect(l.cluster.writes()).toEqual([]);
  });
});
