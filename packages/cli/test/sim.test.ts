import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { setupCli } from './harness.ts';

const { run, runWith } = setupCli();
const cwd = mkdtempSync(join(tmpdir(), 'sim-'));
const header = 'job_id,num_gpu,submit_time,duration\n';
writeFileSync(
  join(cwd, 'jobs.csv'),
  header + Array.from({ length: 40 }, (_, i) => `j${i},${1 + (i % 4)},${i * 60_000},3600000\n`).join(''),
);
const sim = (...words: string[]) => runWith({ cwd }, 'sim', ...words);

describe('coracle sim', () => {
  test('answers what more nodes would change, in words, as a page, as JSON and as CSV', async () => {
    const words =
      '--from jobs.csv --nodes 2 --shape t4x4 --add 2xt4x4 --seeds 2 --threads 1 --report out.html ' +
      '--json out.json --csv out.csv --jobs-csv jobs-out.csv';
    const { code, out, err } = await sim(...words.split(' '));
    expect(code, err).toBe(0);
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(
      /2 more t4x4 nodes: p95 wait [0-9.]+ h -> [0-9.]+ h \(-[0-9.]+ h(, 95 % -[0-9.]+ to -[0-9.]+| with every seed)\)/,
    );
    expect(err).toContain('wrote out.html');
    expect(readFileSync(join(cwd, 'out.html'), 'utf8')).toContain('<title>jobs.csv</title>');
    const { candidates, answers } = JSON.parse(readFileSync(join(cwd, 'out.json'), 'utf8')) as {
      candidates: { name: string }[];
      answers: unknown[];
    };
    expect(candidates.map(({ name }) => name)).toEqual(['no change', '2 more t4x4 nodes']);
    expect(answers).toHaveLength(1);
    expect(readFileSync(join(cwd, 'out.csv'), 'utf8')).toMatch(/^candidate,/);
    expect(readFileSync(join(cwd, 'jobs-out.csv'), 'utf8').trim().split('\n')).toHaveLength(81);
  });

  test.each([
    [[], 'nothing to simulate'],
    [['gone.yaml'], 'gone.yaml: there is no such file'],
    [['--from', 'jobs.csv', '--nodes', 'x', '--shape', 't4x4'], '"x" is not a whole number of 0 or more'],
    [['--from', 'jobs.csv', '--placement', 'fgd,'], '"fgd," is not names with commas between them'],
    [['--from', 'jobs.csv', '--placement', 'best'], '--placement: there is no placement "best"'],
    [
      ['--from', 'jobs.csv', '--seeds', '2', '--save', 'x'],
      '--save and --resume are for one run, and these are 2',
    ],
    [['--from', 'jobs.csv', '--resume', 'gone'], 'gone: there is no such file'],
  ])('refuses %j', async (words, message) => {
    const { code, err } = await sim(...words);
    expect(err).toContain(message);
    expect(code).toBe(1);
  });

  test('prints the schema, and the names there are', async () => {
    const schema = JSON.parse((await run('sim', 'schema')).out) as Record<string, unknown>;
    expect(schema).toHaveProperty('properties.spec.properties.cluster');
    const { out } = await run('sim', 'list');
    for (const name of ['fgd', 'easy', 'h100x8', 'p95-wait', 'swf']) expect(out).toContain(name);
  });

  test('is completed by the shell', async () => {
    const complete = async (...words: string[]) =>
      (await run('__complete', '--', 'sim', ...words)).out.trim();
    expect(await complete('--placement', 'fgd,best')).toBe('fgd,bestfit');
    expect(await complete('--ordering', 'sr')).toBe('srsf\nsrtf');
    expect(await complete('--find', 'p95-w')).toBe('p95-wait<');
    expect(await complete('sch')).toBe('schema');
  });
});
