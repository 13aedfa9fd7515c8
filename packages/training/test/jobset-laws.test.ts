/** What holds for a JobSet whatever happens to its Jobs and whenever its controller is stopped. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailureAction, type JobSetSpec, jobSetKeys as keys } from '../src/index.ts';
import { JobSetModel, replicated } from './jobset-model.ts';

const action = fc.constantFrom<FailureAction>(
  'FailJobSet',
  'RestartJobSet',
  'RestartJobSetAndIgnoreMaxRestarts',
  'RestartJob',
  'RestartJobAndIgnoreMaxRestarts',
);
const spec: fc.Arbitrary<JobSetSpec> = fc
  .record({
    replicas: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    inOrder: fc.boolean(),
    suspend: fc.boolean(),
    maxRestarts: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    rule: fc.option(action, { nil: undefined }),
    any: fc.boolean(),
    blocking: fc.boolean(),
  })
  .map(({ replicas, inOrder, suspend, maxRestarts, rule, any, blocking }) => ({
    replicatedJobs: replicas.map((n, i) => replicated(`r${i}`, { replicas: n })),
    suspend,
    successPolicy: { operator: any ? ('Any' as const) : ('All' as const) },
    startupPolicy: { startupPolicyOrder: inOrder ? ('InOrder' as const) : ('AnyOrder' as const) },
    ...(maxRestarts === undefined
      ? {}
      : {
          failurePolicy: {
            maxRestarts,
            restartStrategy: blocking ? ('BlockingRecreate' as const) : ('Recreate' as const),
            rules: rule ? [{ name: 'r', action: rule, targetReplicatedJobs: ['r0'] }] : [],
          },
        }),
  }));
const step = fc.record({
  what: fc.constantFrom('look', 'settle', 'run', 'run', 'complete', 'fail', 'suspend', 'resume'),
  pick: fc.nat(20),
});

function act(model: JobSetModel, what: string, pick: number): void {
  if (what === 'look') model.look();
  if (what === 'settle') model.settle();
  if (what === 'suspend' || what === 'resume') model.change({ suspend: what === 'suspend' });
  const running = model.names.filter((n) => !model.job(n).status?.conditions && !model.job(n).spec?.suspend);
  const name = running[pick % Math.max(1, running.length)];
  if (name === undefined) return;
  if (what === 'run') model.run(name);
  if (what === 'complete') model.complete(name);
  if (what === 'fail') model.fail(name);
}

describe('JobSet under any order of events', () => {
  test('comes to rest, keeps its limits, and ends when its Jobs do', () => {
    fc.assert(
      fc.property(spec, fc.array(step, { maxLength: 40 }), (wanted, steps) => {
        const model = new JobSetModel(wanted);
        let restarts = 0;
        for (const { what, pick } of steps) {
          act(model, what, pick);
          const { status } = model.jobSet;
          expect(status?.restarts ?? 0).toBeGreaterThanOrEqual(restarts);
          restarts = status?.restarts ?? 0;
          const single = (status?.replicatedJobsStatus ?? []).flatMap(
            (s) => s.jobRestartsCountTowardsMax ?? [],
          );
          const counted = single.reduce((sum, n) => sum + n, status?.restartsCountTowardsMax ?? 0);
          expect(counted).toBeLessThanOrEqual(wanted.failurePolicy?.maxRestarts ?? 0);
          const ends = (status?.conditions ?? []).filter(
            (c) => ['Completed', 'Failed'].includes(c.type) && c.status === 'True',
          );
          expect(ends.length).toBeLessThanOrEqual(1);
          expect(status?.terminalState).toBe(ends[0]?.type);
        }
        // From here on everything goes well: it must come to its end.
        model.change({ suspend: false });
        for (let round = 0; round < 50 && !model.jobSet.status?.terminalState; round++) {
          model.settle();
          for (const name of model.names) if (!model.job(name).status?.conditions) model.run(name);
          model.settle();
          if (model.jobSet.status?.terminalState) break;
          const total = wanted.replicatedJobs!.reduce((n, j) => n + (j.replicas as number), 0);
          if (model.names.length === total) {
            for (const name of model.names) if (!model.job(name).status?.conditions) model.complete(name);
          }
        }
        model.settle();
        expect(model.jobSet.status?.terminalState).toBeDefined();
        expect(model.conditions).not.toContain('Failed=True InvalidSpec');
        // Nothing of an earlier run is left, and nothing runs on.
        for (const name of model.names) {
          expect(model.job(name).status?.conditions).toBeDefined();
          if (model.jobSet.status?.terminalState === 'Completed') {
            expect(model.job(name).metadata.labels?.[keys.restartAttempt]).toBe(String(restartsOf(model)));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

const restartsOf = (model: JobSetModel): number => model.jobSet.status?.restarts ?? 0;
