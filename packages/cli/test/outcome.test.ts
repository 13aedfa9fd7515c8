import { describe, expect, test } from 'vitest';
import type { Unstructured } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { firstFailure, gpusOf, outcomeOf, podState, podWhy } from '../src/run/outcome.ts';

const withCondition = (kind: string, type: string, more: object = {}): Unstructured =>
  ({
    kind,
    metadata: {},
    status: { conditions: [{ type, status: 'True', ...more }] },
  }) as unknown as Unstructured;

describe('how a workload stands', () => {
  test.each([
    ['TrainJob', 'Complete', true],
    ['TrainJob', 'Failed', false],
    ['JobSet', 'Completed', true],
    ['JobSet', 'Failed', false],
    ['Job', 'Complete', true],
    ['Job', 'Failed', false],
  ])('%s with %s has ended', (kind, type, ok) => {
    expect(outcomeOf(withCondition(kind, type))).toMatchObject({ done: true, ok });
  });
  test('a failure carries its reason and message', () => {
    expect(
      outcomeOf(withCondition('Job', 'Failed', { reason: 'BackoffLimitExceeded', message: 'too often' }))
        .text,
    ).toBe('Failed (BackoffLimitExceeded: too often)');
  });
  test('a Pod ends by its phase; SuccessCriteriaMet is not yet the end of a Job', () => {
    const pod = { kind: 'Pod', metadata: {}, status: { phase: 'Succeeded' } } as unknown as Unstructured;
    expect(outcomeOf(pod)).toMatchObject({ done: true, ok: true });
    expect(outcomeOf(withCondition('Job', 'SuccessCriteriaMet')).done).toBe(false);
    expect(outcomeOf(withCondition('TrainJob', 'Suspended')).text).toBe('Suspended');
  });
});

describe('one worker', () => {
  const pod = (status: object): Pod => ({ metadata: { name: 'w' }, spec: {}, status }) as unknown as Pod;
  test('is shown by what it waits for, how it ended, or its phase', () => {
    const waiting = { containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] };
    expect(podState(pod(waiting))).toBe('CrashLoopBackOff');
    expect(podState(pod({ containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] }))).toBe('Exit 3');
    expect(
      podState(
        pod({ containerStatuses: [{ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }] }),
      ),
    ).toBe('OOMKilled');
    expect(
      podState(
        pod({
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
        }),
      ),
    ).toBe('Unschedulable');
    expect(podState(pod({ phase: 'Running' }))).toBe('Running');
  });
  test('says why it does not run: the scheduler’s words, or those of the node; nothing when it runs', () => {
    const message = '0/1 nodes are available:\n1 Insufficient cpu.';
    expect(podWhy(pod({ conditions: [{ type: 'PodScheduled', status: 'False', message }] }))).toBe(
      '0/1 nodes are available: 1 Insufficient cpu.',
    );
    const state = { waiting: { reason: 'RunContainerError', message: 'not found in $PATH' } };
    expect(podWhy(pod({ phase: 'Pending', containerStatuses: [{ state }] }))).toBe('not found in $PATH');
    const again = { state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s of pod UID' } } };
    const lastState = { terminated: { exitCode: 3, reason: 'Error' } };
    expect(podWhy(pod({ phase: 'Running', containerStatuses: [{ ...again, lastState }] }))).toBe(
      'it ended with exit code 3 and is started again',
    );
    expect(podWhy(pod({ phase: 'Running', containerStatuses: [{ state: { running: {} } }] }))).toBe('');
  });
  test('the first failure of a gang gives the exit code', () => {
    const ended = (name: string, exitCode: number, finishedAt: string): Pod =>
      ({
        metadata: { name },
        status: { containerStatuses: [{ state: { terminated: { exitCode, finishedAt } } }] },
      }) as unknown as Pod;
    expect(
      firstFailure([
        ended('a', 1, '2026-01-01T00:00:05Z'),
        ended('b', 42, '2026-01-01T00:00:03Z'),
        ended('c', 0, '2026-01-01T00:00:01Z'),
      ]),
    ).toMatchObject({ pod: 'b', exitCode: 42 });
    const same = '2026-01-01T00:00:05Z';
    expect(firstFailure([ended('seen-first', 3, same), ended('ended-for-it', 143, same)])).toMatchObject({
      exitCode: 3,
    });
    expect(firstFailure([ended('c', 0, '')])).toBeUndefined();
  });
  test('its GPUs are read from the note of the agent', () => {
    const noted = {
      metadata: { annotations: { 'coracle.dev/gpu-ids': 'main=GPU-a,GPU-b;side=GPU-c' } },
    } as unknown as Pod;
    expect(gpusOf(noted)).toEqual(['GPU-a', 'GPU-b', 'GPU-c']);
  });
});
