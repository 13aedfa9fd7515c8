/** The kill test of `coracle scheduler`, for longer: CORACLE_SCHEDULER_KILLS sets how often (40), CORACLE_SEED repeats a run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { bundledCommand } from './support/process-engine.ts';
import { killLeaders, schedulerBench } from './support/scheduler-processes.ts';

const kills = Number(process.env['CORACLE_SCHEDULER_KILLS'] ?? 40);
const seed = Number(process.env['CORACLE_SEED'] ?? Date.now() % 1_000_000);

test(`a leader killed ${kills} times (seed ${seed}): each pod is bound once, no node holds too much, none is lost`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-scheduler-'));
  const bench = await schedulerBench(await bundledCommand('scheduler-soak'), folder, kills + 3);
  try {
    await killLeaders(bench, { kills, seed, pods: 60 * kills, gangs: 4 * kills });
  } finally {
    await bench.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
