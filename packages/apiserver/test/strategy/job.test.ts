import { describe, expect, test } from 'vitest';
import { strategyFor } from '../../src/strategy/index.ts';
import { type Body, create, problems, update } from './support.ts';

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
const job = (spec: object = {}, metadata: object = {}): Body => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'pi', ...metadata },
  spec: { template, ...spec },
});
const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 4 };

const move = (object: { spec: Record<string, unknown> }): void => {
  const pod = (object.spec['template'] as { spec: Record<string, unknown> }).spec;
  pod['nodeSelector'] = { zone: 'a' };
  pod['tolerations'] = [{ key: 'x', operator: 'Exists' }];
};

describe('a job', () => {
  test('gets the defaults, a selector and labels of its own', () => {
    const labels = {
      'batch.kubernetes.io/controller-uid': 'the-uid',
      'batch.kubernetes.io/job-name': 'pi',
      'controller-uid': 'the-uid',
      'job-name': 'pi',
    };
    const made = create(job());
    expect(made.spec).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'the-uid' } },
      template: { metadata: { labels } },
    });
    expect(made.metadata.labels).toEqual(labels);
    expect(made.status).toEqual({});
  });

  test('keeps its own labels', () => {
    expect(create(job({}, { labels: { a: 'b' } })).metadata.labels).toEqual({ a: 'b' });
  });

  test('has defaults that depend on each other', () => {
    expect(create(job({ parallelism: 3 })).spec).not.toHaveProperty('completions');
    expect(create(job({ ...indexed, backoffLimitPerIndex: 1 })).spec['backoffLimit']).toBe(2147483647);
    const rules = [
      { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
    ];
    expect(create(job({ podFailurePolicy: { rules } })).spec).toMatchObject({
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: [{}, { onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
    });
  });

  test.each<[string, object, string]>([
    [
      'restarts always',
      { template: { spec: { ...template.spec, restartPolicy: 'Always' } } },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      'is indexed without completions',
      { completionMode: 'Indexed', parallelism: 1 },
      'spec.completions: Required value: when completion mode is Indexed',
    ],
    [
      'has negative parallelism',
      { parallelism: -1 },
      'spec.parallelism: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'has a limit per index without indexes',
      { backoffLimitPerIndex: 1 },
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
    ],
    ["selects others' pods", { selector: { matchLabels: { app: 'x' } } }, '`selector` not auto-generated'],
    [
      'fails on exit code 0',
      { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [0] } }] } },
      'spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator',
    ],
    [
      'fails an index without a limit per index',
      {
        podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }] },
      },
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
    ],
    [
      'has a success policy without indexes',
      { successPolicy: { rules: [{ succeededCount: 1 }] } },
      'requires indexed completion mode',
    ],
    [
      'counts more successes than completions',
      { ...indexed, successPolicy: { rules: [{ succeededCount: 5 }] } },
      'must be less than or equal to 4 (the number of specified completions)',
    ],
    [
      'names an index out of range',
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '0-4' }] } },
      'error parsing succeededIndexes: too large index: "4"',
    ],
  ])('is refused when it %s', (_name, spec, expected) => {
    expect(problems(job(spec)).join('\n')).toContain(expected);
  });

  test('does not change its template, selector or mode', () => {
    const old = create(job());
    const edit = (run: (spec: Record<string, unknown>) => void) =>
      update(old, (object) => run(object.spec)).problems.join('\n');
    expect(edit((spec) => (spec['template'] = { ...template, metadata: { labels: {} } }))).toContain(
      'spec.template: Invalid value',
    );
    expect(edit((spec) => (spec['completions'] = 9))).toContain(
      'spec.completions: Invalid value: 9: field is immutable',
    );
    expect(edit((spec) => (spec['completionMode'] = 'Indexed'))).toContain(
      'spec.completionMode: Invalid value: "Indexed": field is immutable',
    );
    expect(
      edit((spec) => Object.assign(spec, { parallelism: 3, suspend: true, activeDeadlineSeconds: 5 })),
    ).toBe('');
  });

  test('that is indexed grows and shrinks with its parallelism', () => {
    const old = create(job(indexed));
    expect(
      update(old, (object) => Object.assign(object.spec, { completions: 2, parallelism: 2 })).problems,
    ).toEqual([]);
    expect(update(old, (object) => Object.assign(object.spec, { completions: 2 })).problems.join()).toContain(
      'field is immutable',
    );
  });

  test('that is suspended and not started may be sent elsewhere', () => {
    expect(update(create(job({ suspend: true })), move).problems).toEqual([]);
    expect(update(create(job()), move).problems.join()).toContain('spec.template: Invalid value');
  });

  test('leaves its pods when deleted without a policy', () => {
    expect(strategyFor('batch', 'jobs').defaultPropagation).toBe('Orphan');
  });

  test('cannot be both complete and failed, nor be finished without an end', () => {
    const old = create(job());
    const set = (status: object) =>
      update(old, (object) => Object.assign(object.status, status), undefined, 'status').problems;
    const at = '2026-05-01T12:00:00Z';
    expect(
      set({ conditions: [{ type: 'Complete', status: 'True' }], completionTime: at, startTime: at }),
    ).toEqual([]);
    expect(set({ conditions: [{ type: 'Complete', status: 'True' }] })).toEqual([
      'status.completionTime: Required value: completionTime is required for Complete jobs',
    ]);
    expect(
      set({
        conditions: [
          { type: 'Complete', status: 'True' },
          { type: 'Failed', status: 'True' },
        ],
        completionTime: at,
      }),
    ).toEqual([
      'status.conditions: Invalid value: "Complete": cannot set Complete=True and Failed=true conditions',
    ]);
  });
});

const cron = (spec: object = {}): Body => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template } }, ...spec },
});

describe('a cron job', () => {
  test('gets its defaults, its job template only those of pods', () => {
    const made = create(cron());
    expect(made.spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    expect((made.spec['jobTemplate'] as { spec: object }).spec).toEqual({
      template: expect.objectContaining({ spec: expect.objectContaining({ dnsPolicy: 'ClusterFirst' }) }),
    });
  });

  test.each(['0 0 * * *', '@hourly', '1-5,10 */2 1 jan mon-fri', '@every 1h'])(
    'accepts the schedule %s',
    (schedule) => {
      expect(problems(cron({ schedule }))).toEqual([]);
    },
  );

  test.each([
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['61 * * * *', 'end of range (61) above maximum (59): 61'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['TZ=UTC 0 0 * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
  ])('refuses the schedule %s', (schedule, expected) => {
    expect(problems(cron({ schedule }))).toEqual([
      `spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${expected}`,
    ]);
  });

  test('refuses an unknown time zone', () => {
    expect(problems(cron({ timeZone: 'Moon/Base' }))).toEqual([
      'spec.timeZone: Invalid value: "Moon/Base": unknown time zone Moon/Base',
    ]);
  });
});
