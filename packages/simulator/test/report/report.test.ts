import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  headlineOf,
  jobsCsv,
  jobsCsvHeader,
  jsonReport,
  ProgressLine,
  ReportBuilder,
  sparkline,
  summarise,
  summaryCsv,
  terminalReport,
  writeChunks,
  type Report,
} from '@coracle/simulator';
import { synthetic, type SyntheticOptions } from './synthetic.ts';

function reportOf(orderings: readonly string[], seeds: number, options: SyntheticOptions = {}): Report {
  const builder = new ReportBuilder();
  for (const ordering of orderings) {
    for (let seed = 1; seed <= seeds; seed++) builder.add(synthetic({ ...options, ordering, seed }));
  }
  return builder.report({ title: 'a test' });
}

const busy = { jobs: 250, nodes: 4, load: 1.05 };
const compared = reportOf(['fifo', 'sjf'], 4, busy);

describe('candidates', () => {
  test('are told apart by what differs, keep their order, and hold one run in full', () => {
    expect(compared.candidates.map(({ name, runs, detail }) => [name, runs.length, detail?.seed])).toEqual([
      ['fifo', 4, 1],
      ['sjf', 4, 1],
    ]);
    expect(() => new ReportBuilder().report({ title: '' })).toThrow(/at least one run/);
  });

  test('runs summarised elsewhere count as those added here', () => {
    const builder = new ReportBuilder();
    builder.addSummary(structuredClone(summarise(synthetic({ seed: 2 }))), 'mine');
    builder.addSummary(summarise(synthetic({ seed: 1 })), 'mine');
    const { candidates } = builder.report({ title: '' });
    expect(candidates.map(({ name, runs }) => [name, runs.map(({ seed }) => seed)])).toEqual([
      ['mine', [1, 2]],
    ]);
  });
});

describe('the headline', () => {
  test('says who is best, by how much and how sure', () => {
    const { answer, best, sure } = headlineOf(compared);
    expect(best).toBe('sjf');
    expect(answer).toMatch(/^Best is sjf: p95 wait .+, against .+ with fifo \(−.+ ± .+, \d+ % less\)\.$/);
    expect(sure).toContain('over 4 seeds, paired by seed');
  });

  test('with one seed says that nobody can tell', () => {
    expect(headlineOf(reportOf(['fifo', 'sjf'], 1, busy)).sure).toMatch(/^One seed/);
  });

  test('says when nothing beats the first', () => {
    expect(headlineOf(reportOf(['sjf', 'fifo'], 3, busy)).answer).toMatch(/^Nothing beats sjf/);
  });

  test('says when there is no difference, and when one may be chance', () => {
    const builder = new ReportBuilder();
    for (const [seed, values] of [
      [1, [5, 4]],
      [2, [5, 7]],
      [3, [5, 3]],
    ] as const) {
      for (const [index, hours] of values.entries()) {
        const summary = summarise(synthetic({ seed }));
        builder.addSummary(
          { ...summary, values: { ...summary.values, p95Wait: hours * 3_600_000 } },
          `c${index}`,
        );
      }
    }
    expect(headlineOf(builder.report({ title: '' })).answer).toMatch(
      /^No clear winner: p95 wait is lowest with c1, 4.67 h, against 5.00 h/,
    );
    expect(headlineOf(builder.report({ title: '', goal: 'jobs' })).answer).toMatch(
      /^No difference: jobs 300 with both\.$/,
    );
  });

  test('of a single candidate is its figures', () => {
    expect(headlineOf(reportOf(['fifo'], 2, busy)).answer).toMatch(
      /^binpack \+ fifo: p95 wait .+ GPU time given to jobs\.$/,
    );
  });
});

describe('the terminal', () => {
  test.each([40, 60, 80, 200])('%i columns are not exceeded', (width) => {
    const report = reportOf(['fifo', 'skip', 'sjf', 'a-policy-with-quite-a-long-name'], 3, busy);
    const text = terminalReport(report, { width, all: true });
    expect(text.split('\n').filter((line) => [...line].length > width)).toEqual([]);
    expect(text).not.toContain('\u001b');
  });

  test('colours are there when asked for, and control characters of names never', () => {
    const report = reportOf(['fi\u001b[2Jfo', 'sjf'], 2, busy);
    expect(terminalReport(report, { colour: true })).toContain('\u001b[1m');
    expect(terminalReport(report, { colour: true })).not.toContain('\u001b[2J');
  });

  test('sparklines go from nothing to the most, blank where nothing is known', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([0, 0, 1, 1], 2, 1)).toBe('▁█');
    expect(sparkline([Number.NaN, 1], 2)).toBe(' █');
    expect(sparkline([0, 0], 2)).toBe('▁▁');
  });

  test('progress: percent, rates and the time left; rewritten on a terminal, now and then elsewhere', () => {
    const written: string[] = [];
    const target = { write: (text: string) => void written.push(text), isTTY: false };
    const line = new ProgressLine(target, 2, 0);
    const progress = {
      nowMs: 3_600_000,
      events: 5000,
      jobsSeen: 60,
      jobsEnded: 50,
      jobsWaiting: 5,
      jobsRunning: 5,
    };
    expect(line.text([{ progress, jobs: 100 }], 1000)).toBe(
      ' 25 %  60.0 min simulated  5,000 events/s  3,600x real time  ETA 3 s  0 of 2 runs done'.replace(
        '60.0 min',
        '1.00 h',
      ),
    );
    line.update([{ progress, jobs: 100 }], 1000);
    line.update([{ progress, jobs: 100 }], 2000);
    expect(written).toHaveLength(1);
    line.finished(progress);
    line.finished(progress);
    line.end(4000);
    expect(written.at(-1)).toBe(
      '100 %  2.00 h simulated  2,500 events/s  1,800x real time  took 4.00 s  2 runs\n',
    );

    const terminal: string[] = [];
    const narrow = new ProgressLine(
      { write: (text) => void terminal.push(text), isTTY: true, columns: 20 },
      1,
      0,
    );
    narrow.update([{ progress }], 1000);
    expect(terminal[0]).toBe('\r\u001b[K50 jobs  1.00 h si…');
    narrow.end(2000);
    expect(terminal.at(-1)).toBe('\n');
  });
});

describe('JSON', () => {
  test('has the documented shape; what is not known is null', () => {
    const text = [...jsonReport(compared)].join('');
    const json = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(json)).toEqual([
      'format',
      'version',
      'title',
      'headline',
      'findings',
      'scenario',
      'seeds',
      'resource',
      'metrics',
      'fractions',
      'candidates',
      'notes',
      'remarks',
    ]);
    const [fifo, sjf] = json['candidates'] as Record<string, Record<string, Record<string, unknown>>>[];
    expect(Object.keys(fifo!)).toEqual([
      'name',
      'placement',
      'ordering',
      'cluster',
      'workload',
      'seeds',
      'metrics',
      'distributions',
      'tenants',
      'series',
      'demand',
      'unplaced',
    ]);
    expect(fifo!['metrics']!['p95Wait']!['bySeed']).toHaveLength(4);
    expect(fifo!['metrics']!['p95Wait']).not.toHaveProperty('difference');
    expect(sjf!['metrics']!['p95Wait']!['difference']).toMatchObject({
      mean: expect.any(Number),
      low: expect.any(Number),
    });
    expect(text).not.toContain('NaN');
    expect(text.endsWith('}\n')).toBe(true);
  });

  test('is the same to the byte for the same runs', () => {
    const again = reportOf(['fifo', 'sjf'], 4, busy);
    expect([...jsonReport(again, { jobs: true })].join('')).toBe(
      [...jsonReport(compared, { jobs: true })].join(''),
    );
  });

  test('with jobs is one document, in chunks', () => {
    const report = reportOf(['fifo'], 1, { jobs: 2500, nodes: 40 });
    const chunks = [...jsonReport(report, { jobs: true })];
    expect(chunks.length).toBeGreaterThan(3);
    const { jobs } = JSON.parse(chunks.join('')) as { jobs: { job: string; candidate: string }[] };
    expect(jobs).toHaveLength(2500);
    expect(jobs[2499]).toMatchObject({
      job: 'job-2499',
      candidate: 'binpack + fifo',
      tenant: expect.any(String),
    });
  });
});

describe('CSV', () => {
  test('of jobs: a header, a line each, odd names in quotes, nothing where nothing is known', () => {
    const run = synthetic({ jobs: 2, id: (index) => (index === 0 ? 'a "b",\nc' : 'plain') });
    run.jobs.endMs[1] = Number.NaN;
    const text = jobsCsvHeader + [...jobsCsv(run, 'one, two')].join('');
    expect(text.split('\n')[0]).toBe(
      'candidate,seed,job,tenant,outcome,submit_ms,start_ms,end_ms,ideal_ms,wait_ms,completion_ms,slowdown,lost_ms,restarts,pods,gpus,cpus',
    );
    expect(text).toContain('"one, two",1,"a ""b"",\nc",');
    expect(text.split('\n')[3]).toMatch(/^"one, two",1,plain,\w+,succeeded,[\d.]+,[\d.]+,,[\d.]+,0,,,/);
  });

  test('of the summary: a line for each candidate and metric, differences against the first', () => {
    const lines = summaryCsv(compared).trimEnd().split('\n');
    expect(lines[0]).toBe(
      'candidate,placement,ordering,cluster,workload,metric,unit,seeds,mean,low,high,difference,difference_low,difference_high',
    );
    expect(lines.find((line) => line.startsWith('fifo,') && line.includes(',p95Wait,'))).toMatch(/,,,$/);
    expect(lines.find((line) => line.startsWith('sjf,') && line.includes(',p95Wait,'))).toMatch(
      /,-[\d.]+,-?[\d.]+,-?[\d.]+$/,
    );
  });
});

test("chunks wait for a slow stream, and its error is the writer's", async () => {
  let most = 0;
  let taken = 0;
  const slow = new Writable({
    highWaterMark: 1000,
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      most = Math.max(most, slow.writableLength);
      taken += chunk.length;
      setImmediate(done);
    },
  });
  const chunks = Array.from({ length: 50 }, () => 'x'.repeat(400));
  await writeChunks(slow, chunks);
  expect(taken).toBeGreaterThanOrEqual(50 * 400 - 1200);
  expect(most).toBeLessThanOrEqual(1400);

  const broken = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => done(new Error('disk full')),
  });
  await expect(writeChunks(broken, chunks)).rejects.toThrow('disk full');
});
