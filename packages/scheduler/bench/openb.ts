/**
 * The GPU-sharing table of the FGD paper through our own scheduler core, published figures beside ours:
 *
 *     node packages/scheduler/bench/openb.ts                    the workload `default`, ten seeds
 *     node packages/scheduler/bench/openb.ts --all              all five workloads
 *     node packages/scheduler/bench/openb.ts --workload multigpu50 --policy FGD --seeds 3 --threads 1
 *     node packages/scheduler/bench/openb.ts --all --out openb.csv
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { GpuPolicy } from '../src/core/index.ts';
import { policies, runOpenb, type Outcome } from './openb/experiment.ts';
import { meanOf, metrics, publishedCells, type Cell, type Metric } from './openb/published.ts';
import { readTrace, traceFolder, traceIsThere, type Trace } from './openb/trace.ts';

interface Job {
  readonly workload: string;
  readonly policy: GpuPolicy;
  readonly seed: number;
}
type Done = Job & { readonly outcome: Outcome; readonly ms: number };

const traces = new Map<string, Trace>();

function run(job: Job): Done {
  let trace = traces.get(job.workload);
  if (!trace) traces.set(job.workload, (trace = readTrace(job.workload)));
  const start = performance.now();
  const outcome = runOpenb(trace, job.policy, job.seed);
  return { ...job, outcome, ms: performance.now() - start };
}

async function runAll(jobs: readonly Job[], threads: number): Promise<Done[]> {
  if (threads <= 1) return jobs.map((job) => run(job));
  const waiting = [...jobs];
  const done: Done[] = [];
  await Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url));
          const next = (): void => {
            const job = waiting.shift();
            if (job) return worker.postMessage(job, []);
            void worker.terminate();
            resolve();
          };
          worker.on('message', (result: Done) => {
            done.push(result);
            next();
          });
          worker.on('error', reject);
          next();
        }),
    ),
  );
  return done;
}

const within = 0.5;

function report(cells: readonly Cell[], done: readonly Done[]): string {
  const lines = ['workload,policy,metric,demand_pct,published,ours,difference,published_sd'];
  const tally = new Map<Metric, { cells: number; met: number; worst: number }>();
  const groups = Map.groupBy(cells, (cell) => `${cell.workload} ${cell.policy} ${cell.metric}`);
  for (const [, group] of groups) {
    const { workload, policy, metric } = group[0]!;
    const outcomes = done.filter((each) => each.workload === workload && each.policy === policy);
    if (outcomes.length === 0) continue;
    const pairs = group.map((cell) => {
      const ours = meanOf(
        outcomes.map(({ outcome }) => outcome),
        metric,
        cell.demand,
      );
      const count = tally.get(metric) ?? { cells: 0, met: 0, worst: 0 };
      tally.set(metric, count);
      count.cells++;
      const difference = ours - cell.mean;
      if (Math.abs(difference) <= within) count.met++;
      count.worst = Math.max(count.worst, Math.abs(difference));
      const figures = [cell.mean, ours.toFixed(3), difference.toFixed(3), cell.deviation];
      lines.push([workload, policy, metric, cell.demand, ...figures].join(','));
      return `${cell.demand}%: ${cell.mean.toFixed(2)}/${ours.toFixed(2)}${Math.abs(difference) > within ? ' !' : ''}`;
    });
    console.log(`${workload.padEnd(12)} ${policy.padEnd(13)} ${metric.padEnd(16)} ${pairs.join('  ')}`);
  }
  console.log('\nDemand: published/ours, means over the seeds; ! is more than 0.5 points apart.');
  for (const [metric, { cells: all, met, worst }] of tally) {
    const percent = ((100 * met) / all).toFixed(1);
    console.log(
      `${metrics[metric].padEnd(28)} ${met} of ${all} cells within ${within} points (${percent} %), worst ${worst.toFixed(2)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      all: { type: 'boolean' },
      workload: { type: 'string', multiple: true },
      policy: { type: 'string', multiple: true },
      seeds: { type: 'string', default: '10' },
      threads: { type: 'string' },
      out: { type: 'string' },
    },
  });
  if (!traceIsThere) {
    console.error(`The traces are not in ${traceFolder}: nothing to compare with.`);
    process.exitCode = 1;
    return;
  }
  const published = publishedCells();
  const workloads = values.all
    ? [...new Set(published.map(({ workload }) => workload))]
    : (values.workload ?? ['default']);
  const chosen = policies.filter((policy) => values.policy?.includes(policy) ?? true);
  const jobs = workloads.flatMap((workload) =>
    chosen.flatMap((policy) =>
      Array.from({ length: Number(values.seeds) }, (_, i) => ({ workload, policy, seed: 42 + i })),
    ),
  );
  const threads = Math.min(jobs.length, Number(values.threads ?? availableParallelism()));
  const start = performance.now();
  const done = await runAll(jobs, threads);
  const seconds = (performance.now() - start) / 1000;
  const table = report(
    published.filter(({ workload }) => workloads.includes(workload)),
    done,
  );
  const mean = done.reduce((sum, { ms }) => sum + ms, 0) / done.length;
  console.log(
    `${done.length} runs in ${seconds.toFixed(1)} s on ${threads} threads; ${mean.toFixed(0)} ms a run on one core`,
  );
  if (values.out) writeFileSync(values.out, table);
}

if (isMainThread) await main();
else parentPort!.on('message', (job: Job) => parentPort!.postMessage(run(job), []));
