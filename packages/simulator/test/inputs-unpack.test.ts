import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { unpacked, unpackedHead } from '../src/inputs/unpack/unpacked.ts';
import { readInput } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'unpack-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, bytes: Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const whole = (path: string, options = {}): Buffer => Buffer.concat([...unpacked(path, options)]);

/** So little of it can be left out that the file is unpacked by the thread. */
const large = randomBytes((4 << 20) + 100);
const packed = (bytes: Buffer): Buffer => gzipSync(bytes, { level: 1 });

describe('a compressed file', () => {
  test.each([
    ['small', Buffer.from('a,b\n1,2\n')],
    ['large', large],
  ])('that is %s is unpacked, also one of several members', (name, bytes) => {
    const half = bytes.length >> 1;
    expect(whole(file(`${name}.gz`, packed(bytes))).equals(bytes)).toBe(true);
    const members = Buffer.concat([packed(bytes.subarray(0, half)), packed(bytes.subarray(half))]);
    expect(whole(file(`${name}-2.gz`, members)).equals(bytes)).toBe(true);
  });

  test.each([
    ['small', Buffer.from('a,b\n1,2\n'.repeat(100))],
    ['large', large],
  ])('that is %s and cut or damaged is an error, unless it may be cut', (name, bytes) => {
    const all = packed(bytes);
    const cut = file(`${name}-cut.gz`, all.subarray(0, -20));
    expect(() => whole(cut)).toThrow('unexpected end of file');
    const had = whole(cut, { mayBeCut: true });
    expect(bytes.subarray(0, had.length).equals(had)).toBe(true);
    const wrong = Buffer.from(all);
    wrong[wrong.length - 6]! ^= 1;
    expect(() => whole(file(`${name}-wrong.gz`, wrong))).toThrow('incorrect data check');
  });

  test('that comes to more than it may is an error, and not read to its end', () => {
    const bomb = file('bomb.gz', packed(Buffer.alloc(65 << 20)));
    let read = 0;
    expect(() => {
      for (const piece of unpacked(bomb, { most: 1 << 20 })) read += piece.length;
    }).toThrow('it unpacks to more than 1048576 bytes');
    expect(read).toBeLessThanOrEqual(1 << 20);
    // More than is unpacked at once, though the file is small.
    let all = 0;
    for (const piece of unpacked(bomb)) all += piece.length;
    expect(all).toBe(65 << 20);
    expect(unpackedHead(bomb, 1 << 18).length).toBeGreaterThan(0);
  });

  test('need not be read to its end', () => {
    const path = file('left.gz', packed(large));
    const [first] = unpacked(path);
    expect(large.subarray(0, first!.length).equals(first!)).toBe(true);
  });

  test('is a trace as any other; what is wrong with it is told with its name', () => {
    const csv = 'job_id,num_gpu,submit_time,duration\na,1,0,1000\n';
    const { workload } = readInput({ path: file('t.csv.gz', gzipSync(csv)) });
    expect([...workload!.jobs()]).toHaveLength(1);
    const cut = file('c.csv.gz', gzipSync(csv.repeat(50)).subarray(0, -9));
    expect(() => readInput({ path: cut })).toThrow(
      `${cut}: cannot be unpacked (gzip): unexpected end of file`,
    );
  });
});
