/** A sweep on one thread and on more: the same runs, the same figures, in less time. `node packages/simulator/bench/sweep.ts [threads]` */
import { availableParallelism } from 'node:os';
import { planOf } from '../src/scenario/plan.ts';
import { createSweeper } from '../src/sweep/pool.ts';

const most = Number(process.argv[2] ?? availableParallelism());
const { runs } = planOf({
  cluster: { pools: [{ shape: 'a100x8', count: 50 }] },
  workload: { generate: { jobs: 5000, arrivals: { load: 0.9, cards: 400 } } },
  placement: ['default', 'fgd', 'bestfit'],
  ordering: ['fifo', 'easy'],
  seeds: 4,
});
const tasks = runs.map((plan) => ({ plan, detail: false }));
const signal = new AbortController().signal;
let first: string | undefined;
for (let threads = 1; threads <= most; threads++) {
  const sweeper = createSweeper({ threads, signal });
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const outcomes = await sweeper.run(tasks);
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await sweeper.close();
  const figures = JSON.stringify(outcomes);
  first ??= figures;
  const events = outcomes.reduce((sum, outcome) => sum + outcome!.progress.events, 0);
  console.log(
    `${threads} thread${threads === 1 ? ' ' : 's'}  ${runs.length} runs  ${seconds.toFixed(2)} s  ` +
      `CPU ${((user + system) / 1e6).toFixed(2)} s  ${Math.round(events / seconds)} events/s  ` +
      (figures === first ? 'same figures' : 'OTHER FIGURES'),
  );
}
