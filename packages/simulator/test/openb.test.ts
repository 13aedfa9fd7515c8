import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  openbCells,
  openbPolicies,
  openbText,
  openbWorkloads,
  readOpenbTrace,
  runOpenb,
  runOpenbExperiment,
} from '../src/experiments/index.ts';
import { GoRandom } from '../src/experiments/openb/go-random.ts';

const folder = join(import.meta.dirname, '../../../../shared/data/traces/openb');
const isThere = existsSync(join(folder, 'published.csv'));
const small = join(import.meta.dirname, 'traces/openb-small');

describe('GoRandom', () => {
  test("draws the numbers of Go's math/rand for a seed", () => {
    const random = new GoRandom(42);
    expect([random.int(), random.int(), random.intn(1000), random.intn(7)]).toEqual([
      3440579354231278675n,
      608747136543856411n,
      668,
      1,
    ]);
    const items = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    random.shuffle(items);
    expect(items).toEqual([1, 4, 9, 5, 8, 7, 2, 6, 3, 0]);
    expect(random.perm(10)).toEqual([3, 4, 7, 2, 9, 6, 8, 1, 5, 0]);
  });
});

describe('a small trace of our own', () => {
  const trace = readOpenbTrace(small, 'small');
  // Pods that did not fit; cards in use and fragments at a demand of 100 %, in percent of all cards.
  test.each([
    ['Random', [90, 87.136, 11.529]],
    ['DotProduct', [121, 95.276, 4.08]],
    ['GpuClustering', [151, 89.95, 10.054]],
    ['GpuPacking', [124, 94.376, 5.407]],
    ['BestFit', [121, 95.276, 3.886]],
    ['FGD', [118, 95.188, 4.605]],
    ['FirstFit', [105, 96.916, 3.052]],
  ] as const)('%s places it as it did before', (policy, [failed, allocated, fragmented]) => {
    const outcome = runOpenb(trace, policy, 42);
    expect(outcome.failed).toBe(failed);
    expect(outcome.demand.allocatedPercent[100]).toBeCloseTo(allocated, 3);
    expect(outcome.demand.fragmentedPercent[100]).toBeCloseTo(fragmented, 3);
  });

  test('on threads the runs are the same, and nothing is published of them', async () => {
    const options = {
      folder: small,
      policies: ['FGD', 'BestFit'],
      workloads: ['small'],
      seeds: [1, 2],
    } as const;
    const here = await runOpenbExperiment(options);
    const threads = await runOpenbExperiment({ ...options, threads: 2 });
    const figures = (runs: typeof here.runs) => runs.map(({ cpuMs: _, ...run }) => run);
    expect(figures(threads.runs)).toEqual(figures(here.runs));
    expect(here.runs.map(({ policy, seed }) => `${policy} ${seed}`)).toEqual([
      'FGD 1',
      'FGD 2',
      'BestFit 1',
      'BestFit 2',
    ]);
    expect(openbWorkloads(small)).toEqual(['small']);
    expect(openbText(here)).toMatch(/^Nothing is published of these\.\n\n4 runs, /);
  });
});

/**
 * One seed of ten. Pods and nodes come in the authors' own order, so a seed's run lies within their runs' scatter: three
 * standard deviations and a little. `coracle sim openb --all` compares all cells with all seeds.
 */
describe.skipIf(!isThere)('the published table, workload `default`, one seed', () => {
  // Three seconds of work; more where other things run beside it.
  test('each policy meets its figures, and the policies rank as published', { timeout: 60_000 }, () => {
    const trace = readOpenbTrace(folder, 'default');
    const cells = openbCells(folder).filter(
      ({ workload, metric, demand }) =>
        workload === 'default' && metric === 'allocatedPercent' && demand <= 100,
    );
    const ours = new Map(
      openbPolicies.map((policy) => [
        policy,
        runOpenb(trace, policy, 43, { until: 100 }).demand.allocatedPercent,
      ]),
    );
    for (const { policy, demand, mean, deviation } of cells) {
      const difference = Math.abs(ours.get(policy)![demand]! - mean);
      expect(difference, `${policy} at ${demand} %`).toBeLessThan(3 * deviation + 0.1);
    }
    const rank = (of: (policy: (typeof openbPolicies)[number]) => number) =>
      [...openbPolicies].sort((a, b) => of(a) - of(b));
    const published = (policy: string) => cells.find((c) => c.policy === policy && c.demand === 100)!.mean;
    expect(rank((policy) => ours.get(policy)![100]!)).toEqual(rank(published));
  });
});

if (!isThere) {
  test.skip(`the published table: the traces are not in ${folder}`, () => undefined);
}
