import type { discovery_v1, Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { hostLines, peersOf, replaceNames } from '../src/agent/hosts.ts';
import { PodAddresses } from '../src/process/addresses.ts';
import { hostsText } from '../src/process/hosts-file.ts';

const pod = (name: string, spec: object = {}, namespace = 'ns'): Pod =>
  ({ metadata: { name, namespace, uid: name }, spec: { containers: [], ...spec } }) as unknown as Pod;
const slice = (
  service: string,
  endpoints: object[],
  labels: object = { 'service.kubernetes.io/headless': '' },
) =>
  ({
    metadata: {
      name: `${service}-x`,
      namespace: 'ns',
      labels: { 'kubernetes.io/service-name': service, ...labels },
    },
    endpoints,
  }) as unknown as discovery_v1.EndpointSlice;

describe('the lines of a hosts file', () => {
  const self = {
    pod: pod('me', { hostAliases: [{ ip: '9.9.9.9', hostnames: ['alias'] }] }),
    ip: '127.64.0.1',
  };

  test('have the pod itself and its aliases', () => {
    expect(hostLines(self, [])).toEqual([
      { address: '127.64.0.1', names: ['me'] },
      { address: '9.9.9.9', names: ['alias'] },
    ]);
  });

  test('have peers of headless services: endpoints by name, and the service itself', () => {
    const peers = peersOf(
      [],
      [slice('svc', [{ addresses: ['10.0.0.7'], hostname: 'w-0' }, { addresses: ['10.0.0.8'] }])],
    );
    const names = (address: string): string[] =>
      hostLines(self, peers)
        .filter((line) => line.address === address)
        .flatMap((line) => line.names);
    expect(names('10.0.0.7')).toEqual(
      expect.arrayContaining([
        'w-0.svc',
        'w-0.svc.ns',
        'w-0.svc.ns.svc',
        'w-0.svc.ns.svc.cluster.local',
        'svc',
      ]),
    );
    expect(names('10.0.0.8')).toEqual(expect.arrayContaining(['svc', 'svc.ns.svc.cluster.local']));
  });

  test('leave out services that are not headless', () => {
    expect(peersOf([], [slice('svc', [{ addresses: ['10.0.0.7'], hostname: 'w' }], {})])).toEqual([]);
  });

  test('give pods of other namespaces their full names only', () => {
    const peers = peersOf([{ pod: pod('w', { subdomain: 'svc' }, 'other'), ip: '127.64.0.2' }], []);
    expect(hostLines(self, peers).at(-1)?.names).toEqual([
      'w.svc.other',
      'w.svc.other.svc',
      'w.svc.other.svc.cluster.local',
    ]);
  });

  test('are a file that begins with the loopback', () => {
    expect(
      hostsText([{ address: '1.2.3.4', names: ['a', 'b'] }])
        .split('\n')
        .slice(1),
    ).toEqual(['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', '1.2.3.4\ta\tb', '']);
  });
});

describe('names in values', () => {
  const lines = [{ address: '127.64.0.2', names: ['w-0.job.ns.svc', 'w-0.job', 'w-0'] }];
  test.each([
    ['w-0.job', '127.64.0.2'],
    ['http://w-0.job.ns.svc:80/x', 'http://127.64.0.2:80/x'],
    ['w-0.job:1,w-1.job:1', '127.64.0.2:1,w-1.job:1'],
    ['xw-0.job', 'xw-0.job'],
    ['w-0.jobs', 'w-0.jobs'],
    ['w-0.job.example.com', 'w-0.job.example.com'],
    ['ends with w-0.job.', 'ends with 127.64.0.2.'],
    ['w-0', 'w-0'],
  ])('%s becomes %s', (text, expected) => {
    expect(replaceNames(text, lines)).toBe(expected);
  });
});

describe('pod addresses', () => {
  test('are loopback addresses of 127.64.0.0/10, one a pod, free again when released', () => {
    const addresses = new PodAddresses('linux');
    const all = Array.from({ length: 2000 }, (_, i) => addresses.assign(`pod-${i}`));
    expect(new Set(all).size).toBe(2000);
    for (const address of all) {
      const [a, b, , d] = address.split('.').map(Number) as [number, number, number, number];
      expect(a === 127 && b >= 64 && b <= 127 && d >= 1 && d <= 254).toBe(true);
    }
    expect(addresses.assign('pod-7')).toBe(all[7]);
    expect(new PodAddresses('darwin').assign('x')).toBe('127.0.0.1');
  });
});
