/** Ordering policies through the engine: who goes first, and who is interrupted. */
import { describe, expect, test } from 'vitest';
import { gpuProfile } from '@coracle/scheduler/core';
import { simulate, Simulation } from '../src/engine/index.ts';
import { equalNodes } from '../src/inputs/nodes.ts';
import { Shapes } from '../src/inputs/pod-shape.ts';
import type { Job } from '../src/model/job.ts';
import type { RunSpec } from '../src/model/run.ts';
import {
  orderingPolicies,
  orderingPolicy,
  themis,
  tiresias,
  type OrderingPolicy,
} from '../src/ordering/index.ts';

const minute = 60_000;
const shapes = new Shapes();

interface Brief {
  readonly at: number;
  readonly run: number;
  readonly gpus: number;
  readonly tenant?: string;
  readonly priority?: number;
  readonly estimate?: number;
}

/** Times are minutes; one node of four cards. Nothing that was done is lost. */
function spec(ordering: OrderingPolicy, jobs: readonly Brief[]): RunSpec {
  return {
    cluster: {
      name: 'one',
      nodes: equalNodes('node', 1, { cpuMilli: 64_000, memoryMib: 1024, gpus: 4 }),
      pools: [],
    },
    workload: {
      name: 'few',
      notes: [],
      jobs: () =>
        jobs.map(({ at, run, gpus, tenant = 'a', priority, estimate }, i): Job => {
          return {
            id: String(i),
            tenant,
            submitMs: at * minute,
            runMs: run * minute,
            checkpointMs: 0,
            podSets: shapes.pods(1, { cpuMilli: gpus * 1000, gpus }),
            ...(priority !== undefined && { priority }),
            ...(estimate !== undefined && { estimateMs: estimate * minute }),
          };
        }),
    },
    placement: { name: 'firstfit', profile: () => gpuProfile('FirstFit') },
    ordering,
    seed: 1,
  };
}

function run(ordering: OrderingPolicy | string, jobs: readonly Brief[]) {
  const policy = typeof ordering === 'string' ? orderingPolicy(ordering)! : ordering;
  const { startMs, endMs, restarts } = simulate(spec(policy, jobs)).jobs;
  const minutes = (times: Float64Array): number[] => [...times].map((ms) => ms / minute);
  return { starts: minutes(startMs), ends: minutes(endMs), restarts: [...restarts] };
}

describe('policies by name', () => {
  test('are known by the names they have, and say what they do and where they are from', () => {
    const names = orderingPolicies.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, about, source, policy } of orderingPolicies) {
      expect(policy.name).toBe(name);
      expect(orderingPolicy(name.toUpperCase())).toBe(policy);
      expect(about.length * source.length).toBeGreaterThan(0);
    }
    expect(orderingPolicy('best')).toBeUndefined();
  });

  test.each(orderingPolicies.map(({ name }) => name))(
    '%s ends all jobs, saved in the middle or not',
    (name) => {
      const jobs = Array.from({ length: 30 }, (_, i) => ({
        at: (i * 7) % 40,
        run: 1 + ((i * 13) % 50),
        gpus: [1, 2, 4, 1, 3][i % 5]!,
        tenant: `tenant-${i % 3}`,
      })).toSorted((a, b) => a.at - b.at);
      const policy = spec(orderingPolicy(name)!, jobs);
      const straight = simulate(policy).jobs;
      expect([...straight.endMs].every((ms) => ms > 0)).toBe(true);
      const first = new Simulation(policy);
      first.step(25);
      const second = Simulation.resume(policy, first.save());
      while (!second.step(1000));
      expect(second.result().jobs.endMs).toEqual(straight.endMs);
    },
  );
});

const queue = [
  { at: 0, run: 10, gpus: 4 },
  { at: 1, run: 30, gpus: 4, estimate: 30, priority: 0 },
  { at: 2, run: 5, gpus: 4, estimate: 5, priority: 1 },
  { at: 3, run: 20, gpus: 4, estimate: 4, priority: 2 },
];

test.each([
  ['fifo', [0, 10, 40, 45]],
  ['priority', [0, 35, 30, 10]],
  ['sjf', [0, 35, 30, 10]],
  // The third has less left than the first; the fourth not.
  ['srtf', [0, 35, 2, 15]],
])('%s starts four jobs that need the whole node in its order', (name, starts) => {
  expect(run(name, queue).starts).toEqual(starts);
});

test('fifo holds up who would fit behind the first that does not; fifo-skip does not', () => {
  const jobs = [
    { at: 0, run: 10, gpus: 2 },
    { at: 1, run: 10, gpus: 4 },
    { at: 2, run: 20, gpus: 1 },
  ];
  expect(run('fifo', jobs).starts).toEqual([0, 10, 20]);
  expect(run('fifo-skip', jobs).starts).toEqual([0, 22, 2]);
});

test('srsf weighs what is left by cards, srtf does not', () => {
  const jobs = [
    { at: 0, run: 20, gpus: 4 },
    { at: 1, run: 30, gpus: 1 },
  ];
  expect(run('srtf', jobs)).toMatchObject({ starts: [0, 20], restarts: [0, 0] });
  // 76 card-minutes against 30: the first is interrupted and goes on when the second has ended.
  expect(run('srsf', jobs)).toMatchObject({ starts: [0, 1], ends: [50, 31], restarts: [1, 0] });
});

test('drf gives to the tenant that holds least, whatever the order of submission', () => {
  const jobs = [
    { at: 0, run: 10, gpus: 2, tenant: 'a' },
    { at: 0, run: 20, gpus: 2, tenant: 'a' },
    { at: 1, run: 10, gpus: 2, tenant: 'a' },
    { at: 2, run: 10, gpus: 2, tenant: 'b' },
  ];
  expect(run('drf', jobs).starts).toEqual([0, 0, 20, 10]);
});

describe('tiresias', () => {
  const options = { thresholds: [600] };

  test('lets a new job go before one that has had its share, and that one go on afterwards', () => {
    // 600 s of one card: 2.5 minutes of four.
    const jobs = [
      { at: 0, run: 20, gpus: 4 },
      { at: 10, run: 2, gpus: 4 },
      { at: 11, run: 2, gpus: 4 },
    ];
    expect(run(tiresias({ ...options, promote: Infinity }), jobs)).toMatchObject({
      starts: [0, 10, 12],
      ends: [24, 12, 14],
    });
  });

  test('promotes a job that has waited so many times as long as it has run', () => {
    const steady = Array.from({ length: 40 }, (_, i) => ({ at: 4 + 2 * i, run: 2, gpus: 4 }));
    const jobs = [{ at: 0, run: 6, gpus: 4 }, ...steady];
    const end = (promote: number): number => run(tiresias({ ...options, promote }), jobs).ends[0]!;
    expect(end(Infinity)).toBe(86);
    // Four minutes done, then eight of waiting; two to go.
    expect(end(2)).toBeLessThan(20);
  });
});

test('themis takes turns by leases, and who is furthest behind goes first', () => {
  const jobs = [
    { at: 0, run: 60, gpus: 4 },
    { at: 1, run: 60, gpus: 4 },
  ];
  const { starts, ends } = run(themis({ leaseMs: 10 * minute }), jobs);
  expect(starts).toEqual([0, 10]);
  // In turns both end late; one after the other the first would have ended at 60.
  expect(Math.min(...ends)).toBeGreaterThan(100);
  expect(Math.max(...ends)).toBe(120);
});
