import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service } from '@coracle/machinery/api';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer({ serviceCidr: '10.0.0.0/29', nodePorts: { first: 30000, last: 30002 } });
});
afterAll(() => t.close());

const path = '/api/v1/namespaces/default/services';
const merge = { 'content-type': 'application/merge-patch+json' };
const service = (name: string, spec: object = {}): object => ({
  metadata: { name },
  spec: { selector: { a: 'b' }, ports: [{ port: 80 }], ...spec },
});
const make = (name: string, spec?: object): ReturnType<TestServer['request']> =>
  t.request('POST', path, { body: service(name, spec) });

describe('addresses of services', () => {
  test('come from the range, each once, and return when the service goes', async () => {
    // Six usable addresses, one of which is the API server's.
    const made = await Promise.all(Array.from({ length: 6 }, (_, i) => make(`s${i}`)));
    expect(made.map((m) => m.code).toSorted()).toEqual([201, 201, 201, 201, 201, 422]);
    const addresses = made
      .filter((m) => m.code === 201)
      .map((m) => (m.body as unknown as Service).spec?.clusterIP);
    expect(new Set(addresses).size).toBe(5);
    const full = made.find((m) => m.code === 422);
    expect(full?.body.message).toMatch(/range is full/);
    const [first] = made.filter((m) => m.code === 201);
    await t.call('DELETE', `${path}/${first?.body.metadata.name}`);
    const again = await make('again');
    expect((again.body as unknown as Service).spec?.clusterIP).toBe(
      (first?.body as unknown as Service | undefined)?.spec?.clusterIP,
    );
  });
  test('that are taken are refused, and stay with their owner', async () => {
    const { spec } = await t.call<Service>('GET', `${path}/again`);
    const address = spec?.clusterIP ?? '';
    for (let i = 0; i < 2; i++) {
      const { code, body } = await make('thief', { clusterIP: address });
      expect(code).toBe(422);
      expect(body.message).toBe(
        `Service "thief" is invalid: spec.clusterIPs: Invalid value: ["${address}"]: failed to allocate IP ${address}: provided IP is already allocated`,
      );
    }
  });
  test('are not used up by dry runs and refused services', async () => {
    await t.call('DELETE', `${path}/again`);
    for (let i = 0; i < 8; i++) {
      expect((await t.request('POST', `${path}?dryRun=All`, { body: service(`dry${i}`) })).code).toBe(201);
      expect((await make('Bad Name')).code).toBe(422);
    }
    expect((await make('last')).code).toBe(201);
  });
});

describe('node ports', () => {
  const headless = { clusterIP: 'None' };
  test('return when a service no longer wants them, whoever else writes meanwhile', async () => {
    await t.call('DELETE', `${path}/last`);
    const made = await make('np', { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] });
    expect(made.code).toBe(201);
    await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        t.call(
          'PATCH',
          `${path}/np`,
          i === 3
            ? { spec: { type: 'ClusterIP', ports: [{ port: 80 }] } }
            : { metadata: { labels: { [`l${i}`]: 'x' } } },
          merge,
        ),
      ),
    );
    const after = await t.call<Service>('GET', `${path}/np`);
    expect(after.spec?.type).toBe('ClusterIP');
    expect(after.spec?.ports?.[0]?.nodePort).toBeUndefined();
    // All three ports are free again, 30001 among them.
    const updated = await t.request('PATCH', `${path}/np`, {
      body: {
        spec: {
          type: 'NodePort',
          ports: [30000, 30001, 30002].map((nodePort, i) => ({ name: `p${i}`, port: 80 + i, nodePort })),
        },
      },
      headers: merge,
    });
    expect([updated.code, updated.body.message]).toEqual([200, undefined]);
  });
  test('outside the range or taken are refused at their field', async () => {
    await t.call('DELETE', `${path}/np`);
    const { body } = await make('far', { type: 'NodePort', ports: [{ port: 80, nodePort: 29999 }] });
    expect(body.message).toMatch(
      /spec\.ports\[0\]\.nodePort: Invalid value: 29999: provided port is not in the valid range\. The range of valid ports is 30000-30002/,
    );
  });
  test('a headless service needs neither', async () => {
    expect((await make('headless', headless)).body).toMatchObject({
      spec: { clusterIP: 'None', clusterIPs: ['None'] },
    });
  });
});
