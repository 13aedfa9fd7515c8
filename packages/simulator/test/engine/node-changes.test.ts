import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomes, simulate, Simulation, type NodeChange, type RunSpec } from '../../src/index.ts';
import { job, node, nodes, pods, second, spec } from './helpers.ts';
import { anySpec } from './random-spec.ts';

const changing = (run: RunSpec, ...changes: NodeChange[]): RunSpec => ({
  ...run,
  cluster: { ...run.cluster, changes },
});

describe('nodes that come and go', () => {
  test('one that joins is not there before, and who waits for it starts then', () => {
    const run = spec(
      nodes(2, 4),
      [job('a', 0, 10 * second, pods(1, 4)), job('b', 0, 10 * second, pods(1, 4))],
      {
        points: { series: 10, heat: 2 },
      },
    );
    const { jobs, series, heat, counts } = simulate(
      changing(run, { atMs: 4 * second, node: 'n1', what: 'joins' }),
    );
    expect([...jobs.startMs]).toEqual([0, 4 * second]);
    expect(series.nodesUp[0]).toBe(1);
    expect(counts.nodesAdded).toBe(1);
    const second2 = heat.nodes.indexOf('n1') * heat.columns;
    expect(heat.percent[second2 + heat.columns - 1]).not.toBe(255);
  });

  test('a run waits for a node that is still to join', () => {
    const run = spec([node('n0', 0), node('n1', 4)], [job('a', 0, second, pods(1, 4))]);
    const { jobs } = simulate(changing(run, { atMs: 9 * second, node: 'n1', what: 'joins' }));
    expect(jobs.endMs[0]).toBe(10 * second);
  });

  test('one that leaves takes its jobs with it: they start again elsewhere', () => {
    const run = spec(nodes(2, 4), [job('a', 0, 10 * second, pods(1, 4))], { ties: 'first' });
    const { jobs } = simulate(changing(run, { atMs: 3 * second, node: 'n0', what: 'leaves' }));
    expect(jobs.restarts[0]).toBe(1);
    expect(jobs.endMs[0]).toBe(13 * second);
  });

  test('one that retires takes nothing new, and leaves when the last job there has ended', () => {
    const run = spec(
      [node('n0', 4)],
      [job('a', 0, 10 * second, pods(1, 2)), job('b', 4 * second, second, pods(1, 2))],
    );
    const { jobs, series, counts } = simulate({
      ...changing(
        run,
        { atMs: 3 * second, node: 'n0', what: 'retires' },
        { atMs: 20 * second, node: 'n0', what: 'joins' },
      ),
      points: { series: 16, heat: 2 },
    });
    expect([...jobs.endMs]).toEqual([10 * second, 21 * second]);
    expect(counts).toMatchObject({ nodesAdded: 1, nodesRemoved: 1 });
    // Between 10 s and 20 s there is no node.
    const at = Math.floor((15 * second) / series.stepMs);
    expect(series.nodesUp[at]).toBe(0);
  });

  test('one that was to retire and joins again before it was empty stays', () => {
    const run = spec(
      [node('n0', 4)],
      [job('a', 0, 10 * second, pods(1, 2)), job('b', 6 * second, second, pods(1, 2))],
    );
    const { jobs, counts } = simulate(
      changing(
        run,
        { atMs: 3 * second, node: 'n0', what: 'retires' },
        { atMs: 5 * second, node: 'n0', what: 'joins' },
      ),
    );
    expect([...jobs.endMs]).toEqual([10 * second, 7 * second]);
    expect(counts.nodesRemoved).toBe(0);
  });

  test('a node that has failed and leaves does not come back', () => {
    const run = spec([node('n0', 4), node('n1', 4)], [job('a', 0, 100 * second, pods(2, 4))], {
      nodeFailures: { meanUpMs: 5 * second, meanDownMs: 50 * second },
      untilMs: 1000 * second,
    });
    const { jobs, counts } = simulate(
      changing(
        run,
        { atMs: 60 * second, node: 'n0', what: 'leaves' },
        { atMs: 61 * second, node: 'n1', what: 'leaves' },
      ),
    );
    expect(counts.nodesRemoved).toBe(2);
    expect(outcomes[jobs.outcome[0]!]).toBe('waiting');
  });

  test('names that are not known, and times that go backwards, are errors', () => {
    const run = spec(nodes(1, 4), []);
    expect(() => simulate(changing(run, { atMs: 1, node: 'n9', what: 'joins' }))).toThrow(/no node "n9"/);
    expect(() =>
      simulate(
        changing(run, { atMs: 5, node: 'n0', what: 'leaves' }, { atMs: 1, node: 'n0', what: 'joins' }),
      ),
    ).toThrow(/order of time/);
  });

  test('any run ends alike when it was saved and taken up again', () => {
    const change = fc.record({
      atMs: fc.integer({ min: 0, max: 60 }).map((n) => n * 100),
      node: fc.nat(4),
      what: fc.constantFrom('joins' as const, 'leaves' as const, 'retires' as const),
    });
    fc.assert(
      fc.property(
        anySpec,
        fc.array(change, { maxLength: 12 }),
        fc.integer({ min: 0, max: 60 }),
        (raw, list, steps) => {
          const changes = list
            .toSorted((a, b) => a.atMs - b.atMs)
            .map(({ node: at, ...rest }) => ({
              ...rest,
              node: raw.cluster.nodes[at % raw.cluster.nodes.length]!.metadata.name!,
            }));
          const run = changing(raw, ...changes);
          const whole = simulate(run);
          const first = new Simulation(run);
          first.step(steps);
          const resumed = Simulation.resume(run, first.save());
          while (!resumed.step(5));
          expect(resumed.result()).toEqual(whole);
        },
      ),
      { numRuns: 10 },
    );
  });
});
