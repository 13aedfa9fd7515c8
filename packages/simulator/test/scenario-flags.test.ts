import { describe, expect, test } from 'vitest';
import { scenarioFromFlags } from '../src/scenario/from-flags.ts';
import { relativeTo } from '../src/scenario/paths.ts';

const from = { from: 'traces/jobs.csv' };

describe('a scenario of flags', () => {
  test('says what they say', () => {
    const { name, spec } = scenarioFromFlags({
      ...from,
      nodes: 16,
      shape: 'a100x8',
      placement: ['default', 'fgd'],
      seeds: 5,
      until: '30d',
      add: ['8xh100x8', '1xh100x8+2xcpu64'],
      swap: ['4xa100x8=h100x8', 'a100x8=h200x8'],
      arrivals: ['1.2'],
      find: 'p95-wait<1h',
    });
    expect(name).toBe('jobs.csv');
    expect(spec).toEqual({
      cluster: { pools: [{ shape: 'a100x8', count: 16 }] },
      workload: { from: 'traces/jobs.csv' },
      placement: ['default', 'fgd'],
      seeds: 5,
      until: '30d',
      variants: [
        { add: [{ count: 8, shape: 'h100x8' }] },
        {
          add: [
            { count: 1, shape: 'h100x8' },
            { count: 2, shape: 'cpu64' },
          ],
        },
        { swap: [{ pool: 'a100x8', shape: 'h100x8', count: 4 }] },
        { swap: [{ pool: 'a100x8', shape: 'h200x8' }] },
        { arrivals: 1.2 },
      ],
      find: { shape: 'a100x8', goal: 'p95-wait<1h' },
    });
  });

  test('goes before what a file says', () => {
    const base = {
      name: 'mine',
      spec: {
        cluster: { from: 'nodes.yaml' },
        workload: { from: 'a.swf', arrivals: 2 },
        seeds: 3,
        variants: [{ durations: 2 }],
      },
    };
    const { name, spec } = scenarioFromFlags({ seeds: 5, arrivals: ['3'] }, base);
    expect(name).toBe('mine');
    expect(spec).toEqual({ ...base.spec, seeds: 5, variants: [{ durations: 2 }, { arrivals: 3 }] });
  });

  test.each([
    [{}, 'nothing to simulate: name a scenario file'],
    [{ ...from, nodes: 3 }, '--nodes needs --shape'],
    [{ ...from, nodes: 3, shape: 'a100' }, '--shape: there is no shape "a100"'],
    [{ ...from, nodes: 3, shape: 'a100x8', cluster: 'x' }, 'exclude each other'],
    [{ ...from, shape: 'a100x8' }, '--shape needs --nodes (how many?) or --find'],
    [{ ...from, find: 'p95-wait<1h' }, '--find needs --shape'],
    [{ ...from, shape: 'a100x8', find: 'p95-wait<fast' }, '--find: '],
    [{ ...from, until: 'tomorrow' }, '--until: "tomorrow" is no length of time'],
    [{ ...from, add: ['h100x8'] }, '--add: "h100x8" is not how many of what: write 8xh100x8'],
    [{ ...from, swap: ['h100x8'] }, '--swap: "h100x8" is not what for what'],
    [{ ...from, arrivals: ['much'] }, '--arrivals: "much" is not a factor such as 1.2'],
    [{ ...from, placement: ['fdg'] }, '--placement: there is no placement "fdg"'],
  ])('is refused where it makes no sense: %j', (flags, message) => {
    expect(() => scenarioFromFlags(flags)).toThrow(message);
  });
});

test('files of a scenario are found from where it lies', () => {
  const spec = {
    cluster: { from: 'nodes.yaml' },
    workload: { from: '/abs/jobs.csv' },
    placement: ['fgd', 'sched.yaml#a'],
    variants: [{ placement: '../b.yaml' }],
  };
  expect(relativeTo('my/dir', { name: 'x', spec }).spec).toEqual({
    cluster: { from: 'my/dir/nodes.yaml' },
    workload: { from: '/abs/jobs.csv' },
    placement: ['fgd', 'my/dir/sched.yaml#a'],
    variants: [{ placement: 'my/b.yaml' }],
  });
});
