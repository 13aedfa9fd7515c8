import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomes, simulate, Simulation, type RunResult, type RunSpec } from '../../src/index.ts';
import { anySpec } from './random-spec.ts';

/** Of every value, to the last bit, and of nothing besides: serializers tell by their bytes how the engine keeps a 0. */
function hash(result: RunResult): string {
  const sum = createHash('sha256');
  const add = (value: unknown): void => {
    if (ArrayBuffer.isView(value))
      sum.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (typeof value === 'number') add(Float64Array.of(value));
    else if (typeof value !== 'object' || value === null) sum.update(`${typeof value} ${String(value)};`);
    else {
      for (const [key, item] of Object.entries(value)) {
        sum.update(`${key}:`);
        add(item);
      }
      sum.update('.');
    }
  };
  add(result);
  return sum.digest('hex');
}

interface Stretch {
  readonly node: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly gpuMilli: number;
}

function stretchesByJob({ gantt, heat }: RunResult): Map<number, Stretch[]> {
  const result = new Map<number, Stretch[]>();
  for (let i = 0; i < gantt.job.length; i++) {
    const list = result.get(gantt.job[i]!) ?? [];
    list.push({
      node: heat.nodes[gantt.node[i]!]!,
      fromMs: gantt.fromMs[i]!,
      toMs: gantt.toMs[i]!,
      gpuMilli: gantt.gpuMilli[i]!,
    });
    result.set(gantt.job[i]!, list);
  }
  return result;
}

/** Time in which it was on some node. */
function heldMs(stretches: readonly Stretch[]): number {
  let held = 0;
  let until = -Infinity;
  for (const { fromMs, toMs } of stretches.toSorted((a, b) => a.fromMs - b.fromMs)) {
    held += Math.max(0, toMs - Math.max(fromMs, until));
    until = Math.max(until, toMs);
  }
  return held;
}

function isElastic(spec: RunSpec, index: number): boolean {
  return [...spec.workload.jobs()][index]!.elastic !== undefined;
}

describe('a run', () => {
  test('is the same to the byte for the same spec, also when it was saved and taken up again in between', () => {
    fc.assert(
      fc.property(anySpec, fc.integer({ min: 0, max: 60 }), (spec, steps) => {
        const whole = hash(simulate(spec));
        const first = new Simulation(spec);
        first.step(steps);
        const second = Simulation.resume(spec, first.save());
        second.step(9);
        const resumed = Simulation.resume(spec, second.save());
        while (!resumed.step(7));
        expect(hash(resumed.result())).toBe(whole);
        // Saving and asking for results change nothing.
        first.result();
        while (!first.step(1000));
        expect(hash(first.result())).toBe(whole);
      }),
      { numRuns: 40 },
    );
  });

  test('never gives out more cards than a node has', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const result = simulate(spec);
        expect(result.gantt.left).toBe(0);
        const changes = new Map<string, [number, number][]>();
        for (const list of stretchesByJob(result).values()) {
          for (const { node, fromMs, toMs, gpuMilli } of list) {
            const at = changes.get(node) ?? [];
            at.push([fromMs, gpuMilli], [toMs, -gpuMilli]);
            changes.set(node, at);
          }
        }
        for (const [name, list] of changes) {
          let used = 0;
          for (const [, change] of list.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
            used += change;
            const node = spec.cluster.nodes.find(({ metadata }) => metadata.name === name);
            const cards = Number(node?.status?.allocatable?.['nvidia.com/gpu'] ?? (node ? 0 : 4));
            expect(used).toBeLessThanOrEqual(cards * 1000);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('accounts for the time of every job: work, what was lost, and the first start', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const result = simulate(spec);
        const { jobs } = result;
        const stretches = stretchesByJob(result);
        const list = [...spec.workload.jobs()];
        for (let i = 0; i < jobs.ids.length; i++) {
          const { runMs, startMs = 0, submitMs } = list[i]!;
          const outcome = outcomes[jobs.outcome[i]!];
          const held = heldMs(stretches.get(i) ?? []);
          const total = (Number.isNaN(jobs.endMs[i]!) ? result.endMs : jobs.endMs[i]!) - submitMs;
          expect(held + jobs.waitMs[i]!).toBeCloseTo(total, 3);
          if (outcome !== 'succeeded') continue;
          expect(jobs.endMs[i]! - submitMs).toBeGreaterThanOrEqual(jobs.idealMs[i]! - 1e-6);
          if (isElastic(spec, i)) continue;
          const start = held - jobs.lostMs[i]! - runMs;
          expect(start).toBeGreaterThan(-1e-3);
          expect(start).toBeLessThan(startMs + 1e-3);
          if (jobs.restarts[i] === 0) expect(start).toBeCloseTo(startMs, 3);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('loses no job, whatever fails', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const { jobs, unplaced, series } = simulate({ ...spec, untilMs: 1e9 });
        const waiting = [...jobs.outcome].filter((o) => outcomes[o] === 'waiting').length;
        expect(
          [...jobs.outcome].every((o) => ['succeeded', 'failed', 'waiting'].includes(outcomes[o]!)),
        ).toBe(true);
        expect(unplaced.reduce((sum, { count }) => sum + count, 0)).toBe(waiting);
        for (let i = 0; i < series.length; i++) {
          expect(series.gpuMilliGood[i]!).toBeLessThanOrEqual(series.gpuMilliUsed[i]! * (1 + 1e-6) + 1e-6);
          expect(series.cpuMilliGood[i]!).toBeLessThanOrEqual(series.cpuMilliUsed[i]! * (1 + 1e-6) + 1e-6);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('in order of arrival, never starts a later job of the same shape first', () => {
    fc.assert(
      fc.property(anySpec, (raw) => {
        const { jobFailures, nodeFailures, ...rest } = raw;
        void [jobFailures, nodeFailures];
        const ordering = { ...raw.ordering, name: 'fifo', mode: 'keep', fixed: true, skip: true } as const;
        const { rankAll, nextChange, forRun, ...plain } = ordering;
        void [rankAll, nextChange, forRun];
        const spec: RunSpec = {
          ...rest,
          preemption: false,
          ordering: { ...plain, backfill: 'none', rank: ({ index }) => index },
        };
        const { jobs } = simulate(spec);
        const list = [...spec.workload.jobs()];
        const last = new Map<unknown, number>();
        for (let i = 0; i < list.length; i++) {
          const shape = list[i]!.elastic
            ? JSON.stringify([list[i]!.elastic, list[i]!.podSets])
            : list[i]!.podSets;
          const start = Number.isNaN(jobs.startMs[i]!) ? Infinity : jobs.startMs[i]!;
          expect(start).toBeGreaterThanOrEqual(last.get(shape) ?? 0);
          last.set(shape, start);
        }
      }),
      { numRuns: 30 },
    );
  });
});
