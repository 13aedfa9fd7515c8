/** The generator's laws: what the settings say is what comes out, the same for a seed, one job at a time. */
import { describe, expect, test } from 'vitest';
import { generate, InputError, type GeneratorSettings } from '../src/inputs/index.ts';
import type { Job } from '../src/model/job.ts';

const jobsOf = (settings: GeneratorSettings): Job[] => [...generate(settings).jobs()];
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
/** Deviation by mean. */
const cvOf = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2))) / middle;
};
const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(part * values.length)]!;
const intervals = (jobs: readonly Job[]): number[] =>
  jobs.slice(1).map((job, i) => job.submitMs - jobs[i]!.submitMs);
const many = 10_000;
const hour = 3_600_000;

describe('a generated workload', () => {
  test('is the same for a seed, and another for another', () => {
    const settings = { jobs: 200, arrivals: { process: 'diurnal' as const }, estimates: {} };
    expect(jobsOf({ ...settings, seed: 7 })).toEqual(jobsOf({ ...settings, seed: 7 }));
    expect(jobsOf({ ...settings, seed: 8 })).not.toEqual(jobsOf({ ...settings, seed: 7 }));
  });

  test('begins anew at every call, and more jobs have the same beginning', () => {
    const workload = generate({ jobs: 50 });
    expect([...workload.jobs()]).toEqual([...workload.jobs()]);
    expect(jobsOf({ jobs: 80 }).slice(0, 50)).toEqual([...workload.jobs()]);
    expect(workload.count).toBe(50);
  });

  test('has purposes that do not disturb each other', () => {
    const plain = jobsOf({ jobs: 100 });
    const others = jobsOf({
      jobs: 100,
      tenants: { count: 3 },
      estimates: { max: 9 },
      lengths: { median: '1h' },
    });
    expect(others.map(({ submitMs }) => submitMs)).toEqual(plain.map(({ submitMs }) => submitMs));
    expect(others.map(({ podSets }) => podSets)).toEqual(plain.map(({ podSets }) => podSets));
  });

  test('comes in the order of submission, with unique names and shared shapes', () => {
    const jobs = jobsOf({ jobs: 5000 });
    expect(intervals(jobs).every((ms) => ms >= 0)).toBe(true);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(5000);
    expect(new Set(jobs.map(({ podSets }) => podSets)).size).toBe(6);
  });

  test('may end after a time instead of a number', () => {
    const jobs = jobsOf({ for: '48h', arrivals: { process: 'fixed', every: '1h' } });
    expect(jobs.map(({ submitMs }) => submitMs)).toEqual(Array.from({ length: 49 }, (_, i) => i * hour));
  });
});

describe('arrivals', () => {
  test('Poisson: mean and deviation of the intervals are the same', () => {
    const times = intervals(jobsOf({ jobs: many, arrivals: { perHour: 30 } }));
    expect(mean(times) / 120_000).toBeCloseTo(1, 1);
    expect(cvOf(times)).toBeCloseTo(1, 1);
  });

  test('gamma: the deviation is as many times the mean as asked', () => {
    const times = intervals(jobsOf({ jobs: 40_000, arrivals: { process: 'gamma', every: '1m', cv: 3 } }));
    expect(Math.abs(mean(times) / 60_000 - 1)).toBeLessThan(0.05);
    expect(Math.abs(cvOf(times) / 3 - 1)).toBeLessThan(0.05);
  });

  test('diurnal: hours and days have the parts asked for, and the mean holds', () => {
    const hours = Array.from({ length: 24 }, (_, h) => (h < 12 ? 1 : 3));
    const days = [1, 1, 1, 1, 1, 0, 1];
    const jobs = jobsOf({ for: '49d', arrivals: { process: 'diurnal', perHour: 20, hours, days } });
    expect(Math.abs(jobs.length / (49 * 24 * 20) - 1)).toBeLessThan(0.02);
    const afternoon = jobs.filter(({ submitMs }) => (submitMs / hour) % 24 >= 12).length;
    expect(afternoon / jobs.length).toBeCloseTo(0.75, 1);
    expect(jobs.filter(({ submitMs }) => Math.floor(submitMs / hour / 24) % 7 === 5)).toEqual([]);
  });

  test('all at once, and at a fixed interval', () => {
    expect(jobsOf({ jobs: 3, arrivals: { process: 'at-once' } }).map(({ submitMs }) => submitMs)).toEqual([
      0, 0, 0,
    ]);
    expect(
      jobsOf({ jobs: 3, arrivals: { process: 'fixed', every: '90s' } }).map(({ submitMs }) => submitMs),
    ).toEqual([0, 90_000, 180_000]);
  });

  test('load: what comes is that part of the cards', () => {
    const jobs = jobsOf({
      jobs: many,
      arrivals: { load: 0.7, cards: 512 },
      sizes: [
        { gpus: 1, weight: 3 },
        { gpus: 8, pods: 2 },
        { gpus: 1, gpuMilli: 500 },
      ],
      lengths: { distribution: 'weibull', scale: '1h', shape: 1.5 },
    });
    const cards = (job: Job): number => {
      const { count, template } = job.podSets[0]!;
      const whole = Number(template.spec.containers[0]!.resources?.requests?.['nvidia.com/gpu'] ?? 0.5);
      return count * whole;
    };
    const work = jobs.reduce((sum, job) => sum + cards(job) * job.runMs, 0);
    expect(Math.abs(work / jobs.at(-1)!.submitMs / 512 / 0.7 - 1)).toBeLessThan(0.05);
  });
});

describe('lengths', () => {
  const lengths = (settings: GeneratorSettings['lengths']): number[] =>
    jobsOf({ jobs: many, ...(settings ? { lengths: settings } : {}) }).map(({ runMs }) => runMs);

  test('by default are those of the openb trace, within a factor of 1.7', () => {
    const all = lengths(undefined);
    for (const [part, seconds] of [
      [0.05, 48],
      [0.25, 183],
      [0.45, 513],
      [0.75, 2303],
      [0.95, 16_994],
    ] as const) {
      const ratio = quantile(all, part) / 1000 / seconds;
      expect(Math.max(ratio, 1 / ratio)).toBeLessThan(1.7);
    }
  });

  test('lognormal, Weibull and Pareto have the quantiles of their formulas', () => {
    const lognormal = lengths({ median: '10m', sigma: 1 });
    expect(quantile(lognormal, 0.5) / 600_000).toBeCloseTo(1, 1);
    expect(Math.log(quantile(lognormal, 0.8413) / 600_000)).toBeCloseTo(1, 1);
    const weibull = lengths({ distribution: 'weibull', scale: '1h', shape: 2 });
    expect(quantile(weibull, 1 - Math.exp(-1)) / hour).toBeCloseTo(1, 1);
    const pareto = lengths({ distribution: 'pareto', min: '1m', max: '10h', shape: 1 });
    expect(Math.min(...pareto)).toBeGreaterThanOrEqual(60_000);
    expect(Math.max(...pareto)).toBeLessThanOrEqual(10 * hour);
    expect(Math.abs(quantile(pareto, 0.5) / 120_000 - 1)).toBeLessThan(0.1);
  });

  test('quantiles that were measured come out as they are', () => {
    const all = lengths({
      distribution: 'quantiles',
      quantiles: [
        { part: 0, length: '10s' },
        { part: 0.5, length: '5m' },
        { part: 1, length: '10h' },
      ],
    });
    expect(Math.abs(quantile(all, 0.5) / 300_000 - 1)).toBeLessThan(0.15);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(9_999);
    expect(Math.max(...all)).toBeLessThanOrEqual(10 * hour + 1);
  });

  test('are cut where asked', () => {
    const all = lengths({ min: '1m', max: '1h' });
    expect([Math.min(...all), Math.max(...all)]).toEqual([60_000, hour]);
  });
});

test('tenants follow Zipf, estimates their range, outcomes their parts, priorities their weights', () => {
  const jobs = jobsOf({
    jobs: many,
    tenants: { count: 4, zipf: 1 },
    estimates: { min: 1, max: 3 },
    outcomes: { failed: 0.2, cancelled: 0.1 },
    priorities: [{ value: 0, weight: 3 }, { value: 1000 }],
    start: '30s',
    checkpoint: '1h',
  });
  const part = (of: (job: Job) => boolean): number => jobs.filter(of).length / many;
  expect(part(({ tenant }) => tenant === 'tenant-1')).toBeCloseTo(12 / 25, 1);
  expect(part(({ tenant }) => tenant === 'tenant-4')).toBeCloseTo(3 / 25, 1);
  expect(part(({ ends }) => ends === 'failed')).toBeCloseTo(0.2, 1);
  expect(part(({ ends }) => ends === 'cancelled')).toBeCloseTo(0.1, 1);
  expect(part(({ priority }) => priority === 1000)).toBeCloseTo(0.25, 1);
  expect(jobs.every(({ runMs, estimateMs }) => estimateMs! >= runMs && estimateMs! <= 3 * runMs)).toBe(true);
  expect(jobs[0]).toMatchObject({ startMs: 30_000, checkpointMs: hour });
});

test.each([
  [{ jobz: 3 }, 'setting "jobz": is not known'],
  [{ jobs: -1 }, 'setting "jobs": "-1" is not a whole number of at least 0'],
  [{ arrivals: { process: 'bursts' } }, 'setting "arrivals.process": "bursts" is none of poisson, gamma'],
  [{ arrivals: { perHour: 1, every: '1h' } }, 'setting "arrivals.every": cannot stand beside perHour'],
  [{ arrivals: { load: 1 } }, 'setting "arrivals.cards": is missing'],
  [{ arrivals: { process: 'diurnal', hours: [1] } }, 'setting "arrivals.hours": must be 24 numbers'],
  [{ lengths: { median: 5 } }, 'setting "lengths.median": "5" is no length of time'],
  [{ lengths: { min: '2h', max: '1h' } }, 'setting "lengths.max": is less than min'],
  [{ sizes: [{ gpus: 1.5 }] }, 'setting "sizes[0].gpus": "1.5" is not a whole number from 0 to 64'],
  [{ for: 'long' }, 'setting "for": "long" is no length of time'],
  [{ for: '1h', arrivals: { process: 'at-once' } }, 'setting "jobs": is missing'],
  [[], 'settings by name were expected'],
])('%j is refused in words', (settings, words) => {
  expect(() => generate(settings)).toThrow(InputError);
  expect(() => generate(settings)).toThrow(words);
});
