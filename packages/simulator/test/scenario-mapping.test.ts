import { describe, expect, test } from 'vitest';
import { guessMapping } from '../src/inputs/guess-mapping.ts';
import { readInput, textSource } from '../src/index.ts';
import { scenarioFromFlags } from '../src/scenario/from-flags.ts';
import { fileMapping, isShortMapping, shortMapping } from '../src/scenario/mapping-text.ts';

describe('a mapping in short', () => {
  test('is fields with their columns and units', () => {
    expect(shortMapping('id=job, submit=created at:date,run=t:min,gpus=4,cpu=a:b')).toEqual({
      id: 'job',
      submit: { column: 'created at', unit: 'date' },
      run: { column: 't', unit: 'min' },
      gpus: 4,
      cpu: 'a:b',
    });
    expect(isShortMapping('submit=a')).toBe(true);
    expect(isShortMapping('mappings/jobs.yaml')).toBe(false);
  });

  test.each([
    ['submitt=a', 'did you mean "submit"?'],
    ['submit=', 'write submit=created'],
    ['submit=a,run', '"run" is not what is in which column'],
    ['status=state', 'needs a file'],
  ])('%s is refused', (text, words) => {
    expect(() => shortMapping(text)).toThrow(words);
  });
});

describe('a mapping in a file', () => {
  test('stands alone, below mapping, or in a scenario', () => {
    const mapping = { submit: 'came', run: 'took' };
    expect(fileMapping('submit: came\nrun: took', 'm.yaml')).toEqual(mapping);
    expect(fileMapping(JSON.stringify({ mapping }), 'm.json')).toEqual(mapping);
    expect(fileMapping(JSON.stringify({ spec: { workload: { mapping } } }), 's.yaml')).toEqual(mapping);
  });

  test.each([
    ['- a', 'm.yaml: a mapping is an object'],
    ['a: [', 'm.yaml: it is no YAML'],
    ['submit: a\nrn: b', 'm.yaml: rn: there is no such field; did you mean "run"?'],
    ['run: a', 'm.yaml: submit: this field is missing'],
  ])('%j is refused', (text, words) => {
    expect(() => fileMapping(text, 'm.yaml')).toThrow(words);
  });
});

describe('a table of unknown columns', () => {
  test('is guessed at, and the guess is a mapping that reads it', () => {
    const text = 'Job,Team,Submitted,Minutes,num_gpus,mem_gb\nj1,a,2026-01-01 00:00:00,60,8,16\n';
    const guess = guessMapping(textSource('t.csv', text))!;
    expect(guess).toBe(
      'id=Job,tenant=Team,submit=Submitted:date,run=Minutes:min,gpus=num_gpus,memory=mem_gb:GB',
    );
    const { workload } = readInput({ texts: { 't.csv': text }, mapping: shortMapping(guess) });
    expect([...workload!.jobs()]).toMatchObject([{ id: 'j1', tenant: 'a', submitMs: 0, runMs: 3_600_000 }]);
    expect(() => readInput({ texts: { 't.csv': text } })).toThrow(`--mapping '${guess}' (a guess)`);
  });

  test('of which nothing can be guessed is told with its columns', () => {
    expect(() => readInput({ texts: { 't.csv': 'a,b\n1,2\n' } })).toThrow('not known here (a, b)');
  });

  test.each([
    ['PK\u0003\u0004', 'is no trace'],
    ['apiVersion: coracle.dev/v1alpha1\nkind: Scenario\n', 'is a scenario and no trace'],
    ['apiVersion: v1\nkind: Node\n', 'nodes go with --cluster'],
    ['{"a": 1}', 'is no trace'],
  ])('%j is none', (text, words) => {
    expect(() => readInput({ texts: { 'x.bin': text } })).toThrow(words);
  });
});

test('flags: a mapping, and speeds of cards', () => {
  const { spec } = scenarioFromFlags({
    from: 'jobs.csv',
    nodes: 1,
    shape: 'a100x8',
    swap: ['a100x8=h100x8'],
    mapping: { submit: 'came' },
    speed: ['h100=1.9', 'a100=1'],
  });
  expect(spec.workload.mapping).toEqual({ submit: 'came' });
  expect(spec.speeds).toEqual({ h100: 1.9, a100: 1 });
  const wrong =
    (speed: string): (() => unknown) =>
    () =>
      scenarioFromFlags({ from: 'jobs.csv', nodes: 1, shape: 'a100x8', speed: [speed] });
  expect(wrong('1.9')).toThrow('write h100=1.9');
  expect(wrong('a100=fast')).toThrow('"fast" is not a factor');
  expect(wrong('h100=2')).toThrow('no node here has such cards; there are A100');
});
