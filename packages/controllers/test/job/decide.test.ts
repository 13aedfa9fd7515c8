import { describe, expect, test } from 'vitest';
import { JobModel, newJob } from './model.ts';
import type { batch_v1 } from '@coracle/machinery/api';

const run = (spec: Partial<batch_v1.JobSpec> = {}): JobModel => {
  const model = new JobModel(newJob(spec));
  model.settle();
  return model;
};
const uids = (model: JobModel): string[] => model.active().map((pod) => pod.metadata.uid);
const first = (model: JobModel): string => uids(model)[0] as string;

const rule = (action: string, values: number[]): batch_v1.PodFailurePolicyRule => ({
  action,
  onExitCodes: { operator: 'In', values },
});
const at = (model: JobModel, index: number): string =>
  model
    .active()
    .find((p) => p.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === `${index}`)!
    .metadata.uid;
const suspend = (model: JobModel, value: boolean): void => {
  model.job = { ...model.job, spec: { ...model.job.spec!, suspend: value } };
  model.settle();
};

describe('Job: running to completion', () => {
  test('one pod that succeeds completes it', () => {
    const model = run();
    expect(model.status).toMatchObject({
      active: 1,
      ready: 0,
      terminating: 0,
      startTime: '2026-01-01T00:00:00Z',
    });
    model.end(first(model), 'Succeeded');
    model.settle();
    expect(model.status).toMatchObject({ active: 0, succeeded: 1, failed: 0, uncountedTerminatedPods: {} });
    expect(model.condition('SuccessCriteriaMet')).toMatchObject({ reason: 'CompletionsReached' });
    expect(model.condition('Complete')).toMatchObject({
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    });
    expect(model.status.completionTime).toBeDefined();
    expect(model.events).toEqual(['Completed']);
    expect(model.list().every((pod) => pod.metadata.finalizers?.length === 0)).toBe(true);
  });

  test('parallelism bounds the pods, completions the successes', () => {
    const model = run({ parallelism: 2, completions: 5 });
    for (const expected of [2, 2, 2, 2, 1, 0]) {
      expect(model.active()).toHaveLength(expected);
      if (expected > 0) model.end(first(model), 'Succeeded');
      model.settle();
    }
    expect(model.status.succeeded).toBe(5);
    expect(model.finished).toBe(true);
  });

  test('no completions: pods are a work queue that ends with the first success', () => {
    const model = run({ parallelism: 3, completions: undefined });
    const [a, b, c] = uids(model) as [string, string, string];
    model.end(a, 'Succeeded');
    model.settle();
    expect(model.active()).toHaveLength(2);
    model.end(b, 'Failed');
    model.settleInTime();
    expect(model.active()).toHaveLength(1);
    model.end(c, 'Succeeded');
    model.settle();
    expect(model.condition('Complete')).toBeDefined();
    expect(model.status).toMatchObject({ succeeded: 2, failed: 1 });
  });

  test('zero completions complete at once', () => {
    expect(run({ completions: 0 }).condition('Complete')).toBeDefined();
  });

  test('ready counts active pods with the Ready condition', () => {
    const model = run({ parallelism: 2, completions: 2 });
    model.set(first(model), { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
    model.settle();
    expect(model.status).toMatchObject({ active: 2, ready: 1 });
  });

  test('lowering parallelism removes pods without counting them as failed', () => {
    const model = run({ parallelism: 4, completions: 8 });
    model.job = { ...model.job, spec: { ...model.job.spec!, parallelism: 1 } };
    model.settle();
    expect(model.active()).toHaveLength(1);
    expect(model.status).toMatchObject({ active: 1, failed: 0 });
  });
});

describe('Job: failures', () => {
  test('failed pods are replaced after 10 s, 20 s, 40 s', () => {
    const model = run();
    for (const seconds of [10, 20, 40]) {
      model.end(first(model), 'Failed');
      model.settle();
      expect(model.active()).toHaveLength(0);
      expect(model.again! - model.now).toBe(seconds * 1000);
      model.now = model.again!;
      model.settle();
      expect(model.active()).toHaveLength(1);
    }
    expect(model.status.failed).toBe(3);
  });

  test('a restart of the controller keeps the back-off', () => {
    const model = run();
    model.end(first(model), 'Failed');
    model.settleInTime();
    model.end(first(model), 'Failed');
    model.restart();
    model.settle();
    expect(model.again! - model.now).toBe(20_000);
  });

  test('more failures than backoffLimit fail it', () => {
    const model = run({ backoffLimit: 1, parallelism: 2, completions: 2 });
    model.end(first(model), 'Failed');
    model.settleInTime();
    model.end(first(model), 'Failed');
    model.settle();
    expect(model.condition('FailureTarget')).toMatchObject({ reason: 'BackoffLimitExceeded' });
    expect(model.condition('Failed')).toMatchObject({
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    });
    expect(model.status).toMatchObject({ active: 0, failed: 3 });
    expect(model.events).toEqual(['BackoffLimitExceeded']);
  });

  test('OnFailure: restarts in place count against backoffLimit', () => {
    const job = newJob({ backoffLimit: 2 });
    job.spec!.template.spec!.restartPolicy = 'OnFailure';
    const model = new JobModel(job);
    model.settle();
    const restarts = (restartCount: number) =>
      model.set(first(model), {
        phase: 'Running',
        containerStatuses: [{ name: 'main', image: '', imageID: '', ready: true, restartCount }],
      });
    restarts(1);
    model.settle();
    expect(model.finished).toBe(false);
    restarts(2);
    model.settle();
    expect(model.condition('Failed')?.reason).toBe('BackoffLimitExceeded');
  });

  test('a pod deleted by somebody counts as failed', () => {
    const model = run({ backoffLimit: 0 });
    model.delete(first(model));
    model.settle();
    expect(model.status.failed).toBe(1);
    expect(model.condition('Failed')).toBeDefined();
  });

  test('activeDeadlineSeconds fails it and deletes its pods', () => {
    const model = run({ activeDeadlineSeconds: 60, parallelism: 2, completions: 2 });
    expect(model.again).toBe(model.now + 60_000);
    model.now += 60_000;
    model.settle();
    expect(model.condition('Failed')?.reason).toBe('DeadlineExceeded');
    expect(model.list()).toHaveLength(0);
  });

  test('Failed waits until terminating pods have ended', () => {
    const model = run({ parallelism: 2, completions: 2, backoffLimit: 0 });
    const [a, b] = uids(model) as [string, string];
    // Another finalizer keeps the pod as a running container does.
    const pod = model.pods.get(b)!;
    model.pods.set(b, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
    model.job = { ...model.job, spec: { ...model.job.spec!, podReplacementPolicy: 'Failed' } };
    model.end(a, 'Failed');
    model.settle();
    expect(model.condition('FailureTarget')).toBeDefined();
  });
});

describe('Job: podReplacementPolicy Failed', () => {
  test('a terminating pod is replaced only when it has ended', () => {
    const model = run({ podReplacementPolicy: 'Failed' });
    const uid = first(model);
    model.delete(uid);
    model.settle();
    expect(model.active()).toHaveLength(0);
    expect(model.status).toMatchObject({ active: 0, terminating: 1, failed: 0 });
    model.end(uid, 'Failed');
    model.settleInTime();
    expect(model.active()).toHaveLength(1);
    expect(model.status).toMatchObject({ terminating: 0, failed: 1 });
  });
});

describe('Job: podFailurePolicy', () => {
  test('Ignore: the failure does not count', () => {
    const model = run({ backoffLimit: 0, podFailurePolicy: { rules: [rule('Ignore', [42])] } });
    model.end(first(model), 'Failed', 42);
    model.settleInTime();
    expect(model.status.failed).toBe(0);
    expect(model.active()).toHaveLength(1);
  });
  test('FailJob: the Job fails with the pod, exit code and rule in the message', () => {
    const model = run({ podFailurePolicy: { rules: [rule('FailJob', [42])] } });
    const uid = first(model);
    model.end(uid, 'Failed', 42);
    model.settle();
    expect(model.condition('Failed')).toMatchObject({
      reason: 'PodFailurePolicy',
      message: `Container main for pod default/${uid} failed with exit code 42 matching FailJob rule at index 0`,
    });
  });
  test('Count, and no rule: it counts', () => {
    for (const code of [1, 42]) {
      const model = run({ backoffLimit: 0, podFailurePolicy: { rules: [rule('Count', [42])] } });
      model.end(first(model), 'Failed', code);
      model.settle();
      expect(model.condition('Failed')?.reason).toBe('BackoffLimitExceeded');
    }
  });
  test('onPodConditions: a disruption is ignored', () => {
    const model = run({
      backoffLimit: 0,
      podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] },
    });
    const uid = first(model);
    model.set(uid, { conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
    model.end(uid, 'Failed');
    model.settleInTime();
    expect(model.status.failed).toBe(0);
    expect(model.active()).toHaveLength(1);
  });
});

describe('Job: Indexed', () => {
  const indexed = { completionMode: 'Indexed', parallelism: 3, completions: 5 };
  test('a pod carries its index in annotation, label, environment and host name', () => {
    const model = run(indexed);
    expect(model.indexes()).toEqual([0, 1, 2]);
    const pod = model.pods.get(at(model, 1))!;
    expect(pod.metadata).toMatchObject({
      generateName: 'train-1-',
      labels: { 'batch.kubernetes.io/job-completion-index': '1' },
      finalizers: ['batch.kubernetes.io/job-tracking'],
      ownerReferences: [{ kind: 'Job', uid: 'job-uid', controller: true, blockOwnerDeletion: true }],
    });
    expect(pod.spec?.hostname).toBe('train-1');
    expect(pod.spec?.containers[0]?.env).toEqual([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: {
          fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" },
        },
      },
    ]);
  });
  test('completedIndexes are written as intervals, and the next index follows', () => {
    const model = run(indexed);
    model.end(at(model, 0), 'Succeeded');
    model.end(at(model, 2), 'Succeeded');
    model.settle();
    expect(model.status).toMatchObject({ completedIndexes: '0,2', succeeded: 2 });
    expect(model.indexes()).toEqual([1, 3, 4]);
    for (const index of [1, 3, 4]) model.end(at(model, index), 'Succeeded');
    model.settle();
    expect(model.status).toMatchObject({ completedIndexes: '0-4', succeeded: 5 });
    expect(model.finished).toBe(true);
  });
  test('a failed index is tried again', () => {
    const model = run(indexed);
    model.end(at(model, 1), 'Failed');
    model.settleInTime();
    expect(model.indexes()).toEqual([0, 1, 2]);
  });
  test('scaled down: pods of indexes that are no more are removed', () => {
    const model = run({ ...indexed, completions: 3 });
    model.job = { ...model.job, spec: { ...model.job.spec!, completions: 2, parallelism: 2 } };
    model.settle();
    expect(model.indexes()).toEqual([0, 1]);
    expect(model.status.failed).toBe(0);
  });
  test('backoffLimitPerIndex: an index fails alone; the Job fails when all have ended', () => {
    const model = run({ ...indexed, completions: 2, backoffLimitPerIndex: 1, backoffLimit: 1000 });
    model.end(at(model, 0), 'Succeeded');
    for (let i = 0; i < 2; i += 1) {
      model.end(at(model, 1), 'Failed');
      model.settleInTime();
    }
    expect(model.status).toMatchObject({
      completedIndexes: '0',
      failedIndexes: '1',
      failed: 2,
      succeeded: 1,
    });
    expect(model.condition('Failed')).toMatchObject({
      reason: 'FailedIndexes',
      message: 'Job has failed indexes',
    });
  });
  test('backoffLimitPerIndex: each index has its own back-off and hands its count on', () => {
    const model = run({ ...indexed, backoffLimitPerIndex: 3, backoffLimit: 1000 });
    model.end(at(model, 1), 'Failed');
    model.settle();
    expect(model.indexes()).toEqual([0, 2]);
    expect(model.again! - model.now).toBe(10_000);
    model.now += 10_000;
    model.settle();
    const pod = model.pods.get(at(model, 1))!;
    expect(pod.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count']).toBe('1');
  });
  test('maxFailedIndexes: one more fails the Job', () => {
    const model = run({
      ...indexed,
      parallelism: 1,
      backoffLimitPerIndex: 0,
      maxFailedIndexes: 1,
      backoffLimit: 1000,
    });
    model.end(at(model, 0), 'Failed');
    model.settleInTime();
    expect(model.condition('FailureTarget')).toBeUndefined();
    model.end(at(model, 1), 'Failed');
    model.settle();
    expect(model.condition('Failed')?.reason).toBe('MaxFailedIndexesExceeded');
    expect(model.status.failedIndexes).toBe('0,1');
  });
  test('FailIndex: no further try of that index', () => {
    const model = run({
      ...indexed,
      backoffLimitPerIndex: 5,
      podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [9] } }] },
    });
    model.end(at(model, 2), 'Failed', 9);
    model.settleInTime();
    expect(model.status.failedIndexes).toBe('2');
    expect(model.indexes()).toEqual([0, 1, 3]);
  });
  test('successPolicy: the leader is enough, and the others are removed', () => {
    const model = run({ ...indexed, successPolicy: { rules: [{ succeededIndexes: '0' }] } });
    model.end(at(model, 0), 'Succeeded');
    model.settle();
    expect(model.condition('Complete')).toMatchObject({
      reason: 'SuccessPolicy',
      message: 'Matched rules at index 0',
    });
    expect(model.active()).toHaveLength(0);
  });
});

describe('Job: suspend', () => {
  test('created suspended: no pods and no start time', () => {
    const model = run({ suspend: true });
    expect(model.active()).toHaveLength(0);
    expect(model.status.startTime).toBeUndefined();
    expect(model.condition('Suspended')).toMatchObject({ reason: 'JobSuspended', message: 'Job suspended' });
    expect(model.events).toEqual(['Suspended']);
  });
  test('suspended and resumed: pods go uncounted, and the start time is new', () => {
    const model = run({ parallelism: 2, completions: 2 });
    suspend(model, true);
    expect(model.status).toMatchObject({ active: 0, failed: 0 });
    model.now += 3_600_000;
    suspend(model, false);
    expect(model.active()).toHaveLength(2);
    expect(model.status.startTime).toBe('2026-01-01T01:00:00Z');
    expect(model.status.conditions?.find((c) => c.type === 'Suspended')).toMatchObject({
      status: 'False',
      reason: 'JobResumed',
    });
    expect(model.events).toEqual(['Suspended', 'Resumed']);
  });
});
