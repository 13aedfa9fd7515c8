/** Muri's experiment through the engine: against a slow reference on random jobs, and against the published figures. */
import fc from 'fast-check';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { simulate, Simulation } from '../src/engine/index.ts';
import {
  muriPolicies,
  muriSpec,
  muriText,
  readMuriTrace,
  runMuri,
  runMuriExperiment,
} from '../src/experiments/index.ts';
import { readMuriJobs } from '../src/inputs/muri.ts';
import { textSource } from '../src/inputs/text-source.ts';
import { runReference, type ReferenceJob } from './reference/muri.ts';

const folder = join(import.meta.dirname, '../../../../shared/data/traces/muri');
const isThere = existsSync(join(folder, 'published.json'));

const names = { SRTF: 'srtf', SRSF: 'srsf', Tiresias_L: 'tiresias', Themis: 'themis' } as const;
/** What a start costs, in seconds, whatever the number of cards up to four. */
const overheads = { bert: 10, gpt2: 10 } as const;

interface RandomJob {
  readonly gpus: number;
  readonly submitMs: number;
  readonly iterations: number;
  readonly iterationMs: number;
  readonly model: keyof typeof overheads;
}

const arbitraryJobs = fc.array(
  fc.record({
    gpus: fc.constantFrom(1, 2, 4, 8, 16, 32),
    submitMs: fc.oneof(fc.constant(0), fc.nat(5_000_000)),
    iterations: fc.integer({ min: 100, max: 40_000 }),
    // Ends that only rounding tells apart would be one event here and two there.
    iterationMs: fc.double({ min: 50, max: 600, noNaN: true }),
    model: fc.constantFrom('bert' as const, 'gpt2' as const),
  }),
  { minLength: 1, maxLength: 40 },
);

function traceOf(jobs: readonly RandomJob[]) {
  const sorted = jobs.toSorted((a, b) => a.submitMs - b.submitMs);
  const lines = sorted.map((job, i) =>
    [i, job.gpus, job.submitMs, 1, job.iterations, job.iterationMs, job.model].join(','),
  );
  const head = 'job_id,num_gpu,submit_time,duration,iterations,iteration_time,model_name';
  const source = textSource('random.csv', [head, ...lines].join('\n'));
  const node = { cpuMilli: 96_000, memoryMib: 1024, gpus: 64 };
  return { sorted, trace: { onNodes: readMuriJobs(source), counted: readMuriJobs(source, { node }) } };
}

describe.each(muriPolicies)('%s', (policy) => {
  test('ends every job when the slow reference does', () => {
    fc.assert(
      fc.property(arbitraryJobs, (jobs) => {
        const { sorted, trace } = traceOf(jobs);
        const result = simulate(muriSpec(trace, policy));
        const reference = runReference(
          sorted.map(({ gpus, submitMs, iterations, iterationMs, model }): ReferenceJob => ({
            gpus,
            submit: submitMs / 1000,
            iterations,
            work: (iterations * iterationMs * 1.015) / 1000,
            overhead: overheads[model],
          })),
          names[policy],
        );
        reference.forEach((end, i) => expect(result.jobs.endMs[i]! / 1000).toBeCloseTo(end, 3));
      }),
      { numRuns: 25 },
    );
  });

  test('goes on the same when it was saved and taken up again', () => {
    const jobs = Array.from({ length: 30 }, (_, i): RandomJob => {
      const [gpus, iterationMs] = [2 ** (i % 6), 100 + 13.7 * i];
      return { gpus, submitMs: 60_000 * (i % 7), iterations: 1000 + 997 * i, iterationMs, model: 'bert' };
    });
    const spec = muriSpec(traceOf(jobs).trace, policy);
    const first = new Simulation(spec);
    first.step(35);
    const second = Simulation.resume(spec, first.save());
    while (!second.step(1000));
    expect(second.result().jobs).toEqual(simulate(spec).jobs);
  });
});

describe.skipIf(!isThere)('the published mean completion times', () => {
  // The other traces and policies: `coracle sim muri FOLDER`.
  test.each([
    ['trace3', ['SRTF', 'SRSF', 'Tiresias_L']],
    ['trace3_pr', ['SRTF', 'SRSF']],
  ] as const)('on %s are met within 0.0001 percent by %j', async (trace, policies) => {
    const cells = await runMuriExperiment({ folder, traces: [trace], policies });
    for (const { ours, published } of cells) expect(ours / published!).toBeCloseTo(1, 6);
    expect(muriText(cells)).toContain(`${policies.length} of ${policies.length} met`);
  });

  test('of Themis on trace3 is met within 1 %', () => {
    expect(Math.abs(runMuri(readMuriTrace(folder, 'trace3'), 'Themis') / 397_058.802 - 1)).toBeLessThan(0.01);
  });
});

if (!isThere)
  test.skip(`the published mean completion times: the traces are not in ${folder}`, () => undefined);
