import { describe, expect, test } from 'vitest';
import type { Job, Workload } from '../src/model/job.ts';
import { changedWorkload } from '../src/scenario/change-workload.ts';

const podSets = [
  { name: 'pod', count: 1, template: { spec: { containers: [] } } },
] as unknown as Job['podSets'];
const hour = 3_600_000;
/** One an hour for four hours, each as many minutes long as its number. */
const list = Array.from({ length: 8 }, (_, i): Job => ({
  id: `j${i}`,
  tenant: 't',
  submitMs: (i * hour) / 2,
  podSets,
  runMs: i * 60_000,
  estimateMs: i * 120_000,
}));
const workload: Workload = { name: 'w', count: 8, notes: [], jobs: () => list };
const jobs = (spec: Parameters<typeof changedWorkload>[1], seed = 1): Job[] => [
  ...changedWorkload(workload, spec, seed).jobs(),
];

describe('a workload', () => {
  test('comes faster, takes longer, and is cut', () => {
    expect(jobs({ arrivals: 2, durations: 3, jobs: 2 })).toEqual([
      { ...list[0], submitMs: 0, runMs: 0, estimateMs: 0 },
      { ...list[1], submitMs: hour / 4, runMs: 180_000, estimateMs: 360_000 },
    ]);
    expect(jobs({ checkpoint: '30m', start: '1m', jobs: 1 })).toEqual([
      { ...list[0], checkpointMs: 1_800_000, startMs: 60_000 },
    ]);
    expect(changedWorkload(workload, { jobs: 3 }, 1).count).toBe(3);
    expect(jobs({})).toEqual(list);
  });

  test('drawn anew is stretches of it, in order, others for every seed and the same for one', () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 5; seed++) {
      const drawn = jobs({ resample: '1h' }, seed);
      expect(jobs({ resample: '1h' }, seed)).toEqual(drawn);
      expect(drawn.map(({ submitMs }) => submitMs)).toEqual(list.map(({ submitMs }) => submitMs));
      expect(new Set(drawn.map(({ id }) => id)).size).toBe(8);
      for (let i = 0; i < 8; i += 2) expect(drawn[i + 1]!.runMs).toBe(drawn[i]!.runMs + 60_000);
      seen.add(drawn.map(({ runMs }) => runMs).join(' '));
    }
    expect(seen.size).toBeGreaterThan(3);
    expect(() => jobs({ resample: '1d' })).toThrow('"w" has but one stretch of 1d');
  });
});
