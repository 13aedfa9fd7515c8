import { describe, expect, test } from 'vitest';
import { differenceOf } from '../src/scenario/answers.ts';
import { readDuration } from '../src/scenario/duration.ts';
import { metricByName } from '../src/scenario/metrics.ts';
import { cellName, planOf } from '../src/scenario/plan.ts';
import { placementOf, placements } from '../src/scenario/placements.ts';
import type { ScenarioSpec } from '../src/scenario/types.ts';

const spec: ScenarioSpec = {
  cluster: { pools: [{ shape: 'a100x8', count: 2 }] },
  workload: { from: 'x.csv', arrivals: 2 },
  placement: ['default', 'fgd'],
  seeds: 2,
  firstSeed: 42,
  variants: [
    { add: [{ shape: 'h100x8', count: 8 }], arrivals: 1.5 },
    { name: 'one policy', placement: 'random' },
    { checkpoint: '30m' },
  ],
};

describe('the plan of a scenario', () => {
  const plan = planOf(spec);
  test('has every pair of policies of every variant, in order', () => {
    expect(plan.cells.map((cell) => [cellName(cell, plan.cells), cell.against])).toEqual([
      ['default', undefined],
      ['fgd', 0],
      ['8 more h100x8 nodes, arrivals x 1.5, default', 0],
      ['8 more h100x8 nodes, arrivals x 1.5, fgd', 1],
      ['one policy', 0],
      ['checkpoints every 30m, default', 0],
      ['checkpoints every 30m, fgd', 1],
    ]);
    expect(plan.runs.map(({ cell, seed }) => [cell, seed])).toEqual(
      [0, 1, 2, 3, 4, 5, 6].flatMap((cell) => [42, 43].map((seed) => [cell, seed])),
    );
  });
  test('has the changes in the spec of each run', () => {
    expect(plan.runs[4]?.spec.workload.arrivals).toBe(3);
    expect(plan.runs[4]?.spec.nodes?.add).toEqual([{ shape: 'h100x8', count: 8 }]);
    expect(plan.runs[0]?.spec.nodes).toBeUndefined();
  });
});

describe('an answer', () => {
  const metric = metricByName('p95-wait')!;
  const seeded = (...hours: number[]) => hours.map((value, seed) => ({ seed, value: value * 3_600_000 }));
  test.each([
    [seeded(4, 4.1, 4.2), seeded(1.1, 1.2, 1.3), '4.10 h -> 1.20 h (-2.90 h with every seed)'],
    [seeded(4, 4.1, 4.2), seeded(1, 1.2, 1.4), '4.10 h -> 1.20 h (-2.90 h, 95 % -3.15 to -2.65)'],
    [
      seeded(4, 4.1, 4.2),
      seeded(4, 4, 4.5),
      '4.10 h -> 4.17 h (+4.00 min, 95 % -27.0 to +35.0: no clear difference)',
    ],
    [seeded(4), seeded(2), '4.00 h -> 2.00 h (-2.00 h; one seed: nothing says how sure that is)'],
  ])('%#', (before, after, text) => {
    expect(differenceOf(metric, before, after).text).toBe(text);
  });
});

test('lengths of time', () => {
  expect(readDuration('1d12h30m')).toBe(131_400_000);
  expect(readDuration('1.5h')).toBe(5_400_000);
  for (const text of ['', '5', 'h', '1 h', '-1h', '1y']) expect(readDuration(text), text).toBeUndefined();
});

describe('placements', () => {
  test.each(placements.map(({ name }) => name))('%s makes a profile', (name) => {
    expect(placementOf(name, () => '').profile().plugins.length).toBeGreaterThan(3);
  });
  test('are found as people write them', () => {
    expect(placementOf('GpuPacking', () => '').name).toBe('gpupacking');
    expect(placementOf('best-fit', () => '').name).toBe('bestfit');
  });
  test('are profiles of a configuration', () => {
    const config = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles: [{ schedulerName: one }, { schedulerName: two }]`;
    expect(placementOf('my.yaml#two', () => config).profile().schedulerName).toBe('two');
    expect(placementOf('my.yaml', () => config).profile().schedulerName).toBe('one');
    expect(() => placementOf('my.yaml#tow', () => config)).toThrow(
      'my.yaml has no profile "tow": it has one, two; did you mean "two"?',
    );
    expect(() => placementOf('my.yaml', () => 'kind: X')).toThrow(/^my\.yaml: /);
  });
});
