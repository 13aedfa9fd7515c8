import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogOptions } from '@coracle/machinery';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LogFiles, LogIndex } from '../src/process/log-files.ts';
import { type LogSource, readLogs } from '../src/process/read-logs.ts';

const top = mkdtempSync(join(tmpdir(), 'coracle-logs-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const now = Date.UTC(2026, 0, 1);

/** A log whose pieces came a second apart. */
function logOf(pieces: readonly string[]): LogSource {
  const folder = mkdtempSync(join(top, 'l-'));
  writeFileSync(join(folder, 'log.1'), '');
  const files = new LogFiles(folder);
  const index = new LogIndex(folder);
  for (const [i, piece] of pieces.entries()) {
    appendFileSync(join(folder, 'log.1'), piece);
    index.note(files.extent().end, now + i * 1000);
  }
  // Read anew, as a later agent does.
  return {
    files,
    index: new LogIndex(folder),
    ended: () => true,
    more: async () => {},
    now: () => now + 60_000,
  };
}
async function read(source: LogSource, options: Partial<LogOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  const all = { follow: false, previous: false, timestamps: false, ...options };
  for await (const chunk of readLogs(source, all, new AbortController().signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
const pieces = fc.array(fc.stringMatching(/^[ab\n]{0,8}$/), { maxLength: 12 });
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

describe('a log', () => {
  test('is what was written', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, async (all) => {
        expect(await read(logOf(all))).toBe(all.join(''));
      }),
      { numRuns: 40 },
    );
  });

  test('by its tail has that many last lines', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 0, max: 6 }), async (all, tailLines) => {
        const lines = linesOf(all.join(''));
        expect(await read(logOf(all), { tailLines })).toBe(
          lines.slice(Math.max(0, lines.length - tailLines)).join(''),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('with times has one before each line, never falling, and is else the same', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, async (all) => {
        const stamped = linesOf(await read(logOf(all), { timestamps: true }));
        const times = stamped.map((line) => line.slice(0, 30));
        expect(times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time))).toBe(true);
        expect(times).toEqual(times.toSorted());
        expect(stamped.map((line) => line.slice(31)).join('')).toBe(all.join(''));
      }),
      { numRuns: 40 },
    );
  });

  test('since a time begins with the first line that began then', async () => {
    const source = logOf(['one\ntw', 'o\nthree\n', 'four\n']);
    const since = (seconds: number): Promise<string> =>
      read(source, { sinceTime: new Date(now + seconds * 1000).toISOString() });
    expect(await since(0)).toBe('one\ntwo\nthree\nfour\n');
    expect(await since(1)).toBe('three\nfour\n');
    expect(await since(2)).toBe('four\n');
    expect(await since(3)).toBe('');
    expect(await read(source, { sinceSeconds: 58 })).toBe('four\n');
  });

  test('is cut at the limit of bytes, times counted', async () => {
    const source = logOf(['abc\ndef\n']);
    expect(await read(source, { limitBytes: 5 })).toBe('abc\nd');
    expect((await read(source, { limitBytes: 33, timestamps: true })).length).toBe(33);
  });

  test('that is followed gives what comes, and ends with the container', async () => {
    const source = logOf(['a\n']);
    let left = 3;
    source.ended = () => left === 0;
    source.more = async () => {
      left -= 1;
      appendFileSync(join(source.files.folder, 'log.1'), `${left}\n`);
    };
    expect(await read(source, { follow: true })).toBe('a\n2\n1\n0\n');
  });
});
