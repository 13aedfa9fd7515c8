import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { batch_v1 } from '@coracle/machinery/api';
import { IndexSet } from '../../src/job/indexes.ts';
import { Crash, JobModel, newJob } from './model.ts';

/** What may happen to a Job between two looks of its controller. `pick` chooses among its pods. */
const step = fc.record({
  what: fc.constantFrom(
    'run',
    'succeed',
    'fail',
    'fail',
    'delete',
    'time',
    'restart',
    'suspend',
    'parallelism',
  ),
  pick: fc.nat(20),
  /** The controller crashes before its n-th write from here on; 0: it does not. */
  crash: fc.nat(6),
});
const shape: fc.Arbitrary<Partial<batch_v1.JobSpec>> = fc.record({
  parallelism: fc.integer({ min: 1, max: 4 }),
  completions: fc.integer({ min: 1, max: 6 }),
  completionMode: fc.constantFrom('NonIndexed', 'Indexed'),
  backoffLimit: fc.integer({ min: 0, max: 6 }),
  podReplacementPolicy: fc.constantFrom('TerminatingOrFailed', 'Failed'),
});
const perIndex = fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined });

function act(model: JobModel, what: string, pick: number): void {
  const pods = model.list().filter((p) => !['Succeeded', 'Failed'].includes(p.status?.phase ?? ''));
  const uid = pods[pick % Math.max(1, pods.length)]?.metadata.uid ?? '';
  if (what === 'run') model.set(uid, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
  if (what === 'succeed') model.end(uid, 'Succeeded');
  if (what === 'fail') model.end(uid, 'Failed');
  if (what === 'delete') model.delete(uid);
  if (what === 'time') model.now += 400_000;
  if (what === 'restart') model.restart();
  const spec = model.job.spec!;
  if (what === 'suspend') model.job = { ...model.job, spec: { ...spec, suspend: !spec.suspend } };
  if (what === 'parallelism') model.job = { ...model.job, spec: { ...spec, parallelism: 1 + (pick % 4) } };
}

function settleWithCrash(model: JobModel, crash: number): void {
  let writes = 0;
  model.crashBefore = () => crash > 0 && ++writes === crash;
  try {
    model.settle();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    model.restart();
  }
  model.crashBefore = () => false;
}

describe('Job: counting under any order of events and crashes', () => {
  test('no pod is lost or counted twice, counters never go back, and the Job comes to its end', () => {
    fc.assert(
      fc.property(shape, perIndex, fc.array(step, { maxLength: 40 }), (spec, limit, steps) => {
        const model = new JobModel(
          newJob({
            ...spec,
            ...(spec.completionMode === 'Indexed' && limit !== undefined
              ? { backoffLimitPerIndex: limit, backoffLimit: 1000 }
              : {}),
          }),
        );
        let before = { succeeded: 0, failed: 0 };
        const check = (): void => {
          const now = { succeeded: model.status.succeeded ?? 0, failed: model.status.failed ?? 0 };
          expect(now.succeeded).toBeGreaterThanOrEqual(before.succeeded);
          expect(now.failed).toBeGreaterThanOrEqual(before.failed);
          before = now;
          const terminal = new Set([...(model.status.conditions ?? [])].map((c) => c.type));
          expect(terminal.has('Complete') && terminal.has('Failed')).toBe(false);
        };
        for (const { what, pick, crash } of steps) {
          act(model, what, pick);
          settleWithCrash(model, crash);
          check();
        }
        // From here on all goes well: the Job must end.
        model.job = { ...model.job, spec: { ...model.job.spec!, suspend: false } };
        for (let round = 0; round < 60 && !model.finished; round += 1) {
          model.settleInTime();
          for (const pod of model.list()) {
            if (!['Succeeded', 'Failed'].includes(pod.status?.phase ?? '')) {
              model.end(pod.metadata.uid, pod.metadata.deletionTimestamp ? 'Failed' : 'Succeeded');
            }
          }
          check();
        }
        expect(model.finished).toBe(true);

        const { status } = model;
        const uncounted = status.uncountedTerminatedPods ?? {};
        expect([...(uncounted.succeeded ?? []), ...(uncounted.failed ?? [])]).toEqual([]);
        expect(status.active).toBe(0);
        const made = [...model.made.values()];
        const successes = made.filter((pod) => pod.status?.phase === 'Succeeded');
        if (spec.completionMode === 'Indexed') {
          const indexes = new Set(
            successes.map((p) => p.metadata.annotations?.['batch.kubernetes.io/job-completion-index']),
          );
          // A pod that the controller itself removed may have succeeded at that very moment: uncounted.
          expect(status.succeeded).toBeLessThanOrEqual(indexes.size);
          expect(status.succeeded).toBe(IndexSet.parse(status.completedIndexes).size);
          if (model.condition('Complete')) expect(status.succeeded).toBe(spec.completions);
        } else {
          // Pods that the controller removed itself may have succeeded at that very moment; none else is missing.
          expect(status.succeeded).toBeLessThanOrEqual(successes.length);
          expect(status.succeeded! + status.failed!).toBeLessThanOrEqual(made.length);
        }
        for (const pod of model.list()) expect(pod.metadata.finalizers).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('a terminating pod that was noted as failed and then succeeds does not complete its index', () => {
    const model = new JobModel(
      newJob({ parallelism: 1, completions: 2, completionMode: 'Indexed', backoffLimit: 3 }),
    );
    settleWithCrash(model, 0);
    act(model, 'succeed', 0);
    settleWithCrash(model, 0);
    act(model, 'delete', 0);
    // The status notes the failure; the crash is before the finalizer is taken off.
    settleWithCrash(model, 2);
    act(model, 'succeed', 0);
    settleWithCrash(model, 0);
    expect(model.condition('Complete')).toBeUndefined();
    expect(model.status.completedIndexes).toBe('0');
    act(model, 'succeed', 0);
    settleWithCrash(model, 0);
    expect(model.condition('Complete')).toBeDefined();
    expect(model.status.completedIndexes).toBe('0,1');
  });

  test('with no removals, each pod that ended is counted exactly once', () => {
    const calm = step.filter(({ what }) => ['run', 'succeed', 'fail', 'time', 'restart'].includes(what));
    fc.assert(
      fc.property(shape, fc.array(calm, { maxLength: 40 }), (spec, steps) => {
        const model = new JobModel(newJob({ ...spec, completionMode: 'NonIndexed', backoffLimit: 1000 }));
        for (const { what, pick, crash } of steps) {
          act(model, what, pick);
          settleWithCrash(model, crash);
        }
        model.settle();
        const ended = (phase: string): number =>
          [...model.made.values()].filter((pod) => pod.status?.phase === phase).length;
        expect(model.status.succeeded ?? 0).toBe(ended('Succeeded'));
        expect(model.status.failed ?? 0).toBe(ended('Failed'));
      }),
      { numRuns: 300 },
    );
  });
});
