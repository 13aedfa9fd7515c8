/** The ordering kube-scheduler: the live scheduler's queue in virtual time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  nodeOfPool,
  orderingOf,
  placementOf,
  poolOf,
  shapeOf,
  simulate,
  Simulation,
  type Job,
} from '../../src/index.ts';

import { anySpec } from './random-spec.ts';

const pool = poolOf('a100x8', shapeOf('a100x8'), 1);

/** Of all eight cards; times in seconds. */
function job(id: string, at: number, run: number, priority = 0): Job {
  const cards = { 'nvidia.com/gpu': '8' };
  const resources = { requests: cards, limits: cards };
  const template = { spec: { containers: [{ name: 'main', image: 'x', resources }] } };
  const podSets = [{ name: 'pod', count: 1, template }];
  return { id, tenant: 't', submitMs: at * 1000, runMs: run * 1000, podSets, priority };
}

function run(ordering: string, jobs: readonly Job[], what: 'starts' | 'ends' = 'starts'): number[] {
  const { startMs, endMs } = simulate({
    cluster: { name: 'one', nodes: [nodeOfPool(pool, 0)], pools: [] },
    workload: { name: 'w', jobs: () => jobs, notes: [] },
    placement: placementOf('default', () => ''),
    ordering: orderingOf(ordering),
    seed: 1,
    preemption: true,
  }).jobs;
  return [...(what === 'starts' ? startMs : endMs)].map((ms) => ms / 1000);
}

test('who has been tried more often backs off for longer, and lets others pass that came later', () => {
  const jobs = [
    job('a', 0, 60),
    job('b', 1, 30),
    job('c', 2, 2),
    // In vain at 3, 60 and 90: due again at 94.
    job('d', 3, 10),
    // In vain at 90.5: due at 91.5.
    job('late', 90.5, 10),
  ];
  expect(run('priority', jobs)).toEqual([0, 60, 90, 92, 102]);
  expect(run('kube-scheduler', jobs)).toEqual([0, 60, 90, 102, 92]);
});

test('higher priority goes first and evicts; who was evicted comes back as a new pod', () => {
  const jobs = [job('victim', 0, 30), job('urgent', 2, 5, 100), job('more', 4, 3, 100)];
  expect(run('kube-scheduler', jobs, 'ends')).toEqual([40, 7, 10]);
});

test('whatever fails, is evicted, drained or added: the same, saved in between or not, and no job is lost', () => {
  const ordering = orderingOf('kube-scheduler');
  fc.assert(
    fc.property(anySpec, fc.integer({ min: 0, max: 60 }), (any, steps) => {
      const spec = { ...any, ordering, stays: true };
      const whole = simulate(spec);
      const first = new Simulation(spec);
      first.step(steps);
      const second = Simulation.resume(spec, first.save());
      while (!second.step(7));
      expect(second.result()).toEqual(whole);
      expect(whole.jobs.ids).toHaveLength([...spec.workload.jobs()].length);
      for (const { fromMs, toMs, nodes } of whole.stays!) {
        expect(nodes.length).toBeGreaterThan(0);
        expect(toMs < fromMs).toBe(false);
      }
    }),
    { numRuns: 60 },
  );
});
