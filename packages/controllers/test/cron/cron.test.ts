import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CronJob, Job } from '@coracle/machinery/api';
import { planCronJob } from '../../src/cron/decide.ts';
import { parseSchedule } from '../../src/cron/schedule.ts';
import { cronJobController } from '../../src/index.ts';
import { lab } from '../lab.ts';

const at = (text: string) => Date.parse(text);
const iso = (time: number | undefined) => time && new Date(time).toISOString().slice(0, 16);

const list = (min: number, max: number) =>
  fc.oneof(
    fc.constant('*'),
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 })
      .map((values) => values.join(',')),
  );
const fits = (field: string, value: number) => field === '*' || field.split(',').includes(`${value}`);

describe('cron schedules', () => {
  test.each([
    ['*/15 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:15'],
    ['0 9-17/4 * * mon-fri', '2026-01-02T17:30:00Z', '2026-01-05T09:00'],
    ['30 2 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T02:30'],
    ['0 0 13 * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00'],
    ['0 0 * JAN 0', '2026-01-01T00:00:00Z', '2026-01-04T00:00'],
    ['5/20 * * * *', '2026-01-01T00:26:00Z', '2026-01-01T00:45'],
    ['@daily', '2026-01-01T00:00:00Z', '2026-01-02T00:00'],
    ['@every 90m', '2026-01-01T00:00:00Z', '2026-01-01T01:30'],
    ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
  ])('%s after %s is %s', (schedule, after, expected) => {
    expect(iso(parseSchedule(schedule).next(at(after)))).toBe(expected);
  });
  test('in a time zone, over a change of clocks', () => {
    const schedule = parseSchedule('30 8 * * *', 'Europe/Berlin');
    expect(iso(schedule.next(at('2026-03-28T00:00:00Z')))).toBe('2026-03-28T07:30');
    expect(iso(schedule.next(at('2026-03-29T00:00:00Z')))).toBe('2026-03-29T06:30');
  });
  test.each(['', '* * * *', '60 * * * *', 'a * * * *', '5-1 * * * *', '*/0 * * * *', '@never', '@every x'])(
    '%j is refused',
    (schedule) => {
      expect(() => parseSchedule(schedule)).toThrow(RangeError);
    },
  );
  test('agrees with looking at every minute', () => {
    fc.assert(
      fc.property(
        list(0, 59),
        list(0, 23),
        list(1, 28),
        list(0, 6),
        fc.nat(365 * 1440),
        (m, h, d, w, start) => {
          const after = at('2026-01-01T00:00:00Z') + start * 60_000;
          let time = after + 60_000;
          for (; ; time += 60_000) {
            const date = new Date(time);
            const [byMonth, byWeek] = [fits(d, date.getUTCDate()), fits(w, date.getUTCDay())];
            const day = d === '*' || w === '*' ? byMonth && byWeek : byMonth || byWeek;
            if (fits(m, date.getUTCMinutes()) && fits(h, date.getUTCHours()) && day) break;
          }
          expect(parseSchedule(`${m} ${h} ${d} * ${w}`).next(after)).toBe(time);
        },
      ),
      { numRuns: 60 },
    );
  });
});

const cronJob = (spec: object = {}, status: object = {}) =>
  ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly', namespace: 'default', uid: 'c', creationTimestamp: '2026-01-01T00:00:30Z' },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template: {} } }, ...spec },
    status,
  }) as unknown as CronJob;
const job = (name: string, condition?: string, start = '2026-01-01T00:00:00Z') =>
  ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default', uid: name, creationTimestamp: start },
    status: {
      startTime: start,
      ...(condition ? { conditions: [{ type: condition, status: 'True' }], completionTime: start } : {}),
    },
  }) as unknown as Job;
const now = at('2026-01-01T00:05:10Z');
const reasons = (plan: ReturnType<typeof planCronJob>) => plan.events.map((event) => event.reason);

describe('CronJob', () => {
  test('a due time starts one Job named after it; missed ones are not caught up with', () => {
    const plan = planCronJob({ cronJob: cronJob(), jobs: [], now });
    expect(plan.create?.metadata).toMatchObject({
      name: `nightly-${now / 60_000 - 10 / 60}`,
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:05:00Z' },
      ownerReferences: [{ kind: 'CronJob', name: 'nightly', controller: true }],
    });
    expect(plan.status.lastScheduleTime).toBe('2026-01-01T00:05:00Z');
    expect(iso(plan.again)).toBe('2026-01-01T00:06');
  });
  test('nothing is due twice', () => {
    const status = { lastScheduleTime: '2026-01-01T00:05:00Z' };
    expect(planCronJob({ cronJob: cronJob({}, status), jobs: [], now }).create).toBeUndefined();
  });
  test('Forbid waits, Replace removes, Allow goes on beside', () => {
    const running = [job('old')];
    const of = (concurrencyPolicy: string) =>
      planCronJob({ cronJob: cronJob({ concurrencyPolicy }), jobs: running, now });
    expect(of('Forbid').create).toBeUndefined();
    expect(reasons(of('Forbid'))).toEqual(['JobAlreadyActive']);
    expect(of('Replace').remove).toEqual(running);
    expect(of('Replace').create).toBeDefined();
    expect(of('Allow').remove).toEqual([]);
    expect(of('Allow').status.active).toHaveLength(1);
  });
  test('suspended: no Jobs', () => {
    expect(planCronJob({ cronJob: cronJob({ suspend: true }), jobs: [], now }).create).toBeUndefined();
  });
  test('finished Jobs leave status.active, and those beyond the history go', () => {
    const jobs = [1, 2, 3, 4].map((n) => job(`ok${n}`, 'Complete', `2026-01-01T00:0${n}:00Z`));
    const status = { active: [{ uid: 'ok4', name: 'ok4' }], lastScheduleTime: '2026-01-01T00:05:00Z' };
    const plan = planCronJob({ cronJob: cronJob({}, status), jobs, now });
    expect(plan.remove.map((j) => j.metadata.name)).toEqual(['ok1']);
    expect(plan.status).toMatchObject({ lastSuccessfulTime: '2026-01-01T00:04:00Z' });
    expect(plan.status.active).toBeUndefined();
    expect(reasons(plan)).toEqual(['SawCompletedJob']);
  });
  test('a bad schedule or time zone is told', () => {
    expect(reasons(planCronJob({ cronJob: cronJob({ schedule: 'x' }), jobs: [], now }))).toEqual([
      'UnparseableSchedule',
    ]);
    expect(reasons(planCronJob({ cronJob: cronJob({ timeZone: 'Mars/Base' }), jobs: [], now }))).toEqual([
      'UnknownTimeZone',
    ]);
  });

  test('on a cluster: one Job a minute', async () => {
    const l = lab({ objects: [cronJob()] });
    await l.start(cronJobController(l.deps));
    for (let minute = 1; minute <= 3; minute += 1) {
      await l.clock.advance(60_000);
      await l.until(() => l.cluster.objects(Job).length === minute);
    }
    await l.until(() => l.cluster.object(CronJob, 'nightly', 'default')?.status?.active?.length === 3);
  });
});
