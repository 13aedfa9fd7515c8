import { describe, expect, test } from 'vitest';
import { readScenario } from '../src/scenario/read.ts';

const text = `apiVersion: coracle.dev/v1alpha1
kind: Scenario
metadata:
  name: more cards
spec:
  cluster:
    pools:
      - shape: a100x8
        count: 16
  workload:
    from: jobs.csv
  placement: [default, fgd]
  ordering: [fifo]
  until: 30d
  variants:
    - add: [{ shape: h100x8, count: 8 }]
  find:
    shape: a100x8
    goal: p95-wait < 1h
`;
const errors = (changed: string): string[] => {
  try {
    readScenario(changed, 'my.yaml');
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  return [];
};

describe('a scenario file', () => {
  test('is read', () => {
    const { name, spec } = readScenario(text, 'my.yaml');
    expect(name).toBe('more cards');
    expect(spec.cluster.pools).toEqual([{ shape: 'a100x8', count: 16 }]);
    expect(spec.find?.goal).toBe('p95-wait < 1h');
  });

  test('has the name of the file if it says none', () => {
    expect(readScenario(text.replace('metadata:\n  name: more cards\n', ''), 'dir/my.yaml').name).toBe('my');
  });

  test.each([
    [
      'an unknown field',
      text.replace('count: 16', 'cuont: 16'),
      [
        'my.yaml:8: spec.cluster.pools[0].count: this field is missing (nodes at the start)',
        'my.yaml:9: spec.cluster.pools[0].cuont: there is no such field; did you mean "count"?',
      ],
    ],
    [
      'a wrong type',
      text.replace('count: 16', 'count: many'),
      ['my.yaml:9: spec.cluster.pools[0].count: must be of type integer: "string" (nodes at the start)'],
    ],
    [
      'a number out of range',
      text.replace('count: 16', 'count: -1'),
      ['my.yaml:9: spec.cluster.pools[0].count: should be greater than or equal to 0 (nodes at the start)'],
    ],
    [
      'no length of time',
      text.replace('30d', 'a month'),
      [
        'my.yaml:14: spec.until: "a month" is none (the run ends then; default: when nothing is left to happen, such as 30d, 4h or 1h30m)',
      ],
    ],
    [
      'another kind',
      text.replace('kind: Scenario', 'kind: Scenarios'),
      ['my.yaml:2: kind: it is "Scenarios", not Scenario; did you mean "Scenario"?'],
    ],
    [
      'a policy that is not there',
      text.replace('fgd', 'fdg'),
      [
        expect.stringMatching(
          /^my\.yaml:12: spec\.placement\[1\]: there is no placement "fdg": .*; did you mean "fgd"\?$/,
        ),
      ],
    ],
    [
      'a shape that is not there',
      text.replace('h100x8', 'h1000x8'),
      [
        expect.stringMatching(
          /^my\.yaml:16: spec\.variants\[0\]\.add\[0\]\.shape: there is no shape "h1000x8".*did you mean "h100x8"\?$/,
        ),
      ],
    ],
    [
      'a metric that is not there',
      text.replace('p95-wait', 'p95-wiat'),
      [
        expect.stringMatching(
          /^my\.yaml:19: spec\.find\.goal: there is no metric "p95-wiat".*did you mean "p95-wait"\?$/,
        ),
      ],
    ],
    [
      'a bound of another unit',
      text.replace('< 1h', '< 80%'),
      ['my.yaml:19: spec.find.goal: the bound of p95-wait is a length of time such as 1h, not "80%"'],
    ],
    [
      'no jobs',
      text.replace('from: jobs.csv', 'jobs: 5'),
      ['my.yaml:10: spec.workload: one of from and generate is missing'],
    ],
    [
      'a pool that is not there',
      text.replace(
        'variants:\n    - add: [{ shape: h100x8, count: 8 }]',
        'variants:\n    - remove: [{ pool: a100, count: 8 }]',
      ),
      [
        'my.yaml:16: spec.variants[0].remove[0].pool: there is no pool "a100"; there are a100x8; did you mean "a100x8"?',
      ],
    ],
    ['text that is no YAML', 'a: [', [expect.stringMatching(/^my\.yaml:1:\d+: it is no YAML/)]],
    [
      'nothing',
      '{}',
      [
        'my.yaml:1: apiVersion: this field is missing (the version of this format)',
        'my.yaml:1: kind: this field is missing (what this is)',
        'my.yaml:1: spec: this field is missing (what is simulated)',
      ],
    ],
  ])('with %s is refused with file, line, path and what was meant', (_what, changed, messages) => {
    expect(errors(changed)).toEqual(messages);
  });
});
