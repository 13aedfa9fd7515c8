/**
 * A million jobs on 10,000 nodes: the engine's own cost. Jobs of a hundred kinds, a tenth of them of several pods, first come, first
 * served, at nine tenths load; kube-scheduler's default profile, which looks at 100 nodes that fit (1 %, its least; 0: its adaptive
 * 5 %, which costs about 1.4 times as much). CPU time is what counts: wall clock depends on what else the machine does.
 *
 *     node packages/simulator/bench/million.ts [jobs] [nodes] [fifo|skip] [load] [percentageOfNodesToScore] [kinds]
 */
import { defaultProfile } from '@coracle/scheduler/core';
import { Simulation, type Job, type OrderingPolicy, type PodSet, type RunSpec } from '../src/index.ts';
import { equalNodes } from '../src/inputs/nodes.ts';
import { Shapes } from '../src/inputs/pod-shape.ts';

const [jobs = '1000000', nodes = '10000', order = 'fifo', load = '0.9', percent = '1', howMany = '100'] =
  process.argv.slice(2);
const cards = 8;

/** A small generator of its own, so that what is measured does not change with the inputs. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const shapes = new Shapes();
const kinds: { sets: readonly PodSet[]; gpus: number }[] = [];
const pick = uniform(7);
for (let i = 0; i < Number(howMany); i++) {
  const gpus = [0, 1, 1, 1, 2, 4, 8][Math.floor(pick() * 7)]!;
  const pods = pick() < 0.1 ? 2 + Math.floor(pick() * 6) : 1;
  const shape = {
    cpuMilli: 500 * (1 + Math.floor(pick() * 16)),
    memoryMib: 1024 * (1 + Math.floor(pick() * 32)),
    gpus,
  };
  kinds.push({ sets: shapes.pods(pods, shape), gpus: pods * gpus });
}
const meanGpus = kinds.reduce((sum, { gpus }) => sum + gpus, 0) / kinds.length;
const meanRunMs = 3_600_000;
const gapMs = (meanGpus * meanRunMs) / (Number(nodes) * cards * Number(load));

function* generate(): Iterable<Job> {
  const random = uniform(1);
  let submitMs = 0;
  for (let i = 0; i < Number(jobs); i++) {
    submitMs += -gapMs * Math.log(1 - random());
    yield {
      id: `job-${i}`,
      tenant: `team-${Math.floor(random() * 50)}`,
      submitMs,
      runMs: -meanRunMs * Math.log(1 - random()),
      podSets: kinds[Math.floor(random() * kinds.length)]!.sets,
    };
  }
}

const fifo: OrderingPolicy = {
  name: 'fifo',
  mode: 'keep',
  backfill: 'none',
  skip: order === 'skip',
  fixed: true,
  rank: ({ index }) => index,
};
const spec: RunSpec = {
  cluster: {
    name: `${nodes} nodes`,
    nodes: equalNodes('node', Number(nodes), { cpuMilli: 96_000, memoryMib: 768 * 1024, gpus: cards }),
    pools: [],
  },
  workload: { name: `${jobs} jobs`, jobs: generate, count: Number(jobs), notes: [] },
  placement: {
    name: 'default',
    profile: () => defaultProfile({ percentageOfNodesToScore: Number(percent) }),
  },
  ordering: fifo,
  seed: 1,
};

const start = performance.now();
const before = process.cpuUsage();
const simulation = new Simulation(spec);
let next = 200_000;
while (!simulation.step(20_000)) {
  const p = simulation.progress();
  if (p.events < next) continue;
  next += 200_000;
  console.log(
    `${p.events} events, ${p.jobsWaiting} wait, ${p.jobsRunning} run, ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
}
const result = simulation.result();
const { user, system } = process.cpuUsage(before);
const used = process.memoryUsage().rss / 2 ** 20;
const peak = process.resourceUsage().maxRSS / 1024;
console.log(result.counts);
console.log(
  `${jobs} jobs, ${nodes} nodes: ${((user + system) / 1e6).toFixed(1)} s CPU, ${((performance.now() - start) / 1000).toFixed(1)} s, ` +
    `${used.toFixed(0)} MB resident, ${peak.toFixed(0)} MB at most`,
);
