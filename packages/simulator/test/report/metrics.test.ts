import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  estimate,
  isClear,
  jain,
  outcomes,
  paired,
  studentT,
  summarise,
  type RunResult,
} from '@coracle/simulator';
import { distribution } from '../../src/report/distribution.ts';
import { synthetic } from './synthetic.ts';

describe('statistics', () => {
  test("Student's t at 97.5 %, table and beyond, is that of published tables", () => {
    expect([1, 4, 9, 30].map(studentT)).toEqual([12.706, 2.776, 2.262, 2.042]);
    for (const [n, t] of [
      [40, 2.0211],
      [60, 2.0003],
      [120, 1.9799],
    ] as const) {
      expect(studentT(n)).toBeCloseTo(t, 3);
    }
  });

  test('an interval of a known sample', () => {
    // mean 3, s = sqrt(2.5), t(4) = 2.776
    const { mean, half, n } = estimate([1, 2, 3, 4, 5]);
    expect([mean, n]).toEqual([3, 5]);
    expect(half).toBeCloseTo(2.776 * Math.sqrt(2.5 / 5), 10);
  });

  test('one value has no interval, none has no mean, and what is not known does not count', () => {
    expect(estimate([7])).toEqual({ mean: 7, half: Number.NaN, n: 1 });
    expect(estimate([]).mean).toBeNaN();
    expect(estimate([1, Number.NaN, 3])).toMatchObject({ mean: 2, n: 2 });
  });

  test('differences are paired by seed: what seeds have in common cancels', () => {
    const from = [10, 20, 30].map((value, seed) => ({ seed, value }));
    const to = [9, 19, 29].map((value, seed) => ({ seed, value }));
    expect(paired(from, to)).toEqual({ mean: -1, half: 0, n: 3 });
    expect(isClear(paired(from, to))).toBe(true);
    expect(isClear(paired(from, to.slice(0, 1)))).toBeUndefined();
    // Only seeds of both sides count.
    expect(paired(from, [{ seed: 99, value: 1 }]).n).toBe(0);
  });

  test("Jain's index is 1 for equals, 1/n if one has all, and between for all others", () => {
    expect(jain([3, 3, 3])).toBe(1);
    expect(jain([5, 0, 0, 0])).toBe(0.25);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (values) => {
          const index = jain(values);
          expect(index).toBeGreaterThanOrEqual(1 / values.length - 1e-9);
          expect(index).toBeLessThanOrEqual(1 + 1e-9);
        },
      ),
    );
  });

  test('quantiles are those of numpy by default', () => {
    const { p50, p90, p95, p99, max, mean } = distribution(Float64Array.of(4, 1, 3, 2, Number.NaN));
    expect([p50, mean, max]).toEqual([2.5, 2.5, 4]);
    expect(p90).toBeCloseTo(3.7, 10);
    expect(p95).toBeCloseTo(3.85, 10);
    expect(p99).toBeCloseTo(3.97, 10);
    expect(distribution(new Float64Array(0)).points).toEqual([]);
  });
});

/** Two cards for 100 s; jobs as listed. */
function small(changes: Partial<RunResult['jobs']> & { outcome?: Uint8Array } = {}): RunResult {
  const base = synthetic({ jobs: 3, nodes: 1 });
  const length = 10;
  const fill = (value: number): Float64Array => new Float64Array(length).fill(value);
  return {
    ...base,
    endMs: 95_000,
    series: {
      fromMs: 0,
      stepMs: 10_000,
      length,
      gpuMilliUp: fill(2000),
      cpuMilliUp: fill(16_000),
      nodesUp: fill(1),
      gpuMilliUsed: fill(1000),
      cpuMilliUsed: fill(8000),
      // Nothing in the last stretch, of which the run has half.
      gpuMilliGood: fill(900).fill(0, 9),
      cpuMilliGood: fill(6000).fill(0, 9),
      gpuMilliFragmented: fill(100),
      jobsWaiting: fill(1),
      jobsRunning: fill(1),
      gpuMilliWaiting: fill(1000),
      cpuMilliWaiting: fill(4000),
    },
    jobs: {
      ids: ['a', 'b', 'c'],
      tenants: ['x', 'y'],
      tenant: Uint32Array.of(0, 1, 1),
      submitMs: Float64Array.of(0, 0, 10_000),
      startMs: Float64Array.of(0, 40_000, Number.NaN),
      endMs: Float64Array.of(40_000, 90_000, Number.NaN),
      idealMs: Float64Array.of(40_000, 5_000, 20_000),
      waitMs: Float64Array.of(0, 40_000, Number.NaN),
      lostMs: Float64Array.of(0, 36_000, 0),
      gpuMilli: Float64Array.of(1000, 1000, 2000),
      cpuMilli: Float64Array.of(8000, 8000, 16_000),
      pods: Uint32Array.of(1, 1, 2),
      restarts: Uint32Array.of(0, 1, 0),
      outcome: Uint8Array.from(
        ['succeeded', 'succeeded', 'waiting'].map((name) => outcomes.indexOf(name as 'waiting')),
      ),
      ...changes,
    },
  };
}

describe('metrics of a run worked out by hand', () => {
  const { values, wait, completion, tenants } = summarise(small());

  test('waits: a job that still waits counts with its wait so far', () => {
    expect(wait.count).toBe(3);
    expect(values.meanWait).toBe((0 + 40_000 + 85_000) / 3);
    expect(values.waiting).toBe(1);
  });

  test('completion and bounded slowdown are of the jobs that ended', () => {
    expect(completion.count).toBe(2);
    expect(values.meanCompletion).toBe(65_000);
    // 40 s alone in 40 s; 5 s count as 10 s, in 90 s.
    expect(values.meanSlowdown).toBe((1 + 9) / 2);
  });

  test('shares are weighted by time, the last stretch by the part that the run has of it', () => {
    expect(values.allocation).toBe(0.5);
    expect(values.utilisation).toBeCloseTo((0.45 * 90) / 95, 12);
    expect(values.goodput).toBeCloseTo((0.9 * 90) / 95, 12);
    expect(values.fragmentation).toBe(0.05);
  });

  test('restarts, lost hours, and no makespan while a job has not ended', () => {
    expect(values.restarts).toBe(1);
    expect(values.lostHours).toBeCloseTo(0.01, 12);
    expect(values.makespan).toBeNaN();
  });

  test('tenants: slowdown, hours, and finish-time fairness against an equal part of the cluster', () => {
    expect(tenants.map(({ name, jobs, ended }) => [name, jobs, ended])).toEqual([
      ['x', 1, 1],
      ['y', 2, 1],
    ]);
    expect(values.fairness).toBeCloseTo((1 + 9) ** 2 / (2 * (1 + 81)), 12);
    // One of two cards is y's own: its job of one card takes 5 s there, and 90 s here.
    expect(tenants[1]!.finishTime).toBe(18);
    expect(values.worstFinishTime).toBe(18);
    expect(tenants[0]!.hours).toBeCloseTo(40 / 3600, 12);
  });

  test('dropped jobs do not wait; what was placed is by size', () => {
    const outcome = Uint8Array.from(
      ['succeeded', 'succeeded', 'dropped'].map((name) => outcomes.indexOf(name as 'waiting')),
    );
    const dropped = summarise(small({ outcome }));
    expect(dropped.wait.count).toBe(2);
    expect(dropped.values.placed).toBe(0.5);
    expect(dropped.values.dropped).toBe(1);
    expect(dropped.values.makespan).toBe(90_000);
  });

  test('a cluster without cards is measured by its cores', () => {
    const run = small();
    const none = new Float64Array(10);
    const { values, resource } = summarise({
      ...run,
      series: { ...run.series, gpuMilliUp: none, gpuMilliUsed: none },
    });
    expect(resource).toBe('cpu');
    expect(values.allocation).toBe(0.5);
    // 6 of 16 cores for 90 of 95 s; of the 8 that jobs held all the time.
    expect(values.utilisation).toBeCloseTo((6 * 90) / (16 * 95), 12);
    expect(values.goodput).toBeCloseTo((6 * 90) / (8 * 95), 12);
    expect(values.coreAllocation).toBeNaN();
    // Cores are not in pieces.
    expect(values.fragmentation).toBeNaN();
  });
});
