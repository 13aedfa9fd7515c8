/**
 * EASY (or conservative) backfill of 18,000 jobs on one machine of 256 processors at nine tenths load, estimates several times
 * too long: like the logs of the Parallel Workloads Archive.
 *
 *     node packages/simulator/bench/backfill.ts [jobs] [easy|conservative] [load]
 */
import { seededRandom } from '@coracle/machinery';
import { defaultProfile } from '@coracle/scheduler/core';
import { orderingPolicy, simulate, type Job, type RunSpec } from '../src/index.ts';
import { equalNodes } from '../src/inputs/nodes.ts';
import { Shapes } from '../src/inputs/pod-shape.ts';

const [jobs = '18000', order = 'easy', load = '0.9'] = process.argv.slice(2);
const processors = 256;

const uniform = seededRandom('backfill');

const shapes = new Shapes();
const list: Job[] = [];
let work = 0;
for (let i = 0; i < Number(jobs); i++) {
  const size = Math.min(processors, 2 ** Math.floor(uniform() * 9));
  const runMs = Math.round(1000 * Math.exp(2 + uniform() * 8));
  work += size * runMs;
  list.push({
    id: String(i),
    tenant: `user-${Math.floor(uniform() * 40)}`,
    submitMs: 0,
    runMs,
    estimateMs: Math.max(runMs, 900_000 * Math.ceil((runMs * (1 + 4 * uniform())) / 900_000)),
    podSets: shapes.pods(1, { cpuMilli: size * 1000 }),
  });
}
const spanMs = work / processors / Number(load);
const times = list.map(() => uniform() * spanMs).toSorted((a, b) => a - b);
const spec: RunSpec = {
  cluster: {
    name: 'machine',
    nodes: equalNodes('machine', 1, { cpuMilli: processors * 1000, memoryMib: 1 << 20, pods: processors }),
    pools: [],
  },
  workload: { name: 'log', jobs: () => list.map((job, i) => ({ ...job, submitMs: times[i]! })), notes: [] },
  placement: { name: 'default', profile: () => defaultProfile() },
  ordering: orderingPolicy(order)!,
  seed: 1,
};
for (let round = 0; round < 2; round++) {
  const before = process.cpuUsage();
  const result = simulate(spec);
  const { user, system } = process.cpuUsage(before);
  const waits = result.jobs.waitMs.reduce((sum, wait) => sum + wait, 0) / list.length / 1000;
  const waiting = Math.max(...result.series.jobsWaiting);
  console.log(
    `${order}: ${jobs} jobs in ${((user + system) / 1e6).toFixed(2)} s CPU; mean wait ${waits.toFixed(0)} s, ` +
      `at most about ${waiting.toFixed(0)} wait, ${result.counts.decisions} decisions`,
  );
}
