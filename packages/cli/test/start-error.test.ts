import { StoreLockedError } from '@coracle/store';
import { silentLogger } from '@coracle/operator';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliError } from '../src/context.ts';
import { startEngine } from '../src/engine/engine.ts';
import { homeOf, noteEngine } from '../src/engine/home.ts';
import { livingEngine } from '../src/engine/living-engine.ts';
import { makeFolder } from '../src/engine/make-folder.ts';
import { startError } from '../src/engine/start-error.ts';
import { setupCli } from './harness.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const explained = (error: unknown): string => {
  const where = { home: homeOf(folder, {}), host: '127.0.0.1', port: 6443 };
  const shown = startError(error, where);
  expect(shown).toBeInstanceOf(CliError);
  return (shown as CliError).message;
};

describe('an engine that does not start', () => {
  test('names the process that has the data folder, and what to do', () => {
    const text = explained(new StoreLockedError(folder, 4711));
    expect(text).toContain('process 4711');
    expect(text).toContain(`coracle down --data ${folder}`);
  });

  test('names the port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const start = startEngine({
      host: '127.0.0.1',
      port,
      virtualNodes: 0,
      nodeName: false,
      logger: silentLogger,
    });
    const error: unknown = await start.catch((cause: unknown) => cause);
    server.close();
    expect((startError(error, { host: '127.0.0.1', port }) as CliError).message).toContain(
      `port ${port} of 127.0.0.1 is taken`,
    );
  });

  test('names the file that stands where the data folder should be', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const path of [file, join(file, 'below')]) {
      const error: unknown = await makeFolder(path).catch((cause: unknown) => cause);
      expect(explained(error)).toContain('a file, not a folder');
    }
  });

  test('other errors stay what they are', () => {
    const bug = new TypeError('x is not a function');
    expect(startError(bug, { host: '127.0.0.1', port: 1 })).toBe(bug);
  });

  test.each([
    ['--port', '99999', 'is not a port'],
    ['--port', 'abc', 'is not a whole number'],
    ['--port', '', 'is not a whole number'],
    ['--fake-gpus', '-1', 'is not a whole number'],
  ])('%s %s is refused', async (option, value, message) => {
    expect((await setupCli().run('up', '--in-memory', option, value)).err).toContain(message);
  });
});

describe('an engine that was killed', () => {
  test('is not taken for the process that has its id now', async () => {
    const home = homeOf(folder, {});
    // The note of before, with the id of a process that is no engine.
    await noteEngine(home, { pid: process.pid, server: 'https://127.0.0.1:1', startedAt: '' });
    expect(await livingEngine(home)).toBeUndefined();
    const ran = await setupCli().run('down', '--data', folder);
    expect(ran).toMatchObject({ code: 0, out: `no engine runs in ${folder}\n` });
  });
});

describe('making a folder', () => {
  test('makes those above it, for this user alone, and leaves one that is there', async () => {
    const path = join(folder, 'a', 'b');
    await makeFolder(path);
    await makeFolder(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  test.runIf(process.platform === 'linux')(
    'ends where the file system says that it is not there',
    async () => {
      await expect(makeFolder('/proc/coracle-test/data')).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );
});
