/**
 * Conservative backfill where more is asked for than there is: gangs on many nodes, estimates up to seven times too long, and a
 * tenth of them too short. What counts is how many wait.
 *
 *     node packages/simulator/bench/conservative.ts [jobs] [nodes] [load] [cores|gpus] [conservative|easy]
 */
import { seededRandom } from '@coracle/machinery';
import { gpuProfile } from '@coracle/scheduler/core';
import { orderingPolicy, simulate, type Job, type PodSet, type RunSpec } from '../src/index.ts';
import { equalNodes } from '../src/inputs/nodes.ts';
import { Shapes } from '../src/inputs/pod-shape.ts';

const [jobs = '1000', nodes = '128', load = '1.1', what = 'cores', order = 'conservative'] =
  process.argv.slice(2);
const gpus = what === 'gpus';
const uniform = seededRandom('conservative');
const shapes = new Shapes();

/** Its pods, and how many nodes that is. */
function draw(): { readonly podSets: readonly PodSet[]; readonly share: number } {
  if (!gpus) {
    const count = 2 ** Math.floor(uniform() * Math.log2(Number(nodes)));
    const cores = uniform() < 0.5 ? 4 : 16;
    return { podSets: shapes.pods(count, { cpuMilli: cores * 1000 }), share: (count * cores) / 16 };
  }
  const size = uniform();
  const each = size < 0.4 ? 1 : size < 0.6 ? 2 : size < 0.75 ? 4 : 8;
  const count = each === 8 ? 2 ** Math.floor(uniform() * 4) : 1;
  return { podSets: shapes.pods(count, { cpuMilli: each * 10_000, gpus: each }), share: (count * each) / 8 };
}

const list: Job[] = [];
let work = 0;
for (let i = 0; i < Number(jobs); i++) {
  const { podSets, share } = draw();
  const runMs = Math.round(1000 * Math.exp(3 + uniform() * 7.5));
  work += share * runMs;
  const over = uniform() < 0.1 ? 0.8 : 1 + uniform() * 6;
  const estimateMs = 60_000 * Math.round((runMs * over) / 60_000 + 1);
  list.push({ id: String(i), tenant: 'all', submitMs: 0, runMs, estimateMs, podSets });
}
const spanMs = work / Number(nodes) / Number(load);
const times = list.map(() => Math.round(uniform() * spanMs)).toSorted((a, b) => a - b);
const size = { cpuMilli: gpus ? 96_000 : 16_000, memoryMib: 2 ** 18, ...(gpus ? { gpus: 8 } : {}) };
const spec: RunSpec = {
  cluster: { name: 'made', nodes: equalNodes('node', Number(nodes), size), pools: [] },
  workload: { name: 'made', jobs: () => list.map((job, i) => ({ ...job, submitMs: times[i]! })), notes: [] },
  placement: { name: 'firstfit', profile: () => gpuProfile('FirstFit') },
  ordering: orderingPolicy(order)!,
  seed: 1,
};
const before = process.cpuUsage();
const result = simulate(spec);
const { user, system } = process.cpuUsage(before);
const waits = result.jobs.waitMs.reduce((sum, wait) => sum + wait, 0) / list.length / 1000;
console.log(
  `${order}: ${jobs} jobs on ${nodes} nodes (${what}, load ${load}) in ${((user + system) / 1e6).toFixed(2)} s CPU; ` +
    `mean wait ${waits.toFixed(0)} s, at most about ${Math.max(...result.series.jobsWaiting).toFixed(0)} wait, ` +
    `${result.counts.decisions} decisions`,
);
