import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/index.ts';
import { job, node, nodes, ordering, pods, second, spec } from './helpers.ts';

describe('a run that keeps what runs', () => {
  test('starts jobs in order, and holds up those behind one that does not fit', () => {
    const result = simulate(
      spec(nodes(1, 4), [
        job('a', 0, 10 * second, pods(1, 3)),
        job('b', second, 10 * second, pods(1, 4)),
        job('c', 2 * second, 10 * second, pods(1, 1)),
      ]),
    );
    expect([...result.jobs.startMs]).toEqual([0, 10 * second, 20 * second]);
    expect([...result.jobs.endMs]).toEqual([10 * second, 20 * second, 30 * second]);
    expect([...result.jobs.waitMs]).toEqual([0, 9 * second, 18 * second]);
    expect(result.endMs).toBe(30 * second);
  });

  test('with skip, passes over who does not fit', () => {
    const result = simulate(
      spec(
        nodes(1, 4),
        [
          job('a', 0, 10 * second, pods(1, 3)),
          job('b', second, 10 * second, pods(1, 4)),
          job('c', 2 * second, 10 * second, pods(1, 1)),
        ],
        { ordering: ordering({ skip: true }) },
      ),
    );
    expect([...result.jobs.startMs]).toEqual([0, 12 * second, 2 * second]);
  });

  test('starts all pods of a job together or none', () => {
    const result = simulate(
      spec(nodes(2, 4), [job('a', 0, 10 * second, pods(1, 4)), job('gang', second, 5 * second, pods(2, 3))]),
    );
    expect(result.jobs.startMs[1]).toBe(10 * second);
    expect([...result.gantt.job]).toEqual([0, 1, 1]);
    expect(result.jobs.gpuMilli[1]).toBe(6000);
  });

  test('says why those wait that never fit', () => {
    const result = simulate(
      spec(nodes(2, 4), [job('big', 0, second, pods(1, 8)), job('small', 0, second, pods(1, 1))]),
    );
    expect(result.unplaced).toEqual([
      { why: '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.', count: 1 },
      { why: 'waits for jobs that go before it', count: 1 },
    ]);
  });

  test('drops what does not fit when it comes, if asked to', () => {
    const jobs = [0, 1, 2].map((i) => job(`j${i}`, i, Infinity, pods(1, 2)));
    const result = simulate(spec(nodes(1, 4), jobs, { dropUnplaced: true }));
    expect([...result.jobs.outcome]).toEqual([1, 1, 5]);
    expect(result.demand!.allocatedPercent[100]).toBe(100);
    expect(result.demand!.allocatedPercent[150]).toBe(100);
  });

  test('charges a start before work goes on', () => {
    const result = simulate(spec(nodes(1, 4), [job('a', 0, 10 * second, pods(1, 4), { startMs: second })]));
    expect(result.jobs.endMs[0]).toBe(11 * second);
    expect(result.jobs.idealMs[0]).toBe(11 * second);
    expect(result.jobs.lostMs[0]).toBe(0);
  });

  test('measures use as means over time', () => {
    const { series, heat } = simulate(
      spec(nodes(2, 4), [job('a', 0, 512, pods(1, 4)), job('b', 0, 1024, pods(1, 2))], {
        points: { series: 4, heat: 2 },
      }),
    );
    expect(series.stepMs).toBe(256);
    expect([...series.gpuMilliUsed]).toEqual([6000, 6000, 2000, 2000]);
    expect([...series.gpuMilliGood]).toEqual([6000, 6000, 2000, 2000]);
    expect([...series.cpuMilliUsed]).toEqual([2000, 2000, 1000, 1000]);
    expect([...series.cpuMilliGood]).toEqual([2000, 2000, 1000, 1000]);
    expect([...series.jobsRunning]).toEqual([2, 2, 1, 1]);
    expect([...heat.percent].toSorted((a, b) => a - b)).toEqual([0, 50, 50, 100]);
  });

  test('says what jobs hold in cards on nodes with cards, and in cores on those without', () => {
    const cluster = [node('gpu', 4, 8), node('cpu', 0, 8)];
    const jobs = [job('a', 0, second, pods(1, 4)), job('b', 0, second, pods(1, 0, 6))];
    const { gantt, heat, series } = simulate(spec(cluster, jobs));
    const held = Array.from(gantt.job, (index, i) => [
      jobs[index]!.id,
      heat.nodes[gantt.node[i]!],
      gantt.gpuMilli[i],
      gantt.cpuMilli[i],
    ]).toSorted();
    expect(held).toContainEqual(['a', 'gpu', 4000, 0]);
    expect(held.find(([id]) => id === 'b')).toEqual(
      held.find(([id, on]) => id === 'b' && on === 'cpu') ? ['b', 'cpu', 0, 6000] : ['b', 'gpu', 0, 0],
    );
    expect(series.cpuMilliGood[0]).toBe(7000);
  });
});
