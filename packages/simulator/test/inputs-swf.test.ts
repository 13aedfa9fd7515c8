import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generate, readSwf, textSource, fileSource, writeSwf, type SwfOptions } from '../src/inputs/index.ts';
import type { Job } from '../src/model/job.ts';

const path = join(import.meta.dirname, 'samples/small.swf');
const read = (options?: SwfOptions) => readSwf(fileSource(path), options);

describe('the Standard Workload Format', () => {
  test('every field that matters becomes the job', () => {
    const { workload, epochMs, header } = read();
    expect(epochMs).toBe(1_700_000_000_000);
    expect(header).toMatchObject({ MaxProcs: '32', Queue: '0 interactive\n1 batch' });
    const jobs = [...workload!.jobs()];
    expect(jobs.map((j) => [j.id, j.tenant, j.submitMs, j.runMs, j.estimateMs, j.ends])).toEqual([
      ['1', 'user-3', 0, 100_000, 120_000, undefined],
      ['2', 'user-4', 10_000, 50_000, undefined, 'failed'],
      ['4', 'user-3', 30_000, 40_000, 600_000, 'cancelled'],
      ['5', 'unknown', 40_000, 30_500, 60_000, undefined],
    ]);
    expect(jobs[0]!.about).toEqual({ group: 1, app: 7, queue: 1, waitSeconds: 5 });
    expect(jobs[2]!.about).toMatchObject({ preceding: 1 });
  });

  test('what has no job is noted with its lines', () => {
    expect(read().notes).toEqual([
      { what: 'skipped', why: 'cancelled before it ran', count: 1, lines: [12] },
      {
        what: 'skipped',
        why: 'a part of a job that has a line for the whole (status 2, 3 or 4)',
        count: 2,
        lines: [15, 16],
      },
      { what: 'skipped', why: 'its run time is not known', count: 1, lines: [17] },
      {
        what: 'skipped',
        why: 'it is not known how many processors it had or asked for',
        count: 1,
        lines: [18],
      },
    ]);
  });

  test('the header makes one machine, or nodes that share the processors', () => {
    const sizes = (options?: SwfOptions) =>
      read(options).cluster!.nodes.map(({ status }) => status?.allocatable?.['cpu']);
    expect(sizes()).toEqual(['32000m']);
    expect(sizes({ machines: 'nodes' })).toEqual(['8000m', '8000m', '8000m', '8000m']);
    const [, , , twenty] = [...read({ machines: 'nodes' }).workload!.jobs()];
    expect(
      twenty!.podSets.map(({ count, template }) => [count, template.spec.containers[0]!.resources?.requests]),
    ).toEqual([
      [2, { cpu: '8000m' }],
      [1, { cpu: '4000m' }],
    ]);
  });

  test.each([
    ['1 2 3', 'x.swf:1: has 3 fields; 18 were expected'],
    [
      '; MaxProcs: 4\n1 0 5 100 8 -1 -1 8 120 -1 1 3 x 7 1 -1 -1 -1',
      'x.swf:2: column "Group ID": "x" is not a number',
    ],
  ])('%j is refused with its line', (text, words) => {
    expect(() => readSwf(textSource('x.swf', text))).toThrow(words);
  });

  test('what is written is read again', () => {
    const job = fc.record({
      submit: fc.nat(1e9),
      run: fc.nat(1e9),
      cores: fc.integer({ min: 1, max: 500 }),
      estimate: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
      ends: fc.constantFrom('succeeded' as const, 'failed' as const, 'cancelled' as const),
      user: fc.nat(50),
      queue: fc.option(fc.nat(9), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(job, { maxLength: 40 }), (all) => {
        const jobs: Job[] = all
          .toSorted((a, b) => a.submit - b.submit)
          .map(({ submit, run, cores, estimate, ends, user, queue }, i) => ({
            id: String(i + 1),
            tenant: `user-${user}`,
            submitMs: submit,
            // What was cancelled before it ran is no job.
            runMs: ends === 'cancelled' ? run + 1 : run,
            podSets: [
              {
                name: 'worker',
                count: 1,
                template: {
                  metadata: { annotations: {} },
                  spec: {
                    containers: [
                      { name: 'main', image: 'x', resources: { requests: { cpu: `${cores * 1000}m` } } },
                    ],
                  },
                },
              },
            ],
            ...(estimate === undefined ? {} : { estimateMs: estimate }),
            ...(ends === 'succeeded' ? {} : { ends }),
            ...(queue === undefined ? {} : { about: { queue } }),
          }));
        const text = [
          ...writeSwf({ name: 'w', jobs: () => jobs, notes: [] }, { header: { MaxProcs: 500 } }),
        ].join('');
        const input = readSwf(textSource('w.swf', text));
        expect([...input.workload!.jobs()]).toEqual(jobs);
        expect(input.notes).toEqual([]);
        expect(input.cluster!.nodes[0]!.status?.allocatable?.['cpu']).toBe('500000m');
      }),
      { numRuns: 50 },
    );
  });

  test('a generated workload is written with the cores of its pods', () => {
    const workload = generate({ jobs: 20, sizes: [{ pods: 3, cpu: 2.5 }], tenants: { count: 3 } });
    const { workload: again } = readSwf(textSource('g.swf', [...writeSwf(workload)].join('')));
    const jobs = [...again!.jobs()];
    expect(jobs).toHaveLength(20);
    expect(jobs[0]!.podSets[0]!.template.spec.containers[0]!.resources?.requests).toEqual({ cpu: '9000m' });
  });
});
