/**
 * How near the simulator is to a live virtual cluster: the same jobs through both, by policy, on the clock that waits for the engine
 * and by the machine's. Prints which part of the pods is on the same node and how far the times differ.
 * `node packages/cli/bench/validation.ts [nodes] [jobs] [max|real|both] [policies]`
 */
import { createLogger } from '@coracle/operator';
import {
  generate,
  nodeOfPool,
  orderingOf,
  placementOf,
  poolOf,
  shapeOf,
  simulate,
  type RunSpec,
} from '@coracle/simulator';
import { compare } from '../src/replay/compare.ts';
import { comparisonText } from '../src/replay/comparison-text.ts';
import { inOrderOfNames, runLive } from '../src/replay/live-run.ts';

const [nodes = '100', jobs = '500', paces = 'both', policies = 'default,mostallocated,fgd'] =
  process.argv.slice(2);
const count = Number(nodes);
const gpu = poolOf('a100x8', shapeOf('a100x8'), Math.ceil(count * 0.9));
const cpu = poolOf('cpu64', shapeOf('cpu64'), count - gpu.count);
const cluster = inOrderOfNames({
  name: 'bench',
  nodes: [gpu, cpu].flatMap((pool) => Array.from({ length: pool.count }, (_, i) => nodeOfPool(pool, i))),
  pools: [gpu, cpu],
});
const cards = gpu.count * 8;

function specOf(policy: string, ordering: string, ties: 'first' | 'random'): RunSpec {
  return {
    cluster,
    workload: generate({
      jobs: Number(jobs),
      seed: 1,
      arrivals: { process: 'poisson', every: `${Math.round(60_000 / Number(jobs))}ms` },
      // In a minute nearly twice what the cluster has is asked for.
      lengths: { median: `${Math.max(1, Math.round((cards * 26) / Number(jobs)))}s`, sigma: 0.3 },
      tenants: { count: 5 },
      sizes: [
        { weight: 3, gpus: 1, cpu: 4 },
        { weight: 2, gpus: 4, cpu: 8 },
        { weight: 2, gpus: 8, cpu: 16 },
        { weight: 1, gpus: 8, cpu: 16, pods: 4 },
        { weight: 1, gpus: 1, gpuMilli: 500, cpu: 1 },
        { weight: 1, cpu: 16 },
      ],
      priorities: [{ value: 0, weight: 9 }, { value: 100 }],
    }),
    placement: placementOf(policy, () => ''),
    ordering: orderingOf(ordering),
    seed: 1,
    ties,
    preemption: true,
    stays: true,
  };
}

/** Of jobs that started. */
function waits(submitMs: readonly number[], startMs: readonly number[]): string {
  const all = startMs
    .map((ms, i) => ms - submitMs[i]!)
    .filter((ms) => !Number.isNaN(ms))
    .toSorted((a, b) => a - b);
  const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length;
  const p95 = all[Math.floor(0.95 * (all.length - 1))]!;
  return `mean ${(mean / 1000).toFixed(2)} s, 95 % ${(p95 / 1000).toFixed(2)} s, most ${(all.at(-1)! / 1000).toFixed(2)} s`;
}

const logger = createLogger({ level: 'error', write: (line) => void process.stderr.write(line) });
const rows = policies.split(',').flatMap((policy) => {
  const all = (paces === 'both' ? ['max', 'real'] : [paces]) as ('max' | 'real')[];
  return all.flatMap((pace) => (['first', 'random'] as const).map((ties) => ({ policy, pace, ties })));
});
for (const { policy, pace, ties } of rows) {
  const spec = specOf(policy, 'kube-scheduler', ties);
  const cpuBefore = process.cpuUsage();
  const simulated = simulate(spec);
  const simMs = process.cpuUsage(cpuBefore).user / 1000;
  const live = await runLive(spec, { pace: pace === 'max' ? Infinity : 'real', logger });
  const comparison = compare({ stays: simulated.stays! }, live, simulated.jobs.ids);
  console.log(
    `${policy}, equals ${ties === 'first' ? 'in order' : 'by the same lots'}, ${pace === 'max' ? 'paced' : "machine's"} clock: ` +
      `${(simulated.endMs / 1000).toFixed(0)} s of workload; simulated in ${simMs.toFixed(0)} ms of CPU, live in ` +
      `${(live.tookMs / 1000).toFixed(0)} s; ${simulated.counts.preemptions} evictions`,
  );
  const { submitMs, startMs } = simulated.jobs;
  console.log(`  waits for the first start: simulated ${waits([...submitMs], [...startMs])}`);
  console.log(`                             live      ${waits(live.submitMs, live.startMs)}`);
  console.log(comparisonText({ ...comparison, differences: comparison.differences.slice(0, 3) }));
  for (const ordering of ['priority', 'fifo-skip', 'fifo']) {
    const other = simulate(specOf(policy, ordering, ties));
    const { pods, sameNode } = compare({ stays: other.stays! }, live, other.jobs.ids);
    console.log(`  with ordering ${ordering}: ${((100 * sameNode) / pods).toFixed(1)} % on the same node`);
  }
}
