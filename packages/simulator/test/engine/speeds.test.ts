import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orderingPolicy, simulate, Simulation, type RunSpec } from '../../src/index.ts';
import { isOfModel, speedOfNode } from '../../src/engine/speed.ts';
import { job, node, ordering, pods, second, spec } from './helpers.ts';
import { anySpec } from './random-spec.ts';

const a100 = { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB' };
const h100 = { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' };
const speeds = { A100: 1, H100: 2 };

describe('speeds of cards', () => {
  test('a model is a label, or a word of it; the longest name that fits counts', () => {
    const of = (labels: Record<string, string>) => node('n', 1, 1, labels);
    expect(isOfModel(of(a100), 'a100')).toBe(true);
    expect(isOfModel(of(a100), 'NVIDIA-A100-SXM4-80GB')).toBe(true);
    expect(isOfModel(of(a100), 'A10')).toBe(false);
    expect(isOfModel(of({ 'alibabacloud.com/gpu-card-model': 'V100M32' }), 'v100m32')).toBe(true);
    expect(isOfModel(of({}), 'a100')).toBe(false);
    expect(speedOfNode(of(a100), { 'NVIDIA-A100-SXM4-80GB': 1.2, A100: 1 })).toBe(1.2);
    expect(speedOfNode(of(a100), { H100: 2 })).toBe(1);
  });

  test('a job takes its run time by the speed of its nodes; its start is not divided, pods without cards are as fast anywhere', () => {
    const jobs = [
      job('cards', 0, 10 * second, pods(1, 4), { startMs: second }),
      job('cores', 0, 10 * second, pods(1, 0)),
    ];
    const run = spec([node('n0', 4, 64, h100)], jobs, { speeds });
    const { jobs: done, series } = simulate(run);
    expect([...done.endMs]).toEqual([6 * second, 10 * second]);
    // Of the work, not of the time it took.
    expect([...done.idealMs]).toEqual([11 * second, 10 * second]);
    const good = series.gpuMilliGood.reduce((sum, value) => sum + value * series.stepMs, 0);
    expect(good).toBeCloseTo(5 * second * 4000, 0);
  });

  test('a gang runs at the speed of its slowest node', () => {
    const cluster = [node('n0', 4, 64, a100), node('n1', 4, 64, h100)];
    const run = spec(
      cluster,
      [job('gang', 0, 10 * second, pods(2, 4)), job('next', 0, 10 * second, pods(1, 4))],
      {
        speeds: { A100: 0.5, H100: 2 },
        ties: 'first',
      },
    );
    expect([...simulate(run).jobs.endMs].slice(0, 1)).toEqual([20 * second]);
  });

  test('what an interruption keeps is work: on a node of twice the speed a checkpoint comes twice as often', () => {
    const cluster = [node('n0', 4, 64, h100)];
    const jobs = [job('a', 0, 100 * second, pods(1, 4), { checkpointMs: 10 * second })];
    const run = spec(cluster, jobs, {
      speeds,
      maintenance: [{ fromMs: 17 * second, toMs: 20 * second, nodes: ['n0'], mode: 'drain' }],
    });
    const { jobs: done } = simulate(run);
    // 34 s of work, of which 30 are saved; 70 are left, in 35 s.
    expect(done.lostMs[0]).toBe(4 * second);
    expect(done.endMs[0]).toBe(55 * second);
  });

  test('shortest remaining time reckons with work: a job on slow cards goes no sooner for it', () => {
    const cluster = [node('n0', 4, 64, a100)];
    const jobs = [
      job('long', 0, 30 * second, pods(1, 4), { checkpointMs: 0 }),
      job('short', second, 20 * second, pods(1, 4)),
    ];
    const run = spec(cluster, jobs, { speeds: { A100: 0.5 }, ordering: orderingPolicy('srtf')! });
    const { jobs: done } = simulate(run);
    // After 1 s the long one has done 0.5 s of its work: 29.5 s are left of it.
    expect(done.endMs[1]).toBe(41 * second);
    expect(done.endMs[0]).toBe(41 * second + 59 * second);
  });

  test('elastic jobs: the speed of their pods by that of their nodes', () => {
    const jobs = [job('a', 0, 10 * second, pods(2, 1), { elastic: { min: 1, max: 4 } })];
    const { jobs: done } = simulate(spec([node('n0', 4, 64, h100)], jobs, { speeds }));
    // Four pods for two, twice as fast each.
    expect(done.endMs[0]).toBe(2.5 * second);
  });

  test('backfill reckons with when jobs end where they are', () => {
    const cluster = [node('slow', 4, 64, a100), node('fast', 4, 64, h100)];
    const wants = (labels: Record<string, string>, count: number) =>
      pods(1, count).map((set) => ({
        ...set,
        template: { ...set.template, spec: { ...set.template.spec, nodeSelector: labels } },
      }));
    const jobs = [
      // Ends at 5 s on the fast node, and is reckoned with so.
      job('first', 0, 10 * second, wants(h100, 4)),
      job('second', 0, 10 * second, wants(h100, 4)),
      job('filler', 0, 4 * second, wants(a100, 4)),
    ];
    const { jobs: done } = simulate(spec(cluster, jobs, { speeds, ordering: orderingPolicy('easy')! }));
    expect([...done.startMs]).toEqual([0, 5 * second, 0]);
  });

  test('a replanned job that moves to other nodes goes on at their speed', () => {
    const cluster = [node('n0', 4, 64, h100), node('n1', 4, 64, a100)];
    const run = spec(cluster, [job('a', 0, 20 * second, pods(1, 4), { checkpointMs: 0 })], {
      speeds,
      ordering: ordering({ mode: 'replan', rank: (active) => active.index }),
      ties: 'first',
      maintenance: [{ fromMs: 5 * second, toMs: 100 * second, nodes: ['n0'], mode: 'drain' }],
    });
    // 10 s of work in the first 5 s, the rest at half the speed.
    expect(simulate(run).jobs.endMs[0]).toBe(15 * second);
  });

  test('any run ends alike when it was saved and taken up again; speeds of 1 change nothing', () => {
    const fast = (raw: RunSpec, of: Record<string, number>): RunSpec => ({
      ...raw,
      cluster: {
        ...raw.cluster,
        nodes: raw.cluster.nodes.map((one, i) => ({
          ...one,
          metadata: { ...one.metadata, labels: { ...one.metadata.labels, ...(i % 2 === 0 ? a100 : h100) } },
        })),
      },
      speeds: of,
    });
    fc.assert(
      fc.property(anySpec, fc.integer({ min: 0, max: 60 }), (raw, steps) => {
        const run = fast(raw, { A100: 0.7, H100: 1.9 });
        const whole = simulate(run);
        const first = new Simulation(run);
        first.step(steps);
        const resumed = Simulation.resume(run, first.save());
        while (!resumed.step(7));
        expect(resumed.result()).toEqual(whole);
        const { speeds: _, ...without } = fast(raw, {});
        expect(simulate(fast(raw, { A100: 1, H100: 1 }))).toEqual(simulate(without));
      }),
      { numRuns: 8 },
    );
  });
});
