import { describe, expect, test } from 'vitest';
import type { Endpoints, EndpointSlice, Service } from '@coracle/machinery/api';
import { isMirrored, planMirror } from '../../src/endpoints/mirror.ts';

const endpoints = (more: object = {}, subsets: object[] = []): Endpoints =>
  ({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'e', namespace: 'default', uid: 'u', labels: { a: 'b' }, ...more },
    subsets,
  }) as unknown as Endpoints;
const service = (spec: object = {}): Service =>
  ({ metadata: { name: 'e', namespace: 'default' }, spec }) as unknown as Service;
const subset = (ip: string, port = 80): object => ({ addresses: [{ ip }], ports: [{ port }] });

describe('mirrored endpoints', () => {
  test('are those of a Service without a selector that nobody exempts', () => {
    expect(isMirrored(endpoints(), service())).toBe(true);
    expect(isMirrored(endpoints(), undefined)).toBe(false);
    expect(isMirrored(endpoints(), service({ selector: { a: 'b' } }))).toBe(false);
    const exempt = { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } };
    expect(isMirrored(endpoints(exempt), service())).toBe(false);
    const lock = { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } };
    expect(isMirrored(endpoints(lock), service())).toBe(false);
  });
  test('give one slice for each family and set of ports, with the addresses that are not ready', () => {
    const source = endpoints({}, [
      subset('10.0.0.1'),
      { ...subset('10.0.0.2'), notReadyAddresses: [{ ip: '10.0.0.3', hostname: 'h' }] },
      subset('fd00::1'),
      subset('10.0.0.4', 443),
    ]);
    const { create } = planMirror(source, []);
    expect(
      create.map((s) => [s.addressType, s.ports?.[0]?.port, s.endpoints?.map((e) => e.addresses[0])]),
    ).toEqual([
      ['IPv4', 80, ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
      ['IPv6', 80, ['fd00::1']],
      ['IPv4', 443, ['10.0.0.4']],
    ]);
    expect(create[0]?.endpoints?.[2]).toEqual({
      addresses: ['10.0.0.3'],
      conditions: { ready: false },
      hostname: 'h',
    });
    expect(create[0]?.metadata.labels).toEqual({
      a: 'b',
      'kubernetes.io/service-name': 'e',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    });
  });
  test('are changed in place, kept when they are right, removed when nothing is left', () => {
    const [made] = planMirror(endpoints({}, [subset('10.0.0.1')]), []).create;
    const slice = { ...made, metadata: { ...made?.metadata, name: 'e-1' } } as EndpointSlice;
    const nothing = { create: [], update: [], remove: [] };
    expect(planMirror(endpoints({}, [subset('10.0.0.1')]), [slice])).toEqual(nothing);
    const changed = planMirror(endpoints({}, [subset('10.0.0.9')]), [slice]);
    expect(changed).toMatchObject({ create: [], remove: [] });
    expect(changed.update[0]?.endpoints?.[0]?.addresses).toEqual(['10.0.0.9']);
    expect(planMirror(endpoints(), [slice])).toMatchObject({ create: [], update: [], remove: [slice] });
  });
});
