import type { DeviceTaintRule, Node, ResourceSlice, resource_v1 } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  fitErrorMessage,
  placeGang,
  scheduleOne,
  type Framework,
  type Snapshot,
} from '../../src/core/index.ts';
import { deviceShortfall } from '../../src/core/dra/shortfall.ts';
import { node, pod } from '../objects.ts';
import { cel, claim, deviceClass, gpuDriver, podWith, request, slice } from './objects.ts';

interface World {
  snapshot: Snapshot;
  framework: Framework;
  /** Places a pod with this claim. Answers the devices it got as `driver/pool/device`, or why it fits nowhere. */
  place(name: string, devices?: resource_v1.DeviceClaim | number): string[] | string;
  results(name: string): resource_v1.DeviceRequestAllocationResult[];
}

function world(
  nodes: readonly (string | Node)[],
  slices: readonly ResourceSlice[],
  classes = [deviceClass('gpu')],
): World {
  const snapshot = createSnapshot();
  for (const one of nodes) snapshot.setNode(typeof one === 'string' ? node(one) : one);
  for (const one of slices) snapshot.devices.setSlice(one);
  for (const one of classes) snapshot.devices.setClass(one);
  const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
  const results = (name: string) =>
    snapshot.devices.ledger.allocation(`default/${name}`)?.devices?.results ?? [];
  return {
    snapshot,
    framework,
    results,
    place(name, devices) {
      snapshot.devices.setClaim(claim(name, devices));
      const decision = scheduleOne(framework, snapshot.describe(podWith(name, [name], { requests: {} })));
      if (!decision.fits) return fitErrorMessage(decision.diagnosis);
      return results(name).map((r) => `${r.driver}/${r.pool}/${r.device}`);
    },
  };
}

const none = '0/1 nodes are available: 1 cannot allocate all claims.';
const on = (...names: string[]) => names.map((name) => `${gpuDriver}/n/${name}`);

describe('devices through claims', () => {
  test('a device is given once, and the pod that finds none is told so', () => {
    const w = world(['n'], [slice('s', 'n', ['a', 'b'])]);
    expect(w.place('x')).toEqual(on('a'));
    expect(w.place('y')).toEqual(on('b'));
    expect(w.place('z')).toBe(none);
  });

  test('the allocation is as kube-scheduler writes it', () => {
    const config = [
      { opaque: { driver: gpuDriver, parameters: { mode: 'fast' } } },
    ] as unknown as resource_v1.DeviceClassConfiguration[];
    const w = world(['n'], [slice('s', 'n', ['a', 'b'])], [deviceClass('gpu', [], { config })]);
    const own = {
      requests: ['r'],
      opaque: { driver: gpuDriver, parameters: { mode: 'own' } },
    } as unknown as resource_v1.DeviceClaimConfiguration;
    w.place('x', { requests: [request('r'), request('q')], config: [own] });
    expect(w.snapshot.devices.ledger.allocation('default/x')).toEqual({
      devices: {
        results: [
          { request: 'r', driver: gpuDriver, pool: 'n', device: 'a' },
          { request: 'q', driver: gpuDriver, pool: 'n', device: 'b' },
        ],
        config: [
          { source: 'FromClass', opaque: { driver: gpuDriver, parameters: { mode: 'fast' } } },
          {
            source: 'FromClaim',
            requests: ['r'],
            opaque: { driver: gpuDriver, parameters: { mode: 'own' } },
          },
        ],
      },
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }],
      },
    });
  });

  test('selectors of the class and of the request both hold', () => {
    const device = (name: string, model: string, memory: string) => ({
      name,
      attributes: { model: { string: model } },
      capacity: { memory: { value: memory } },
    });
    const w = world(
      ['n'],
      [
        slice('s', 'n', [
          device('a', 'T4', '16Gi'),
          device('b', 'A100', '40Gi'),
          device('c', 'A100', '80Gi'),
        ]),
      ],
      [deviceClass('gpu', [`device.attributes['${gpuDriver}'].model == 'A100'`])],
    );
    const large = cel(`device.capacity['${gpuDriver}'].memory.compareTo(quantity('60Gi')) >= 0`);
    expect(w.place('x', { requests: [request('r', { selectors: [large] })] })).toEqual(on('c'));
    expect(w.place('y', 2)).toBe(none);
    expect(w.place('z')).toEqual(on('b'));
  });

  test('a selector that cannot be evaluated is named', () => {
    const w = world(['n'], [slice('s', 'n', ['a'])]);
    const broken = cel(`device.attributes['${gpuDriver}'].model == 'A100'`);
    expect(w.place('x', { requests: [request('r', { selectors: [broken] })] })).toMatch(
      /^0\/1 nodes are available: 1 claim default\/x: selector #0 on device gpu.example.com\/n\/a: CEL runtime error: /,
    );
  });

  test('a class that does not exist keeps the pod from every node, until it does', () => {
    const w = world(['n'], [slice('s', 'n', ['a'])], []);
    expect(w.place('x')).toBe('0/1 nodes are available: request r: device class gpu does not exist.');
    w.snapshot.devices.setClass(deviceClass('gpu'));
    expect(w.place('x')).toEqual(on('a'));
  });

  test('of alternatives the first that can be had is taken, and nodes that have an earlier one are preferred', () => {
    const model = (name: string) => ({ name, attributes: { model: { string: name.slice(0, -1) } } });
    const wants = (...models: string[]): resource_v1.DeviceClaim => ({
      requests: [
        {
          name: 'r',
          firstAvailable: models.map((m) => ({
            name: m.toLowerCase(),
            deviceClassName: 'gpu',
            selectors: [cel(`device.attributes['${gpuDriver}'].model == '${m}'`)],
          })),
        },
      ],
    });
    const w = world(['m', 'n'], [slice('s', 'm', [model('T4-')]), slice('t', 'n', [model('A100-')])]);
    expect(w.place('x', wants('H100', 'A100-'.slice(0, -1), 'T4'))).toEqual(on('A100-'));
    expect(w.results('x')[0]!.request).toBe('r/a100');
    expect(w.place('y', wants('H100', 'A100', 'T4'))).toEqual([`${gpuDriver}/m/T4-`]);
    expect(w.results('y')[0]!.request).toBe('r/t4');
  });

  test('a constraint holds devices to one value of an attribute, or to different ones', () => {
    const numa = (name: string, int: number) => ({ name, attributes: { numa: { int } } });
    const devices = [numa('a', 0), numa('b', 1), numa('c', 1), numa('d', 0), numa('e', 2)];
    const two = { requests: [request('r'), request('q')] };
    const matching = world(['n'], [slice('s', 'n', devices)]);
    const matchAttribute = `${gpuDriver}/numa`;
    expect(matching.place('x', { ...two, constraints: [{ matchAttribute }] })).toEqual(on('a', 'd'));
    expect(matching.place('y', { ...two, constraints: [{ matchAttribute }] })).toEqual(on('b', 'c'));
    expect(matching.place('z', { ...two, constraints: [{ matchAttribute }] })).toBe(none);
    const distinct = world(['n'], [slice('s', 'n', devices)]);
    expect(
      distinct.place('x', {
        requests: [request('r', { count: 3 })],
        constraints: [{ distinctAttribute: matchAttribute }],
      }),
    ).toEqual(on('a', 'b', 'e'));
  });

  test('all devices that match are taken, or none', () => {
    const w = world(['n'], [slice('s', 'n', ['a', 'b', 'c'])]);
    const all = { requests: [request('r', { allocationMode: 'All' })] };
    expect(w.place('x', all)).toEqual(on('a', 'b', 'c'));
    expect(w.place('y', all)).toBe(none);
  });

  test('admin access sees devices in use, and leaves them to others', () => {
    const w = world(['n'], [slice('s', 'n', ['a', 'b'])]);
    w.place('x');
    const admin = { requests: [request('r', { allocationMode: 'All', adminAccess: true })] };
    expect(w.place('admin', admin)).toEqual(on('a', 'b'));
    expect(w.results('admin').map((r) => r.adminAccess)).toEqual([true, true]);
    expect(w.place('y')).toEqual(on('b'));
  });

  test('tainted devices are for those that tolerate them', () => {
    const taint = { key: 'sick', value: 'x', effect: 'NoSchedule' };
    const w = world(['n'], [slice('s', 'n', [{ name: 'a', taints: [taint] }, { name: 'b' }])]);
    expect(w.place('x', 2)).toBe(none);
    const tolerations = [{ key: 'sick', operator: 'Exists' }];
    expect(w.place('y', { requests: [request('r', { tolerations })] })).toEqual(on('a'));
    expect(w.results('y')[0]!.tolerations).toEqual(tolerations);
    const rule = {
      metadata: { name: 'rule' },
      spec: { deviceSelector: { pool: 'n', device: 'b' }, taint: { ...taint, effect: 'NoExecute' } },
    } as unknown as DeviceTaintRule;
    w.snapshot.devices.setTaintRule(rule);
    expect(w.place('z')).toBe(none);
    w.snapshot.devices.removeTaintRule(rule);
    expect(w.place('z')).toEqual(on('b'));
  });

  test('partitions of a device share its counters', () => {
    const part = (name: string, value: string): resource_v1.Device => ({
      name,
      consumesCounters: [{ counterSet: 'card', counters: { memory: { value } } }],
    });
    const counters = slice('s0', 'n', [], {
      count: 2,
      spec: { sharedCounters: [{ name: 'card', counters: { memory: { value: '40Gi' } } }] },
    });
    const parts = [
      part('half0', '20Gi'),
      part('half1', '20Gi'),
      part('quarter', '10Gi'),
      part('whole', '40Gi'),
    ];
    const w = world(['n'], [counters, slice('s1', 'n', parts, { count: 2 })]);
    expect(w.place('x')).toEqual(on('half0'));
    expect(w.place('y', 2)).toBe(none);
    expect(w.place('z')).toEqual(on('half1'));
    expect(w.place('q')).toBe(none);
  });

  test('a device that several claims may share is consumed by amounts, rounded as its policy says', () => {
    const nic: resource_v1.Device = {
      name: 'nic',
      allowMultipleAllocations: true,
      capacity: {
        bandwidth: {
          value: '10G',
          requestPolicy: { default: '1G', validRange: { min: '1G', max: '8G', step: '2G' } },
        },
      },
    };
    const w = world(['n'], [slice('s', 'n', [nic])]);
    const asks = (amount: string) => ({
      requests: [request('r', { capacity: { requests: { bandwidth: amount } } })],
    });
    expect(w.place('x', asks('4G'))).toEqual(on('nic'));
    expect(w.results('x')[0]!.consumedCapacity).toEqual({ bandwidth: '5G' });
    expect(w.place('usual')).toEqual(on('nic'));
    expect(w.results('usual')[0]!.consumedCapacity).toEqual({ bandwidth: '1G' });
    expect(w.place('much', asks('4G'))).toBe(none);
    expect(w.place('rest', asks('3G'))).toEqual(on('nic'));
    const ids = ['x', 'usual', 'rest'].map((name) => w.results(name)[0]!.shareID);
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(w.place('beyond', asks('9G'))).toBe(none);
  });

  test('a search that finds no end is ended, on each node and in each decision', () => {
    const devices = Array.from({ length: 32 }, (_, i) => ({
      name: `d${i}`,
      attributes: { a: { int: i }, b: { int: i % 2 } },
    }));
    // No two devices are alike, and three of them cannot have three values of b.
    const constraints = [
      { distinctAttribute: `${gpuDriver}/a` },
      { distinctAttribute: `${gpuDriver}/b`, requests: ['q'] },
    ];
    const requests = [request('r', { count: 16 }), request('q', { count: 3 })];
    const w = world(['n'], [slice('s', 'n', devices)]);
    expect(w.place('x', { requests, constraints })).toBe(
      '0/1 nodes are available: 1 timed out trying to allocate devices.',
    );
    const easy = { requests: [request('r', { count: 16 })], constraints: constraints.slice(0, 1) };
    expect(w.place('y', easy)).toHaveLength(16);

    const names = Array.from({ length: 12 }, (_, i) => `n${i}`);
    const many = world(
      names,
      names.map((name) => slice(name, name, devices)),
    );
    many.snapshot.devices.setClaim(claim('x', { requests, constraints }));
    let decisions = 0;
    for (let unfinished = true; unfinished; decisions++) {
      const decision = many.framework.schedule(many.snapshot.describe(podWith('x', ['x'])));
      unfinished = !decision.fits && decision.diagnosis.unfinished === true;
    }
    // Each goes on where the one before it stopped; the last finds that everything is judged.
    expect(decisions).toBe(3);
  });

  test('devices of one slice may be for different nodes', () => {
    const devices = [
      { name: 'm', nodeName: 'm' },
      { name: 'n', nodeName: 'n' },
      { name: 'any', allNodes: true },
    ];
    const spec = { perDeviceNodeSelection: true };
    const w = world(['n'], [slice('s', undefined, devices, { spec })]);
    expect(w.place('x', 2)).toEqual([`${gpuDriver}/shared/n`, `${gpuDriver}/shared/any`]);
    expect(w.place('y')).toBe(none);
    w.snapshot.setNode(node('m'));
    expect(w.place('z')).toEqual([`${gpuDriver}/shared/m`]);
    expect(w.snapshot.devices.ledger.allocation('default/z')?.nodeSelector).toEqual({
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['m'] }] }],
    });
  });

  test('a pool with two devices of one name, or with counters nobody offers, gives nothing', () => {
    const twice = world(['n'], [slice('s', 'n', ['a'], { count: 2 }), slice('t', 'n', ['a'], { count: 2 })]);
    const invalid = '0/1 nodes are available: 1 invalid resource pools were encountered.';
    expect(twice.place('x')).toBe(invalid);
    const device = { name: 'a', consumesCounters: [{ counterSet: 'none', counters: { m: { value: '1' } } }] };
    expect(world(['n'], [slice('s', 'n', [device])]).place('x')).toBe(invalid);
  });

  test('an attribute with several values matches by any of them', () => {
    const roots = (name: string, ...strings: string[]) => ({ name, attributes: { roots: { strings } } });
    const devices = [roots('a', 'x', 'y'), roots('b', 'z'), roots('c', 'y', 'z')];
    const two = (constraint: object) => ({
      requests: [request('r', { count: 2 })],
      constraints: [constraint],
    });
    const match = two({ matchAttribute: `${gpuDriver}/roots` });
    expect(world(['n'], [slice('s', 'n', devices)]).place('x', match)).toEqual(on('a', 'c'));
    const distinct = two({ distinctAttribute: `${gpuDriver}/roots` });
    expect(world(['n'], [slice('s', 'n', devices)]).place('x', distinct)).toEqual(on('a', 'b'));
  });

  test('init containers use the devices of the containers after them', () => {
    const resource = 'example.com/gpu';
    const w = world(['n'], [], [deviceClass('gpu', [], { extendedResourceName: resource })]);
    const container = (name: string, count: string, more: object = {}) => ({
      name,
      image: 'x',
      resources: { requests: { cpu: '1', [resource]: count } },
      ...more,
    });
    const wants = pod('p', {
      spec: {
        initContainers: [container('short', '3'), container('sidecar', '1', { restartPolicy: 'Always' })],
        containers: [container('main', '1')],
      } as never,
    });
    const { spec, mappings } = w.snapshot.devices.extendedAsk(wants, [resource]);
    expect(spec.requests!.map(({ name, exactly }) => [name, exactly!.count])).toEqual([
      ['container-0-request-1', 1],
      ['container-1-request-1', 1],
      ['container-2-request-1', 1],
    ]);
    expect(mappings.filter((m) => m.containerName === 'short').map((m) => m.requestName)).toEqual([
      'container-1-request-1',
      'container-2-request-1',
      'container-0-request-1',
    ]);
  });

  test('what a node lacks is said in devices', () => {
    const taints = [{ key: 'sick', effect: 'NoSchedule' }];
    const w = world(['n'], [slice('s', 'n', ['a', 'b', { name: 'c', taints }])]);
    w.place('x');
    w.place('y', 2);
    const wants = (name: string) => w.snapshot.describe(podWith(name, [name]));
    expect(deviceShortfall(w.snapshot, wants('y'), 0)).toEqual([
      'default/y: request r asks for 2 device(s) of class gpu: 3 of 3 devices match, 1 of them tainted, 1 free',
    ]);
    const constraints = [{ matchAttribute: `${gpuDriver}/numa` }];
    w.place('z', { requests: [request('r')], constraints });
    expect(deviceShortfall(w.snapshot, wants('z'), 0)).toEqual([
      'each request can be satisfied by itself, but not all of them together with their constraints',
    ]);
  });

  test('cards of a node agent are chosen by their links, and shares go onto shared cards', () => {
    // 0-2 and 1-3 are linked.
    const links = ['SYS', 'NV4', 'SYS', 'SYS', 'NV4', 'SYS'];
    const text = JSON.stringify({ numa: [0, 0, 0, 0], links });
    const one = node('n', { annotations: { 'coracle.dev/gpu-topology': text } });
    const share = { value: '1000', requestPolicy: { default: '1000', validRange: { min: '1', step: '1' } } };
    const cards = [0, 1, 2, 3].map((i): resource_v1.Device => ({
      name: `gpu-${i}`,
      allowMultipleAllocations: true,
      capacity: { share },
    }));
    const offered = () => world([one], [slice('s', 'n', cards, { driver: 'gpu.coracle.dev' })]);
    const got = (w: World, name: string, devices?: resource_v1.DeviceClaim | number) =>
      w.place(name, devices) as string[];
    const pairs = offered();
    expect(got(pairs, 'x', 2)).toEqual(['gpu.coracle.dev/n/gpu-0', 'gpu.coracle.dev/n/gpu-2']);
    expect(got(pairs, 'y', 2)).toEqual(['gpu.coracle.dev/n/gpu-1', 'gpu.coracle.dev/n/gpu-3']);
    const parts = offered();
    const quarter = { requests: [request('r', { capacity: { requests: { share: '250' } } })] };
    got(parts, 'whole');
    expect(got(parts, 'a', quarter)).toEqual(got(parts, 'b', quarter));
  });

  test('devices of the network are for the nodes that their selector names', () => {
    const labelled = node('far', { labels: { fabric: 'blue' } });
    const nodeSelector = {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'fabric', operator: 'In', values: ['blue'] }] }],
    };
    const w = world(['near', labelled], [slice('s', undefined, ['port'], { spec: { nodeSelector } })]);
    expect(w.place('x')).toEqual([`${gpuDriver}/shared/port`]);
    expect(w.snapshot.pod('pod-x')!.nodeName).toBe('far');
    expect(w.snapshot.devices.ledger.allocation('default/x')?.nodeSelector).toEqual(nodeSelector);
    expect(w.place('y')).toBe('0/2 nodes are available: 2 cannot allocate all claims.');
  });

  test('a pool that is being written anew gives nothing, and its old devices are gone', () => {
    const w = world(['n'], [slice('s', 'n', ['a'])]);
    w.snapshot.devices.setSlice(slice('s1', 'n', ['b'], { generation: 2, count: 2 }));
    expect(w.place('x')).toBe(none);
    expect(w.place('all', { requests: [request('r', { allocationMode: 'All' })] })).toBe(
      '0/1 nodes are available: 1 claim default/all, request r: asks for all devices, but resource pool ' +
        'gpu.example.com/n is currently being updated.',
    );
    w.snapshot.devices.setSlice(slice('s2', 'n', ['c'], { generation: 2, count: 2 }));
    expect(w.place('y', 2)).toEqual(on('b', 'c'));
  });

  test('a claim that several pods use is allocated once and holds them to its node', () => {
    const w = world(['m', 'n'], [slice('s', 'm', ['a']), slice('t', 'n', ['a'])]);
    w.snapshot.devices.setClaim(claim('shared'));
    const place = (name: string) => {
      const decision = scheduleOne(w.framework, w.snapshot.describe(podWith(name, ['shared'])));
      return decision.fits ? decision.nodeName : fitErrorMessage(decision.diagnosis);
    };
    const first = place('p0');
    expect([place('p1'), place('p2')]).toEqual([first, first]);
    expect(w.results('shared')).toHaveLength(1);
  });

  test('extended resources are devices of the class that names them, where no plugin offers them', () => {
    const resource = 'example.com/gpu';
    const w = world(
      [node('plugin', { allocatable: { [resource]: '1' } }), 'dra'],
      [slice('s', 'dra', ['a', 'b']), slice('t', 'plugin', ['c'])],
      [deviceClass('gpu', [], { extendedResourceName: resource })],
    );
    const place = (name: string, requests: Record<string, string>) => {
      const decision = scheduleOne(w.framework, w.snapshot.describe(pod(name, { requests })));
      return decision.fits ? decision.nodeName : fitErrorMessage(decision.diagnosis);
    };
    const places = ['p0', 'p1', 'p2'].map((name) => place(name, { [resource]: '1' }));
    expect(places.toSorted()).toEqual(['dra', 'dra', 'plugin']);
    expect(place('p3', { [resource]: '1' })).toBe(
      '0/2 nodes are available: 1 Insufficient example.com/gpu, 1 cannot allocate all claims.',
    );
    expect(place('p4', { 'deviceclass.resource.kubernetes.io/gpu': '1' })).toBe('plugin');
  });

  test('a gang that cannot have all its devices leaves them to others', () => {
    const w = world(['n'], [slice('s', 'n', ['a', 'b'])]);
    const members = ['g0', 'g1', 'g2'].map((name) => {
      w.snapshot.devices.setClaim(claim(name));
      return w.snapshot.describe(podWith(name, [name]));
    });
    expect(placeGang(w.framework, { pods: members, minCount: 3, scheduled: 0 }).fits).toBe(false);
    expect(w.place('x')).toEqual(on('a'));
    const two = placeGang(w.framework, { pods: members.slice(0, 1), minCount: 1, scheduled: 0 });
    expect(two.placed[0]!.reservations).toHaveLength(1);
    expect(w.place('y')).toBe(none);
    for (const reservation of two.placed[0]!.reservations) reservation.release();
    expect(w.place('z')).toEqual(on('b'));
  });
});
