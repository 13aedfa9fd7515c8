/**
 * Decisions a second for pods that get devices through claims (no API server): `node packages/scheduler/bench/dra.ts [nodes ...]`.
 * Each node has 8 devices; each pod has one claim from a template. Every figure includes reading the pod and its claim,
 * deciding, and taking the device.
 */
import type {
  DeviceClass,
  Node,
  Pod,
  ResourceClaim,
  ResourceSlice,
  resource_v1,
} from '@coracle/machinery/api';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  placeGang,
  scheduleOne,
  type Framework,
  type Snapshot,
} from '../src/core/index.ts';

const driver = 'gpu.example.com';
const devicesPerNode = 8;

function node(i: number): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `node-${i}`, labels: { 'kubernetes.io/hostname': `node-${i}` } },
    status: { allocatable: { cpu: '32', memory: '256Gi', pods: '110' } },
  } as unknown as Node;
}

function slice(i: number): ResourceSlice {
  const devices = Array.from({ length: devicesPerNode }, (_, d) => ({
    name: `gpu-${d}`,
    attributes: { model: { string: 'H200' }, uuid: { string: `GPU-${i}-${d}` }, numa: { int: d >> 2 } },
    capacity: { memory: { value: '141Gi' } },
  }));
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: `slice-${i}`, uid: `slice-${i}` },
    spec: {
      driver,
      nodeName: `node-${i}`,
      pool: { name: `node-${i}`, generation: 1, resourceSliceCount: 1 },
      devices,
    },
  } as unknown as ResourceSlice;
}

function claim(name: string, devices: resource_v1.DeviceClaim): ResourceClaim {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: name, controller: true }],
    },
    // As if it had come from the API server: an object of its own.
    spec: { devices: structuredClone(devices) },
  } as unknown as ResourceClaim;
}

function pod(name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name },
    spec: {
      containers: [
        { name: 'c', image: 'x', resources: { requests: { cpu: '1' }, claims: [{ name: 'gpu' }] } },
      ],
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }],
    },
    status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: name }] },
  } as unknown as Pod;
}

function cluster(nodes: number): { snapshot: Snapshot; framework: Framework } {
  const snapshot = createSnapshot();
  for (let i = 0; i < nodes; i++) {
    snapshot.setNode(node(i));
    snapshot.devices.setSlice(slice(i));
  }
  snapshot.devices.setClass({
    metadata: { name: 'gpu' },
    spec: { selectors: [{ cel: { expression: `device.driver == '${driver}'` } }] },
  } as unknown as DeviceClass);
  let seed = 42;
  const random = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  return { snapshot, framework: createFramework({ profile: defaultProfile(), snapshot, random }) };
}

function measure(what: string, nodes: number, pods: number, run: () => void): void {
  const start = performance.now();
  run();
  const rate = Math.round((pods / (performance.now() - start)) * 1000).toLocaleString('en');
  console.log(`${String(nodes).padStart(6)} nodes  ${what.padEnd(52)} ${rate.padStart(9)} pods/s`);
}

const exactly = (more: Partial<resource_v1.ExactDeviceRequest> = {}): resource_v1.DeviceRequest => ({
  name: 'gpu',
  exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1, ...more },
});
const large = {
  cel: { expression: `device.capacity['${driver}'].memory.compareTo(quantity('100Gi')) >= 0` },
};
const kinds: [string, resource_v1.DeviceClaim][] = [
  ['one device', { requests: [exactly()] }],
  ['one device, selected by memory', { requests: [exactly({ selectors: [large] })] }],
  [
    'four devices of one NUMA node',
    { requests: [exactly({ count: 4 })], constraints: [{ matchAttribute: `${driver}/numa` }] },
  ],
  [
    'the first of two alternatives',
    {
      requests: [
        {
          name: 'gpu',
          firstAvailable: [
            { name: 'b', deviceClassName: 'gpu', selectors: [{ cel: { expression: 'false' } }] },
            { name: 'h', deviceClassName: 'gpu' },
          ],
        },
      ],
    },
  ],
];

const sizes = process.argv.slice(2).map(Number);
for (const nodes of sizes.length > 0 ? sizes : [1000, 5000]) {
  for (const [what, spec] of kinds) {
    const { snapshot, framework } = cluster(nodes);
    const pods = what.startsWith('four') ? nodes : nodes * 2;
    const claims = Array.from({ length: pods }, (_, i) => claim(`p${i}`, spec));
    measure(what, nodes, pods, () => {
      for (let i = 0; i < pods; i++) {
        snapshot.devices.setClaim(claims[i]!);
        if (!scheduleOne(framework, snapshot.describe(pod(`p${i}`))).fits) throw new Error('no device');
      }
    });
  }
  const { snapshot, framework } = cluster(nodes);
  const size = 8;
  const claims = Array.from({ length: nodes * 2 }, (_, i) => claim(`p${i}`, kinds[0]![1]));
  measure(`gangs of ${size}, one device a pod`, nodes, claims.length, () => {
    for (let i = 0; i < claims.length; i += size) {
      const members = claims.slice(i, i + size).map((one) => {
        snapshot.devices.setClaim(one);
        return snapshot.describe(pod(one.metadata.name));
      });
      if (!placeGang(framework, { pods: members, minCount: size, scheduled: 0 }).fits)
        throw new Error('no device');
    }
  });
}
