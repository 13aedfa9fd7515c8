/**
 * EASY backfill on a log of 18,000 jobs in the Standard Workload Format, and job by job against the slow reference of the tests:
 *
 *     node packages/simulator/bench/swf.ts [file.swf] [easy|conservative|fifo]
 *
 * Without a file the log is made here: a machine of 128 processors, four months, load 0.8, days and nights, sizes that are mostly
 * powers of two, owners who say two to ten times too much.
 */
import { existsSync } from 'node:fs';
import { gpuProfile } from '@coracle/scheduler/core';
import { fileSource, orderingPolicy, readSwf, simulate, textSource } from '../src/index.ts';
import { backfillReference } from '../test/reference/backfill.ts';

const [file, mode = 'easy'] = process.argv.slice(2);
const made = file === undefined || !existsSync(file);
const input = timed('read', () => readSwf(made ? textSource('made.swf', makeLog(18_000)) : fileSource(file)));
const { cluster, workload } = input;
if (!cluster || !workload) throw new Error('the log has no machine or no jobs');
const policy = orderingPolicy(mode);
if (!policy) throw new Error(`there is no ordering "${mode}"`);
const spec = {
  cluster,
  workload,
  placement: { name: 'firstfit', profile: () => gpuProfile('FirstFit') },
  ordering: policy,
  seed: 1,
};
const { jobs, counts } = timed(`simulate (${mode})`, () => simulate(spec));
const waits = jobs.waitMs.reduce((sum, wait) => sum + wait, 0) / jobs.waitMs.length / 1000;
const slowdowns = jobs.endMs.map((end, i) =>
  Math.max(1, (end - jobs.submitMs[i]!) / Math.max(10_000, end - jobs.startMs[i]!)),
);
const slowdown = slowdowns.reduce((sum, each) => sum + each, 0) / slowdowns.length;
console.log(`${jobs.ids.length} jobs, ${counts.events} events, ${counts.decisions} decisions`);
console.log(`mean wait ${waits.toFixed(1)} s, mean bounded slowdown ${slowdown.toFixed(3)}`);

if (mode === 'easy' && cluster.nodes.length === 1) {
  const rows = [...workload.jobs()].map((job) => ({
    submit: job.submitMs / 1000,
    run: job.runMs / 1000,
    estimate: (job.estimateMs ?? job.runMs) / 1000,
    processors:
      parseInt(String(job.podSets[0]!.template.spec.containers[0]!.resources!.requests!['cpu']), 10) / 1000,
  }));
  const processors = parseInt(String(cluster.nodes[0]!.status!.allocatable!['cpu']), 10) / 1000;
  const starts = timed('reference', () => backfillReference('easy', processors, rows));
  const different = starts.filter((start, i) => start * 1000 !== jobs.startMs[i]).length;
  console.log(
    different === 0
      ? 'the reference starts every job at the same time'
      : `${different} jobs start at another time`,
  );
  if (different > 0) process.exitCode = 1;
}

function timed<T>(what: string, run: () => T): T {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  console.log(`${what}: ${((user + system) / 1e6).toFixed(2)} s of CPU`);
  return result;
}

/** The same log every time. */
function makeLog(count: number): string {
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const machine = 128;
  const drawn = Array.from({ length: count }, () => {
    const size = random() < 0.25 ? 1 + Math.floor(random() * machine * 0.4) : 2 ** Math.floor(random() * 7);
    const run = Math.max(10, Math.round(Math.exp(3 + random() * 7.5)));
    return { size, run, limit: Math.round(run * (random() < 0.1 ? 0.8 : 2 + random() * 8)) };
  });
  const work = drawn.reduce((sum, { size, run }) => sum + size * run, 0);
  const gap = work / machine / 0.8 / count;
  let submit = 0;
  const lines = drawn.map(({ size, run, limit }, i) => {
    const day = 1 + 0.8 * Math.sin((2 * Math.PI * submit) / 86_400);
    submit += Math.round((-Math.log(1 - random()) * gap) / day);
    return `${i + 1} ${submit} -1 ${run} ${size} -1 -1 ${size} ${limit} -1 1 ${1 + (i % 40)} 1 1 1 1 -1 -1`;
  });
  return [`; MaxNodes: ${machine}`, `; MaxProcs: ${machine}`, ...lines, ''].join('\n');
}
