/** Small runs of every sort, for properties. */
import fc from 'fast-check';
import { orderingPolicy, type Job, type RunSpec } from '../../src/index.ts';
import { poolLabel } from '../../src/index.ts';
import { job, node, pods, spec } from './helpers.ts';

const runMs = fc.integer({ min: 1, max: 50 }).map((n) => n * 100);

const anyJob = fc.record({
  gapMs: fc.constantFrom(0, 0, 50, 100, 1000, 3000),
  runMs,
  count: fc.constantFrom(1, 1, 1, 2, 3),
  gpus: fc.constantFrom(0, 1, 1, 2, 4),
  startMs: fc.constantFrom(undefined, 70, 400),
  checkpointMs: fc.constantFrom(undefined, 0, 300),
  priority: fc.constantFrom(0, 0, 5),
  estimate: fc.constantFrom(1, 1.5, 0.5),
  elastic: fc.constantFrom(false, false, false, true),
  tenant: fc.constantFrom('a', 'b', 'c'),
});

export const orderings = [
  'fifo',
  'fifo-skip',
  'sjf',
  'drf',
  'easy',
  'conservative',
  'srtf',
  'tiresias',
  'kube-scheduler',
];

export const anySpec = fc
  .record({
    jobs: fc.array(anyJob, { minLength: 1, maxLength: 30 }),
    nodes: fc.array(fc.constantFrom(0, 2, 4, 4), { minLength: 1, maxLength: 5 }),
    ordering: fc.constantFrom(...orderings),
    preemption: fc.boolean(),
    nodeFailures: fc.boolean(),
    jobFailures: fc.boolean(),
    maintenance: fc.constantFrom('drain' as const, 'cordon' as const, undefined),
    autoscaling: fc.boolean(),
    seed: fc.integer({ min: 0, max: 1000 }),
  })
  .map((raw): RunSpec => {
    let submitMs = 0;
    const jobs = raw.jobs.map(
      ({ gapMs, count, gpus, estimate, elastic, checkpointMs, startMs, ...rest }, i): Job => {
        submitMs += gapMs;
        return job(`j${i}`, submitMs, rest.runMs, pods(count, gpus, 1), {
          tenant: rest.tenant,
          priority: rest.priority,
          estimateMs: rest.runMs * estimate,
          ...(startMs !== undefined ? { startMs } : {}),
          ...(checkpointMs !== undefined ? { checkpointMs } : {}),
          ...(elastic ? { elastic: { min: 1, max: count + 1, serial: 0.1 } } : {}),
        });
      },
    );
    const cluster = raw.nodes.map((gpus, i) => node(`n${i}`, gpus, 8));
    const template = node('', 4, 8);
    return {
      ...spec(cluster, jobs),
      cluster: {
        name: 'test',
        nodes: raw.autoscaling ? [...cluster, node('p-0', 4, 8, { [poolLabel]: 'p' })] : cluster,
        pools: raw.autoscaling ? [{ name: 'p', template, count: 1 }] : [],
      },
      ordering: orderingPolicy(raw.ordering)!,
      seed: raw.seed,
      preemption: raw.preemption,
      untilMs: 400_000,
      points: { series: 20, heat: 10, gantt: 20_000 },
      ...(raw.nodeFailures ? { nodeFailures: { meanUpMs: 8000, meanDownMs: 1500 } } : {}),
      ...(raw.jobFailures ? { jobFailures: { meanPodUpMs: 9000, limit: 3 } } : {}),
      ...(raw.maintenance
        ? { maintenance: [{ fromMs: 1500, toMs: 6000, nodes: ['n0'], mode: raw.maintenance }] }
        : {}),
      ...(raw.autoscaling ? { autoscaling: [{ pool: 'p', min: 1, max: 3, bootMs: 300, idleMs: 900 }] } : {}),
    };
  });
