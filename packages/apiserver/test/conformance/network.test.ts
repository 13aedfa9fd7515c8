/** sig-network: services, endpoints and endpoint slices as API objects. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../../src/testing.ts';
import { type Any, eventOf, type List, merge, namesOf, strategic } from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());
const path = '/api/v1/namespaces/default/services';
const make = (name: string, spec: object, labels = {}): Promise<Any> =>
  t.call('POST', path, { metadata: { name, labels }, spec });
/** Reads, changes and puts back, as upstream's helpers do. */
async function edit(name: string, change: (spec: Any) => void): Promise<Any> {
  const service = structuredClone(await t.call<Any>('GET', `${path}/${name}`));
  change(service.spec);
  return t.call('PUT', `${path}/${name}`, service);
}
const port = { port: 80, name: 'http', protocol: 'TCP', targetPort: 9376 };

describe('Services', () => {
  test('Find Kubernetes Service in default Namespace', async () => {
    expect(namesOf(await t.call<List>('GET', '/api/v1/services'))).toContain('kubernetes');
    const service = await t.call<Any>('GET', `${path}/kubernetes`);
    expect(service.spec.ports[0]).toMatchObject({ name: 'https', port: 443, protocol: 'TCP' });
  });
  test('Service, change type, ExternalName to ClusterIP', async () => {
    const made = await make('en-ci', { type: 'ExternalName', externalName: 'foo.example.com' });
    expect([made.spec.clusterIP, made.spec.externalName]).toEqual([undefined, 'foo.example.com']);
    const changed = await edit('en-ci', (spec) => {
      spec.type = 'ClusterIP';
      spec.externalName = '';
      spec.ports = [port];
    });
    expect(changed.spec.clusterIP).toMatch(/^10\./);
    expect(changed.spec).toMatchObject({
      clusterIPs: [changed.spec.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
    });
  });
  test('Service, change type, ExternalName to NodePort', async () => {
    await make('en-np', { type: 'ExternalName', externalName: 'foo.example.com' });
    const changed = await edit('en-np', (spec) => {
      spec.type = 'NodePort';
      spec.externalName = '';
      spec.ports = [port];
    });
    expect(changed.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000);
    expect(changed.spec.externalTrafficPolicy).toBe('Cluster');
  });
  test('Service, change type, ClusterIP to ExternalName', async () => {
    const made = await make('ci-en', { type: 'ClusterIP', ports: [port] });
    const changed = await edit('ci-en', (spec) => {
      spec.type = 'ExternalName';
      spec.externalName = 'svc.example.com';
    });
    expect([changed.spec.type, changed.spec.clusterIP, changed.spec.clusterIPs]).toEqual([
      'ExternalName',
      undefined,
      undefined,
    ]);
    // Its address is free again.
    const next = await make('ci-en-2', { clusterIP: made.spec.clusterIP, ports: [port] });
    expect(next.spec.clusterIP).toBe(made.spec.clusterIP);
  });
  test('Service, change type, NodePort to ExternalName', async () => {
    const made = await make('np-en', { type: 'NodePort', ports: [port] });
    const { nodePort } = made.spec.ports[0];
    const changed = await edit('np-en', (spec) => {
      spec.type = 'ExternalName';
      spec.externalName = 'svc.example.com';
      spec.clusterIP = '';
    });
    expect(changed.spec.ports[0].nodePort).toBeUndefined();
    expect(changed.spec.externalTrafficPolicy).toBeUndefined();
    const next = await make('np-en-2', { type: 'NodePort', ports: [{ ...port, nodePort }] });
    expect(next.spec.ports[0].nodePort).toBe(nodePort);
  });
  test.each(['ClusterIP', 'NodePort'])(
    'Service, %s type, session affinity to ClientIP and to None',
    async (type) => {
      const name = `affinity-${type.toLowerCase()}`;
      const made = await make(name, { type, sessionAffinity: 'ClientIP', ports: [port] });
      expect(made.spec.sessionAffinityConfig).toEqual({ clientIP: { timeoutSeconds: 10800 } });
      const none = await edit(name, (spec) => {
        spec.sessionAffinity = 'None';
      });
      expect([none.spec.sessionAffinity, none.spec.sessionAffinityConfig]).toEqual(['None', undefined]);
      const timed = await edit(name, (spec) => {
        spec.sessionAffinity = 'ClientIP';
        spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 60 } };
      });
      expect(timed.spec.sessionAffinityConfig.clientIP.timeoutSeconds).toBe(60);
      const wrong = await t.request('PATCH', `${path}/${name}`, {
        body: { spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } } },
        headers: merge,
      });
      expect([wrong.code, wrong.body.reason]).toEqual([422, 'Invalid']);
    },
  );
  test('Service, NodePort Service: ClusterIP to NodePort and back gives the port back', async () => {
    await make('toggle', { ports: [port] });
    const open = await edit('toggle', (spec) => {
      spec.type = 'NodePort';
    });
    const { nodePort } = open.spec.ports[0];
    expect(nodePort).toBeGreaterThanOrEqual(30000);
    const closed = await edit('toggle', (spec) => {
      spec.type = 'ClusterIP';
      delete spec.ports[0].nodePort;
    });
    expect(closed.spec.ports[0].nodePort).toBeUndefined();
    expect(closed.spec.clusterIP).toBe(open.spec.clusterIP);
  });
  test('Service, should serve endpoints on same port and different protocols.', async () => {
    const made = await make('protocols', {
      type: 'NodePort',
      ports: [
        { name: 'tcp', port: 80, protocol: 'TCP' },
        { name: 'udp', port: 80, protocol: 'UDP' },
      ],
    });
    expect(made.spec.ports.map((p: Any) => p.protocol)).toEqual(['TCP', 'UDP']);
    const same = await t.request('POST', path, {
      body: {
        metadata: { name: 'same' },
        spec: {
          ports: [
            { name: 'a', port: 80 },
            { name: 'b', port: 80 },
          ],
        },
      },
    });
    expect([same.code, same.body.reason]).toEqual([422, 'Invalid']);
  });
  test('Service, complete ServiceStatus lifecycle', async () => {
    await make(
      'life',
      { type: 'LoadBalancer', ports: [port], loadBalancerClass: 'example.com/internal-vip' },
      { 'test-service-static': 'true' },
    );
    const watch = await t.watch(`${path}?watch=1&labelSelector=test-service-static%3Dtrue`);
    const status = { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } };
    await t.call(
      'PATCH',
      `${path}/life/status`,
      { metadata: { annotations: { patchedstatus: 'true' } }, status },
      merge,
    );
    const event = await eventOf(watch, 'MODIFIED', 'life');
    expect([event.metadata.annotations.patchedstatus, event.status.loadBalancer.ingress]).toEqual([
      'true',
      [{ ip: '203.0.113.1', ipMode: 'VIP' }],
    ]);
    const change = structuredClone(await t.call<Any>('GET', `${path}/life/status`));
    change.status.conditions = [
      {
        type: 'StatusUpdate',
        status: 'True',
        reason: 'E2E',
        message: 'Set from e2e test',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ];
    expect((await t.call<Any>('PUT', `${path}/life/status`, change)).status.conditions).toHaveLength(1);
    await t.call('PATCH', `${path}/life`, { metadata: { labels: { 'test-service': 'patched' } } }, strategic);
    await t.call('DELETE', `${path}/life`);
    await eventOf(watch, 'DELETED', 'life');
    watch.stop();
  });
  test('Service, deletes a collection of services', async () => {
    for (const n of [1, 2, 3])
      await make(`e2e-svc-${n}`, { ports: [port] }, { 'e2e-test-service': 'delete' });
    await t.call('DELETE', `${path}?labelSelector=e2e-test-service%3Ddelete`);
    expect((await t.call<List>('GET', `${path}?labelSelector=e2e-test-service%3Ddelete`)).items).toEqual([]);
  });
  test('what is fixed stays fixed', async () => {
    const made = await make('fixed', { ports: [port] });
    for (const change of [{ clusterIP: '10.96.0.77' }, { clusterIP: 'None' }, { type: 'Nonsense' }]) {
      const { code, body } = await t.request('PATCH', `${path}/fixed`, {
        body: { spec: change },
        headers: merge,
      });
      expect([change, code, body.reason]).toEqual([change, 422, 'Invalid']);
    }
    expect((await t.call<Any>('GET', `${path}/fixed`)).spec.clusterIP).toBe(made.spec.clusterIP);
  });
});

describe('Endpoints', () => {
  test('Endpoint resource lifecycle', async () => {
    const endpoints = '/api/v1/namespaces/default/endpoints';
    await t.call('POST', endpoints, {
      metadata: { name: 'testservice', labels: { 'test-endpoint-static': 'true' } },
      subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
    });
    const change = structuredClone(await t.call<Any>('GET', `${endpoints}/testservice`));
    change.metadata.labels['test-service'] = 'updated';
    await t.call('PUT', `${endpoints}/testservice`, change);
    const patched = await t.call<Any>(
      'PATCH',
      `${endpoints}/testservice`,
      {
        subsets: [
          { addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] },
        ],
      },
      strategic,
    );
    expect(patched.subsets).toEqual([
      { addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] },
    ]);
    await t.call('DELETE', `${endpoints}?labelSelector=test-endpoint-static%3Dtrue`);
    expect((await t.request('GET', `${endpoints}/testservice`)).code).toBe(404);
  });
  test('EndpointSlice API: the address type is fixed, addresses fit it', async () => {
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    await t.call('POST', slices, {
      metadata: { name: 's' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['1.2.3.4'] }],
    });
    for (const body of [{ addressType: 'IPv6' }, { endpoints: [{ addresses: ['::1'] }] }]) {
      const { code } = await t.request('PATCH', `${slices}/s`, { body, headers: merge });
      expect(code).toBe(422);
    }
  });
});

describe('PersistentVolumeClaims, CSI and storage objects', () => {
  test('PersistentVolumeClaim: the status is patched, the spec mostly fixed', async () => {
    const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
    await t.call('POST', claims, {
      metadata: { name: 'c' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: 'x',
      },
    });
    const patched = await t.call<Any>(
      'PATCH',
      `${claims}/c/status`,
      { status: { conditions: [{ type: 'Patched', status: 'True' }] } },
      merge,
    );
    expect([patched.status.phase, patched.status.conditions.length]).toEqual(['Pending', 1]);
    const fixed = await t.request('PATCH', `${claims}/c`, {
      body: { spec: { accessModes: ['ReadOnlyMany'] } },
      headers: merge,
    });
    expect(fixed.code).toBe(422);
  });
});
