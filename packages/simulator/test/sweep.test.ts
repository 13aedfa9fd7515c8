import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { planOf } from '../src/scenario/plan.ts';
import type { ScenarioSpec } from '../src/scenario/types.ts';
import { createSweeper } from '../src/sweep/pool.ts';

const spec: ScenarioSpec = {
  cluster: { pools: [{ shape: 't4x4', count: 3 }] },
  workload: {
    generate: {
      jobs: 60,
      sizes: [
        { gpus: 1, cpu: 1 },
        { gpus: 3, cpu: 1 },
      ],
      arrivals: { load: 1.2, cards: 12 },
    },
  },
  placement: ['default', 'random'],
  seeds: 3,
};
const tasks = (detail: boolean) => planOf(spec).runs.map((plan) => ({ plan, detail }));
const stop = new AbortController();
const finished: number[] = [];
const sweeper = createSweeper({
  threads: 2,
  signal: stop.signal,
  listener: { running: () => undefined, finished: ({ summary }) => finished.push(summary.seed) },
});
afterAll(() => sweeper.close());

describe('a sweep', () => {
  test('gives what one thread gives, in the order of the tasks', async () => {
    const alone = createSweeper({ threads: 1, signal: new AbortController().signal });
    expect(await sweeper.run(tasks(false))).toEqual(await alone.run(tasks(false)));
    expect(finished.toSorted()).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test('keeps whole results where they are asked for, and only there', async () => {
    const [whole, figures] = await sweeper.run([tasks(true)[0]!, tasks(false)[1]!]);
    expect(whole?.result?.jobs.endMs).toHaveLength(60);
    expect(figures).not.toHaveProperty('result');
    expect(figures?.summary.values.jobs).toBe(60);
  });

  test('says what is wrong with a scenario as one thread would', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sweep-'));
    const file = join(folder, 'jobs.csv');
    writeFileSync(file, 'job_id,num_gpu,submit_time,duration\na,1,0,1\nb,many,0,1\n');
    const plan = planOf({ ...spec, workload: { from: file } }).runs[0]!;
    await expect(sweeper.run([{ plan, detail: false }])).rejects.toThrow(`${file}:3: column "num_gpu"`);
    const gone = planOf({ ...spec, workload: { from: join(folder, 'gone.csv') } }).runs[0]!;
    await expect(sweeper.run([{ plan: gone, detail: false }])).rejects.toThrow('there is no such file');
    const none = {
      ...planOf(spec).runs[0]!,
      spec: { ...spec, nodes: { remove: [{ pool: 't4x4', count: 9 }] } },
    };
    await expect(sweeper.run([{ plan: none, detail: false }])).rejects.toThrow('pool "t4x4" has 3 nodes');
  });

  test('that is stopped ends with what is done', async () => {
    const inTurn = new AbortController();
    const alone = createSweeper({
      threads: 1,
      signal: inTurn.signal,
      listener: { running: () => undefined, finished: () => inTurn.abort() },
    });
    expect((await alone.run(tasks(false))).map((outcome) => outcome !== undefined)).toEqual([
      true,
      ...Array(5).fill(false),
    ]);
    stop.abort();
    expect(await sweeper.run(tasks(false))).toEqual(Array(6).fill(undefined));
  });
});
