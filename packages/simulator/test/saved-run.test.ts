import { expect, test } from 'vitest';
import { planOf } from '../src/scenario/plan.ts';
import { createRunner } from '../src/sweep/runner.ts';
import { runSaved } from '../src/sweep/saved-run.ts';

const plan = planOf({
  cluster: { pools: [{ shape: 't4x4', count: 4 }] },
  workload: {
    generate: {
      jobs: 300,
      sizes: [
        { gpus: 1, cpu: 1 },
        { gpus: 3, cpu: 1 },
      ],
      arrivals: { load: 1.2, cards: 16 },
    },
  },
  ordering: ['easy'],
  nodeFailures: { meanUp: '2d', meanDown: '1h' },
}).runs[0]!;
const never = new AbortController().signal;

test('a run that is left and gone on with ends as one that is not', async () => {
  const whole = createRunner().run({ plan, detail: true });
  const stop = new AbortController();
  const left = await runSaved(plan, {
    signal: stop.signal,
    burst: 100,
    listener: {
      running: ({ 0: first }) => void (first!.progress.events >= 300 && stop.abort()),
      finished: () => undefined,
    },
  });
  expect(left.ended).toBe(false);
  expect(left.outcome.summary.values.jobs).toBeLessThan(300);
  const done = await runSaved(plan, { signal: never, from: left.bytes });
  expect(done.ended).toBe(true);
  expect(done.outcome).toEqual(whole);
});

test('what is no saved run, or one of another scenario, is refused', async () => {
  await expect(runSaved(plan, { signal: never, from: Buffer.from('no') })).rejects.toThrow(
    '--resume: this is not a saved run',
  );
  const { bytes } = await runSaved(plan, { signal: never });
  const other = { ...plan, seed: 2 };
  await expect(runSaved(other, { signal: never, from: bytes })).rejects.toThrow(
    'the saved run is of another',
  );
});
