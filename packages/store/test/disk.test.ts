import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { describe, expect, test } from 'vitest';
import { openStore, StoreCorruptError, StoreFormatError, StoreLockedError } from '../src/index.ts';
import { put, remove, temporaryFolder, text } from './support.ts';

describe('a store on disk', () => {
  test('opened again has its values, revisions, history and compaction point', async () => {
    const path = join(temporaryFolder(), 'made/on/the/way');
    let store = await openStore({ path });
    for (let i = 1; i <= 10; i++) await put(store, 'a', `${i}`);
    await put(store, 'b', 'x');
    await remove(store, 'b');
    await store.compact(5);
    await store.close();
    store = await openStore({ path });
    expect(store.revision).toBe(12);
    expect(store.compacted).toBe(5);
    expect(text(store.get('a'))).toBe('10');
    expect(store.get('a')?.createRevision).toBe(1);
    expect(text(store.get('a', 7))).toBe('7');
    expect(text(store.get('b', 11))).toBe('x');
    expect(store.get('b')).toBeUndefined();
    expect(store.stats().keys).toBe(1);
    expect(store.stats().bytesOnDisk).toBeGreaterThan(0);
    await store.close();
  });

  test('keeps its revision when everything was deleted and compacted', async () => {
    const path = temporaryFolder();
    let store = await openStore({ path });
    await put(store, 'a', '1');
    await remove(store, 'a');
    await store.compact(2);
    await store.close();
    store = await openStore({ path });
    expect(store.revision).toBe(2);
    expect(await put(store, 'a', 'again')).toMatchObject({ revision: 3, entry: { createRevision: 3 } });
    await store.close();
  });

  test('takes values of any size, also none', async () => {
    const path = temporaryFolder();
    let store = await openStore({ path });
    const big = 'b'.repeat(3_000_000);
    await Promise.all([put(store, 'big', big), put(store, 'empty', '')]);
    await store.close();
    store = await openStore({ path });
    expect(text(store.get('big'))).toBe(big);
    expect(text(store.get('empty'))).toBe('');
    await store.close();
  });
});

describe('the lock', () => {
  test('refuses a second open and names the holder; closing gives it back', async () => {
    const path = temporaryFolder();
    const store = await openStore({ path });
    const second = openStore({ path });
    await expect(second).rejects.toThrow(StoreLockedError);
    await expect(second).rejects.toMatchObject({ pid: process.pid });
    await store.close();
    const again = await openStore({ path });
    await again.close();
    expect(readdirSync(path).filter((f) => f.startsWith('lock'))).toEqual([]);
  });

  test('of a living process is respected, of a dead one taken over', async () => {
    const path = temporaryFolder();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      await once(other, 'spawn');
      writeFileSync(join(path, 'lock'), JSON.stringify({ pid: other.pid }));
      await expect(openStore({ path })).rejects.toThrow(`in use by process ${other.pid}`);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    const store = await openStore({ path });
    await store.close();
  });

  test.skipIf(process.platform !== 'linux')(
    'of a dead process is taken over although its id lives again',
    async () => {
      const path = temporaryFolder();
      writeFileSync(join(path, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }));
      const store = await openStore({ path });
      expect(JSON.parse(readFileSync(join(path, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
      await store.close();
    },
  );

  test('that is no lock at all is taken over', async () => {
    const path = temporaryFolder();
    writeFileSync(join(path, 'lock'), '');
    const store = await openStore({ path });
    await store.close();
  });
});

/** A store of 200 values of about half a kilobyte, closed. */
async function make() {
  const path = temporaryFolder();
  const store = await openStore({ path });
  await Promise.all(Array.from({ length: 200 }, (_, i) => put(store, `key-${i}`, `value-${i}-`.repeat(50))));
  await store.close();
  return { path, file: join(path, 'store.mdb') };
}

describe('damage', () => {
  test('of the whole file is named, and the lock given back', async () => {
    const { path, file } = await make();
    writeFileSync(file, 'this is not a database, '.repeat(1000));
    await expect(openStore({ path })).rejects.toThrow(StoreCorruptError);
    await expect(openStore({ path })).rejects.toThrow(file);
  });

  test('of a file that is cut short is named', async () => {
    const { path, file } = await make();
    truncateSync(file, 20 * 4096);
    await expect(openStore({ path })).rejects.toThrow('cut short');
  });

  test('of one value is found by its checksum', async () => {
    const { path, file } = await make();
    const bytes = readFileSync(file);
    for (let at = bytes.indexOf('value-77-'); at >= 0; at = bytes.indexOf('value-77-', at + 1)) {
      bytes.write('VALUE', at);
    }
    writeFileSync(file, bytes);
    await expect(openStore({ path })).rejects.toThrow('record 78 is damaged');
  });

  test('by another format is not read', async () => {
    const { path, file } = await make();
    const root = openLmdb({ path: file, noSubdir: true, encoding: 'string' });
    await root.openDB<string, string>({ name: 'meta', encoding: 'string' }).put('format', '7');
    await root.close();
    await expect(openStore({ path })).rejects.toThrow(StoreFormatError);
    await expect(openStore({ path })).rejects.toThrow('has format 7');
  });

  test('by a missing event is found', async () => {
    const { path, file } = await make();
    const root = openLmdb({ path: file, noSubdir: true, encoding: 'string' });
    await root.openDB<Buffer, number>({ name: 'events', encoding: 'binary' }).remove(50);
    await root.close();
    await expect(openStore({ path })).rejects.toThrow('revision 50 is missing');
  });
});
