import { describe, expect, test } from 'vitest';
import { orderingPolicy, outcomes, poolLabel, simulate } from '../../src/index.ts';
import { job, node, nodes, ordering, pods, second, spec } from './helpers.ts';

describe('preemption', () => {
  test('evicts lower priorities, which go on from their checkpoint', () => {
    const result = simulate(
      spec(
        nodes(1, 4),
        [
          job('low', 0, 10 * second, pods(1, 4), { checkpointMs: 2 * second, startMs: second }),
          job('high', 6 * second, 5 * second, pods(1, 2), { priority: 10 }),
        ],
        { preemption: true },
      ),
    );
    expect(result.counts.preemptions).toBe(1);
    // 5 s of work done, 4 s saved; then again a start and 6 s.
    expect([...result.jobs.endMs]).toEqual([18 * second, 11 * second]);
    expect(result.jobs.lostMs[0]).toBe(2 * second);
    expect(result.jobs.restarts[0]).toBe(1);
  });

  test('makes room for all pods of a job', () => {
    const result = simulate(
      spec(
        nodes(2, 4),
        [
          job('a', 0, 10 * second, pods(1, 4)),
          job('b', 0, 10 * second, pods(1, 4)),
          job('gang', second, second, pods(2, 4), { priority: 1 }),
        ],
        { preemption: true },
      ),
    );
    expect(result.counts.preemptions).toBe(2);
    expect(result.jobs.startMs[2]).toBe(second);
    expect(result.jobs.endMs[0]).toBe(12 * second);
  });
});

describe('maintenance', () => {
  const window = { fromMs: 5 * second, toMs: 8 * second, nodes: ['n0'] };

  test('drain: interrupts what runs, and nothing starts until it is over', () => {
    const result = simulate(
      spec(nodes(1, 4), [job('a', 0, 10 * second, pods(1, 1), { checkpointMs: 0 })], {
        maintenance: [{ ...window, mode: 'drain' }],
      }),
    );
    expect(result.jobs.endMs[0]).toBe(13 * second);
  });

  test('cordon: what runs goes on, nothing new starts', () => {
    const jobs = [job('a', 0, 10 * second, pods(1, 1)), job('b', 6 * second, second, pods(1, 1))];
    const result = simulate(spec(nodes(1, 4), jobs, { maintenance: [{ ...window, mode: 'cordon' }] }));
    expect([...result.jobs.startMs]).toEqual([0, 8 * second]);
    expect(result.jobs.endMs[0]).toBe(10 * second);
  });

  test('with backfill, who would not be done by then is not put there', () => {
    const jobs = [job('long', 0, 6 * second, pods(1, 1)), job('short', 0, 4 * second, pods(1, 1))];
    const result = simulate(
      spec(nodes(1, 4), jobs, {
        ordering: orderingPolicy('easy')!,
        maintenance: [{ ...window, mode: 'drain' }],
      }),
    );
    expect([...result.jobs.startMs]).toEqual([8 * second, 0]);
  });

  test('of a node that is not there is an error', () => {
    const wrong = spec(nodes(1, 4), [], { maintenance: [{ ...window, nodes: ['n9'], mode: 'drain' }] });
    expect(() => simulate(wrong)).toThrow('maintenance: the cluster has no node "n9"');
  });
});

describe('failures', () => {
  test('of nodes interrupt jobs, and are the same whatever the policy', () => {
    const jobs = Array.from({ length: 20 }, (_, i) => job(`j${i}`, i * second, 20 * second, pods(1, 2)));
    const failing = {
      nodeFailures: { meanUpMs: 60 * second, meanDownMs: 5 * second },
      untilMs: 100 * second,
    };
    const a = simulate(spec(nodes(4, 4), jobs, failing));
    const b = simulate(spec(nodes(4, 4), jobs, { ...failing, ordering: ordering({ skip: true }) }));
    expect(a.counts.nodeFailures).toBeGreaterThan(0);
    expect(Math.min(...a.series.nodesUp)).toBeLessThan(4);
    const until = Math.min(a.series.length, b.series.length) - 1;
    expect(a.series.nodesUp.slice(0, until)).toEqual(b.series.nodesUp.slice(0, until));
    expect([...a.heat.percent]).toContain(255);
  });

  test('of a job that fails too often are its end', () => {
    const result = simulate(
      spec(nodes(1, 4), [job('a', 0, 1000 * second, pods(1, 1))], {
        jobFailures: { meanPodUpMs: second, limit: 2 },
      }),
    );
    expect(outcomes[result.jobs.outcome[0]!]).toBe('failed');
    expect(result.counts.jobFailures).toBe(3);
    expect(result.jobs.restarts[0]).toBe(2);
  });
});

describe('pools', () => {
  test('grow for those who wait and shrink when idle', () => {
    const template = node('', 4);
    const jobs = Array.from({ length: 3 }, (_, i) => job(`j${i}`, 0, 10 * second, pods(1, 4)));
    const last = job('last', 40 * second, second, pods(1, 4));
    const result = simulate({
      ...spec([node('p-0', 4, 64, { [poolLabel]: 'p' })], [...jobs, last]),
      cluster: {
        name: 'pool',
        nodes: [node('p-0', 4, 64, { [poolLabel]: 'p' })],
        pools: [{ name: 'p', template, count: 1 }],
      },
      autoscaling: [{ pool: 'p', min: 1, max: 3, bootMs: 2 * second, idleMs: 5 * second }],
    });
    expect([...result.jobs.startMs]).toEqual([0, 2 * second, 2 * second, 40 * second]);
    expect(result.counts.nodesAdded).toBe(2);
    expect(result.counts.nodesRemoved).toBe(2);
    expect(result.heat.nodes).toEqual(['p-0', 'p-1', 'p-2']);
  });
});

describe('elastic jobs', () => {
  test('grow when there is room and shrink when others wait', () => {
    const result = simulate(
      spec(nodes(1, 4), [
        job('elastic', 0, 12 * second, pods(2, 1), { elastic: { min: 1, max: 4 } }),
        job('other', 2 * second, 3 * second, pods(1, 2)),
      ]),
    );
    // Twice as fast as with its two pods for 2 s, as fast for 3 s, twice as fast for the rest: 4 + 3 + 5.
    expect(result.jobs.startMs[1]).toBe(2 * second);
    expect(result.jobs.endMs[0]).toBe(7.5 * second);
    expect(result.jobs.idealMs[0]).toBe(6 * second);
  });

  test('that have shrunk are expected to give back what they still have', () => {
    const result = simulate(
      spec(
        nodes(1, 4),
        [
          job('elastic', 0, 20 * second, pods(2, 1), { elastic: { min: 1, max: 2 } }),
          job('soon over', 0, 10 * second, pods(1, 1)),
          job('takes its card', second, 100 * second, pods(1, 2)),
          job('first that waits', 2 * second, 10 * second, pods(1, 3)),
          job('behind it', 3 * second, 50 * second, pods(1, 1)),
        ],
        { ordering: orderingPolicy('easy')! },
      ),
    );
    // Three cards are not free before those of the third job: there is time for another on the card of the second.
    expect([...result.jobs.startMs]).toEqual([0, 0, second, 101 * second, 10 * second]);
  });

  test('lose a node and go on with the other pods', () => {
    const result = simulate(
      spec(nodes(2, 1), [job('elastic', 0, 10 * second, pods(2, 1), { elastic: { min: 1, max: 2 } })], {
        maintenance: [{ fromMs: 4 * second, toMs: 60 * second, nodes: ['n1'], mode: 'drain' }],
      }),
    );
    expect(result.jobs.restarts[0]).toBe(0);
    expect(result.jobs.endMs[0]).toBe(16 * second);
  });
});

describe('a replanned run', () => {
  test('interrupts longer jobs for shorter ones and charges nothing to who goes on', () => {
    const more = { startMs: second, checkpointMs: 0 };
    const result = simulate(
      spec(
        nodes(1, 4),
        [
          job('long', 0, 20 * second, pods(1, 4), more),
          job('short', 5 * second, 2 * second, pods(1, 2), more),
          job('small', 6 * second, 9 * second, pods(1, 2), more),
        ],
        { ordering: orderingPolicy('srtf')! },
      ),
    );
    expect([...result.jobs.startMs]).toEqual([0, 5 * second, 6 * second]);
    expect(result.jobs.endMs[1]).toBe(8 * second);
    expect(result.jobs.endMs[2]).toBe(16 * second);
    // 4 s done by then; a start and 16 s more.
    expect(result.jobs.endMs[0]).toBe(33 * second);
    expect([...result.jobs.restarts]).toEqual([1, 0, 0]);
  });
});
