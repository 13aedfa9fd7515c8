/** Laws of the readers: whatever stands in a file, it is read, or refused with an InputError that names the file. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CsvTable } from '../src/inputs/csv.ts';
import { readDate } from '../src/inputs/date.ts';
import { InputError, readInput, textSource } from '../src/inputs/index.ts';
import { jsonItems } from '../src/inputs/json-items.ts';
import { linesOf } from '../src/inputs/lines.ts';
import { readRecording } from '../src/recording/index.ts';

const headers = [
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time',
  'sn,cpu_milli,memory_mib,gpu,model',
  'job_id,num_gpu,submit_time,duration,iterations',
  'job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue',
  'job_name,task_name,inst_num,status,start_time,end_time,plan_cpu,plan_mem,plan_gpu,gpu_type',
  '; MaxProcs: 8',
  '[{"status":"Pass","vc":"a","jobid":"b","attempts":[],"submitted_time":"2017-10-07 01:12:09","user":"u"},',
  '{"coracleRecording":1,"t":1}',
];
const cell = fc.oneof(
  fc.constantFrom(
    '1',
    '0',
    '-1',
    '8',
    'COMPLETED',
    'Failed',
    '',
    '2020-06-09 18:41:01',
    '1e400',
    '0x10',
    '"',
    '"a,b"',
    'NaN',
    '{}',
    '[]',
  ),
  fc.string({ maxLength: 6 }),
);
const table = fc
  .tuple(
    fc.constantFrom(...headers, ''),
    fc.array(fc.array(cell, { maxLength: 20 }), { maxLength: 8 }),
    fc.constantFrom(',', ' ', ';'),
    fc.constantFrom('\n', '\r\n'),
  )
  .map(([head, rows, separator, end]) => [head, ...rows.map((row) => row.join(separator))].join(end));

describe('whatever stands in a file', () => {
  test('it is read or refused with an InputError', () => {
    fc.assert(
      fc.property(fc.oneof(table, fc.string({ maxLength: 200 })), fc.boolean(), (text, lenient) => {
        try {
          const { workload, notes } = readInput({ texts: { 'some.file': text }, options: { lenient } });
          let last = -Infinity;
          for (const { submitMs, runMs, podSets } of workload?.jobs() ?? []) {
            expect(submitMs).toBeGreaterThanOrEqual(Math.max(0, last));
            last = submitMs;
            expect(runMs).toBeGreaterThanOrEqual(0);
            expect(podSets.length).toBeGreaterThan(0);
            for (const { count } of podSets) expect(count).toBeGreaterThanOrEqual(1);
          }
          for (const { count, lines } of notes) expect(count).toBeGreaterThanOrEqual(lines.length);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          expect(error.message.startsWith('some.file')).toBe(true);
        }
      }),
      { numRuns: 600 },
    );
  });

  test('a table with a mapping is read or refused with an InputError', () => {
    const field = fc.oneof(
      fc.constantFrom('a', 'b', 'z'),
      fc.double(),
      fc.record({ column: fc.constantFrom('a', 'b'), unit: fc.string() }),
    );
    const mapping = fc.record(
      {
        submit: field,
        run: field,
        end: field,
        gpus: field,
        cpu: field,
        pods: field,
        of: fc.constantFrom('job', 'pod', 'x'),
        id: fc.constant('a'),
      },
      { requiredKeys: [] },
    );
    const rows = fc.array(fc.tuple(cell, cell), { maxLength: 6 });
    fc.assert(
      fc.property(mapping, rows, (given, lines) => {
        const text = ['a,b', ...lines.map((line) => line.join(','))].join('\n');
        try {
          for (const job of readInput({ texts: { 't.csv': text }, mapping: given }).workload!.jobs()) {
            expect(job.submitMs).toBeGreaterThanOrEqual(0);
          }
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });

  test('lines of JSON are a recording or refused with an InputError', () => {
    const anything = fc.jsonValue({ maxDepth: 2 });
    const known = [
      't',
      'node',
      'nodeGone',
      'template',
      'value',
      'owner',
      'pod',
      'podGone',
      'listed',
      'note',
      'coracleRecording',
    ];
    const inner = [
      'uid',
      'ns',
      'name',
      'created',
      'template',
      'owner',
      'group',
      'phase',
      'started',
      'labels',
      'taints',
      'parent',
      'kind',
    ];
    const some = (names: readonly string[], value: fc.Arbitrary<unknown>) =>
      fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
    const line = fc.oneof(
      fc.json({ maxDepth: 2 }),
      some(known, fc.oneof(anything, some(inner, fc.oneof(anything, fc.constantFrom('a', 1, 5))))).map(
        (value) => JSON.stringify({ t: 5, ...value }),
      ),
      fc.constantFrom(
        '{"t":2,"pod":{"uid":"a","ns":"n","name":"p","created":1,"template":1}}',
        '{"t":3,"pod":{"uid":"a","phase":"Running","owner":{"kind":"Job","apiVersion":"batch/v1","name":"j","uid":"o"}}}',
        '{"t":4,"podGone":"a"}',
        '{"template":1,"value":{"spec":{"containers":[]}}}',
        '{"t":2,"listed":true}',
        '{"t":9,"node":{"name":"n"}}',
        '{"t":9,"owner":{}}',
        '{"t":9,"node":null}',
        '{"coracleRecording":1,"t":5}',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          readRecording(textSource('r.jsonl', ['{"coracleRecording":1,"t":1}', ...lines].join('\n')));
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('tables', () => {
  test('fields written by RFC 4180 are read as they were', () => {
    const field = fc.string({ maxLength: 8, unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é', ';') });
    fc.assert(
      fc.property(fc.array(fc.tuple(field, field), { maxLength: 10 }), (rows) => {
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const text = ['x,y', ...rows.map((row) => row.map(quoted).join(','))].join('\n');
        const csv = new CsvTable(textSource('t', text));
        expect([...csv.rows()].map((row) => [row.text('x'), row.text('y')])).toEqual(
          rows.map((row) => row.map((one) => one.trim())),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('lines do not depend on how the bytes come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '日', ' '), maxLength: 6 })),
        fc.integer({ min: 1, max: 5 }),
        (lines, size) => {
          const bytes = Buffer.from(lines.join('\n'));
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          );
          const expected = lines.join('\n') === '' ? [] : lines.at(-1) === '' ? lines.slice(0, -1) : lines;
          expect([...linesOf({ name: 't', chunks: () => chunks })]).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('objects of a JSON array do not depend on how the bytes come, or on line ends', () => {
    const objects = fc.array(fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        objects,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(undefined, 1),
        (all, size, indent) => {
          const bytes = Buffer.from(JSON.stringify(all, null, indent));
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          );
          const read = [...jsonItems({ name: 't', chunks: () => chunks })].map(({ value }) => value);
          expect(read).toEqual(JSON.parse(JSON.stringify(all)));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('numbers of lines count the lines of quoted fields', () => {
    const csv = new CsvTable(textSource('t', 'a,b\n"1\n2",3\n\nx,y\n'));
    expect([...csv.rows()].map(({ line }) => line)).toEqual([2, 5]);
  });

  test.each([
    ['a,b\n"1,2\n3', 't:2: a quote is opened here and never closed'],
    ['a,b,a\n', 't:1: column "a" stands twice'],
  ])('%j is refused', (text, words) => {
    expect(() => [...new CsvTable(textSource('t', text)).rows()]).toThrow(
      words.replace('column "a"', 'column "a"'),
    );
  });
});

test.each([
  ['2020-06-09 18:41:01', Date.UTC(2020, 5, 9, 18, 41, 1)],
  ['2020-06-09T18:41:01.25+08:00', Date.UTC(2020, 5, 9, 10, 41, 1, 250)],
  ['2020/6/9', Date.UTC(2020, 5, 9)],
  ['2020-02-30 00:00:00', undefined],
  ['2020-06-09 25:00:00', undefined],
  ['yesterday', undefined],
])('the time %s', (text, ms) => expect(readDate(text)).toBe(ms));
