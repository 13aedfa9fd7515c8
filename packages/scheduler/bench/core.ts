/**
 * Decisions a second of the core alone (no API server): `node packages/scheduler/bench/core.ts [nodes ...]`.
 * Every figure includes reading the pod (`describe`), deciding, and placing it on the snapshot.
 */
import type { Node, Pod } from '@coracle/machinery/api';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
  placeGang,
  scheduleOne,
  type Framework,
  type Snapshot,
} from '../src/core/index.ts';

type Requests = Record<string, string>;

function node(i: number): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${i}`,
      labels: { 'kubernetes.io/hostname': `node-${i}`, zone: `z${i % 3}`, rack: `r${i >> 4}` },
    },
    status: { allocatable: { cpu: '32', memory: '256Gi', pods: '110', 'nvidia.com/gpu': '8' } },
  } as unknown as Node;
}

function pod(name: string, requests: Requests, priority = 0, extra: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, labels: { app: 'bench' } },
    spec: { priority, containers: [{ name: 'c', image: 'x', resources: { requests } }], ...extra },
  } as unknown as Pod;
}

function cluster(nodes: number, percentageOfNodesToScore = 0): { snapshot: Snapshot; framework: Framework } {
  const snapshot = createSnapshot();
  for (let i = 0; i < nodes; i++) snapshot.setNode(node(i));
  let seed = 42;
  const random = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const profile = defaultProfile({ percentageOfNodesToScore });
  return { snapshot, framework: createFramework({ profile, snapshot, random }) };
}

function measure(what: string, nodes: number, pods: number, run: () => void): void {
  const start = performance.now();
  run();
  const ms = performance.now() - start;
  const rate = Math.round((pods / ms) * 1000).toLocaleString('en');
  console.log(`${String(nodes).padStart(6)} nodes  ${what.padEnd(44)} ${rate.padStart(9)} pods/s`);
}

const sizes = process.argv.slice(2).map(Number);
for (const nodes of sizes.length > 0 ? sizes : [1000, 5000]) {
  const pods = nodes * 2;
  for (const percentage of [0, 100]) {
    const { snapshot, framework } = cluster(nodes, percentage);
    measure(`equal pods, ${percentage || 'adaptive'} % of nodes scored`, nodes, pods, () => {
      for (let i = 0; i < pods; i++) {
        scheduleOne(framework, snapshot.describe(pod(`p${i}`, { cpu: '900m', memory: '1Gi' })));
      }
    });
  }
  {
    const { snapshot, framework } = cluster(nodes);
    measure('every pod different', nodes, pods, () => {
      for (let i = 0; i < pods; i++) {
        scheduleOne(framework, snapshot.describe(pod(`p${i}`, { cpu: '1', memory: String(2 ** 20 + i) })));
      }
    });
  }
  {
    const { snapshot, framework } = cluster(nodes);
    const affinity = {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'zone', operator: 'In', values: ['z1', 'z2'] }] },
            ],
          },
        },
      },
    };
    measure('node affinity', nodes, pods, () => {
      for (let i = 0; i < pods; i++) {
        scheduleOne(framework, snapshot.describe(pod(`p${i}`, { cpu: '1' }, 0, affinity)));
      }
    });
  }
  const near = (topologyKey: string) => [{ topologyKey, labelSelector: { matchLabels: { app: 'bench' } } }];
  const required = (topologyKey: string) => ({
    requiredDuringSchedulingIgnoredDuringExecution: near(topologyKey),
  });
  const spread = { maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', ...near('zone')[0] };
  const wide: [string, object, number][] = [
    [
      'pod anti-affinity (hosts)',
      { affinity: { podAntiAffinity: required('kubernetes.io/hostname') } },
      nodes,
    ],
    ['pod affinity (zone)', { affinity: { podAffinity: required('zone') } }, pods],
    ['topology spread (zones)', { topologySpreadConstraints: [spread] }, pods],
  ];
  for (const [what, extra, count] of wide) {
    const { snapshot, framework } = cluster(nodes);
    measure(what, nodes, count, () => {
      for (let i = 0; i < count; i++) {
        scheduleOne(framework, snapshot.describe(pod(`p${i}`, { cpu: '100m' }, 0, extra)));
      }
    });
  }
  for (const size of [8, 64]) {
    const { snapshot, framework } = cluster(nodes);
    measure(`gangs of ${size}, one card a pod`, nodes, pods, () => {
      for (let g = 0; g < pods / size; g++) {
        const members = Array.from({ length: size }, (_, i) =>
          snapshot.describe(pod(`g${g}-${i}`, { cpu: '1', 'nvidia.com/gpu': '1' })),
        );
        placeGang(framework, { pods: members, minCount: size, scheduled: 0 });
      }
    });
  }
  {
    const { snapshot, framework } = cluster(nodes);
    for (let i = 0; i < nodes * 4; i++) {
      snapshot.addPod(snapshot.describe(pod(`low${i}`, { cpu: '8' })), `node-${i % nodes}`);
    }
    const count = Math.min(nodes, 1000);
    measure('preemption', nodes, count, () => {
      for (let i = 0; i < count; i++) {
        const info = snapshot.describe(pod(`high${i}`, { cpu: '8' }, 100));
        const decision = framework.schedule(info);
        if (decision.fits) throw new Error('nothing to preempt');
        const found = findPreemption(framework, info, decision.diagnosis, { budgets: [], random: () => 0.5 });
        if (!('victims' in found)) throw new Error(found.message);
        for (const victim of found.victims.pods) snapshot.removePod(victim.info.uid);
        snapshot.addPod(info, found.victims.nodeName);
      }
    });
  }
  {
    const { snapshot, framework } = cluster(nodes);
    measure('pods that fit nowhere', nodes, pods, () => {
      for (let i = 0; i < pods; i++) framework.schedule(snapshot.describe(pod(`p${i}`, { cpu: '64' })));
    });
  }
}
