import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { planOf } from '../src/scenario/plan.ts';
import { readScenario } from '../src/scenario/read.ts';
import { createRunner } from '../src/sweep/runner.ts';

const folder = new URL('../../../examples/scenarios/', import.meta.url);

test.each(readdirSync(folder))('examples/scenarios/%s runs, every variant of it', (file) => {
  const { spec } = readScenario(readFileSync(new URL(file, folder), 'utf8'), file);
  const runner = createRunner();
  // A shorter one: the first of its jobs, with one seed.
  const { cells, runs } = planOf({ ...spec, seeds: 1, workload: { ...spec.workload, jobs: 60 } });
  expect(runs).toHaveLength(cells.length);
  for (const plan of runs) {
    const { summary } = runner.run({ plan, detail: false });
    expect(summary.values.ended, cells[plan.cell]!.variant).toBeGreaterThan(40);
  }
});
