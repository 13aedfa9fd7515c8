/** `node packages/simulator/bench/report.ts [jobs]`: what a report of a million jobs costs: CPU time, memory, size. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import {
  htmlReport,
  jobsCsv,
  jobsCsvHeader,
  jsonReport,
  outcomes,
  ReportBuilder,
  summarise,
  terminalReport,
  writeChunks,
  type RunResult,
} from '@coracle/simulator';

const count = Number(process.argv[2] ?? 1_000_000);

/** Jobs of 1 to 8 cards of a few hundred tenants, and the pictures of a month of 1,213 nodes. */
function resultOf(jobs: number): RunResult {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const column = (length: number, of: () => number): Float64Array => Float64Array.from({ length }, of);
  const monthMs = 30 * 86_400_000;
  const submitMs = column(jobs, () => next() * monthMs).sort();
  const waitMs = column(jobs, () => (next() < 0.4 ? 0 : next() ** 4 * 86_400_000));
  const idealMs = column(jobs, () => 1000 + next() ** 6 * 86_400_000);
  const series = (most: number): Float64Array => column(1000, () => next() * most);
  const nodes = Array.from({ length: 1213 }, (_, index) => `node-${index}`);
  const bars = 20_000;
  const fromMs = column(bars, () => next() * monthMs);
  const startMs = submitMs.map((submit, index) => submit + waitMs[index]!);
  return {
    placement: 'default',
    ordering: 'fifo',
    seed: 1,
    cluster: '1213 nodes',
    workload: 'made up',
    endMs: monthMs,
    jobs: {
      ids: Array.from({ length: jobs }, (_, index) => `job-${index}`),
      tenants: Array.from({ length: 300 }, (_, index) => `tenant-${index}`),
      tenant: Uint32Array.from({ length: jobs }, () => Math.floor(next() * 300)),
      submitMs,
      startMs,
      endMs: startMs.map((start, index) => start + idealMs[index]!),
      idealMs,
      waitMs,
      lostMs: new Float64Array(jobs),
      gpuMilli: column(jobs, () => 1000 * Math.ceil(next() * 8)),
      cpuMilli: column(jobs, () => 8000),
      pods: new Uint32Array(jobs).fill(1),
      restarts: new Uint32Array(jobs),
      outcome: new Uint8Array(jobs).fill(outcomes.indexOf('succeeded')),
    },
    series: {
      fromMs: 0,
      stepMs: monthMs / 1000,
      length: 1000,
      gpuMilliUp: series(0).fill(9_704_000),
      cpuMilliUp: series(0).fill(116_448_000),
      nodesUp: series(0).fill(1213),
      gpuMilliUsed: series(9_000_000),
      cpuMilliUsed: series(90_000_000),
      gpuMilliGood: series(8_000_000),
      cpuMilliGood: series(0),
      cpuMilliWaiting: series(0),
      gpuMilliFragmented: series(700_000),
      jobsWaiting: series(5000),
      jobsRunning: series(5000),
      gpuMilliWaiting: series(9_000_000),
    },
    heat: {
      nodes,
      fromMs: 0,
      stepMs: monthMs / 200,
      columns: 200,
      percent: Uint8Array.from({ length: 1213 * 200 }, () => Math.floor(next() * 101)),
    },
    gantt: {
      job: Uint32Array.from({ length: bars }, () => Math.floor(next() * jobs)),
      node: Uint32Array.from({ length: bars }, () => Math.floor(next() * 1213)),
      fromMs,
      toMs: fromMs.map((from) => from + next() * 86_400_000),
      gpuMilli: column(bars, () => 1000 * Math.ceil(next() * 8)),
      cpuMilli: column(bars, () => 0),
      left: 0,
    },
    counts: {
      events: 2 * jobs,
      decisions: jobs,
      preemptions: 0,
      nodeFailures: 0,
      jobFailures: 0,
      nodesAdded: 0,
      nodesRemoved: 0,
    },
    unplaced: [],
  };
}

async function measured<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const resident = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(
    `${name.padEnd(28)} ${((user + system) / 1000).toFixed(0).padStart(7)} ms CPU  ${resident} MiB resident`,
  );
  return result;
}

const run = await measured(`making ${count.toLocaleString('en-US')} jobs up`, () => resultOf(count));
await measured('summarise', () => summarise(run));
const builder = new ReportBuilder();
for (const ordering of ['fifo', 'sjf', 'easy', 'drf']) builder.add({ ...run, ordering });
const report = builder.report({ title: 'bench' });
await measured('terminal', () => terminalReport(report));
const page = await measured('page of 4 policies', () => htmlReport(report));
console.log(`  ${(page.length / 1e6).toFixed(2)} MB`);
await measured('JSON without jobs', () => [...jsonReport(report)].join('').length);
for (const [name, chunks] of [
  ['CSV of all jobs', jobsCsv(run, 'fifo')],
  ['JSON with all jobs (4 runs)', jsonReport(report, { jobs: true })],
] as const) {
  const stream = createWriteStream('/dev/null');
  await measured(name, async () => {
    if (name.startsWith('CSV')) await writeChunks(stream, [jobsCsvHeader]);
    await writeChunks(stream, chunks);
    stream.end();
    await once(stream, 'finish');
  });
}
