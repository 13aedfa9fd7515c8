import { describe, expect, test } from 'vitest';
import { metrics } from '../src/report/metrics.ts';
import type { RunSummary } from '../src/report/summary.ts';
import type { ScenarioSpec } from '../src/scenario/types.ts';
import type { Sweeper } from '../src/sweep/pool.ts';
import { runScenario } from '../src/sweep/run-scenario.ts';

const hour = 3_600_000;
const empty = { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0, points: [] };

/** Runs whose wait is what a function says of the nodes that were added. */
function fake(
  wait: (added: number, ordering: string, seed: number) => number,
  stopAfter = Infinity,
): Sweeper {
  let done = 0;
  return {
    async run(tasks) {
      return tasks.map(({ plan: { spec, placement, ordering, seed } }) => {
        if (done++ >= stopAfter) return undefined;
        const added = spec.nodes?.add?.[0]?.count ?? 0;
        const values = Object.fromEntries(metrics.map(({ key }) => [key, 1])) as RunSummary['values'];
        const summary = {
          placement,
          ordering,
          cluster: 'c',
          workload: 'w',
          seed,
          endMs: 1,
          resource: 'gpu',
          values: { ...values, dropped: 0, p95Wait: wait(added, ordering, seed) },
          wait: empty,
          completion: empty,
          slowdown: empty,
          tenants: [],
          unplaced: [],
        } as unknown as RunSummary;
        return {
          summary,
          notes: [],
          progress: { nowMs: 1, events: 1, jobsSeen: 1, jobsEnded: 1, jobsWaiting: 0, jobsRunning: 0 },
        };
      });
    },
    close: async () => undefined,
  };
}
const spec: ScenarioSpec = {
  cluster: { pools: [{ shape: 'a100x8', count: 4 }] },
  workload: { from: 'x' },
  seeds: 3,
};
const options = { detail: false, signal: new AbortController().signal };

describe('a scenario', () => {
  test('is answered with differences by seed', async () => {
    const sweeper = fake((added, _, seed) => (4.1 - added * 0.3625 + seed * 0.01) * hour);
    const variants = [{ add: [{ shape: 'h100x8', count: 8 }] }];
    const done = await runScenario({ name: 'x', spec: { ...spec, variants } }, sweeper, options);
    expect(done?.report.candidates.map(({ name, runs }) => [name, runs.length])).toEqual([
      ['no change', 3],
      ['8 more h100x8 nodes', 3],
    ]);
    expect(done?.report.findings).toEqual([
      '8 more h100x8 nodes: p95 wait 4.12 h -> 1.22 h (-2.90 h with every seed)',
    ]);
    expect(done?.answers[0]?.differences[0]).toMatchObject({ metric: 'p95-wait' });
  });

  test('whose seeds are all alike says so, for then an interval is none', async () => {
    const done = await runScenario(
      { name: 'x', spec },
      fake(() => hour),
      options,
    );
    expect(done?.report.findings[0]).toMatch(/^All 3 seeds gave the same, .*--resample 1d/);
  });

  test('is searched, under each policy', async () => {
    const sweeper = fake((added, ordering) => (added >= (ordering === 'fifo' ? 11 : 0) ? 0.8 : 1.3) * hour);
    const find = { shape: 'h100x8', goal: 'p95-wait<1h' };
    const lines: string[] = [];
    const done = await runScenario(
      { name: 'x', spec: { ...spec, ordering: ['fifo', 'srtf'], find } },
      sweeper,
      { ...options, say: (line) => lines.push(line) },
    );
    expect(done?.report.findings.slice(1)).toEqual([
      '11 more h100x8 nodes keep p95 wait < 1.00 h (fifo): 48.0 min with 11, 1.30 h with 10 (mean of 3 seeds, 3 of which meet it).',
      'It needs no more nodes to keep p95 wait < 1.00 h (srtf): 48.0 min with 0 (mean of 3 seeds, 3 of which meet it).',
    ]);
    expect(lines[0]).toBe('no more nodes: p95 wait 1.30 h: not enough');
    expect(lines).toContain('11 more h100x8 nodes: p95 wait 48.0 min: enough');
  });

  test('that is stopped has what is done, and says what is not', async () => {
    const done = await runScenario(
      { name: 'x', spec: { ...spec, ordering: ['fifo', 'srtf'] } },
      fake(() => hour, 4),
      options,
    );
    expect(done?.missing).toBe(2);
    expect(done?.report.candidates.map(({ runs }) => runs.length)).toEqual([3, 1]);
    expect(
      await runScenario(
        { name: 'x', spec },
        fake(() => hour, 0),
        options,
      ),
    ).toBeUndefined();
  });
});
