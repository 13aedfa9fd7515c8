/**
 * How much CPU time the core takes for one gang, without an API server: `node packages/scheduler/bench/gangs.ts`.
 *
 * - placing: gangs of 8 and 64 in one rack, on 5,000 nodes of 8 cards in 500 racks, one after the other until the cluster is
 *   four fifths full; mean time a gang;
 * - the same when no rack has room;
 * - a gang of 1,024 with no topology, and its longest step;
 * - reclaim: 1,000 nodes full of pods of low priority, a gang of 64 whole nodes that wants one block of 100.
 */
import type { Node, Pod } from '@coracle/machinery/api';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findingGangPreemption,
  placingGang,
  type Framework,
  type Gang,
  type PodInfo,
  type Snapshot,
} from '../src/core/index.ts';

type Requests = Record<string, string>;

function cluster(nodes: number): { snapshot: Snapshot; framework: Framework } {
  const snapshot = createSnapshot();
  for (let i = 0; i < nodes; i++) {
    snapshot.setNode({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `node-${i}`,
        labels: { rack: `r${Math.floor(i / 10)}`, block: `b${Math.floor(i / 100)}` },
      },
      status: { allocatable: { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': '8' } },
    } as unknown as Node);
  }
  let seed = 42;
  const random = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  return { snapshot, framework: createFramework({ profile: defaultProfile(), snapshot, random }) };
}

function pods(snapshot: Snapshot, name: string, count: number, requests: Requests, priority = 0): PodInfo[] {
  return Array.from({ length: count }, (_, i) =>
    snapshot.describe({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-${i}`, namespace: 'default', uid: `${name}-${i}`, labels: { app: name } },
      spec: { priority, containers: [{ name: 'c', image: 'x', resources: { requests } }] },
    } as unknown as Pod),
  );
}

/** CPU time of this thread, in ms: other work on the machine does not count. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Runs the steps. Answers the whole time and that of the longest step, in ms of CPU. */
function time<T>(steps: Generator<void, T>): { result: T; ms: number; longest: number } {
  const start = cpu();
  let longest = 0;
  for (let at = start; ;) {
    const step = steps.next();
    const now = cpu();
    longest = Math.max(longest, now - at);
    at = now;
    if (step.done) return { result: step.value, ms: now - start, longest };
  }
}

/** The clock of CPU time may tick in steps of some ms: single gangs are too short for it, their mean is not. */
function report(what: string, times: readonly { ms: number; longest: number }[]): void {
  const mean = times.reduce((sum, { ms }) => sum + ms, 0) / times.length;
  const longest = Math.max(...times.map((t) => t.longest));
  console.log(
    `${what.padEnd(66)} ${mean.toFixed(2).padStart(7)} ms  (${times.length} of them; longest step ${longest.toFixed(0)} ms)`,
  );
}

const oneCard = { cpu: '4', memory: '16Gi', 'nvidia.com/gpu': '1' };
for (const size of [8, 64]) {
  const { snapshot, framework } = cluster(5_000);
  const topology = { required: ['rack'] };
  const times = [];
  const count = Math.floor((40_000 * 0.8) / size);
  for (let g = 0; g < count; g++) {
    const gang: Gang = {
      pods: pods(snapshot, `g${g}`, size, oneCard),
      minCount: size,
      scheduled: 0,
      topology,
    };
    const timed = time(placingGang(framework, gang));
    if (timed.result.fits) times.push(timed);
  }
  report(`5,000 nodes, 500 racks: a gang of ${size} into one rack`, times);
  const big: Gang = { pods: pods(snapshot, 'big', 96, oneCard), minCount: 96, scheduled: 0, topology };
  report(
    `  the same cluster: a gang of 96, which no rack can hold`,
    Array.from({ length: 20 }, () => time(placingGang(framework, big))),
  );
}
for (const fewestNodes of [false, true]) {
  const { snapshot, framework } = cluster(5_000);
  const times = [];
  for (let g = 0; g < 10; g++) {
    const members = pods(snapshot, `g${g}`, 1_024, oneCard);
    times.push(time(placingGang(framework, { pods: members, minCount: 1_024, scheduled: 0, fewestNodes })));
  }
  report(`5,000 nodes: a gang of 1,024${fewestNodes ? ' on the fewest nodes' : ''}`, times);
}
for (const [what, size, requests, key] of [
  ['64 whole nodes in one block of 100', 64, { 'nvidia.com/gpu': '8' }, 'block'],
  ['64 cards in one rack of 10', 64, { 'nvidia.com/gpu': '1' }, 'rack'],
  ['64 cards anywhere', 64, { 'nvidia.com/gpu': '1' }, undefined],
] as const) {
  const { snapshot, framework } = cluster(1_000);
  for (const [i, info] of pods(snapshot, 'low', 8_000, { cpu: '1', 'nvidia.com/gpu': '1' }, 1).entries()) {
    snapshot.addPod(info, `node-${i % 1_000}`);
  }
  const times = [];
  for (let g = 0; g < 5; g++) {
    const members = pods(snapshot, `g${g}`, size, requests, 10);
    const topology = key === undefined ? undefined : { required: [key] };
    const gang = { pods: members, minCount: size, scheduled: 0, topology };
    const timed = time(findingGangPreemption(framework, gang, { budgets: [], group: () => undefined }));
    if (!timed.result) throw new Error('no room was made');
    times.push(timed);
  }
  report(`1,000 nodes, 8,000 pods: reclaim ${what}`, times);
}
